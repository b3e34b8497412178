// Who is asking and what they may do. Callers prove themselves by a bearer token whose SHA-256
// stands in the tokens file; the tokens themselves are never stored or logged.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ids.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

enum class Role : std::uint16_t {
  user = 0,       // the jobs of its tenant
  centre = 1,     // sites and offers
  auditor = 2,    // reads everything, changes nothing
  operator_ = 3,  // everything
};
std::string_view to_string(Role role);  // "user", "centre", "auditor", "operator"
Result<Role> parse_role(std::string_view field, std::string_view text);

struct Caller {
  std::string principal;  // the token's name
  Role role = Role::user;
  TenantId tenant;  // empty: none, may not submit
  SiteId site;      // of a centre; empty: none
  friend bool operator==(const Caller&, const Caller&) = default;
};

// --- what they may do
// --------------------------------------------------------------------------------------------

enum class Verb : std::uint16_t {
  submit,          // a job, or ask for a quote
  read_job,        // one job, its decision, its logs; its tenant is the object
  list_jobs,       // the caller's own, or all
  cancel_job,      // its tenant is the object
  read_dataset,    // data sets that the caller may see
  change_dataset,  // make, describe anew, remove one
  read_market,     // sites, offers, rates
  read_metrics,    // counters
  query_log,       // the transparency log's entries, those of the caller's tenant or all
  read_log,        // all of them, with what they commit to
  invite_site,     // a join token
  change_member,   // suspend, revoke, reinstate
  set_rates,       // the rate table
};
enum class Access : std::uint16_t {
  allowed,
  forbidden,  // 403: it exists, and the caller may know, but not this
  hidden,     // 404: the caller may not know that it exists
};
// The one place that decides. `owner` is the tenant of the job for verbs about one job, else null.
Access may(const Caller& caller, Verb verb, const TenantId* owner = nullptr);
// Whether the caller sees the jobs of all tenants in lists.
bool sees_all_tenants(const Caller& caller);

// --- who they are
// ------------------------------------------------------------------------------------------------

// One [[token]] of the tokens file.
struct Token {
  std::string name;
  Role role = Role::user;
  TenantId tenant;
  SiteId site;
  std::string sha256;                         // lower-case hex of the secret
  std::optional<Wall::time_point> expires{};  // absent: never
  friend bool operator==(const Token&, const Token&) = default;
};

// The file is TOML: [[token]] with name, role, tenant (users need one), sha256, and optionally site
// and expires (RFC 3339 text). Errors name the entry and the field: "token[2].sha256".
Result<std::vector<Token>> parse_tokens(std::string_view text);
Result<std::vector<Token>> read_tokens(const std::filesystem::path& file);

// Makes a token of 256 random bits, adds it to the file (made with mode 0600 when it is not there,
// replaced atomically) and returns the secret, which is kept nowhere else. Entries that have
// expired are dropped. Fails with conflict when a live entry has that name. Without `ttl` it never
// expires. Several processes may call it at once.
Result<std::string> issue_token(const std::filesystem::path& file, const std::string& name,
                                Role role, const TenantId& tenant,
                                std::optional<std::chrono::seconds> ttl, const SiteId& site = {});

// Knows the tokens; any thread.
class Authenticator {
 public:
  struct Options {
    std::filesystem::path tokens_file;  // empty: no token is valid
    bool open = false;                  // no credentials: anonymous, user of tenant "default"
  };
  // Fails when the file is there and wrong. A file that is not there yet holds no tokens.
  static Result<std::unique_ptr<Authenticator>> open(Options options);

  // `authorization` is the header's value, empty when there is none: "Bearer TOKEN", or "Basic …"
  // with the token as password. An empty Basic header counts as none. Fails with unauthenticated.
  // The file is looked at again at most once a second; a changed file that is wrong leaves the
  // tokens as they were.
  Result<Caller> authenticate(std::string_view authorization, Now now);

 private:
  explicit Authenticator(Options options) : options_(std::move(options)) {}
  void reload_when_changed(Mono::time_point now);

  using Tokens = std::vector<Token>;
  Options options_;
  std::mutex mutex_;  // guards what follows
  std::shared_ptr<const Tokens> tokens_;
  std::string stamp_;  // of the file that `tokens_` came from: time, size, inode
  Mono::time_point looked_{};
};

}  // namespace tradewind
