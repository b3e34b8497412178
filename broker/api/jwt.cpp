#include "broker/api/jwt.h"

#include <algorithm>
#include <optional>

#include "schemas/ascii.h"
#include "state/identity/encoding.h"

namespace tradewind {
namespace {

tl::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::unauthenticated, "Authorization", std::move(message),
              "send a token that the issuer has signed for this broker");
}

// The member's text; empty when it is absent, nothing when it is no string.
std::optional<std::string_view> text_in(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr) return std::string_view();
  const json::string* const text = value->if_string();
  if (text == nullptr) return std::nullopt;
  return std::string_view(text->data(), text->size());
}

bool is_type(std::string_view type) {
  const std::string lower = ascii_lower(type);
  return lower.empty() || lower == "jwt" || lower == "at+jwt" || lower == "application/at+jwt";
}

Status read_header(BytesView bytes, Jwt& jwt) {
  const auto parsed = parse_json("header", bytes);
  if (!parsed || !parsed->is_object()) return bad("the token's header is no JSON object");
  const json::object& header = parsed->get_object();
  const auto algorithm = text_in(header, "alg");
  bool known = false;
  for (const SignatureAlgorithm each :
       {SignatureAlgorithm::rs256, SignatureAlgorithm::es256, SignatureAlgorithm::eddsa}) {
    if (algorithm != to_string(each)) continue;
    jwt.algorithm = each;
    known = true;
  }
  if (!known) return bad("the token is signed by none of RS256, ES256 and EdDSA");
  if (header.contains("crit")) return bad("the token has extensions that must be understood");
  const auto type = text_in(header, "typ");
  if (!type || !is_type(*type)) return bad("the token's type is neither JWT nor at+jwt");
  const auto key_id = text_in(header, "kid");
  if (!key_id || key_id->size() > key_id_bytes_max) return bad("the token's kid is no short text");
  jwt.key_id = *key_id;
  return ok();
}

}  // namespace

bool looks_like_jwt(std::string_view text) {
  return std::count(text.begin(), text.end(), '.') == 2;
}

Result<Jwt> parse_jwt(std::string_view text) {
  if (text.size() > jwt_bytes_max) return bad("the token is too long");
  if (!looks_like_jwt(text)) return bad("the token has not three parts");
  const auto first = text.find('.');
  const auto second = text.find('.', first + 1);
  const auto header = base64url_decode("header", text.substr(0, first));
  auto claims = base64url_decode("claims", text.substr(first + 1, second - first - 1));
  auto signature = base64url_decode("signature", text.substr(second + 1));
  if (!header || !claims || !signature) return bad("a part of the token is no base64url");
  Jwt jwt;
  if (auto good = read_header(*header, jwt); !good) return fail(std::move(good.error()));
  jwt.signed_part = text.substr(0, second);
  jwt.claims = std::move(*claims);
  jwt.signature = std::move(*signature);
  return jwt;
}

Result<json::object> parse_claims(BytesView claims) {
  auto parsed = parse_json("claims", claims);
  if (!parsed || !parsed->is_object()) return bad("the token's claims are no JSON object");
  return std::move(parsed->get_object());
}

}  // namespace tradewind
