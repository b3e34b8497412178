#include "broker/api/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "schemas/money.h"

namespace tradewind {
namespace {

// Whole numbers in JSON: 1, and 1.0 where a client's language has only floating point.
std::optional<std::int64_t> whole_number(const json::value& value) {
  if (const auto* number = value.if_int64()) return *number;
  if (const auto* number = value.if_uint64()) {
    if (*number <= INT64_MAX) return static_cast<std::int64_t>(*number);
  }
  if (const auto* number = value.if_double()) {
    if (std::trunc(*number) == *number && std::abs(*number) < 9e15) {
      return static_cast<std::int64_t>(*number);
    }
  }
  return std::nullopt;
}

// Most names that are asked for are not there, and their bits tell.
std::uint64_t bit_of(std::string_view name) {
  if (name.empty()) return 1;
  const auto mixed = 7 * name.size() + 3 * static_cast<unsigned char>(name.front()) +
                     static_cast<unsigned char>(name.back());
  return std::uint64_t{1} << mixed % 64;
}

}  // namespace

std::string brief(std::string_view text) {
  std::string cut(text.substr(0, 60));
  if (text.size() > 60) cut += "…";
  return cut;
}

std::string brief(const json::value& value) {
  switch (value.kind()) {
    case json::kind::object: return "an object";
    case json::kind::array: return "a list";
    case json::kind::string: return "\"" + brief(std::string_view(value.get_string())) + "\"";
    default: return to_text(value);
  }
}

ObjectReader::ObjectReader(Reading& reading, const json::value& value, std::string path)
    : reading_(reading), path_(std::move(path)) {
  constexpr std::size_t asked_often = 40;
  object_ = value.if_object();
  if (object_ == nullptr) {
    if (failed()) return;
    reading_.error = Error{ErrorCode::invalid, path_.empty() ? "body" : path_,
                           brief(value) + " is no object", "give a JSON object"};
    return;
  }
  asked_.reserve(asked_often);
  for (const auto& member : *object_) present_ |= bit_of(member.key());
}

std::string ObjectReader::path_of(std::string_view name) const {
  if (name.empty()) return path_;
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

void ObjectReader::refuse(std::string_view name, std::string message, std::string remedy,
                          ErrorCode code) {
  if (failed()) return;
  reading_.error = Error{code, path_of(name), std::move(message), std::move(remedy)};
}

void ObjectReader::keep(const Status& status) {
  if (!status && !failed()) reading_.error = status.error();
}

const json::value* ObjectReader::find(std::string_view name) {
  if (failed() || object_ == nullptr) return nullptr;
  const auto* const member = (present_ & bit_of(name)) == 0 ? object_->end() : object_->find(name);
  if (member == object_->end()) {
    asked_.push_back(name);
    return nullptr;
  }
  asked_.push_back(member->key());
  if (!member->value().is_null()) return &member->value();
  if (reading_.strictness == Strictness::strict) {
    refuse(name, "it is null", "leave the member out, or give it a value");
  }
  return nullptr;
}

template <class Path>
bool ObjectReader::is_good(const json::value& value, Path path, std::size_t bytes_max) {
  const auto* string = value.if_string();
  if (string == nullptr) {
    reading_.error =
        Error{ErrorCode::invalid, path(), brief(value) + " is no text", "give a JSON string"};
  } else if (string->size() > bytes_max) {
    reading_.error =
        Error{ErrorCode::too_large, path(), fmt::format("it has {} bytes", string->size()),
              fmt::format("give at most {} bytes", bytes_max)};
  } else if (string->find('\0') != json::string::npos) {
    reading_.error =
        Error{ErrorCode::invalid, path(), "it contains a NUL character", "leave that out"};
  }
  return !failed();
}

std::vector<std::string> ObjectReader::names() const {
  std::vector<std::string> all;
  if (object_ == nullptr) return all;
  for (const auto& member : *object_) all.emplace_back(member.key().data(), member.key().size());
  return all;
}

bool ObjectReader::has(std::string_view name) {
  return find(name) != nullptr;
}

bool ObjectReader::text(std::string_view name, std::string& out, std::size_t bytes_max) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  if (!is_good(*value, [&] { return path_of(name); }, bytes_max)) return false;
  const json::string& string = value->get_string();
  out.assign(string.data(), string.size());
  return true;
}

bool ObjectReader::boolean(std::string_view name, bool& out) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  if (!value->is_bool()) {
    refuse(name, brief(*value) + " is neither true nor false", "give true or false");
    return false;
  }
  out = value->get_bool();
  return true;
}

