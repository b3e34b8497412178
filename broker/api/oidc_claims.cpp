#include "broker/api/oidc_claims.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "broker/api/token_file.h"

namespace tradewind {
namespace {

constexpr double kTimeMax = 253'402'300'799;  // the end of the year 9999
constexpr std::size_t kListMax = 1'000;

tl::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::unauthenticated, "Authorization", std::move(message),
              "get a token from the issuer that is for this broker and valid now");
}

const json::value* find(const json::object& claims, const ClaimPath& path) {
  const json::object* at = &claims;
  const json::value* found = nullptr;
  for (const std::string& name : path) {
    if (at == nullptr) return nullptr;
    found = at->if_contains(name);
    if (found == nullptr) return nullptr;
    at = found->if_object();
  }
  return found;
}

std::optional<std::string> text_of(const json::value* value) {
  const json::string* const text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr) return std::nullopt;
  return std::string(text->data(), text->size());
}

// A text, or those of a list; what is neither counts for nothing.
std::vector<std::string> texts_of(const json::value* value) {
  std::vector<std::string> texts;
  if (auto text = text_of(value)) texts.push_back(std::move(*text));
  if (value != nullptr && value->is_array()) {
    const json::array& list = value->get_array();
    for (std::size_t i = 0; i < std::min(list.size(), kListMax); ++i) {
      if (auto text = text_of(&list[i])) texts.push_back(std::move(*text));
    }
  }
  return texts;
}

// A NumericDate (RFC 7519), its fraction cut off. Nothing when it is absent.
Result<std::optional<Wall::time_point>> time_of(const json::object& claims, const char* name) {
  const json::value* const value = claims.if_contains(name);
  if (value == nullptr) return std::optional<Wall::time_point>();
  boost::system::error_code error;
  const auto seconds = value->is_number() ? value->to_number<double>(error) : -1.0;
  if (error || !(seconds >= 0 && seconds <= kTimeMax)) {
    return bad(fmt::format("the token's {} is no time", name));
  }
  return std::optional(wall_from_ms(static_cast<std::int64_t>(std::floor(seconds)) * 1'000));
}

Status check_times(const json::object& claims, std::chrono::seconds skew, Wall::time_point now,
                   Caller& caller) {
  const auto expires = time_of(claims, "exp");
  if (!expires) return fail(expires.error());
  if (!*expires) return bad("the token never expires");
  caller.expires = **expires + skew;
  if (*caller.expires <= now) return bad("the token has expired");
  for (const char* name : {"nbf", "iat"}) {
    const auto from = time_of(claims, name);
    if (!from) return fail(from.error());
    if (*from && **from > now + skew) return bad("the token is not valid yet");
  }
  return ok();
}

// The names of the scopes known here; others are the issuer's own.
Scopes scopes_of(const json::value* value) {
  std::vector<Scope> scopes;
  for (const std::string& text : texts_of(value)) {
    for (std::size_t at = 0; at <= text.size();) {
      const std::string word = text.substr(at, text.find(' ', at) - at);
      at += word.size() + 1;
      if (const auto scope = parse_scope("", word)) scopes.push_back(*scope);
    }
  }
  return Scopes::only(scopes);
}

std::optional<Role> role_of(const json::value* value, const std::map<std::string, Role>& roles) {
  // From the one that may most.
  constexpr std::array order = {Role::operator_, Role::auditor, Role::user, Role::centre};
  const auto texts = texts_of(value);
  for (const Role role : order) {
    for (const std::string& each : texts) {
      const auto known = roles.find(each);
      if (known != roles.end() && known->second == role) return role;
    }
  }
  return std::nullopt;
}

Status check_tenant(const json::object& claims, const OidcSettings& settings, Caller& caller) {
  const std::string name = fmt::format("{}", fmt::join(settings.tenant_claim, "."));
  const json::value* const value = find(claims, settings.tenant_claim);
  if (value == nullptr && caller.role != Role::user) return ok();
  auto tenant = text_of(value);
  if (!tenant || !check_name(name, *tenant)) {
    return fail(ErrorCode::forbidden, "", fmt::format("the token's {} names no tenant", name),
                "ask who runs the issuer for a tenant");
  }
  caller.tenant = TenantId{std::move(*tenant)};
  return ok();
}

}  // namespace

Result<Caller> caller_of(const json::object& claims, const OidcSettings& settings,
                         Wall::time_point now) {
  Caller caller;
  if (text_of(claims.if_contains("iss")) != settings.issuer) {
    return bad("the token is of another issuer");
  }
  const auto audiences = texts_of(claims.if_contains("aud"));
  const bool ours = std::any_of(audiences.begin(), audiences.end(), [&](const std::string& each) {
    return std::find(settings.audiences.begin(), settings.audiences.end(), each) !=
           settings.audiences.end();
  });
  if (!ours) return bad("the token is for another audience");
  if (auto good = check_times(claims, settings.skew, now, caller); !good) {
    return fail(std::move(good.error()));
  }
  const auto principal = text_of(find(claims, settings.principal_claim));
  if (!principal || principal->empty()) return bad("the token does not say whom it is about");
  caller.principal = std::string(oidc_prefix) + *principal;
  if (!check_principal("", caller.principal)) {
    return bad("the token's subject is no name that can be used here");
  }
  const auto role = role_of(find(claims, settings.role_claim), settings.roles);
  if (!role) {
    return fail(
        ErrorCode::forbidden, "",
        fmt::format("the token's {} gives no role here", fmt::join(settings.role_claim, ".")),
        "ask who runs the issuer for a role, or who runs the broker to map the one there");
  }
  caller.role = *role;
  if (auto good = check_tenant(claims, settings, caller); !good) {
    return fail(std::move(good.error()));
  }
  if (!settings.scopes_claim.empty()) {
    caller.scopes = scopes_of(find(claims, settings.scopes_claim));
  }
  return caller;
}

}  // namespace tradewind
