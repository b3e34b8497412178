#include "tests/unit/api/openapi_check.h"

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <stdexcept>

#include "broker/api/http_message.h"
#include "broker/api/json.h"
#include "broker/api/ndjson.h"
#include "broker/api/openapi.h"
#include "schemas/time.h"

namespace tradewind::testing {
namespace {

const json::value& the_document() {
  static const json::value document = json::parse(openapi_document());
  return document;
}

std::string text(const json::value& value) {
  return std::string(value.as_string());
}

const json::value& resolved(const json::value& value, const json::value& document) {
  const json::value* const reference = value.as_object().if_contains("$ref");
  if (reference == nullptr) return value;
  return resolved(document.at_pointer(reference->as_string().subview(1)), document);
}

bool is_integer(const json::value& value) {
  return value.is_int64() || value.is_uint64();
}

bool has_type(const json::value& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "integer") return is_integer(value);
  if (type == "number") return value.is_number();
  throw std::invalid_argument("the document has a type that is none: " + std::string(type));
}

class SchemaCheck {
 public:
  explicit SchemaCheck(const json::value& document) : document_(document) {}

  // `is_part`: of an allOf, whose other parts may have more members.
  std::string fault(const json::value& schema_or_reference, const json::value& value,
                    const std::string& path, bool is_part = false) const {
    const json::object& schema = resolved(schema_or_reference, document_).as_object();
    for (const auto& each : schema) refuse_unknown(each.key());
    const json::value* const nullable = schema.if_contains("nullable");
    if (value.is_null() && nullable != nullptr && nullable->as_bool()) return {};
    const json::value* const type = schema.if_contains("type");
    if (type != nullptr && !has_type(value, type->as_string())) {
      return path + " is no " + text(*type) + ": " + to_text(value);
    }
    if (const auto* const words = schema.if_contains("enum")) {
      const auto& list = words->as_array();
      if (std::ranges::find(list, value) == list.end()) {
        return path + " is none of " + to_text(*words) + ": " + to_text(value);
      }
    }
    if (const std::string wrong = bounds_fault(schema, value); !wrong.empty()) {
      return path + " " + wrong + ": " + to_text(value);
    }
    if (const auto* const parts = schema.if_contains("allOf")) {
      for (const json::value& each : parts->as_array()) {
        if (auto wrong = fault(each, value, path, true); !wrong.empty()) return wrong;
      }
    }
    if (const auto* const choices = schema.if_contains("anyOf")) {
      std::string wrong;
      const bool any = std::ranges::any_of(choices->as_array(), [&](const json::value& each) {
        const std::string found = fault(each, value, path);
        wrong += "; " + found;
        return found.empty();
      });
      if (!any) return path + " is nothing that is allowed" + wrong;
    }
    if (value.is_array()) return items_fault(schema, value.as_array(), path);
    if (value.is_object()) return members_fault(schema, value.as_object(), path, is_part);
    return {};
  }

 private:
  // What a check would silently leave out must not stand in the document.
  static void refuse_unknown(std::string_view keyword) {
    static const std::set<std::string_view> known = {
        "type",     "enum",     "nullable", "allOf",      "anyOf",         "items",
        "required", "minItems", "maxItems", "properties", "minimum",       "additionalProperties",
        "maximum",  "pattern",  "format",   "default",    "maxProperties", "description"};
    if (!known.contains(keyword)) {
      throw std::invalid_argument("no check for the keyword " + std::string(keyword));
    }
  }

  static std::string bounds_fault(const json::object& schema, const json::value& value) {
    const auto bound = [&](const char* name) { return schema.if_contains(name); };
    if (value.is_number()) {
      const auto number = value.to_number<double>();
      if (bound("minimum") && number < bound("minimum")->to_number<double>()) return "is too low";
      if (bound("maximum") && number > bound("maximum")->to_number<double>()) return "is too high";
    }
    if (const auto* const list = value.if_array()) {
      if (bound("minItems") && list->size() < bound("minItems")->to_number<std::size_t>())
        return "has too few items";
      if (bound("maxItems") && list->size() > bound("maxItems")->to_number<std::size_t>())
        return "has too many items";
    }
    if (const auto* const object = value.if_object()) {
      if (bound("maxProperties") &&
          object->size() > bound("maxProperties")->to_number<std::size_t>())
        return "has too many members";
    }
    if (!value.is_string()) return {};
    const std::string string = text(value);
    if (bound("pattern") && !std::regex_search(string, std::regex(text(*bound("pattern")))))
      return "does not match " + text(*bound("pattern"));
    if (bound("format") && text(*bound("format")) == "date-time" && !parse_rfc3339("", string))
      return "is no time";
    return {};
  }

  std::string items_fault(const json::object& schema, const json::array& list,
                          const std::string& path) const {
    const json::value* const items = schema.if_contains("items");
    for (std::size_t i = 0; items != nullptr && i < list.size(); ++i) {
      auto wrong = fault(*items, list[i], path + "[" + std::to_string(i) + "]");
      if (!wrong.empty()) return wrong;
    }
    return {};
  }

  std::string members_fault(const json::object& schema, const json::object& object,
                            const std::string& path, bool is_part) const {
    if (const auto* const required = schema.if_contains("required")) {
      for (const json::value& each : required->as_array()) {
        if (!object.contains(each.as_string())) return path + " has no " + text(each);
      }
    }
    const json::value* const more = schema.if_contains("additionalProperties");
    const auto all = listed(schema);
    for (const auto& each : object) {
      const std::string name = path + "." + std::string(each.key());
      const auto* const properties = schema.if_contains("properties");
      const auto* const own =
          properties == nullptr ? nullptr : properties->as_object().if_contains(each.key());
      std::string wrong;
      if (own != nullptr) {
        wrong = fault(*own, each.value(), name);
      } else if (more != nullptr && more->is_object()) {
        wrong = fault(*more, each.value(), name);
      } else if (!is_part && !all.empty() && !all.contains(each.key())) {
        wrong = name + " is not in the document";
      }
      if (!wrong.empty()) return wrong;
    }
    return {};
  }

