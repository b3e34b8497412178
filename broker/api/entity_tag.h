// Answers that are asked for again and again (RFC 9110, 8.8.3 and 13.1.2).
#pragma once

#include <string>
#include <string_view>

#include "broker/api/http_message.h"

namespace tradewind {

// A weak tag, W/"…": a digest of the body as it is before any coding, so that it is the same in
// all.
std::string entity_tag(std::string_view body);

// Whether an If-None-Match header names the tag, or any: "*", or tags with commas, strong or weak.
// One that is malformed names what stands before the fault.
bool names_tag(std::string_view if_none_match, std::string_view tag);

// 200 with the body and the tag; 304 without a body when the request's If-None-Match names the tag.
HttpResponse tagged_response(const HttpRequest& request, std::string body, std::string tag);

}  // namespace tradewind
