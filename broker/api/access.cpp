#include "broker/api/access.h"

namespace tradewind {
namespace {

constexpr std::array<std::string_view, scopes_count> kScopeNames = {
    "jobs:read",    "jobs:write",    "datasets:read", "datasets:write", "market:read",
    "market:write", "members:write", "log:read",      "metrics:read",   "tokens:read",
    "tokens:write", "tenants:read",  "budgets:read",  "budgets:write"};

// Whether the role may do that to what is its own, or to what nobody owns.
bool role_may(Role role, Verb verb) {
  const bool user = role == Role::user;
  const bool auditor = role == Role::auditor;
  switch (verb) {
    case Verb::open:
    case Verb::read_market: return true;
    case Verb::submit:
    case Verb::cancel_job:
    case Verb::change_dataset:
    case Verb::issue_token:
    case Verb::revoke_token: return user;
    case Verb::read_job:
    case Verb::list_jobs:
    case Verb::read_dataset:
    case Verb::query_log:
    case Verb::read_budget:
    case Verb::read_token: return user || auditor;
    case Verb::read_policy:
    case Verb::read_log:
    case Verb::read_metrics:
    case Verb::list_tenants: return auditor;
    case Verb::set_rates:
    case Verb::set_budget:
    case Verb::invite_site:
    case Verb::change_member: return false;
  }
  return false;
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::user: return "user";
    case Role::centre: return "centre";
    case Role::auditor: return "auditor";
    case Role::operator_: return "operator";
  }
  return "user";
}

Result<Role> parse_role(std::string_view field, std::string_view text) {
  for (const Role role : {Role::user, Role::centre, Role::auditor, Role::operator_}) {
    if (to_string(role) == text) return role;
  }
  return fail(ErrorCode::invalid, std::string(field),
              "\"" + std::string(text.substr(0, 40)) + "\" is no role",
              "use user, centre, auditor or operator");
}

std::string_view to_string(Scope scope) {
  return kScopeNames.at(static_cast<std::size_t>(scope));
}

Result<Scope> parse_scope(std::string_view field, std::string_view text) {
  std::string names;
  for (std::size_t i = 0; i < scopes_count; ++i) {
    if (kScopeNames.at(i) == text) return static_cast<Scope>(i);
    names += (i == 0 ? "" : ", ") + std::string(kScopeNames.at(i));
  }
  return fail(ErrorCode::invalid, std::string(field),
              "\"" + std::string(text.substr(0, 40)) + "\" is no scope", "use " + names);
}

Scopes Scopes::only(const std::vector<Scope>& scopes) {
  Scopes made;
  made.bits_ = 0;
  for (const Scope each : scopes) made.bits_ |= bit(each);
  return made;
}

Scopes Scopes::without(Scope scope) const {
  Scopes fewer = *this;
  fewer.bits_ &= ~bit(scope);
  return fewer;
}

std::vector<Scope> Scopes::listed() const {
  std::vector<Scope> list;
  for (std::size_t i = 0; i < scopes_count; ++i) {
    if (has(static_cast<Scope>(i))) list.push_back(static_cast<Scope>(i));
  }
  return list;
}

std::optional<Scope> scope_of(Verb verb) {
  switch (verb) {
    case Verb::open: return std::nullopt;
    case Verb::read_job:
    case Verb::list_jobs: return Scope::jobs_read;
    case Verb::submit:
    case Verb::cancel_job: return Scope::jobs_write;
    case Verb::read_dataset: return Scope::datasets_read;
    case Verb::change_dataset: return Scope::datasets_write;
    case Verb::read_market:
    case Verb::read_policy: return Scope::market_read;
    case Verb::set_rates: return Scope::market_write;
    case Verb::invite_site:
    case Verb::change_member: return Scope::members_write;
    case Verb::query_log:
    case Verb::read_log: return Scope::log_read;
    case Verb::read_metrics: return Scope::metrics_read;
    case Verb::read_token: return Scope::tokens_read;
    case Verb::issue_token:
    case Verb::revoke_token: return Scope::tokens_write;
    case Verb::list_tenants: return Scope::tenants_read;
    case Verb::read_budget: return Scope::budgets_read;
    case Verb::set_budget: return Scope::budgets_write;
  }
  return std::nullopt;
}

Access may(const Caller& caller, Verb verb, const TenantId* owner) {
  const auto scope = scope_of(verb);
  if (scope && !caller.scopes.has(*scope)) return Access::forbidden;
  if (verb == Verb::submit && caller.tenant.value.empty()) return Access::forbidden;
  if (caller.role == Role::operator_) return Access::allowed;
  if (!role_may(caller.role, verb)) return Access::forbidden;
  if (owner == nullptr || sees_all_tenants(caller)) return Access::allowed;
  const bool owns = !caller.tenant.value.empty() && caller.tenant == *owner;
  return owns ? Access::allowed : Access::hidden;
}

bool sees_all_tenants(const Caller& caller) {
  return caller.role == Role::operator_ || caller.role == Role::auditor;
}

}  // namespace tradewind