bool ObjectReader::number(std::string_view name, std::int64_t& out, std::int64_t min,
                          std::int64_t max) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  const auto number = whole_number(*value);
  if (!number || *number < min || *number > max) {
    refuse(
        name,
        brief(*value) + (number || value->is_uint64() ? " is out of range" : " is no whole number"),
        fmt::format("give a whole number from {} to {}", min, max));
    return false;
  }
  out = *number;
  return true;
}

bool ObjectReader::thousandths(std::string_view name, std::uint64_t& out, std::uint64_t whole_max) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  std::int64_t micros = -1;
  if (const auto* string = value->if_string()) {
    const auto parsed = parse_micros(path_of(name), *string);
    if (!parsed) {
      keep(fail(parsed.error()));
      return false;
    }
    micros = *parsed;
  } else if (const auto* number = value->if_int64()) {
    if (*number >= 0 && static_cast<std::uint64_t>(*number) <= whole_max) {
      micros = *number * 1'000'000;
    }
  } else if (const auto* fraction = value->if_double()) {
    if (*fraction >= 0 && *fraction <= static_cast<double>(whole_max)) {
      micros = std::llround(*fraction * 1e6);
    }
  }
  if (micros < 0 || micros % 1000 != 0 ||
      static_cast<std::uint64_t>(micros) / 1'000'000 > whole_max) {
    refuse(name, brief(*value) + " is no amount from 0 to " + std::to_string(whole_max),
           "give a number with at most three decimals, such as 1.5");
    return false;
  }
  out = static_cast<std::uint64_t>(micros) / 1000;
  return true;
}

bool ObjectReader::real(std::string_view name, double& out, double min, double max) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  double number = min - 1;
  if (const auto* fraction = value->if_double()) number = *fraction;
  if (const auto* whole = value->if_int64()) number = static_cast<double>(*whole);
  if (number < min || number > max) {
    refuse(name, brief(*value) + " is no number in range",
           fmt::format("give a number from {} to {}", min, max));
    return false;
  }
  out = number;
  return true;
}

bool ObjectReader::micros(std::string_view name, std::int64_t& out) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  std::string text;
  if (const auto* string = value->if_string()) {
    text.assign(string->data(), string->size());
  } else if (value->is_int64()) {
    text = std::to_string(value->get_int64());
  } else {
    refuse(name, brief(*value) + " is no exact amount of money",
           "give a decimal string, such as \"1.25\"");
    return false;
  }
  const auto parsed = parse_micros(path_of(name), text);
  if (!parsed) {
    keep(fail(parsed.error()));
    return false;
  }
  if (*parsed < 0) {
    refuse(name, "\"" + brief(text) + "\" is negative", "give an amount of 0 or more");
    return false;
  }
  out = *parsed;
  return true;
}

const json::array* ObjectReader::list(std::string_view name, std::size_t entries_max) {
  const json::value* value = find(name);
  if (value == nullptr) return nullptr;
  const auto* array = value->if_array();
  if (array == nullptr) {
    refuse(name, brief(*value) + " is no list", "give a JSON list, [...]");
  } else if (array->size() > entries_max) {
    refuse(name, fmt::format("it has {} entries", array->size()),
           fmt::format("give at most {}", entries_max), ErrorCode::too_large);
    return nullptr;
  }
  return array;
}

