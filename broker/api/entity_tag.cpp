#include "broker/api/entity_tag.h"

#include "broker/api/problem.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"

namespace tradewind {

HttpResponse tagged_response(const HttpRequest& request, const json::value& body) {
  HttpResponse response = json_response(200, body);
  const std::string tag = "\"" + hex(sha256(response.body)) + "\"";
  const std::string_view known = request.header("if-none-match");
  if (known == "*" || known.find(tag) != std::string_view::npos) {
    response.status = 304;
    response.content_type.clear();
    response.body.clear();
  }
  response.headers = {{"ETag", tag}, {"Cache-Control", "private, no-cache"}};
  return response;
}

}  // namespace tradewind
