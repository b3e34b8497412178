#include "tests/bench/market.h"

#include <random>
#include <string>

namespace tradewind::bench {
namespace {

class Random {
 public:
  std::uint64_t below(std::uint64_t count) { return engine_() % count; }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  std::int64_t number(std::int64_t from, std::int64_t to) {
    return from + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(to - from + 1)));
  }

 private:
  std::mt19937_64 engine_{20'261'122};
};

std::string region_name(std::uint64_t number) {
  return std::string(1, static_cast<char>('a' + number % 20)) + "a-region";
}

Pool make_pool(Random& random, std::uint32_t number) {
  Pool pool;
  pool.id = PoolId{"pool-" + std::to_string(number)};
  pool.architecture = random.one_in(3) ? Architecture::arm64 : Architecture::amd64;
  pool.nodes = static_cast<std::uint32_t>(random.number(4, 64));
  pool.node = Resources{64, 256 * 1024, 1'000 * 1024, 0};
  pool.unit = Resources{4, 16 * 1024, 62 * 1024, 0};
  if (number % 4 == 3) {
    pool.accelerator = Accelerator{random.one_in(3) ? "rocm" : "cuda", "model",
                                   random.one_in(2) ? 80U : 24U, Interconnect::pcie};
    pool.node.accelerators = 16;
    pool.unit.accelerators = 1;
    pool.tariff.accelerator_hour.micros = random.number(500'000, 3'000'000);
  }
  pool.performance_ppm = {{"default", random.number(600'000, 2'000'000)},
                          {"fft", random.number(600'000, 2'000'000)}};
  pool.tariff.cpu_hour.micros = random.number(8'000, 60'000);
  pool.tariff.gib_hour.micros = random.number(500, 4'000);
  pool.tariff.increment_seconds = 60;
  if (random.one_in(2)) {
    pool.tariff.preemptible_ppm = 400'000;
    pool.tariff.interruptions_ppm_hour = 50'000;
  }
  return pool;
}

RecordHeader header_of(RecordKind kind, const SiteId& site, std::uint64_t version) {
  RecordHeader header;
  header.kind = kind;
  header.subject = site_node(site);
  header.version = RecordVersion{1, version};
  header.issued = now;
  header.valid_until = now + std::chrono::seconds(15);
  return header;
}

}  // namespace

Sites synthetic_sites(std::uint32_t sites, std::uint32_t pools) {
  Random random;
  Sites result;
  for (std::uint32_t number = 0; number < sites; ++number) {
    SiteRecord& record = result.records.emplace_back();
    record.region = RegionId{region_name(number)};
    record.site = SiteId{record.region.value + "-" + std::to_string(number)};
    record.jurisdiction = Jurisdiction{std::string(1, static_cast<char>('A' + number % 20)) + "A"};
    record.provider = "provider-" + std::to_string(number % 50);
    record.carbon_g_kwh = static_cast<std::uint32_t>(random.number(20, 600));
    QuoteSheet& sheet = result.sheets.emplace_back();
    sheet.site = record.site;
    for (std::uint32_t index = 0; index < pools; ++index) {
      const Pool& pool = record.pools.emplace_back(make_pool(random, index));
      PoolQuote& quote = sheet.pools.emplace_back();
      quote.pool = pool.id;
      quote.nodes_free = static_cast<std::uint32_t>(random.below(pool.nodes));
      quote.units_free_node = quote.nodes_free > 0 ? 16 : 3;
      quote.units_free = quote.nodes_free * 16 + 3;
      quote.price_ppm = random.number(1'000'000, 3'000'000);
    }
    for (std::uint64_t other = 0; other < 20; ++other) {
      record.network.push_back(NetworkTariff{"region:" + region_name(other),
                                             {random.number(0, 90'000)},
                                             {},
                                             static_cast<std::uint64_t>(random.number(100, 10'000)),
                                             static_cast<std::uint32_t>(random.number(2, 250))});
    }
    record.network.push_back(NetworkTariff{"default", {90'000}, {}, 100, 150});
  }
  return result;
}

std::vector<JobSpec> synthetic_jobs() {
  Random random;
  std::vector<JobSpec> jobs;
  for (std::uint32_t number = 0; number < 256; ++number) {
    JobSpec spec;
    spec.resources =
        Resources{static_cast<std::uint32_t>(random.number(1, 32)), random.below(64 * 1024), 0, 0};
    spec.home_region = region_name(random.below(20));
    Variant variant;
    variant.architectures = {Architecture::amd64};
    variant.work_seconds = random.below(20'000) + 1;
    spec.variants = {variant};
    if (number % 4 == 1) {
      variant.architectures = {Architecture::arm64};
      spec.variants.push_back(variant);
    }
    if (number % 4 == 2) {
      spec.resources.accelerators = static_cast<std::uint32_t>(random.number(1, 8));
      spec.variants[0].accelerator.family = "cuda";
      spec.variants[0].accelerator.memory_gib_min = 40;
    }
    if (number % 3 == 1) {
      Input& input = spec.inputs.emplace_back();
      input.size_bytes = random.below(50'000'000'000);
      input.replicas = {Replica{"https://data.example/a", "", region_name(random.below(20))},
                        Replica{"https://data.example/b", "", region_name(random.below(20))}};
      Output& output = spec.outputs.emplace_back();
      output.url = "https://data.example/out";
      output.size_bytes = random.below(1'000'000'000);
    }
    if (number % 5 == 1) spec.constraints.jurisdictions_allowed = {"AA", "BA", "CA"};
    if (number % 5 == 2) spec.constraints.preemptible_allowed = true;
    if (number % 7 == 1) spec.constraints.carbon_g_kwh_max = 200;
    if (number % 7 == 2) {
      spec.constraints.latency_region = spec.home_region;
      spec.constraints.latency_ms_max = 60;
    }
    if (number % 16 == 0) spec.resources.memory_mib = 1024 * 1024;
    jobs.push_back(std::move(spec));
  }
  return jobs;
}

Record record_of(const SiteRecord& record, std::uint64_t version) {
  return Record{header_of(RecordKind::site, record.site, version), record};
}

Record record_of(const QuoteSheet& sheet, std::uint64_t version) {
  return Record{header_of(RecordKind::quote, sheet.site, version), sheet};
}

MarketView view_of(const Sites& sites) {
  MarketView view;
  for (const SiteRecord& each : sites.records) view.accept(record_of(each, 1));
  for (const QuoteSheet& each : sites.sheets) view.accept(record_of(each, 1));
  return view;
}

QuoteSheet moved(const QuoteSheet& sheet, std::uint64_t seed) {
  QuoteSheet result = sheet;
  for (PoolQuote& each : result.pools) {
    seed = seed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    each.price_ppm += each.price_ppm / 100 * static_cast<std::int64_t>((seed >> 33) % 21) / 10;
    each.units_free -= static_cast<std::uint32_t>((seed >> 43) % (each.units_free / 8 + 1));
    each.units_free_node = std::min(each.units_free_node, each.units_free);
    each.nodes_free = std::min(each.nodes_free, each.units_free);
  }
  return result;
}

}  // namespace tradewind::bench
