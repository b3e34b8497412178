#include "broker/api/entity_tag.h"

#include "state/identity/digest.h"
#include "state/identity/encoding.h"

namespace tradewind {
namespace {

std::string_view without_weakness(std::string_view tag) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  return tag;
}

}  // namespace

std::string entity_tag(std::string_view body) {
  return "W/\"" + hex(sha256(body)) + "\"";
}

bool names_tag(std::string_view if_none_match, std::string_view tag) {
  const std::string_view wanted = without_weakness(tag);
  std::string_view rest = if_none_match;
  const auto skip = [&rest](std::string_view what) {
    rest.remove_prefix(std::min(rest.find_first_not_of(what), rest.size()));
  };
  skip(" \t");
  if (rest.starts_with('*')) return true;
  for (;;) {
    skip(" \t,");
    rest = without_weakness(rest);
    if (!rest.starts_with('"')) return false;
    const auto end = rest.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (rest.substr(0, end + 1) == wanted) return true;
    rest.remove_prefix(end + 1);
  }
}

HttpResponse tagged_response(const HttpRequest& request, std::string body, std::string tag) {
  HttpResponse response;
  if (names_tag(request.header("if-none-match"), tag)) {
    response.status = 304;
    response.content_type.clear();
  } else {
    response.body = std::move(body);
  }
  response.headers = {{"ETag", std::move(tag)}, {"Cache-Control", "private, no-cache"}};
  return response;
}

}  // namespace tradewind
