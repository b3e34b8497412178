#include "tests/simulation/sites.h"

#include "tests/simulation/random.h"

namespace tradewind::simulation {

SiteRecord make_site(const SimulationOptions& options, std::uint32_t index) {
  SiteRecord site;
  site.site.value = "s" + std::to_string(index + 1);
  Random random = dice(options.seed, "site " + site.site.value);
  site.region.value = "region-" + std::to_string(index % 2);
  site.jurisdiction.value = index % 2 == 0 ? "DE" : "JP";
  site.provider = "provider";
  // What the release before knows nothing of.
  site.bandwidths = {{RegionId{"region-0"}, 1'000, 500, wall_from_ms(1)}};
  Pool pool;
  pool.id.value = "cpu";
  pool.nodes = static_cast<std::uint32_t>(random.between(1, 4));
  if (options.site_nodes != 0) pool.nodes = options.site_nodes;
  pool.unit = Resources{1, 1'024, 10'240, 0};
  auto units = static_cast<std::uint32_t>(random.between(2, 8));
  if (options.site_units != 0) units = options.site_units;
  pool.node = Resources{units, units * 1'024ULL, units * 10'240ULL, 0};
  pool.performance_ppm["default"] = ppm_one;
  pool.tariff.cpu_hour.micros = random.between(10'000, 200'000);
  pool.tariff.gib_hour.micros = random.between(0, 5'000);
  pool.tariff.node_hour.micros = random.between(0, 10'000);
  pool.tariff.increment_seconds = static_cast<std::uint32_t>(random.between(1, 60));
  pool.tariff.minimum_seconds = static_cast<std::uint32_t>(random.between(0, 60));
  pool.tariff.fixed_fee.micros = random.between(0, 1'000);
  // So that no job waits for ever for what another tenant leaves idle: any job still fits beside
  // it.
  constexpr std::uint32_t largest_job = 8;
  const std::uint32_t total = pool.nodes * units;
  if (pool.nodes >= 2 && units >= 4 && total > largest_job) {
    site.contracts.push_back({ContractId{"c" + std::to_string(index)}, TenantId{"owner"}, pool.id,
                              static_cast<std::uint32_t>(random.between(1, total - largest_job)),
                              wall_from_ms(1), wall_from_ms(4'000'000'000'000)});
  }
  site.pools.push_back(std::move(pool));
  return site;
}

}  // namespace tradewind::simulation
