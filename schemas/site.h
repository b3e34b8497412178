// What a site is and sells: the slow, signed site record.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "schemas/architecture.h"
#include "schemas/holding.h"
#include "schemas/ids.h"
#include "schemas/money.h"
#include "schemas/resources.h"
#include "schemas/time.h"

namespace tradewind {

// Prices of what is reserved. A job reserves whole allocation units of a pool (see Pool::unit) and
// pays, for each node and hour, node_hour + units * (cpu_hour * unit.cpus + ...), times the price
// factor in force.
struct Tariff {
  std::string currency = "USD";  // ISO 4217
  MoneyPerHour node_hour{};      // for each node that the job uses, however little of it
  MoneyPerHour cpu_hour{};
  MoneyPerHour gib_hour{};  // memory
  MoneyPerHour accelerator_hour{};
  std::int64_t preemptible_ppm = 0;  // preemptible price as a share of on-demand; 0: not sold
  std::int64_t interruptions_ppm_hour =
      0;  // expected interruptions of a preemptible attempt per hour, ppm
  std::uint32_t increment_seconds = 1;  // billed time is rounded up to this; 1 to 86,400
  std::uint32_t minimum_seconds = 0;    // and is at least this
  Money fixed_fee{};                    // per attempt that started
  bool preemptible_only = false;        // no job runs there on demand; needs preemptible_ppm
  friend bool operator==(const Tariff&, const Tariff&) = default;
};

// Price by utilisation u: price * (1 + a * u^exponent). a = 0 is a flat price.
struct PriceCurve {
  std::int64_t a_ppm = 3'000'000;
  std::uint32_t exponent = 8;  // 1 to 16
  friend bool operator==(const PriceCurve&, const PriceCurve&) = default;
};

// Identical nodes of a site.
struct Pool {
  PoolId id;
  Architecture architecture = Architecture::amd64;
  Accelerator accelerator;
  std::uint32_t nodes = 0;
  Resources node;  // one node
  Resources
      unit;  // the allocation unit; a node holds node/unit of them, the least over the components
  // Speed by workload class: reference work seconds done per second, as ppm. The class "default" is
  // always there.
  std::map<std::string, std::int64_t> performance_ppm;
  Tariff tariff;
  PriceCurve price_curve;
  std::map<std::string, std::string> labels;
  std::uint32_t unit_watts = 0;  // drawn by one unit at work; 0: unknown
  friend bool operator==(const Pool&, const Pool&) = default;
};

// How many whole units one node of the pool holds.
std::uint32_t units_per_node(const Pool& pool);
// On-demand price of one unit for an hour before any price factor, the node's share not included;
// rounded up.
MoneyPerHour unit_price(const Pool& pool);

// What traffic between this site and others costs and how fast it is. Rows are looked up in the
// order "site:<id>", "region:<id>", "jurisdiction:<id>", "default"; the first that matches the
// other end holds.
struct NetworkTariff {
  std::string peer = "default";
  MoneyPerGigabyte egress{};         // leaving this site towards the peer
  MoneyPerGigabyte ingress{};        // arriving at this site from the peer
  std::uint64_t bandwidth_mbit = 0;  // towards this site from the peer, 10^6 bit/s; 0: unknown
  std::uint32_t rtt_ms = 0;          // 0: unknown
  friend bool operator==(const NetworkTariff&, const NetworkTariff&) = default;
};

// A measured round trip to a region. The code is logarithmic, so that any time within 100 us and 10
// s is told in a byte, within 2.5 %.
struct RoundTrip {
  RegionId region;
  std::uint8_t code = 0;  // from 1
  friend bool operator==(const RoundTrip&, const RoundTrip&) = default;
};
// The nearest code; what is outside the range gets the code of its end.
std::uint8_t round_trip_code(std::chrono::microseconds time);
// What a code from 1 stands for.
std::chrono::microseconds round_trip_of(std::uint8_t code);

// Who may run here. Empty lists mean everybody.
struct SitePolicy {
  std::vector<TenantId> tenants_allowed;
  std::vector<TenantId> tenants_denied;
  std::uint32_t run_seconds_max = 7 * 24 * 3600;  // longest time limit that the site grants
  friend bool operator==(const SitePolicy&, const SitePolicy&) = default;
};

// What the site's staging achieved between it and a region, 10^6 bit/s; 0: not measured.
struct Bandwidth {
  RegionId region;
  std::uint32_t in_mbit = 0;    // from there to the site
  std::uint32_t out_mbit = 0;   // from the site to there; one of the two is not 0
  Wall::time_point measured{};  // the newest transfer's end
  friend bool operator==(const Bandwidth&, const Bandwidth&) = default;
};

enum class SiteState : std::uint16_t {
  active = 0,
  draining = 1,     // runs what it has, takes nothing new
  maintenance = 2,  // takes nothing new, what it had is over
};
inline constexpr std::uint16_t site_states_count = 3;
std::string_view to_string(SiteState state);

// Prepaid capacity: `units` of the pool are the tenant's, from `valid_from` until `valid_until`,
// and held back from everybody else while it leaves them idle.
struct Contract {
  ContractId id;
  TenantId tenant;
  PoolId pool;
  std::uint32_t units = 0;  // at least 1; over all nodes
  Wall::time_point valid_from{};
  Wall::time_point valid_until{};  // after valid_from; from then on it holds nothing
  friend bool operator==(const Contract&, const Contract&) = default;
};
inline bool in_force(const Contract& contract, Wall::time_point now) {
  return contract.valid_from <= now && now < contract.valid_until;
}

struct SiteRecord {
  SiteId site;
  RegionId region;
  Jurisdiction jurisdiction;
  std::string provider;  // the organisation, for people and for provider constraints
  SiteState state = SiteState::active;
  std::string endpoint;  // where its link listens, "tcp://host:port"; empty: outbound only
  std::vector<Pool> pools;
  std::vector<NetworkTariff> network;
  std::map<std::string, std::string> labels;
  SitePolicy policy;
  std::uint32_t carbon_g_kwh = 0;        // of the site's electricity; 0: unknown
  std::vector<Contract> contracts;       // see overbooked
  std::vector<RoundTrip> round_trips;    // sorted by region; those not measured are left out
  std::vector<Bandwidth> bandwidths{};   // likewise
  std::vector<HoldingLabel> holdings{};  // data kept for later jobs; rising
  friend bool operator==(const SiteRecord&, const SiteRecord&) = default;
};

// The first contract, in the order of the record, that is of no pool of the site, or whose pool has
// sold more units than it has at the moment that the contract begins. Null when there is none.
const Contract* overbooked(const SiteRecord& site);

// What one pool sells until its sheet's valid-until. The site is bound by it while units last.
struct PoolQuote {
  PoolId pool;
  // Over all nodes, after grants, when it was signed; without what is held back for contracts.
  std::uint32_t units_free = 0;
  std::uint32_t units_free_node = 0;  // on the emptiest node
  std::uint32_t nodes_free = 0;       // nodes with nothing on them
  std::uint32_t wait_seconds = 0;     // expected wait for one unit; 0 while units are free
  std::int64_t price_ppm = ppm_one;   // factor on the pool's tariff, from its price curve
  friend bool operator==(const PoolQuote&, const PoolQuote&) = default;
};

// How much of a contract in force is there for its tenant beyond what the pool has free for all.
struct ContractQuote {
  ContractId contract;
  std::uint32_t units_idle = 0;
  friend bool operator==(const ContractQuote&, const ContractQuote&) = default;
};

// The fast, signed record: what the site sells now.
struct QuoteSheet {
  SiteId site;
  std::vector<PoolQuote> pools;
  std::int64_t energy_left_wh = -1;      // -1: no quota
  std::vector<ContractQuote> contracts;  // of those in force, in the order of the site record
  friend bool operator==(const QuoteSheet&, const QuoteSheet&) = default;
};

}  // namespace tradewind
