#include "tests/bench/price_day.h"

#include <bit>
#include <fstream>

#include "gateway/pricing/quote_sheet.h"
#include "schemas/limits.h"
#include "tests/bench/figure.h"

namespace tradewind::bench {
namespace {

const std::string kSize = "node-size";

// Of a node, or of the node that a job of so many devices wants: as day.py's spans.
std::string size_of(std::uint32_t devices) {
  return devices == 0 ? "0" : std::to_string(std::bit_ceil(devices));
}

}  // namespace

Day::Day(const std::filesystem::path& folder, bool sized) {
  sites = real_sites(folder, UINT32_MAX).records;
  specs = real_jobs(folder);
  std::ifstream arrivals(folder / "arrivals.txt");
  if (sites.empty() || specs.empty() || !arrivals) {
    fail((folder.string() + " does not hold sites.txt, jobs.txt and arrivals.txt").c_str());
  }
  for (SiteRecord& site : sites) {
    site.policy.run_seconds_max = static_cast<std::uint32_t>(limits::seconds_max);
    SiteStanding standing;
    for (Pool& pool : site.pools) {
      pool.price_curve.a_ppm = 0;
      if (sized) pool.labels[kSize] = size_of(pool.node.accelerators);
      standing.pools.push_back(PoolStanding{
          pool.id, pool.nodes * units_per_node(pool), units_per_node(pool), pool.nodes, 0, {}});
    }
    view_.accept(record_of(site, 1));
    view_.accept(record_of(make_quote_sheet(site, standing), 1));
  }
  for (std::uint32_t site = 0; site < sites.size(); ++site) {
    for (const Pool& pool : sites[site].pools) {
      pool_numbers[{sites[site].site, pool.id}] = static_cast<std::uint32_t>(pools.size());
      pools.push_back(&pool);
      site_of_pool.push_back(site);
    }
  }
  for (JobSpec& spec : specs) {
    if (sized) {
      spec.constraints.labels[kSize] = size_of(spec.resources.accelerators);
      if (survey_of(bare(spec)).drafts.empty()) spec.constraints.labels.clear();
    }
    TraceJob& job = jobs.emplace_back();
    if (!(arrivals >> job.arrival)) fail("arrivals.txt has fewer lines than jobs.txt");
    job.shape = shape_of(spec);
    job.home = home_of(spec.home_region);
    job.work = static_cast<std::int64_t>(spec.variants.front().work_seconds);
    job.bytes_in = spec.inputs.front().size_bytes;
    job.bytes_out = spec.outputs.front().size_bytes;
  }
}

// Without what differs between jobs of one shape.
JobSpec Day::bare(const JobSpec& spec) {
  JobSpec bare = spec;
  bare.inputs.clear();
  bare.outputs.clear();
  bare.variants.front().work_seconds = 1;  // so that no limit on the run stands against it
  return bare;
}

std::uint32_t Day::shape_of(const JobSpec& spec) {
  const Variant& variant = spec.variants.front();
  std::string key = std::to_string(spec.resources.cpus) + ' ' +
                    std::to_string(spec.resources.memory_mib) + ' ' +
                    std::to_string(spec.resources.accelerators) + ' ' + std::to_string(spec.nodes) +
                    ' ' + std::to_string(variant.accelerator.memory_gib_min);
  for (const std::string& model : variant.accelerator.models) key += ' ' + model;
  for (const auto& [name, value] : spec.constraints.labels) key += ' ' + name + ' ' + value;
  const auto [place, is_new] =
      shape_numbers_.try_emplace(key, static_cast<std::uint32_t>(shapes.size()));
  if (!is_new) return place->second;
  Shape& shape = shapes.emplace_back();
  shape.nodes = spec.nodes;
  shape.uses.resize(pools.size());
  for (const Draft& draft : survey_of(bare(spec)).drafts) {
    Use& use = shape.uses[pool_number(draft.site->record.site, draft.pool->id)];
    use.units = draft.units;
    use.rate = draft.rate.micros;
    use.speed = draft.pool->performance_ppm.at(variant.workload_class);
  }
  return place->second;
}

std::uint32_t Day::home_of(const std::string& region) {
  const auto [place, is_new] =
      homes.try_emplace(region, static_cast<std::uint32_t>(data_prices.size()));
  if (!is_new) return place->second;
  // A job that every pool can run, with a gigabyte each way.
  JobSpec spec = specs.front();
  spec.resources = Resources{1, 1, 0, 0};
  spec.nodes = 1;
  spec.constraints = {};
  spec.home_region = region;
  spec.variants = {Variant{}};
  spec.variants.front().architectures = {Architecture::amd64, Architecture::arm64};
  spec.variants.front().duration_seconds = 1;
  spec.inputs.front().size_bytes = spec.outputs.front().size_bytes = 1'000'000'000;
  spec.inputs.front().replicas = {Replica{"https://data.example/in", region + "-0", region}};
  std::vector<DataPrice>& prices = data_prices.emplace_back(pools.size());
  const Survey found = survey_of(spec);
  if (found.drafts.size() != pools.size()) fail(("a pool without a way to " + region).c_str());
  for (const Draft& draft : found.drafts) {
    prices[pool_number(draft.site->record.site, draft.pool->id)] = {draft.cost.data_in.micros,
                                                                    draft.cost.data_out.micros};
  }
  return place->second;
}

}  // namespace tradewind::bench
