// The named predicates of adequacy, in the order of ReasonCode (schemas/decision.h). A pool's
// reason is the first that fails. Pure.
//
// Each returns a miss: the reason and the two numbers behind it, in the predicate's own unit. A
// predicate that holds returns a miss with ReasonCode::none.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/routing/network.h"
#include "schemas/decision.h"
#include "schemas/job.h"
#include "schemas/site.h"
#include "state/market/market_view.h"

namespace tradewind {

struct Miss {
  ReasonCode reason = ReasonCode::none;
  std::int64_t wanted = 0;
  std::int64_t offered = 0;
  explicit operator bool() const { return reason != ReasonCode::none; }
  friend bool operator==(const Miss&, const Miss&) = default;
};

// What the broker has dispatched to a pool and its quote does not show yet.
struct Debited {
  std::uint32_t units = 0;  // over all nodes
  std::uint32_t nodes = 0;
};

// What contracts hold of a pool beyond what its quote leaves for all.
struct HeldUnits {
  std::uint64_t own = 0;     // idle of the tenant's contract, for the job to take
  std::uint64_t others = 0;  // idle of other contracts
};

// What a pool has and what its quote leaves of it.
struct Offered {
  std::uint32_t pool_nodes = 0;
  std::uint32_t units_node = 0;  // that a whole node holds
  std::uint32_t units_free = 0;  // this and the rest as in the quote
  std::uint32_t units_free_node = 0;
  std::uint32_t nodes_free = 0;
};
Offered offered_by(const MarketColumns& columns, std::uint32_t pool);

// Nodes that the job takes: at least one.
std::uint32_t nodes_wanted(const JobSpec& spec);
// What so many units draw at work, rounded up; 0 when the power of one is unknown.
std::uint64_t energy_wh(std::uint32_t unit_watts, std::uint32_t nodes, std::uint32_t units,
                        std::uint64_t seconds);
// Whether the variant needs devices at all.
bool wants_accelerator(const JobSpec& spec, const Variant& variant);

// --- what the pool is: architecture to nodes. `units_node` is units_per_node(pool).
Miss shape_miss(const JobSpec& spec, const Variant& variant, const Pool& pool,
                std::uint32_t units_node);

// --- where the site is and who runs it
// site_denied, region_denied, jurisdiction_denied, provider_denied, data_residency.
Miss place_miss(const JobSpec& spec, const SiteRecord& site);
// Each wanted label must be on the pool or on its site, and no denied one on either.
Miss label_miss(const Constraints& constraints, const SiteRecord& site, const Pool& pool);
// Whether the site serves the tenant, and so long a run; `run` is nothing when unknown. Seconds.
Miss policy_miss(const JobSpec& spec, const TenantId& tenant, const SitePolicy& policy,
                 std::optional<std::uint64_t> run);
// Nothing known of the class although the run time rests on it.
Miss workload_miss(std::optional<std::uint64_t> run);
// Whether the pool sells in a way that the job allows.
Miss preemptible_miss(const Constraints& constraints, const Tariff& tariff);
// Grams per kWh; an offer of 0 is unknown and fails a cap.
Miss carbon_miss(const Constraints& constraints, const SiteRecord& site);
// Milliseconds; an offer of 0 is unknown and fails a bound.
Miss latency_miss(const Constraints& constraints, const SiteRecord& site, const Place& client);

// --- what it costs and whether it may be used now
// Micro-units per hour; a rate that does not fit is above any cap.
Miss rate_miss(const Constraints& constraints, std::optional<MoneyPerHour> rate);
Miss state_miss(const SiteView& site);
Miss excluded_miss(const std::vector<SiteId>& excluded, const SiteId& site);
// Parts per million.
Miss trust_miss(const SiteTrust& trust);
// Watt-hours; a pool that states no power wants one while any is left. `energy` is energy_wh.
Miss energy_miss(std::int64_t energy_left_wh, std::uint64_t energy);
// Units, or nodes where the nodes of a job on several are what lacks. Of the reason
// contract_capacity when what others' contracts hold is all that lacks.
Miss capacity_miss(const Pool& pool, const PoolQuote& quote, std::uint32_t nodes,
                   std::uint32_t units, std::uint32_t units_node, Debited debited,
                   std::uint32_t spare_units, HeldUnits held);
Miss capacity_miss(const Offered& offered, std::uint32_t nodes, std::uint32_t units,
                   Debited debited, std::uint32_t spare_units, HeldUnits held);
// Seconds.
Miss wait_miss(const Constraints& constraints, std::uint32_t wait_seconds);

// --- what it would come to
// Seconds from now. Also fails when the undisturbed run is longer than the job's own time limit.
Miss deadline_miss(const JobSpec& spec, std::uint64_t run, std::uint64_t total_seconds,
                   Wall::time_point now);
// Micro-units; a cost that does not fit is above any budget.
Miss budget_miss(const Constraints& constraints, const std::optional<CostBreakdown>& cost);

}  // namespace tradewind
