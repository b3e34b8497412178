#include "tests/unit/routing/random_market.h"

#include <chrono>
#include <set>
#include <string>

namespace tradewind::sample {
namespace {

std::string region(Random& random) {
  return random.among<const char*>({"aa-north", "bb-south", "cc-west", "dd-far"});
}

Pool random_pool(Random& random, std::uint32_t number) {
  const std::int64_t cpu_hour = random.number(0, 5) * 10'000;
  Pool pool = sample::pool("pool-" + std::to_string(number), cpu_hour, random.small(1, 4));
  pool.architecture = random.among({Architecture::amd64, Architecture::amd64, Architecture::arm64});
  if (random.one_in(3)) {
    pool.accelerator = Accelerator{
        random.among<const char*>({"cuda", "rocm"}), random.among<const char*>({"small", "large"}),
        random.among({16U, 48U, 80U}), random.among({Interconnect::pcie, Interconnect::nvlink})};
    pool.node.accelerators = 4;
    pool.unit.accelerators = 1;
    pool.tariff.accelerator_hour.micros = random.number(0, 3) * 500'000;
  }
  if (random.one_in(4)) pool.performance_ppm["fft"] = random.number(300'000, 3'000'000);
  pool.performance_ppm["default"] = random.among<std::int64_t>({500'000, 1'000'000, 1'700'000});
  Tariff& tariff = pool.tariff;
  tariff.currency =
      random.one_in(4) ? random.among<const char*>({"ZZZ", "EUR", "EUR", "JPY"}) : "USD";
  tariff.node_hour.micros = random.number(0, 2) * 1'000;
  tariff.gib_hour.micros = random.number(0, 2) * 333;
  tariff.increment_seconds = random.among({1U, 60U, 3'600U});
  tariff.minimum_seconds = random.among({0U, 600U});
  tariff.fixed_fee.micros = random.number(0, 2) * 501;
  if (random.one_in(2)) {
    tariff.preemptible_ppm = random.number(300'000, 900'000);
    tariff.interruptions_ppm_hour = random.number(0, 400'000);
    tariff.preemptible_only = random.one_in(4);
  }
  if (random.one_in(2)) pool.unit_watts = random.small(1, 400);
  if (random.one_in(3)) pool.labels["tier"] = random.among<const char*>({"gold", "silver"});
  return pool;
}

}  // namespace

SiteRecord random_site(Random& random, int number) {
  SiteRecord record = sample::site(region(random) + "-" + std::to_string(number), {});
  const std::uint32_t pools = random.small(0, 3);
  for (std::uint32_t index = 0; index < pools; ++index) {
    record.pools.push_back(random_pool(random, index));
  }
  const std::uint32_t rows = random.small(0, 4);
  for (std::uint32_t index = 0; index < rows; ++index) {
    NetworkTariff row;
    row.peer = random.among<std::string>({"default", "region:" + region(random), "jurisdiction:BB",
                                          "site:" + region(random) + "-1"});
    row.egress.micros = random.number(0, 3) * 30'001;
    row.ingress.micros = random.number(0, 1) * 7'003;
    row.bandwidth_mbit = random.among<std::uint64_t>({0, 10, 1'000, 10'000});
    row.rtt_ms = random.among({0U, 5U, 50U, 200U});
    record.network.push_back(row);
  }
  if (random.one_in(2)) {
    std::set<RegionId> measured = {RegionId{region(random)}, RegionId{region(random)}};
    for (const RegionId& each : measured) {
      record.round_trips.push_back(
          RoundTrip{each, static_cast<std::uint8_t>(random.number(1, 255))});
    }
  }
  if (random.one_in(3)) record.labels["tier"] = "gold";
  if (random.one_in(10)) record.state = SiteState::draining;
  if (random.one_in(10)) record.policy.tenants_denied = {TenantId{"physics"}};
  if (random.one_in(10)) record.policy.tenants_allowed = {TenantId{"chemistry"}};
  if (random.one_in(8)) record.policy.run_seconds_max = 5'000;
  record.carbon_g_kwh = random.small(0, 4) * 100;
  if (record.pools.empty() || !random.one_in(3)) return record;
  const std::uint32_t contracts = random.small(1, 3);
  for (std::uint32_t index = 0; index < contracts; ++index) {
    Contract contract;
    contract.id.value = "contract-" + std::to_string(index);
    contract.tenant.value = random.among<const char*>({"physics", "physics", "chemistry"});
    contract.pool = record.pools[random.below(record.pools.size())].id;
    contract.units = random.small(1, 12);
    contract.valid_from = sample::now - std::chrono::hours(random.one_in(8) ? -1 : 1);
    contract.valid_until = sample::now + std::chrono::seconds(random.one_in(8) ? 0 : 3'600);
    record.contracts.push_back(contract);
  }
  return record;
}

QuoteSheet random_sheet(Random& random, const SiteRecord& record) {
  QuoteSheet sheet = sample::sheet(record);
  for (PoolQuote& each : sheet.pools) {
    each.nodes_free = static_cast<std::uint32_t>(random.below(each.nodes_free + 1));
    each.units_free_node = each.nodes_free > 0 ? 4 : random.small(0, 3);
    each.units_free = each.nodes_free * 4 + random.small(0, 3);
    each.wait_seconds = random.one_in(4) ? random.small(1, 900) : 0;
    each.price_ppm = random.among<std::int64_t>({1'000'000, 1'000'000, 1'234'567, 800'000});
  }
  for (const Contract& each : record.contracts) {
    if (random.one_in(8)) continue;  // not in force by the site's clock
    sheet.contracts.push_back({each.id, random.one_in(3) ? 0 : random.small(1, each.units)});
    for (PoolQuote& quote : sheet.pools) {
      if (quote.pool == each.pool && random.one_in(2)) quote.units_free = random.small(0, 3);
    }
  }
  if (random.one_in(15)) sheet.energy_left_wh = 0;
  if (random.one_in(8)) sheet.energy_left_wh = random.number(1, 3'000);
  if (random.one_in(15) && !sheet.pools.empty()) sheet.pools.pop_back();
  return sheet;
}

RateTable random_rates(Random& random) {
  RateTable rates;
  rates.version = random.below(1'000);
  rates.rates_ppm["EUR"] = random.among<std::int64_t>({1'080'001, 920'000});
  if (!random.one_in(4)) rates.rates_ppm["JPY"] = random.number(6'000, 1'900'000);
  if (random.one_in(8)) {
    rates.accounting_currency = "EUR";
    rates.rates_ppm.erase("EUR");
    rates.rates_ppm["USD"] = 925'925;
  }
  return rates;
}

Market random_market(Random& random, std::uint32_t sites_max) {
  Market market;
  market.options.rates = random_rates(random);
  market.options.tolerance_ppm = random.among<std::int64_t>({0, 0, 50'000, 300'000});
  market.options.spare_units = random.among({0U, 0U, 2U});
  market.tie_key = "j" + std::to_string(random.below(1'000'000));
  const int sites = static_cast<int>(random.below(sites_max + 1));
  for (int number = 1; number <= sites; ++number) {
    const SiteRecord record = random_site(random, number);
    if (random.one_in(12)) {
      market.add_without_sheet(record);
      continue;
    }
    const QuoteSheet sheet = random_sheet(random, record);
    market.add(record, sheet);
    if (random.one_in(15)) market.add_member(record.site, MemberState::suspended);
    if (random.one_in(12)) market.excluded.push_back(record.site);
    if (random.one_in(8)) {
      SiteTrust trust;
      trust.ppm = random.number(0, 1'000'000);
      trust.state = random.among(
          {TrustState::trusted, TrustState::distrusted, TrustState::on_trial, TrustState::tried});
      market.view.set_trust(record.site, trust);
    }
    if (random.one_in(4) && !record.pools.empty()) {
      const std::uint32_t units = random.small(1, 6);
      market.view.debit(record.site, record.pools[0].id, units, random.small(1, 2));
    }
    if (random.one_in(4) && !record.contracts.empty()) {
      market.view.debit_contract(record.site, record.contracts[0].id, random.small(1, 4));
    }
  }
  return market;
}

namespace {

Variant random_variant(Random& random) {
  Variant variant;
  variant.architectures = {random.among({Architecture::amd64, Architecture::arm64})};
  if (random.one_in(3)) variant.architectures = {Architecture::arm64, Architecture::amd64};
  if (random.one_in(5)) {
    variant.accelerator.family = random.among<const char*>({"", "cuda", "rocm"});
    if (random.one_in(3)) variant.accelerator.models = {"large"};
    variant.accelerator.memory_gib_min = random.among({0U, 40U, 80U});
    if (random.one_in(3)) variant.accelerator.interconnect_min = Interconnect::nvlink;
  }
  if (random.one_in(2)) variant.work_seconds = random.below(20'000);
  if (random.one_in(4)) variant.workload_class = "fft";
  if (random.one_in(3)) variant.duration_seconds = random.below(20'000);
  // Short runs too, where what is billed at least counts more than the price of the work.
  if (random.one_in(6)) variant.work_seconds %= 90;
  if (random.one_in(6)) variant.duration_seconds %= 90;
  if (random.one_in(20)) variant.duration_seconds = 1;
  return variant;
}

}  // namespace

JobSpec random_job(Random& random) {
  JobSpec spec;
  spec.resources = Resources{random.small(0, 17), random.below(70'000),
                             random.one_in(4) ? random.below(1'100'000) : 0,
                             random.one_in(6) ? random.small(1, 5) : 0};
  spec.nodes = random.one_in(4) ? random.small(1, 5) : 1;
  const std::uint32_t variants = random.small(1, 3);
  for (std::uint32_t index = 0; index < variants; ++index) {
    spec.variants.push_back(random_variant(random));
  }
  if (random.one_in(2)) spec.home_region = region(random);
  const std::uint32_t inputs = random.small(0, 2);
  for (std::uint32_t index = 0; index < inputs; ++index) {
    Input input;
    input.path = "/in";
    input.size_bytes = random.among<std::uint64_t>({0, 1'000, 67'108'864, 5'000'000'000});
    if (random.one_in(6)) input.content = "inline";
    const std::uint32_t replicas = random.small(1, 3);
    for (std::uint32_t each = 0; each < replicas; ++each) {
      Replica replica;
      replica.url = random.among<const char*>(
          {"https://x.example/", "https://x.example/", "http://y.example/", "file:///x", "gs://x"});
      if (random.one_in(2)) replica.region = region(random);
      if (random.one_in(3)) {
        replica.site = region(random);
        replica.site += "-" + std::to_string(random.number(1, 4));
      }
      input.replicas.push_back(replica);
    }
    if (random.one_in(8)) input.residency = {Jurisdiction{"AA"}, Jurisdiction{"BB"}};
    spec.inputs.push_back(input);
  }
  if (random.one_in(2)) {
    Output output;
    output.url = random.among<const char*>({"", "https://x.example/out", "file:///out"});
    output.size_bytes = random.below(3'000'000'000);
    if (random.one_in(2)) output.region = region(random);
    spec.outputs.push_back(output);
  }
  Constraints& c = spec.constraints;
  if (random.one_in(12)) c.sites_denied = {"aa-north-1", "bb-south-2"};
  if (random.one_in(12)) c.regions_allowed = {"aa-north", "cc-west"};
  if (random.one_in(12)) c.jurisdictions_denied = {"CC"};
  if (random.one_in(12)) c.providers_allowed = {"institute-aa", "institute-bb"};
  if (random.one_in(10)) c.labels["tier"] = "gold";
  if (random.one_in(10)) c.labels_denied["tier"] = random.among<const char*>({"gold", "silver"});
  if (random.one_in(10)) {
    c.latency_ms_max = 60;
    if (random.one_in(2)) c.latency_region = region(random);
  }
  if (random.one_in(6)) c.deadline = sample::now + std::chrono::seconds(random.number(1, 20'000));
  if (random.one_in(6)) c.cost_max = Money{random.number(0, 400'000)};
  if (random.one_in(8)) c.rate_max = MoneyPerHour{random.number(0, 300'000)};
  c.preemptible_allowed = random.one_in(2);
  if (random.one_in(10)) c.carbon_g_kwh_max = 200;
  if (random.one_in(8)) c.wait_seconds_max = 300;
  spec.objective = random.among(
      {Objective::cheapest, Objective::cheapest, Objective::fastest, Objective::balanced});
  spec.value_per_hour.micros = random.number(0, 4) * 50'000;
  if (random.one_in(6)) spec.run_seconds_max = random.below(10'000);
  return spec;
}

namespace {

// Less picky than others, so that many want the same.
JobSpec random_contender(Random& random) {
  JobSpec spec = random_job(random);
  if (!random.one_in(4)) spec.constraints = Constraints{};
  if (!random.one_in(4)) {
    for (Input& each : spec.inputs) {
      each.residency.clear();
      for (Replica& replica : each.replicas) replica.url = "https://x.example/";
    }
  }
  if (!random.one_in(4)) {
    spec.resources = Resources{random.small(1, 12), random.below(20'000), 0, 0};
    for (Variant& variant : spec.variants) variant.accelerator = AcceleratorNeed{};
  }
  if (random.one_in(2)) spec.priority = static_cast<std::int32_t>(random.number(-2, 2)) * 50;
  return spec;
}

}  // namespace

Contest random_contest(Random& random, std::uint32_t sites_max, std::uint64_t alike_max) {
  Contest contest{random_market(random, sites_max), {}};
  contest.market.tenant = TenantId{"newcomer"};  // without contracts
  const std::uint64_t classes = 1 + random.below(6);
  for (std::uint64_t each = 0; each < classes; ++each) {
    const JobSpec spec = random_contender(random);
    contest.queue.add(spec, 1 + random.below(alike_max));
    if (!random.one_in(3)) continue;
    JobSpec longer = spec;
    for (Variant& variant : longer.variants) variant.work_seconds += random.below(5'000);
    contest.queue.add(longer, 1 + random.below(3));
  }
  return contest;
}

}  // namespace tradewind::sample
