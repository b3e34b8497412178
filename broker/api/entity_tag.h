// Answers that are asked for again and again (RFC 9110, 8.8.3 and 13.1.2).
#pragma once

#include "broker/api/http_message.h"
#include "broker/api/json.h"

namespace tradewind {

// 200 with the body and an ETag that is a digest of it; 304 without one when the request's
// If-None-Match has that tag.
HttpResponse tagged_response(const HttpRequest& request, const json::value& body);

}  // namespace tradewind
