// Strict JSON in, clean JSON out, on Boost.JSON.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

namespace json = boost::json;

inline constexpr std::size_t json_depth_max = 32;

// One JSON value and nothing after it. Refuses what RFC 8259 does not have, nesting beyond
// json_depth_max, broken UTF-8, and an object that names a member twice: readers disagree on which
// of the two counts. `field` names the document in errors, "job" or "body".
Result<json::value> parse_json(std::string_view field, std::string_view text);

// As one line. Bytes in strings that are not UTF-8 become U+FFFD: texts from sites are hostile.
std::string to_text(const json::value& value);

// Gives the object a member with the time as RFC 3339 has it; none for the zero time, which is no
// time.
void put_time(json::object& out, const char* name, Wall::time_point at);

}  // namespace tradewind
