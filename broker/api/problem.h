// Errors as the two faces show them: RFC 9457 problem details natively, {"error", "code"} for TES.
#pragma once

#include <string>

#include "broker/api/http_message.h"
#include "broker/api/json.h"
#include "schemas/result.h"

namespace tradewind {

enum class Face { native, tes };

int http_status(ErrorCode code);
// The members of a native problem.
json::object problem_details(const Error& error);
// With WWW-Authenticate on 401 and Retry-After on what will pass.
HttpResponse problem(Face face, const Error& error);
// A native problem with further members.
HttpResponse problem(const Error& error, const json::object& members);
// The same for what has no ErrorCode of its own: 405, 431 and so on.
HttpResponse problem(Face face, int status, const Error& error);

HttpResponse json_response(int status, const json::value& body);

}  // namespace tradewind
