// Answers against the OpenAPI document that the endpoint serves.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/api/raw_client.h"

namespace tradewind::testing {

// Every method and path that the document has, under each of its servers: {"GET", "/v1/jobs/{id}"}.
std::vector<std::pair<std::string, std::string>> documented_operations();

// What is wrong with the answer by the document; empty when nothing. A path that the document does
// not have, and a method that it does not have there, must be refused with problem details. Members
// of an object whose schema lists members must be among those, although the document leaves room
// for more. `body` is the request's: what the native API takes must be as the document has it, too.
std::string answer_fault(std::string_view method, std::string_view target, std::string_view body,
                         std::string_view content_type, const RawResponse& response);

// What is wrong with the value by the schema, in the part of JSON Schema that the document uses;
// empty when nothing. References lead into `document`.
std::string schema_fault(const boost::json::value& schema, const boost::json::value& value,
                         const boost::json::value& document);

}  // namespace tradewind::testing
