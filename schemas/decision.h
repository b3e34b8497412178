// The router's answer for one job: where it goes, what that costs part by part, and why not
// elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ids.h"
#include "schemas/job.h"
#include "schemas/money.h"
#include "schemas/record.h"
#include "schemas/time.h"

namespace tradewind {

// Why a pool is not adequate: the first predicate, in this order, that fails. Codes of a permanent
// kind (no record that may arrive soon changes them) come first. DO NOT CHANGE THESE VALUES: they
// are in the journal and in the log.
enum class ReasonCode : std::uint16_t {
  none = 0,  // adequate
  architecture = 1,
  accelerator_family = 2,
  accelerator_model = 3,
  accelerator_memory = 4,
  accelerator_count = 5,  // per node
  interconnect = 6,
  cpus = 7,  // per node
  memory = 8,
  disk = 9,
  nodes = 10,  // the pool has fewer nodes than the job wants
  site_denied = 11,
  region_denied = 12,
  jurisdiction_denied = 13,
  provider_denied = 14,
  data_residency = 15,
  label = 16,
  site_policy = 17,       // the site does not serve this tenant or so long a run
  workload_class = 18,    // the pool states no performance for it
  preemptible_only = 19,  // sold only as preemptible, and the job does not allow that
  carbon = 20,
  latency = 21,
  rate_cap = 22,
  currency = 23,       // no rate into the accounting currency
  site_state = 24,     // draining, maintenance, suspended
  excluded = 25,       // this job was refused or lost there just now
  quote_missing = 26,  // no valid quote sheet
  energy_quota = 27,
  capacity = 28,  // adequate, but not enough free units now
  wait = 29,      // expected wait over the job's bound
  deadline = 30,
  budget = 31,
  transfer_unknown = 32,  // an input has no reachable replica
  // Enough units are free, but they are held for contracts of others. Comes after capacity.
  contract_capacity = 33,
  // The site has broken too many of its promises lately. Comes after excluded.
  distrusted = 34,
};
inline constexpr std::uint16_t reason_codes_count = 35;
std::string_view to_string(ReasonCode code);
// Its place among the predicates: the greater, the nearer a pool came to being adequate.
std::uint16_t predicate_place(ReasonCode code);
// Whether new quote sheets or rates may lift the reason: the job then waits instead of being
// refused.
bool is_passing(ReasonCode code);

// All parts in micro-units of the accounting currency.
struct CostBreakdown {
  Money compute{};  // rate * billed time; preemptible: with the expected rerun
  Money data_in{};
  Money data_out{};
  Money fixed{};
  Money contract_paid{};  // already paid by a contract, subtracted
  Money total{};
  friend bool operator==(const CostBreakdown&, const CostBreakdown&) = default;
};

struct FinishEstimate {
  std::uint64_t wait_seconds = 0;
  std::uint64_t stage_in_seconds = 0;  // the slowest input
  std::uint64_t run_seconds = 0;
  std::uint64_t stage_out_seconds = 0;
  std::uint64_t total_seconds = 0;  // from the decision to the end
  friend bool operator==(const FinishEstimate&, const FinishEstimate&) = default;
};

// One variant at one pool that is adequate.
struct Candidate {
  SiteId site;
  PoolId pool;
  std::uint32_t variant = 0;  // index into the job's variants
  bool preemptible = false;
  std::uint32_t nodes = 1;
  std::uint32_t units = 0;           // reserved on each node
  MoneyPerHour rate{};               // of the whole job, at the quoted price
  std::uint64_t billed_seconds = 0;  // expected run time after increment and minimum
  CostBreakdown cost;
  FinishEstimate finish;
  std::vector<std::uint32_t>
      replicas;                      // per input, the index of the replica that the price rests on
  ContractId contract;               // of the tenant, that part of the units is taken from; or none
  std::uint32_t contract_units = 0;  // so many of nodes * units
  // Indices of the inputs that the site's record says it has already; rising. They cost and take
  // what data within a site does.
  std::vector<std::uint32_t> held{};
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

// One pool that is not adequate for any variant.
struct Rejection {
  SiteId site;
  PoolId pool;
  std::uint32_t variant = 0;  // the variant that came furthest
  ReasonCode reason = ReasonCode::none;
  std::int64_t wanted =
      0;  // the numbers behind it, in the predicate's own unit; 0 when it has none
  std::int64_t offered = 0;
  std::string detail;  // for people: "needs 80 GiB of accelerator memory, has 48"
  friend bool operator==(const Rejection&, const Rejection&) = default;
};

// Which records the decision rests on.
struct ReliedOn {
  SiteId site;
  RecordVersion site_version;
  RecordVersion quote_version;
  Wall::time_point quote_valid_until{};
  friend bool operator==(const ReliedOn&, const ReliedOn&) = default;
};

// What a quote promises the job that is submitted with it.
struct QuoteTerms {
  std::string id;  // "q7-12-1790308220500"
  Money total{};   // no attempt of the job is decided at more
  // Where the quote placed it, and the quote sheet that binds the site to its price factor until
  // then, as long as the pools are those of that site record.
  PoolId pool;
  std::int64_t price_ppm = ppm_one;
  ReliedOn relied_on;
  friend bool operator==(const QuoteTerms&, const QuoteTerms&) = default;
};

enum class Outcome : std::uint16_t {
  placed = 0,      // `chosen` is set
  waiting = 1,     // nothing adequate now, but a new record may change that
  unroutable = 2,  // nothing offered could ever run it
};
inline constexpr std::uint16_t outcomes_count = 3;
std::string_view to_string(Outcome outcome);

// Of a decision made by a clearing: jobs that contended for the same capacity and were given places
// together.
struct ClearedWith {
  std::uint32_t jobs = 0;  // of the clearing, this one among them; those that got no place too
  // How far the value that the job's objective makes least of lies above the least that the job
  // could have had alone: micro-units, or seconds for Objective::fastest.
  std::int64_t margin = 0;
  friend bool operator==(const ClearedWith&, const ClearedWith&) = default;
};

struct Decision {
  Outcome outcome = Outcome::unroutable;
  Wall::time_point decided_at{};
  std::optional<Candidate> chosen;
  ReliedOn relied_on;  // of the chosen site; empty otherwise
  // A placed decision may come without the survey of the rest: then no pools are considered or
  // adequate, and there are no runners-up and no rejections.
  std::vector<Candidate> runners_up;  // the next best, in order, at most limits::runners_up_max
  std::vector<Rejection> rejections;  // nearest misses first, at most limits::rejections_max
  std::uint32_t pools_considered = 0;
  std::uint32_t pools_adequate = 0;
  std::int64_t tolerance_ppm = 0;       // how far above the least cost the choice was allowed to be
  std::uint32_t spare_units = 0;        // margin of free units wanted beyond the need
  std::uint64_t rates_version = 0;      // of the rate table that it used
  std::optional<ClearedWith> clearing;  // only of a placed one
  // Sites that were not asked, as the job was refused or lost there just now; sorted, none twice,
  // at most limits::exclusions_per_job_max.
  std::vector<SiteId> excluded;
  friend bool operator==(const Decision&, const Decision&) = default;
};

// Whether the decision tells of the pools that were not chosen.
inline bool is_surveyed(const Decision& decision) {
  return decision.outcome != Outcome::placed || decision.pools_considered > 0;
}

}  // namespace tradewind
