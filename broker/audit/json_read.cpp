#include "broker/audit/json_read.h"

#include <boost/json/parse.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

namespace tradewind {
namespace {

std::string_view view_of(const json::string& text) {
  return {text.data(), text.size()};
}

}  // namespace

Result<json::value> read_json(std::string_view field, std::string_view text,
                              json::storage_ptr storage) {
  boost::system::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error, std::move(storage));
  if (error || !value.is_object()) {
    return fail(ErrorCode::invalid, std::string(field),
                "is no JSON object" + (error ? ": " + error.message() : std::string()));
  }
  return value;
}

const json::value* JsonMembers::member(std::string_view name) const {
  return good() ? object_->if_contains({name.data(), name.size()}) : nullptr;
}

void JsonMembers::fault(std::string_view name, std::string_view what) const {
  if (good()) *error_ = Error{ErrorCode::invalid, std::string(name), std::string(what), {}};
}

std::string_view JsonMembers::view(std::string_view name) const {
  const json::value* const value = member(name);
  if (value == nullptr) return {};
  if (const json::string* const text = value->if_string()) return view_of(*text);
  fault(name, "is no text");
  return {};
}

std::string JsonMembers::text(std::string_view name) const {
  return std::string(view(name));
}

bool JsonMembers::flag(std::string_view name, bool otherwise) const {
  const json::value* const value = member(name);
  if (value == nullptr) return otherwise;
  if (const bool* const flag = value->if_bool()) return *flag;
  fault(name, "is neither true nor false");
  return otherwise;
}

std::int64_t JsonMembers::whole(std::string_view name, std::int64_t min, std::uint64_t max) const {
  const json::value* const value = member(name);
  if (value == nullptr) return 0;
  if (const std::uint64_t* const number = value->if_uint64(); number != nullptr && *number <= max) {
    return static_cast<std::int64_t>(*number);
  }
  if (const std::int64_t* const number = value->if_int64();
      number != nullptr && *number >= min &&
      (*number < 0 || static_cast<std::uint64_t>(*number) <= max)) {
    return *number;
  }
  fault(name, "is no whole number of this range");
  return 0;
}

std::int64_t JsonMembers::micros(std::string_view name) const {
  const std::string_view decimal = view(name);
  if (decimal.empty()) return 0;
  const Result<std::int64_t> value = parse_micros(name, decimal);
  if (value) return *value;
  fault(name, value.error().message);
  return 0;
}

std::optional<Wall::time_point> JsonMembers::time(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  const Result<Wall::time_point> value = parse_rfc3339(name, view(name));
  if (value) return *value;
  fault(name, value.error().message);
  return std::nullopt;
}

std::vector<std::string> JsonMembers::texts(std::string_view name) const {
  std::vector<std::string> texts;
  const json::value* const value = member(name);
  if (value == nullptr) return texts;
  const json::array* const list = value->if_array();
  if (list == nullptr) {
    fault(name, "is no list");
    return texts;
  }
  texts.reserve(list->size());
  for (const json::value& each : *list) {
    const json::string* const text = each.if_string();
    if (text == nullptr) {
      fault(name, "is no list of texts");
      break;
    }
    texts.emplace_back(view_of(*text));
  }
  return texts;
}

std::optional<JsonMembers> JsonMembers::object(std::string_view name) const {
  const json::value* const value = member(name);
  if (value == nullptr) return std::nullopt;
  if (const json::object* const object = value->if_object()) return JsonMembers(*object, *error_);
  fault(name, "is no object");
  return std::nullopt;
}

std::vector<JsonMembers> JsonMembers::objects(std::string_view name) const {
  std::vector<JsonMembers> objects;
  const json::value* const value = member(name);
  if (value == nullptr) return objects;
  const json::array* const list = value->if_array();
  if (list == nullptr) {
    fault(name, "is no list");
    return objects;
  }
  objects.reserve(list->size());
  for (const json::value& each : *list) {
    const json::object* const object = each.if_object();
    if (object == nullptr) {
      fault(name, "is no list of objects");
      break;
    }
    objects.emplace_back(*object, *error_);
  }
  return objects;
}

}  // namespace tradewind
