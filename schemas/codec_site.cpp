// Site records and quote sheets. What a site says of itself is believed only within bounds: a value
// beyond them refuses the record whole, so that nothing downstream has to doubt a number.
#include <set>

#include "schemas/codec_internal.h"

namespace tradewind::codec {
namespace {

static_assert(same_length<SiteState>(schema::SiteState::MAINTENANCE));

std::int64_t read_price(std::string_view field, std::int64_t micros) {
  return in_range(field, micros, 0, limits::price_micros_max);
}

}  // namespace

void write(schema::Tariff::Builder to, const Tariff& from) {
  put_text(to, &schema::Tariff::Builder::setCurrency, from.currency);
  to.setNodeHour(from.node_hour.micros);
  to.setCpuHour(from.cpu_hour.micros);
  to.setGibHour(from.gib_hour.micros);
  to.setAcceleratorHour(from.accelerator_hour.micros);
  to.setPreemptible(from.preemptible_ppm);
  to.setInterruptionsHour(from.interruptions_ppm_hour);
  to.setIncrementSeconds(from.increment_seconds);
  to.setMinimumSeconds(from.minimum_seconds);
  to.setFixedFee(from.fixed_fee.micros);
  to.setPreemptibleOnly(from.preemptible_only);
}
void read(schema::Tariff::Reader from, Tariff& to) {
  to.currency = read_currency("tariff.currency", from.getCurrency());
  to.node_hour = {read_price("tariff.node_hour", from.getNodeHour())};
  to.cpu_hour = {read_price("tariff.cpu_hour", from.getCpuHour())};
  to.gib_hour = {read_price("tariff.gib_hour", from.getGibHour())};
  to.accelerator_hour = {read_price("tariff.accelerator_hour", from.getAcceleratorHour())};
  to.preemptible_ppm = in_range("tariff.preemptible_ppm", from.getPreemptible(), 0, ppm_one);
  to.interruptions_ppm_hour =
      in_range("tariff.interruptions_ppm_hour", from.getInterruptionsHour(), 0, 1000 * ppm_one);
  to.increment_seconds = from.getIncrementSeconds();
  if (to.increment_seconds < 1 || to.increment_seconds > 86'400) {
    broken("tariff.increment_seconds", "is outside 1 to 86400");
  }
  to.minimum_seconds = from.getMinimumSeconds();
  check_at_most("tariff.minimum_seconds", to.minimum_seconds, limits::seconds_max);
  to.fixed_fee = {read_price("tariff.fixed_fee", from.getFixedFee())};
  to.preemptible_only = from.getPreemptibleOnly();
  if (to.preemptible_only && to.preemptible_ppm == 0) {
    broken("tariff.preemptible_only", "is set, though nothing is sold as preemptible");
  }
}

void write(schema::PriceCurve::Builder to, const PriceCurve& from) {
  to.setA(from.a_ppm);
  to.setExponent(from.exponent);
}
void read(schema::PriceCurve::Reader from, PriceCurve& to) {
  to.a_ppm = in_range("price_curve.a_ppm", from.getA(), 0, limits::price_ppm_max - ppm_one);
  to.exponent = from.getExponent();
  if (to.exponent < 1 || to.exponent > 16) broken("price_curve.exponent", "is outside 1 to 16");
}

namespace {

void check_node(const Resources& node) {
  check_at_most("pool.node.cpus", node.cpus, limits::node_cpus_max);
  check_at_most("pool.node.memory_mib", node.memory_mib, limits::node_mib_max);
  check_at_most("pool.node.disk_mib", node.disk_mib, limits::node_mib_max);
  check_at_most("pool.node.accelerators", node.accelerators, limits::node_accelerators_max);
}

void write_performance(capnp::List<schema::Performance>::Builder list,
                       const std::map<std::string, std::int64_t>& from) {
  unsigned i = 0;
  for (const auto& [workload_class, speed] : from) {
    auto row = list[i++];
    put_text(row, &schema::Performance::Builder::setClass, workload_class);
    row.setSpeed(speed);
  }
}
std::map<std::string, std::int64_t> read_performance(
    capnp::List<schema::Performance>::Reader list) {
  constexpr std::string_view field = "pool.performance_ppm";
  if (list.size() > limits::map_entries_max) {
    over_limit(field, list.size(), limits::map_entries_max);
  }
  std::map<std::string, std::int64_t> rows;
  for (const auto each : list) {
    std::string workload_class = read_clean_text(field, each.getClass());
    if (!rows.empty() && workload_class <= rows.rbegin()->first) {
      broken(field, "has classes that are not sorted or come twice");
    }
    rows.emplace_hint(rows.end(), std::move(workload_class),
                      in_range(field, each.getSpeed(), 1, limits::performance_ppm_max));
  }
  if (!rows.contains("default")) broken(field, "lacks the class \"default\"");
  return rows;
}

}  // namespace

void write(schema::Pool::Builder to, const Pool& from) {
  put_text(to, &schema::Pool::Builder::setId, from.id.value);
  to.setArchitecture(static_cast<schema::Architecture>(from.architecture));
  write(to.initAccelerator(), from.accelerator);
  to.setNodes(from.nodes);
  write(to.initNode(), from.node);
  write(to.initUnit(), from.unit);
  if (!from.performance_ppm.empty()) {
    write_performance(to.initPerformance(list_size(from.performance_ppm.size())),
                      from.performance_ppm);
  }
  write(to.initTariff(), from.tariff);
  write(to.initPriceCurve(), from.price_curve);
  put_map(to, &schema::Pool::Builder::initLabels, from.labels);
  to.setUnitWatts(from.unit_watts);
}
void read(schema::Pool::Reader from, Pool& to) {
  to.id = PoolId{read_name("pool.id", from.getId())};
  to.architecture = read_enum<Architecture>("pool.architecture", from.getArchitecture());
  read(from.getAccelerator(), to.accelerator);
  to.nodes = from.getNodes();
  check_at_most("pool.nodes", to.nodes, limits::pool_nodes_max);
  read(from.getNode(), to.node);
  check_node(to.node);
  read(from.getUnit(), to.unit);
  if (to.unit == Resources{}) broken("pool.unit", "holds nothing");
  if (!to.node.covers(to.unit)) broken("pool.unit", "is larger than the node");
  if (std::uint64_t{to.nodes} * units_per_node(to) > UINT32_MAX) {
    broken("pool.unit", "is so small that the pool's units cannot be counted");
  }
  to.performance_ppm = read_performance(from.getPerformance());
  read(from.getTariff(), to.tariff);
  read(from.getPriceCurve(), to.price_curve);
  to.labels = read_clean_map("pool.labels", from.getLabels());
  to.unit_watts = from.getUnitWatts();
  check_at_most("pool.unit_watts", to.unit_watts, limits::unit_watts_max);
}

namespace {

// Whether a network row's peer has one of the four forms.
bool is_peer(std::string_view peer) {
  const auto rest = [&](std::string_view prefix) -> std::optional<std::string_view> {
    if (peer.substr(0, prefix.size()) != prefix) return std::nullopt;
    return peer.substr(prefix.size());
  };
  if (peer == "default") return true;
  if (const auto site = rest("site:")) return check_name("network.peer", *site).has_value();
  if (const auto region = rest("region:")) return check_name("network.peer", *region).has_value();
  if (const auto jurisdiction = rest("jurisdiction:")) {
    return check_jurisdiction("network.peer", *jurisdiction).has_value();
  }
  return false;
}

}  // namespace

void write(schema::NetworkTariff::Builder to, const NetworkTariff& from) {
  put_text(to, &schema::NetworkTariff::Builder::setPeer, from.peer);
  to.setEgress(from.egress.micros);
  to.setIngress(from.ingress.micros);
  to.setBandwidthMbit(from.bandwidth_mbit);
  to.setRttMs(from.rtt_ms);
}
void read(schema::NetworkTariff::Reader from, NetworkTariff& to) {
  to.peer = read_clean_text("network.peer", from.getPeer());
  if (!is_peer(to.peer)) {
    broken("network.peer", "is none of default, site:ID, region:ID and jurisdiction:XX");
  }
  to.egress = {read_price("network.egress", from.getEgress())};
  to.ingress = {read_price("network.ingress", from.getIngress())};
  to.bandwidth_mbit = from.getBandwidthMbit();
  check_at_most("network.bandwidth_mbit", to.bandwidth_mbit, limits::bandwidth_mbit_max);
  to.rtt_ms = from.getRttMs();
  check_at_most("network.rtt_ms", to.rtt_ms, limits::rtt_ms_max);
}

void write(schema::SitePolicy::Builder to, const SitePolicy& from) {
  using Builder = schema::SitePolicy::Builder;
  put_texts(to, &Builder::initTenantsAllowed, from.tenants_allowed);
  put_texts(to, &Builder::initTenantsDenied, from.tenants_denied);
  to.setRunSecondsMax(from.run_seconds_max);
}
void read(schema::SitePolicy::Reader from, SitePolicy& to) {
  read_values("policy.tenants_allowed", from.getTenantsAllowed(), limits::list_entries_max,
              read_name, to.tenants_allowed);
  read_values("policy.tenants_denied", from.getTenantsDenied(), limits::list_entries_max, read_name,
              to.tenants_denied);
  to.run_seconds_max = from.getRunSecondsMax();
}

void write(schema::Contract::Builder to, const Contract& from) {
  put_text(to, &schema::Contract::Builder::setId, from.id.value);
  put_text(to, &schema::Contract::Builder::setTenant, from.tenant.value);
  put_text(to, &schema::Contract::Builder::setPool, from.pool.value);
  to.setUnits(from.units);
  to.setValidFrom(micros_of(from.valid_from));
  to.setValidUntil(micros_of(from.valid_until));
}
void read(schema::Contract::Reader from, Contract& to) {
  to.id = ContractId{read_name("contract.id", from.getId())};
  to.tenant = TenantId{read_name("contract.tenant", from.getTenant())};
  to.pool = PoolId{read_name("contract.pool", from.getPool())};
  to.units = from.getUnits();
  if (to.units == 0) broken("contract.units", "is 0");
  to.valid_from = read_time("contract.valid_from", from.getValidFrom());
  to.valid_until = read_time("contract.valid_until", from.getValidUntil());
  if (to.valid_until <= to.valid_from) broken("contract.valid_until", "is not after valid_from");
}

void write(schema::ContractQuote::Builder to, const ContractQuote& from) {
  put_text(to, &schema::ContractQuote::Builder::setContract, from.contract.value);
  to.setUnitsIdle(from.units_idle);
}
void read(schema::ContractQuote::Reader from, ContractQuote& to) {
  to.contract = ContractId{read_name("quote.contract", from.getContract())};
  to.units_idle = from.getUnitsIdle();
}

void write(schema::PoolQuote::Builder to, const PoolQuote& from) {
  put_text(to, &schema::PoolQuote::Builder::setPool, from.pool.value);
  to.setUnitsFree(from.units_free);
  to.setUnitsFreeNode(from.units_free_node);
  to.setNodesFree(from.nodes_free);
  to.setWaitSeconds(from.wait_seconds);
  to.setPrice(from.price_ppm);
}
void read(schema::PoolQuote::Reader from, PoolQuote& to) {
  to.pool = PoolId{read_name("quote.pool", from.getPool())};
  to.units_free = from.getUnitsFree();
  to.units_free_node = from.getUnitsFreeNode();
  to.nodes_free = from.getNodesFree();
  to.wait_seconds = from.getWaitSeconds();
  check_at_most("quote.wait_seconds", to.wait_seconds, limits::seconds_max);
  to.price_ppm = in_range("quote.price_ppm", from.getPrice(), 1, limits::price_ppm_max);
}

void write(schema::RoundTrip::Builder to, const RoundTrip& from) {
  put_text(to, &schema::RoundTrip::Builder::setRegion, from.region.value);
  to.setCode(from.code);
}
void read(schema::RoundTrip::Reader from, RoundTrip& to) {
  to.region = RegionId{read_name("round_trips.region", from.getRegion())};
  to.code = from.getCode();
  if (to.code == 0) broken("round_trips.code", "is 0; what is not measured is left out");
}

void write(schema::Bandwidth::Builder to, const Bandwidth& from) {
  put_text(to, &schema::Bandwidth::Builder::setRegion, from.region.value);
  to.setInMbit(from.in_mbit);
  to.setOutMbit(from.out_mbit);
  to.setMeasured(micros_of(from.measured));
}
void read(schema::Bandwidth::Reader from, Bandwidth& to) {
  to.region = RegionId{read_name("bandwidths.region", from.getRegion())};
  to.in_mbit = from.getInMbit();
  to.out_mbit = from.getOutMbit();
  if (to.in_mbit == 0 && to.out_mbit == 0) {
    broken("bandwidths.in_mbit", "is 0, and out_mbit too; what is not measured is left out");
  }
  check_at_most("bandwidths.in_mbit", to.in_mbit, limits::bandwidth_mbit_max);
  check_at_most("bandwidths.out_mbit", to.out_mbit, limits::bandwidth_mbit_max);
  to.measured = read_time("bandwidths.measured", from.getMeasured());
}

namespace {

// Sorted, so that they are found by halving, and none twice.
template <class T>
void check_regions(std::string_view field, const std::vector<T>& rows) {
  check_rising(field, rows, "has regions that are not sorted or come twice", &T::region);
}

// No key may come twice, or which of the two holds would depend on the reader.
template <class T, class Key>
void check_unique(std::string_view field, const std::vector<T>& values, Key&& key) {
  std::set<std::string_view> seen;
  for (const T& each : values) {
    if (!seen.insert(key(each)).second) {
      broken(field, "has \"" + std::string(key(each)) + "\" twice");
    }
  }
}

}  // namespace

std::string read_endpoint(std::string_view field, capnp::Text::Reader text) {
  std::string endpoint = read_clean_text(field, text);
  // Anything else, such as ipc: or inproc:, would make a reader connect to itself.
  if (!endpoint.empty() && endpoint.compare(0, 6, "tcp://") != 0) {
    broken(field, "is no endpoint; an endpoint is \"tcp://HOST:PORT\"");
  }
  return endpoint;
}

void write(schema::SiteRecord::Builder to, const SiteRecord& from) {
  put_text(to, &schema::SiteRecord::Builder::setSite, from.site.value);
  put_text(to, &schema::SiteRecord::Builder::setRegion, from.region.value);
  put_text(to, &schema::SiteRecord::Builder::setJurisdiction, from.jurisdiction.value);
  put_text(to, &schema::SiteRecord::Builder::setProvider, from.provider);
  to.setState(static_cast<schema::SiteState>(from.state));
  put_text(to, &schema::SiteRecord::Builder::setEndpoint, from.endpoint);
  put_list(to, &schema::SiteRecord::Builder::initPools, from.pools);
  put_list(to, &schema::SiteRecord::Builder::initNetwork, from.network);
  put_map(to, &schema::SiteRecord::Builder::initLabels, from.labels);
  write(to.initPolicy(), from.policy);
  to.setCarbonGramsKwh(from.carbon_g_kwh);
  put_list(to, &schema::SiteRecord::Builder::initContracts, from.contracts);
  put_list(to, &schema::SiteRecord::Builder::initRoundTrips, from.round_trips);
  put_list(to, &schema::SiteRecord::Builder::initBandwidths, from.bandwidths);
  put_list(to, &schema::SiteRecord::Builder::initHoldings, from.holdings);
}

void read(schema::SiteRecord::Reader from, SiteRecord& to) {
  to.site = SiteId{read_name("site", from.getSite())};
  to.region = RegionId{read_name("region", from.getRegion())};
  to.jurisdiction = Jurisdiction{read_clean_text("jurisdiction", from.getJurisdiction())};
  if (!check_jurisdiction("jurisdiction", to.jurisdiction.value)) {
    broken("jurisdiction", "is no jurisdiction; a jurisdiction is two capital letters");
  }
  to.provider = read_clean_text("provider", from.getProvider());
  to.state = read_enum<SiteState>("state", from.getState());
  to.endpoint = read_endpoint("endpoint", from.getEndpoint());
  read_list("pools", from.getPools(), limits::pools_per_site_max, to.pools);
  check_unique("pools", to.pools,
               [](const Pool& pool) -> const std::string& { return pool.id.value; });
  read_list("network", from.getNetwork(), limits::network_rows_max, to.network);
  check_unique("network", to.network,
               [](const NetworkTariff& row) -> const std::string& { return row.peer; });
  to.labels = read_clean_map("labels", from.getLabels());
  read(from.getPolicy(), to.policy);
  to.carbon_g_kwh = from.getCarbonGramsKwh();
  check_at_most("carbon_g_kwh", to.carbon_g_kwh, limits::carbon_g_kwh_max);
  read_list("contracts", from.getContracts(), limits::contracts_per_site_max, to.contracts);
  check_unique("contracts", to.contracts,
               [](const Contract& contract) -> const std::string& { return contract.id.value; });
  if (const Contract* each = overbooked(to)) {
    broken("contracts", "has \"" + each->id.value + "\", which its pool cannot hold");
  }
  read_list("round_trips", from.getRoundTrips(), limits::measured_regions_max, to.round_trips);
  check_regions("round_trips", to.round_trips);
  read_list("bandwidths", from.getBandwidths(), limits::measured_regions_max, to.bandwidths);
  check_regions("bandwidths", to.bandwidths);
  read_list("holdings", from.getHoldings(), limits::holdings_per_site_max, to.holdings);
  HoldingLabel before;
  for (const HoldingLabel& each : to.holdings) {
    if (each <= before) broken("holdings", "has labels that do not rise, or one that is none");
    before = each;
  }
}

void write(schema::QuoteSheet::Builder to, const QuoteSheet& from) {
  put_text(to, &schema::QuoteSheet::Builder::setSite, from.site.value);
  put_list(to, &schema::QuoteSheet::Builder::initPools, from.pools);
  to.setEnergyLeftWh(from.energy_left_wh);
  put_list(to, &schema::QuoteSheet::Builder::initContracts, from.contracts);
}

void read(schema::QuoteSheet::Reader from, QuoteSheet& to) {
  to.site = SiteId{read_name("quote.site", from.getSite())};
  read_list("quote.pools", from.getPools(), limits::pools_per_site_max, to.pools);
  check_unique("quote.pools", to.pools,
               [](const PoolQuote& quote) -> const std::string& { return quote.pool.value; });
  to.energy_left_wh = in_range("quote.energy_left_wh", from.getEnergyLeftWh(), -1, INT64_MAX);
  read_list("quote.contracts", from.getContracts(), limits::contracts_per_site_max, to.contracts);
  check_unique("quote.contracts", to.contracts,
               [](const ContractQuote& each) -> const std::string& { return each.contract.value; });
  std::uint64_t idle = 0;
  for (const ContractQuote& each : to.contracts) idle += each.units_idle;
  for (const PoolQuote& each : to.pools) {
    check_at_most("quote.units_free_node", each.units_free_node, each.units_free + idle);
    check_at_most("quote.nodes_free", each.nodes_free, each.units_free + idle);
  }
}

}  // namespace tradewind::codec
