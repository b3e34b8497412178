// What sites and members say of themselves.
#include "tests/unit/schemas/samples.h"

#include <algorithm>
#include <set>
#include <type_traits>
#include <utility>

#include "schemas/limits.h"

namespace tradewind::testing {

void Sampler::fill(Member& to) {
  to.node = node();
  to.number.value = small();
  to.state = member_of<MemberState>(member_states_count);
  to.identity_key = bytes(32);
  to.curve_key = bytes(32);
  to.endpoint = flag() ? "tcp://" + name() + ":7500" : "";
  to.units_max = small();
  to.log_key = flag() ? clean_text() : "";
  to.renewals = any();
  if (flag()) to.former_curve_key = bytes(32);
  to.trust_version = any();
  to.locked = to.state != MemberState::active && flag();
}
void Sampler::fill(Pool& to) {
  to.id.value = name();
  to.architecture = member_of<Architecture>(architectures_count);
  fill(to.accelerator);
  to.node = Resources{small(limits::node_cpus_max, 1), number(1, limits::node_mib_max),
                      number(0, limits::node_mib_max), small(limits::node_accelerators_max)};
  to.unit = Resources{small(to.node.cpus, 1), number(1, to.node.memory_mib),
                      number(0, to.node.disk_mib), small(to.node.accelerators)};
  to.nodes = small(std::min(UINT32_MAX / std::max(units_per_node(to), 1U), limits::pool_nodes_max));
  to.performance_ppm = {{"default", amount(limits::performance_ppm_max, 1)}};
  for (std::size_t i = count(); i > 0; --i) {
    std::string workload_class = clean_text();  // first: arguments are evaluated in any order
    to.performance_ppm.emplace(std::move(workload_class), amount(limits::performance_ppm_max, 1));
  }
  const auto price = [&] { return amount(limits::price_micros_max); };
  to.tariff = Tariff{"JPY",
                     {price()},
                     {price()},
                     {price()},
                     {price()},
                     amount(ppm_one),
                     amount(1000 * ppm_one),
                     small(86'400, 1),
                     small(limits::seconds_max),
                     {price()},
                     flag()};
  if (to.tariff.preemptible_ppm == 0) to.tariff.preemptible_only = false;
  to.price_curve = PriceCurve{amount(limits::price_ppm_max - ppm_one), small(16, 1)};
  to.labels = map(true);
  to.unit_watts = small(limits::unit_watts_max);
}
void Sampler::fill(NetworkTariff& to) {
  switch (full_ ? 0 : number(0, 3)) {
    case 0: to.peer = "site:" + name(); break;
    case 1: to.peer = "region:" + name(); break;
    // One row of a site record at most can have these.
    case 2: to.peer = "jurisdiction:JP"; break;
    default: to.peer = "default";
  }
  to.egress.micros = amount(limits::price_micros_max);
  to.ingress.micros = amount(limits::price_micros_max);
  to.bandwidth_mbit = number(0, limits::bandwidth_mbit_max);
  to.rtt_ms = small(limits::rtt_ms_max);
}
void Sampler::fill(SiteRecord& to) {
  to.site.value = name();
  to.region.value = name();
  to.jurisdiction.value = "JP";
  to.provider = clean_text();
  to.state = member_of<SiteState>(site_states_count);
  to.endpoint = flag() ? "tcp://[::1]:7500" : "";
  fill_list(to.pools);
  fill_list(to.network);
  std::sort(to.network.begin(), to.network.end(),
            [](const auto& a, const auto& b) { return a.peer < b.peer; });
  to.network.erase(std::unique(to.network.begin(), to.network.end(),
                               [](const auto& a, const auto& b) { return a.peer == b.peer; }),
                   to.network.end());
  to.labels = map(true);
  for (std::size_t i = count(); i > 0; --i) {
    to.policy.tenants_allowed.push_back(TenantId{name()});
    to.policy.tenants_denied.push_back(TenantId{name()});
  }
  to.policy.run_seconds_max = small();
  to.carbon_g_kwh = small(limits::carbon_g_kwh_max);
  // One after the other, so that even a pool of one unit holds them all.
  for (const Pool& each : to.pools) {
    if (each.nodes == 0) continue;
    const auto from =
        Wall::time_point(std::chrono::hours(24 * (1 + static_cast<int>(to.contracts.size()))));
    to.contracts.push_back({ContractId{name()}, TenantId{name()}, each.id,
                            small(each.nodes * units_per_node(each), 1), from,
                            from + std::chrono::hours(24)});
  }
  std::set<RegionId> measured;
  for (std::uint64_t i = number(0, 3); i > 0; --i) measured.insert(RegionId{name()});
  for (const RegionId& each : measured) {
    to.round_trips.push_back(RoundTrip{each, static_cast<std::uint8_t>(number(1, 255))});
    to.bandwidths.push_back(Bandwidth{each, small(limits::bandwidth_mbit_max, 1),
                                      small(limits::bandwidth_mbit_max), time()});
  }
  std::set<HoldingLabel> held;
  for (std::uint64_t i = number(0, 3); i > 0; --i) held.insert(HoldingLabel{any(), number(1, 9)});
  to.holdings.assign(held.begin(), held.end());
}
void Sampler::fill(PoolQuote& to) {
  to.pool.value = name();
  to.units_free = small(UINT32_MAX, full_ ? 1'000 : 0);
  to.units_free_node = small(to.units_free);
  to.nodes_free = small(to.units_free);
  to.wait_seconds = small(limits::seconds_max);
  to.price_ppm = amount(limits::price_ppm_max, 1);
}
void Sampler::fill(ContractQuote& to) {
  to.contract.value = name();
  to.units_idle = small();
}
void Sampler::fill(QuoteSheet& to) {
  to.site.value = name();
  fill_list(to.pools);
  to.energy_left_wh = flag() ? amount() : -1;
  fill_list(to.contracts);
}

template <class Body>
Record Sampler::record() {
  Record to;
  Body body;
  fill(body);
  if constexpr (std::is_same_v<Body, Member>) {
    to.header.kind = RecordKind::member;
    to.header.subject = body.node;
    to.header.member = body.number;
  } else {
    to.header.kind = std::is_same_v<Body, SiteRecord> ? RecordKind::site : RecordKind::quote;
    to.header.subject = site_node(body.site);
    to.header.member.value = small();
  }
  fill(to.header.version);
  to.header.issued = Wall::time_point(Wall::duration(amount(200'000'000'000'000'000)));
  to.header.valid_until = to.header.issued + Wall::duration(amount(60'000'000, 1));
  to.body = std::move(body);
  return to;
}

template Record Sampler::record<Member>();
template Record Sampler::record<SiteRecord>();
template Record Sampler::record<QuoteSheet>();

}  // namespace tradewind::testing
