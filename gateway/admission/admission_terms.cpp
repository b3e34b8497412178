// What a dispatch must satisfy before it is granted.
#include <algorithm>
#include <string>

#include "gateway/admission/admission.h"
#include "gateway/admission/charge.h"

namespace tradewind {
namespace {

bool has(const std::vector<TenantId>& list, const TenantId& tenant) {
  return std::find(list.begin(), list.end(), tenant) != list.end();
}

std::string version_text(const RecordVersion& version) {
  return std::to_string(version.epoch) + "." + std::to_string(version.version);
}

}  // namespace

void Admission::published(const RecordVersion& version, const QuoteSheet& sheet,
                          Wall::time_point valid_until, Now now) {
  const auto stated = std::max(valid_until - now.wall, Wall::duration::zero());
  SheetTerms terms;
  terms.version = version;
  terms.binds_until =
      now.mono + std::min(stated, Wall::duration(std::chrono::seconds(limits::quote_validity)));
  terms.taken_until = terms.binds_until + options_.dispatch_grace;
  for (const PoolQuote& each : sheet.pools) terms.price_ppm.emplace_back(each.pool, each.price_ppm);
  sheets_.push_back(std::move(terms));
  // The newest is kept whatever its age: it says the price asked now.
  while (sheets_.size() > 1 && sheets_.front().taken_until <= now.mono) sheets_.pop_front();
}

std::optional<Admission::Refusal> Admission::refuse(const NodeId& broker, const AttemptId& attempt,
                                                    const Assignment& assignment, Now now) const {
  if (fenced(broker, attempt)) {
    return Refusal{RefusalCode::fenced, "this attempt was denied or has ended here before"};
  }
  // Also what keeps the engine's directories of different brokers apart.
  if (held_.count(attempt) != 0 || !may_be_of(attempt.job, broker)) {
    return Refusal{RefusalCode::invalid, "the id " + to_string(attempt) + " is another broker's"};
  }
  if (site_.state != SiteState::active) {
    return Refusal{RefusalCode::site_state,
                   "the site is in state " + std::string(to_string(site_.state))};
  }
  const auto index = pool_index(assignment.pool);
  if (!index) {
    return Refusal{RefusalCode::unknown_pool,
                   "the site has no pool \"" + assignment.pool.value + '"'};
  }
  const Pool& pool = site_.pools[*index];
  if (auto refusal = refuse_shape(assignment, pool)) return refusal;
  if (auto refusal = refuse_policy(assignment)) return refusal;
  if (auto refusal = refuse_price(assignment, pool, now.mono)) return refusal;
  if (auto refusal = refuse_contract(assignment, now.wall)) return refusal;
  if (options_.check) {
    if (const Status status = options_.check(assignment); !status) {
      auto code = RefusalCode::invalid;
      if (status.error().code == ErrorCode::unavailable) code = RefusalCode::engine_down;
      if (status.error().code == ErrorCode::exhausted) code = RefusalCode::no_capacity;
      return Refusal{code, describe(status.error())};
    }
  }
  return refuse_capacity(assignment, *index, now.wall);
}

std::optional<Admission::Refusal> Admission::refuse_contract(const Assignment& assignment,
                                                             Wall::time_point now) const {
  if (assignment.contract.value.empty()) return std::nullopt;
  const std::string name = "the contract \"" + assignment.contract.value + "\" ";
  const auto refused = [&name](std::string_view why) {
    return Refusal{RefusalCode::contract, name + std::string(why)};
  };
  const auto contract =
      std::find_if(site_.contracts.begin(), site_.contracts.end(),
                   [&](const Contract& each) { return each.id == assignment.contract; });
  if (contract == site_.contracts.end()) return refused("is not one of the site's");
  if (contract->tenant != assignment.tenant) return refused("is another tenant's");
  if (contract->pool != assignment.pool) return refused("is of another pool");
  if (!in_force(*contract, now)) return refused("is not in force now");
  if (assignment.preemptible) return refused("holds nothing that is preemptible");
  return std::nullopt;
}

std::optional<Admission::Refusal> Admission::refuse_capacity(const Assignment& assignment,
                                                             std::size_t pool,
                                                             Wall::time_point now) const {
  const NodeBook& nodes = pools_[pool].nodes;
  if (!nodes.best_fit(assignment.nodes, assignment.units)) {
    return Refusal{RefusalCode::no_capacity, std::to_string(assignment.nodes) + " nodes with " +
                                                 std::to_string(assignment.units) +
                                                 " units free are not there now"};
  }
  std::uint64_t free = nodes.units_free();
  std::uint64_t own = 0;
  for (const ContractQuote& each : idle_contracts(pool, now)) {
    free -= each.units_idle;
    if (each.contract == assignment.contract) own = each.units_idle;
  }
  if (assignment.contract_units > own) {
    return Refusal{RefusalCode::contract,
                   "the contract \"" + assignment.contract.value + "\" has " + std::to_string(own) +
                       " units idle now, not " + std::to_string(assignment.contract_units)};
  }
  const std::uint64_t units = std::uint64_t{assignment.nodes} * assignment.units;
  if (units - assignment.contract_units > free) {
    return Refusal{RefusalCode::no_capacity,
                   std::to_string(units - assignment.contract_units) + " units are not free now, " +
                       std::to_string(free) + " are; the rest is held for contracts"};
  }
  return std::nullopt;
}

std::optional<Admission::Refusal> Admission::refuse_shape(const Assignment& assignment,
                                                          const Pool& pool) const {
  const auto invalid = [](std::string detail) {
    return Refusal{RefusalCode::invalid, std::move(detail)};
  };
  if (assignment.nodes == 0 || assignment.nodes > pool.nodes) {
    return invalid(std::to_string(assignment.nodes) + " nodes: the pool has " +
                   std::to_string(pool.nodes));
  }
  const auto units = units_for(assignment.resources, pool.unit);
  if (!units) return invalid("the resources ask for something that the pool's unit has none of");
  if (*units != assignment.units) {
    return invalid("the resources need " + std::to_string(*units) + " units on a node, not " +
                   std::to_string(assignment.units));
  }
  if (*units > units_per_node(pool)) {
    return invalid("a node holds " + std::to_string(units_per_node(pool)) + " units, not " +
                   std::to_string(*units));
  }
  if (assignment.executors.empty()) return invalid("there is no executor");
  if (assignment.run_seconds_max == 0 || assignment.run_seconds_max > limits::seconds_max) {
    return invalid("a time limit of " + std::to_string(assignment.run_seconds_max) +
                   " s is not within 1 to " + std::to_string(limits::seconds_max));
  }
  if (assignment.rate.micros < 0 || assignment.rate.micros > rate_max.micros) {
    return invalid("the rate is out of range");
  }
  if (assignment.preemptible && pool.tariff.preemptible_ppm == 0) {
    return invalid("the pool does not sell preemptible capacity");
  }
  if (!assignment.preemptible && pool.tariff.preemptible_only) {
    return invalid("the pool sells preemptible capacity only");
  }
  return std::nullopt;
}

std::optional<Admission::Refusal> Admission::refuse_policy(const Assignment& assignment) const {
  const SitePolicy& policy = site_.policy;
  if (has(policy.tenants_denied, assignment.tenant) ||
      (!policy.tenants_allowed.empty() && !has(policy.tenants_allowed, assignment.tenant))) {
    return Refusal{RefusalCode::policy,
                   "the site does not serve the tenant \"" + assignment.tenant.value + '"'};
  }
  if (assignment.run_seconds_max > policy.run_seconds_max) {
    return Refusal{RefusalCode::policy,
                   "a time limit of " + std::to_string(assignment.run_seconds_max) +
                       " s is over the site's " + std::to_string(policy.run_seconds_max) + " s"};
  }
  return std::nullopt;
}

std::optional<Admission::Refusal> Admission::refuse_price(const Assignment& assignment,
                                                          const Pool& pool,
                                                          Mono::time_point now) const {
  const auto price_in = [&](const SheetTerms& terms) -> std::optional<std::int64_t> {
    for (const auto& [id, price] : terms.price_ppm) {
      if (id == pool.id) return price;
    }
    return std::nullopt;
  };
  const auto named = std::find_if(sheets_.begin(), sheets_.end(), [&](const SheetTerms& each) {
    return each.version == assignment.quote_version;
  });
  if (named == sheets_.end() || now > named->taken_until) {
    return Refusal{RefusalCode::price, "the quote sheet " + version_text(assignment.quote_version) +
                                           " is too old or not one of ours"};
  }
  const auto asked = now <= named->binds_until ? price_in(*named) : price_in(sheets_.back());
  if (!asked) {
    return Refusal{RefusalCode::price, "the quote sheet " + version_text(named->version) +
                                           " has no price of pool \"" + pool.id.value + '"'};
  }
  if (assignment.price_ppm < *asked) {
    return Refusal{RefusalCode::price, "the price factor " + std::to_string(assignment.price_ppm) +
                                           " is below the " + std::to_string(*asked) + " asked"};
  }
  const MoneyPerHour least =
      least_rate(pool, assignment.nodes, assignment.units, assignment.preemptible,
                 assignment.price_ppm, assignment.conversion_ppm);
  if (assignment.rate < least) {
    return Refusal{RefusalCode::price, "the rate " + to_decimal(assignment.rate.micros) +
                                           " an hour is below the tariff's " +
                                           to_decimal(least.micros)};
  }
  return std::nullopt;
}

}  // namespace tradewind