  // Of the schema and its parts.
  std::set<std::string_view> listed(const json::object& schema) const {
    std::set<std::string_view> names;
    if (const auto* const properties = schema.if_contains("properties")) {
      for (const auto& each : properties->as_object()) names.insert(each.key());
    }
    if (const auto* const parts = schema.if_contains("allOf")) {
      for (const json::value& each : parts->as_array()) {
        names.merge(listed(resolved(each, document_).as_object()));
      }
    }
    return names;
  }

  const json::value& document_;
};

std::string server_path(const json::value& server) {
  const std::string url = text(server.at("url"));
  return url == "/" ? "" : url;
}

struct Operation {
  std::string method;  // upper case
  std::string path;    // with its server's
  std::regex pattern;
  const json::object* description = nullptr;
};

// Of a path, what stands where no parameter is comes first.
const std::vector<Operation>& operations() {
  static const std::vector<Operation> all = [] {
    std::vector<Operation> list;
    for (const auto& [path, item] : the_document().at("paths").as_object()) {
      const json::value* servers = item.as_object().if_contains("servers");
      if (servers == nullptr) servers = &the_document().at("servers");
      for (const json::value& server : servers->as_array()) {
        const std::string whole = server_path(server) + std::string(path);
        // Those that take several segments say so.
        const bool long_tail = path.starts_with("/log/") || path.starts_with("/v1/members/");
        const std::string pattern =
            std::regex_replace(whole, std::regex(R"(\{[a-z0-9_]+\})"), long_tail ? ".+" : "[^/:]+");
        for (const auto& [name, operation] : item.as_object()) {
          if (name == "servers") continue;
          std::string method(name);
          std::ranges::transform(method, method.begin(), ::toupper);
          list.push_back({method, whole, std::regex(pattern), &operation.as_object()});
        }
      }
    }
    std::ranges::sort(list, {}, [](const Operation& each) {
      return std::pair(std::ranges::count(each.path, '{'), -std::ssize(each.path));
    });
    return list;
  }();
  return all;
}

const json::value* of_status(const json::object& responses, int status) {
  if (const auto* const exact = responses.if_contains(std::to_string(status))) return exact;
  return responses.if_contains(std::to_string(status / 100) + "XX");
}

// Of "application/json; charset=utf-8" the first part.
std::string media_type(std::string_view header) {
  return std::string(header.substr(0, header.find(';')));
}

std::string content_fault(const json::object& content, const std::string& type,
                          std::string_view body) {
  const json::value* const media = content.if_contains(type);
  if (media == nullptr) return "the document has no content of type " + type + " there";
  const auto check = [&](std::string_view bytes) {
    boost::system::error_code error;
    const json::value value = json::parse(bytes, error);
    if (error) return "it is no JSON: " + std::string(bytes);
    return SchemaCheck(the_document()).fault(media->at("schema"), value, "body");
  };
  if (type.ends_with("json") && type != ndjson_type) return check(body);
  if (type != ndjson_type) return {};
  for (std::size_t at = 0; at < body.size();) {
    const std::string_view line = body.substr(at, body.find('\n', at) - at);
    if (auto wrong = check(line); !wrong.empty()) return wrong;
    at += line.size() + 1;
  }
  return {};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> documented_operations() {
  std::vector<std::pair<std::string, std::string>> list;
  for (const Operation& each : operations()) list.emplace_back(each.method, each.path);
  return list;
}

std::string answer_fault(std::string_view method, std::string_view target, std::string_view body,
                         std::string_view content_type, const RawResponse& response) {
  if (response.status == 0) return {};
  std::string path = percent_decode("path", target.substr(0, target.find('?')), false)
                         .value_or(std::string(target));
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const auto operation = std::ranges::find_if(operations(), [&](const Operation& each) {
    return each.method == (method == "HEAD" ? "GET" : method) &&
           std::regex_match(path, each.pattern);
  });
  const auto type = response.headers.find("content-type");
  const std::string answered = type == response.headers.end() ? "" : media_type(type->second);
  if (operation == operations().end()) {
    return response.status >= 400 ? "" : "the document does not have what was answered";
  }
  const json::value* const found =
      of_status(operation->description->at("responses").as_object(), response.status);
  if (found == nullptr) {
    return "the document has no status " + std::to_string(response.status) + " there";
  }
  if (method == "HEAD") return {};
  const json::object& described = resolved(*found, the_document()).as_object();
  const json::value* const content = described.if_contains("content");
  if (content == nullptr) return response.body.empty() ? "" : "the document has no body there";
  if (auto wrong = content_fault(content->as_object(), answered, response.body); !wrong.empty())
    return wrong;
  const json::value* const taken = operation->description->if_contains("requestBody");
  const bool lenient = operation->description->at("tags").at(0) == "tes";
  if (taken == nullptr || lenient || response.status >= 300 || content_type == ndjson_type)
    return {};
  auto wrong = content_fault(taken->at("content").as_object(), "application/json", body);
  return wrong.empty() ? wrong : "the request was taken although " + wrong;
}

std::string schema_fault(const json::value& schema, const json::value& value,
                         const json::value& document) {
  return SchemaCheck(document).fault(schema, value, "value");
}

}  // namespace tradewind::testing
