// How tokens of an OpenID Connect issuer are taken: a TOML file, docs/operating.md has an example.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/api/access.h"
#include "schemas/result.h"

namespace tradewind {

// Where a claim stands: the names that lead to it, one inside the other.
using ClaimPath = std::vector<std::string>;

struct OidcSettings {
  std::string issuer;                  // exactly as in `iss`
  std::vector<std::string> audiences;  // one of them must be in `aud`
  // Where the keys are; neither: where the issuer's discovery document says.
  std::string jwks_url;
  std::filesystem::path jwks_file;
  std::filesystem::path ca_file;  // PEM of who vouches for the issuer's host; empty: the system's

  ClaimPath principal_claim{"sub"};
  ClaimPath role_claim{"tradewind_role"};      // a text, or a list of them
  ClaimPath tenant_claim{"tradewind_tenant"};  // a text
  ClaimPath scopes_claim;                      // texts with spaces, or a list; empty: all scopes
  std::map<std::string, Role> roles;           // by what the role claim says; others give none

  std::chrono::seconds skew{60};      // by which the issuer's clock may differ
  std::chrono::seconds refresh{300};  // how often the keys are fetched
};

// Errors name the member: "roles.admins". URLs are https, or http of a loopback address.
Result<OidcSettings> parse_oidc_settings(std::string_view text);
Result<OidcSettings> read_oidc_settings(const std::filesystem::path& file);

// Whether what comes from there is what was sent: https, or http that does not leave the machine.
bool is_safe_url(std::string_view url);

}  // namespace tradewind
