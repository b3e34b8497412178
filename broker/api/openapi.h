// The OpenAPI 3.0 document of all that the endpoint serves, as GET /openapi.json answers it:
// openapi.json beside this file, which the tests hold against the routes and against the answers.
#pragma once

#include <string_view>

namespace tradewind {

std::string_view openapi_document();

}  // namespace tradewind
