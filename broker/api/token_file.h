// The built-in tokens and the file they stand in: digests only. Any thread; several processes at
// once.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/api/access.h"
#include "schemas/ids.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

inline constexpr std::size_t tokens_max = 10'000;         // in a file
inline constexpr std::size_t tokens_of_tenant_max = 500;  // so that none fills the file
// Names of those who come with a token of an issuer begin so, and no built-in one does.
inline constexpr std::string_view oidc_prefix = "oidc:";

// One [[token]] of the tokens file.
struct Token {
  std::string name;
  Role role = Role::user;
  TenantId tenant;
  SiteId site;
  std::string sha256;                         // lower-case hex of the secret
  std::optional<Wall::time_point> expires{};  // absent: never
  Scopes scopes{};                            // all unless it is narrowed
  friend bool operator==(const Token&, const Token&) = default;
};

// Whom it belongs to, as `may` has it: a user's to its tenant, any other to none.
const TenantId& owner_of(const Token& token);

// 1 to 128 printable ASCII characters without spaces, quotes and backslashes.
Status check_principal(std::string_view field, std::string_view name);

// The file is TOML: [[token]] with name, role, tenant (users need one), sha256, and optionally
// site, scopes (a list of their names) and expires (RFC 3339 text). Errors name the entry and the
// field: "token[2].sha256".
Result<std::vector<Token>> parse_tokens(std::string_view text);
Result<std::vector<Token>> read_tokens(const std::filesystem::path& file);

// Makes a token of 256 random bits, adds it to the file (made with mode 0600 when it is not there,
// replaced atomically) and returns the secret, which is kept nowhere else. Entries that have
// expired are dropped. Fails with conflict when a live entry has that name, with exhausted when
// there are too many. Without `ttl` it never expires.
inline constexpr std::int64_t token_seconds_max = 100LL * 366 * 24 * 3600;
Result<std::string> issue_token(const std::filesystem::path& file, const std::string& name,
                                Role role, const TenantId& tenant,
                                std::optional<std::chrono::seconds> ttl, const SiteId& site = {},
                                Scopes scopes = {});

// Takes the token of that name out of the file. Fails with not_found when there is none.
Status revoke_token(const std::filesystem::path& file, const std::string& name);

}  // namespace tradewind