bool ObjectReader::each(std::string_view name, std::size_t entries_max,
                        const std::function<void(const json::value&, const std::string&)>& read) {
  const json::array* array = list(name, entries_max);
  if (array == nullptr) return false;
  for (std::size_t i = 0; i < array->size() && !failed(); ++i) {
    read((*array)[i], fmt::format("{}[{}]", path_of(name), i));
  }
  return !failed();
}

bool ObjectReader::texts(std::string_view name, std::vector<std::string>& out,
                         std::size_t entries_max, std::size_t bytes_max) {
  const json::array* array = list(name, entries_max);
  if (array == nullptr) return false;
  std::vector<std::string> read;
  read.reserve(array->size());
  for (const json::value& each : *array) {
    const auto path = [&] { return fmt::format("{}[{}]", path_of(name), read.size()); };
    if (!is_good(each, path, bytes_max)) return false;
    read.emplace_back(each.get_string().data(), each.get_string().size());
  }
  out = std::move(read);
  return true;
}

bool ObjectReader::text_map(std::string_view name, std::map<std::string, std::string>& out,
                            std::size_t bytes_max) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  const auto* object = value->if_object();
  if (object == nullptr) {
    refuse(name, brief(*value) + " is no object", "give a JSON object of strings");
    return false;
  }
  if (object->size() > limits::map_entries_max) {
    refuse(name, fmt::format("it has {} entries", object->size()),
           fmt::format("give at most {}", limits::map_entries_max), ErrorCode::too_large);
    return false;
  }
  std::map<std::string, std::string> read;
  for (const auto& member : *object) {
    const std::string key(member.key().data(), member.key().size());
    const auto path = [&] { return std::string(name) + "." + brief(std::string_view(key)); };
    if (reading_.strictness == Strictness::lenient && member.value().is_null()) continue;
    const auto* string = member.value().if_string();
    if (string == nullptr) {
      refuse(path(), brief(member.value()) + " is no text", "give a JSON string");
    } else if (key.empty() || key.size() > limits::text_bytes_max ||
               key.find('\0') != std::string::npos) {
      refuse(path(), "the name is empty, too long or contains a NUL character",
             fmt::format("give a name of 1 to {} bytes", limits::text_bytes_max));
    } else if (string->size() > bytes_max) {
      refuse(path(), fmt::format("it has {} bytes", string->size()),
             fmt::format("give at most {} bytes", bytes_max), ErrorCode::too_large);
    } else if (string->find('\0') != json::string::npos) {
      refuse(path(), "it contains a NUL character", "leave that out");
    } else {
      read.emplace(key, std::string(string->data(), string->size()));
      continue;
    }
    return false;
  }
  out = std::move(read);
  return true;
}

bool ObjectReader::word(std::string_view name, const std::vector<std::string_view>& words,
                        std::size_t& out) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  if (const auto* string = value->if_string()) {
    const auto found =
        std::find(words.begin(), words.end(), std::string_view(string->data(), string->size()));
    if (found != words.end()) {
      out = static_cast<std::size_t>(found - words.begin());
      return true;
    }
  }
  refuse(name, brief(*value) + " is not one of its words",
         fmt::format("give one of: {}", fmt::join(words, ", ")));
  return false;
}

bool ObjectReader::object(std::string_view name, const std::function<void(ObjectReader&)>& read) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  ObjectReader nested(reading_, *value, path_of(name));
  read(nested);
  nested.finish();
  return !failed();
}

void ObjectReader::finish() {
  if (failed() || object_ == nullptr || reading_.strictness == Strictness::lenient) return;
  for (const auto& member : *object_) {
    const std::string_view key = member.key();
    // Those that were found are told by their place: the view is of the member's own name.
    const bool asked = std::ranges::any_of(
        asked_, [&](std::string_view each) { return each.data() == key.data(); });
    if (asked) continue;
    std::ranges::sort(asked_);
    const auto twice = std::ranges::unique(asked_);
    asked_.erase(twice.begin(), twice.end());
    refuse(brief(key), "there is no such member here",
           fmt::format("leave it out; the members here are {}", fmt::join(asked_, ", ")));
    return;
  }
}

}  // namespace tradewind
