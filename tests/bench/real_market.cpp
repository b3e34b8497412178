#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/bench/market.h"

namespace tradewind::bench {
namespace {

std::uint64_t hash_of(std::string_view text) {
  const std::uint64_t hash = stable_hash(text);
  return (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9ULL >> 17;
}

std::string stated(const std::string& text) {
  return text == "-" ? "" : text;
}

Pool read_pool(std::istringstream& line) {
  Pool pool;
  std::string architecture;
  std::int64_t performance = 0;
  line >> pool.id.value >> architecture >> pool.accelerator.family >> pool.accelerator.model >>
      pool.accelerator.memory_gib >> pool.nodes >> pool.node.cpus >> pool.node.memory_mib >>
      pool.node.accelerators >> pool.unit.cpus >> pool.unit.memory_mib >> pool.unit.accelerators >>
      performance >> pool.tariff.cpu_hour.micros >> pool.tariff.accelerator_hour.micros >>
      pool.tariff.preemptible_ppm >> pool.tariff.interruptions_ppm_hour;
  pool.architecture = architecture == "arm64" ? Architecture::arm64 : Architecture::amd64;
  pool.accelerator.family = stated(pool.accelerator.family);
  pool.accelerator.model = stated(pool.accelerator.model);
  pool.node.disk_mib = 1'000 * 1'024;
  pool.unit.disk_mib = pool.node.disk_mib / std::max<std::uint64_t>(1, units_per_node(pool));
  pool.performance_ppm = {{"default", ppm_one}, {"train", performance}};
  pool.tariff.increment_seconds = 60;
  return pool;
}

PoolQuote quote(const SiteRecord& site, const Pool& pool) {
  PoolQuote result;
  const std::uint64_t load_percent = 10 + hash_of(site.site.value + "/" + pool.id.value) % 86;
  const std::uint32_t units_node = units_per_node(pool);
  result.pool = pool.id;
  result.nodes_free =
      static_cast<std::uint32_t>(std::uint64_t{pool.nodes} * (100 - load_percent) / 100);
  result.units_free_node = result.nodes_free > 0 ? units_node : units_node / 2;
  result.units_free = result.nodes_free * units_node + units_node / 2;
  std::int64_t load_power = ppm_one;
  for (int factor = 0; factor < 8; ++factor) {
    load_power = load_power * static_cast<std::int64_t>(load_percent) / 100;
  }
  result.price_ppm = ppm_one + 3 * load_power;
  return result;
}

}  // namespace

Sites real_sites(const std::filesystem::path& folder, std::uint32_t sites) {
  Sites result;
  std::ifstream file(folder / "sites.txt");
  for (std::string text; std::getline(file, text);) {
    std::istringstream line(text);
    std::string kind;
    line >> kind;
    if (kind == "site") {
      if (result.records.size() == sites) break;
      SiteRecord& site = result.records.emplace_back();
      line >> site.site.value >> site.region.value >> site.jurisdiction.value >> site.provider >>
          site.carbon_g_kwh;
    } else if (kind == "pool") {
      result.records.back().pools.push_back(read_pool(line));
    } else {
      NetworkTariff& row = result.records.back().network.emplace_back();
      line >> row.peer >> row.egress.micros >> row.ingress.micros >> row.bandwidth_mbit >>
          row.rtt_ms;
    }
  }
  for (const SiteRecord& site : result.records) {
    QuoteSheet& sheet = result.sheets.emplace_back();
    sheet.site = site.site;
    for (const Pool& pool : site.pools) sheet.pools.push_back(quote(site, pool));
  }
  return result;
}

std::vector<JobSpec> real_jobs(const std::filesystem::path& folder) {
  std::vector<JobSpec> result;
  std::ifstream file(folder / "jobs.txt");
  for (std::string text; std::getline(file, text);) {
    std::istringstream line(text);
    JobSpec& spec = result.emplace_back();
    Variant& variant = spec.variants.emplace_back();
    std::string models;
    Input input;
    Output output;
    line >> spec.resources.cpus >> spec.resources.memory_mib >> spec.resources.accelerators >>
        models >> variant.accelerator.memory_gib_min >> spec.nodes >> variant.work_seconds >>
        spec.home_region >> input.size_bytes >> output.size_bytes;
    variant.architectures = {Architecture::amd64};
    if (spec.resources.accelerators > 0) {
      variant.accelerator.family = "cuda";
      variant.workload_class = "train";
      std::istringstream list(stated(models));
      for (std::string model; std::getline(list, model, '|');) {
        variant.accelerator.models.push_back(model);
      }
    }
    input.replicas = {
        Replica{"https://data.example/in", spec.home_region + "-0", spec.home_region}};
    output.url = "https://data.example/out";
    spec.inputs = {input};
    spec.outputs = {output};
  }
  return result;
}

}  // namespace tradewind::bench
