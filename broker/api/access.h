// Who may do what: the roles and scopes of callers, what can be asked for, and the one function
// that decides. Pure.
#pragma once

#include <array>
#include <cstdint>
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

// Parts of what there is to ask for. A caller may be narrowed to some of them, within its role.
enum class Scope : std::uint16_t {
  jobs_read,
  jobs_write,
  datasets_read,
  datasets_write,
  market_read,
  market_write,
  members_write,
  log_read,
  metrics_read,
  tokens_read,
  tokens_write,
  tenants_read,
  budgets_read,
  budgets_write,
};
inline constexpr std::size_t scopes_count = 14;
std::string_view to_string(Scope scope);  // "jobs:read", "jobs:write", …
Result<Scope> parse_scope(std::string_view field, std::string_view text);

// A set of them; all unless narrowed.
class Scopes {
 public:
  Scopes() = default;
  static Scopes only(const std::vector<Scope>& scopes);
  Scopes without(Scope scope) const;

  bool has(Scope scope) const { return (bits_ & bit(scope)) != 0; }
  bool narrowed() const { return bits_ != all; }
  bool within(Scopes other) const { return (bits_ & ~other.bits_) == 0; }
  std::vector<Scope> listed() const;
  friend bool operator==(const Scopes&, const Scopes&) = default;

 private:
  static constexpr std::uint32_t all = (1U << scopes_count) - 1;
  static constexpr std::uint32_t bit(Scope scope) { return 1U << static_cast<unsigned>(scope); }
  std::uint32_t bits_ = all;
};

struct Caller {
  std::string principal;  // the token's name, or "oidc:" and the subject
  Role role = Role::user;
  TenantId tenant;  // empty: none, may not submit
  SiteId site;      // of a centre; empty: none
  Scopes scopes{};
  std::optional<Wall::time_point> expires{};  // of its credentials; absent: never
  friend bool operator==(const Caller&, const Caller&) = default;
};

// What a request asks for. Each route has one; some are about an object, which a tenant owns.
enum class Verb : std::uint16_t {
  open,            // what anybody may have, without credentials
  submit,          // a job, or ask for a quote
  read_job,        // one job, its decision, its logs; object
  list_jobs,       // the caller's own, or all
  cancel_job,      // object
  read_dataset,    // data sets that the caller may see
  change_dataset,  // make, describe anew, remove one
  read_market,     // sites, offers, rates
  read_policy,     // what a site has agreed with tenants
  set_rates,       // the rate table
  invite_site,     // a join token
  change_member,   // suspend, revoke, reinstate
  query_log,       // the transparency log; object: an entry, which its job's tenant owns
  read_log,        // all of its entries, with what they commit to
  read_metrics,    // counters
  read_token,      // what tokens there are; object: a user's belongs to its tenant
  issue_token,     // object
  revoke_token,    // object
  list_tenants,    // who has jobs
  read_budget,     // what a tenant may spend and has spent; object: its own
  set_budget,      // set or remove it; object
};
inline constexpr std::size_t verbs_count = 21;
// Nothing for `open`.
std::optional<Scope> scope_of(Verb verb);

enum class Access : std::uint16_t {
  allowed,
  forbidden,  // 403: it exists, and the caller may know, but not this
  hidden,     // 404: the caller may not know that it exists
};
// The one place that decides. `owner` is the tenant that the object belongs to, an empty one when
// it belongs to none. Without `owner`: whether the caller may do that to any object.
Access may(const Caller& caller, Verb verb, const TenantId* owner = nullptr);
// Whether the caller sees what belongs to all tenants in lists.
bool sees_all_tenants(const Caller& caller);

}  // namespace tradewind
