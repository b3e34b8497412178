#include "broker/api/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/stream_parser.hpp>
#include <cmath>
#include <optional>
#include <set>
#include <vector>

namespace tradewind {
namespace {

// What a document takes once it is read, about: a text, and what the shortest takes.
constexpr std::size_t kResourceBytesEach = 4;
constexpr std::size_t kResourceBytesMin = 1'024;

std::size_t count_members(const json::value& value) {
  std::size_t members = 0;
  if (const auto* object = value.if_object()) {
    members += object->size();
    for (const auto& each : *object) members += count_members(each.value());
  } else if (const auto* array = value.if_array()) {
    for (const auto& each : *array) members += count_members(each);
  }
  return members;
}

// The end of the string that starts at `at`, behind its closing quote. The text is valid JSON.
std::size_t string_end(std::string_view text, std::size_t at) {
  for (++at; text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

// Members as written: outside of strings, each has one colon.
std::size_t count_colons(std::string_view text) {
  std::size_t colons = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = string_end(text, at);
    } else {
      if (text[at] == ':') ++colons;
      ++at;
    }
  }
  return colons;
}

// The first name that an object has twice, decoded. The text is valid JSON.
std::string duplicate_name(std::string_view text) {
  std::vector<std::set<std::string>> names;
  std::string last;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      const std::size_t end = string_end(text, at);
      boost::system::error_code error;
      const json::value name =
          json::parse(json::string_view(text.data() + at, end - at), error, {}, {});
      if (const auto* decoded = name.if_string()) last.assign(decoded->data(), decoded->size());
      at = end;
      continue;
    }
    if (c == '{') names.emplace_back();
    if (c == '}' && !names.empty()) names.pop_back();
    if (c == ':' && !names.empty() && !names.back().insert(last).second) return last;
    ++at;
  }
  return {};
}

void append_escaped(std::string& out, unsigned char c) {
  switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
      if (c < 0x20 || c == 0x7f) {
        out += fmt::format("\\u{:04x}", c);
      } else {
        out.push_back(static_cast<char>(c));
      }
  }
}

// The size of the well-formed UTF-8 sequence at the start (RFC 3629: no overlong forms, no
// surrogates, at most U+10FFFF); 0 when there is none.
std::size_t utf8_size(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = byte(0);
  std::size_t size = 0;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) size = 2;
  if (first >= 0xE0 && first <= 0xEF) size = 3;
  if (first >= 0xF0 && first <= 0xF4) size = 4;
  if (first == 0xE0) low = 0xA0;
  if (first == 0xED) high = 0x9F;
  if (first == 0xF0) low = 0x90;
  if (first == 0xF4) high = 0x8F;
  if (size == 0 || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return size;
}

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const std::size_t size = utf8_size(text);
    if (size == 1) {
      append_escaped(out, static_cast<unsigned char>(text[0]));
    } else if (size == 0) {
      out += "\xEF\xBF\xBD";
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  out.push_back('"');
}

void append(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: out += "null"; break;
    case json::kind::bool_: out += value.get_bool() ? "true" : "false"; break;
    case json::kind::int64: out += std::to_string(value.get_int64()); break;
    case json::kind::uint64: out += std::to_string(value.get_uint64()); break;
    case json::kind::double_:
      // The parser rounds the last digit otherwise than printf does: 15 digits give back what
      // people write. Never infinite: parse_json refuses it and nobody makes one.
      out += fmt::format("{:.15g}", value.get_double());
      break;
    case json::kind::string: append_string(out, value.get_string()); break;
    case json::kind::array: {
      out.push_back('[');
      bool first = true;
      for (const auto& each : value.get_array()) {
        if (!first) out.push_back(',');
        first = false;
        append(out, each);
      }
      out.push_back(']');
      break;
    }
    case json::kind::object: {
      out.push_back('{');
      bool first = true;
      for (const auto& each : value.get_object()) {
        if (!first) out.push_back(',');
        first = false;
        append_string(out, each.key());
        out.push_back(':');
        append(out, each.value());
      }
      out.push_back('}');
      break;
    }
  }
}

bool has_infinity(const json::value& value) {
  if (const auto* number = value.if_double()) return !std::isfinite(*number);
  if (const auto* array = value.if_array()) {
    return std::any_of(array->begin(), array->end(), has_infinity);
  }
  if (const auto* object = value.if_object()) {
    return std::any_of(object->begin(), object->end(),
                       [](const auto& each) { return has_infinity(each.value()); });
  }
  return false;
}

}  // namespace

Result<json::value> parse_json(std::string_view field, std::string_view text) {
  if (text.empty()) {
    return fail(ErrorCode::invalid, std::string(field), "it is empty", "send a JSON document");
  }
  // What a parser holds while it works is used again; what it makes lies in one piece, most often.
  thread_local json::stream_parser parser = [] {
    json::parse_options options;
    options.max_depth = json_depth_max;
    return json::stream_parser(json::storage_ptr(), options);
  }();
  parser.reset(json::make_shared_resource<json::monotonic_resource>(
      std::max(kResourceBytesMin, kResourceBytesEach * text.size())));
  boost::system::error_code error;
  const std::size_t parsed = parser.write(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (error) {
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(parsed), '\n') + 1;
    return fail(
        ErrorCode::invalid, std::string(field),
        fmt::format("it is not JSON: {} near byte {}, line {}", error.message(), parsed, line),
        "send one JSON document in UTF-8, nested at most 32 deep");
  }
  json::value value = parser.release();
  if (count_colons(text) != count_members(value)) {
    return fail(ErrorCode::invalid, std::string(field),
                "an object has the member \"" + duplicate_name(text).substr(0, 80) + "\" twice",
                "give each member once");
  }
  if (has_infinity(value)) {
    return fail(ErrorCode::invalid, std::string(field), "a number is too large",
                "give numbers of at most 15 digits");
  }
  return value;
}

std::string to_text(const json::value& value) {
  std::string out;
  append(out, value);
  return out;
}

void put_time(json::object& out, const char* name, Wall::time_point at) {
  if (at != Wall::time_point{}) out[name] = to_rfc3339(at);
}

}  // namespace tradewind
