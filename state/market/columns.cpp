#include "state/market/columns.h"

#include <algorithm>
#include <utility>

#include "schemas/assert.h"
#include "state/market/limits.h"
#include "state/market/market_view.h"

namespace tradewind {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t bounded(Wide value, std::uint64_t most) {
  return static_cast<std::uint64_t>(std::min(value, Wide{most}));
}

// A factor as a whole number of 2^-20, rounded down.
Wide fraction(std::int64_t ppm) {
  return (static_cast<Wide>(ppm) << 20) / static_cast<Wide>(ppm_one);
}

std::uint64_t least_price(const PoolRow& row, std::uint32_t units_node) {
  if (row.unit_price.micros < 0 || row.node_hour.micros < 0) return PriceIndex::absent;
  // Jobs that fit take at most a node's units, so each unit bears at least so much of the node.
  const Wide share =
      units_node == 0 ? Wide{0} : static_cast<Wide>(row.node_hour.micros) / units_node;
  return bounded(static_cast<Wide>(row.unit_price.micros) + share, MarketColumns::key_max);
}

// Units that the sheet tells, by contract of the record.
std::vector<std::uint32_t> idle_of(const SiteView& view) {
  std::vector<std::uint32_t> idle;
  for (const Contract& each : view.record.contracts) {
    idle.push_back(0);
    if (!view.sheet) continue;
    const auto& quotes = view.sheet->contracts;
    const auto quote = std::ranges::find(quotes, each.id, &ContractQuote::contract);
    if (quote != quotes.end()) idle.back() = quote->units_idle;
  }
  return idle;
}

std::uint64_t slowness(std::int64_t performance_ppm) {
  return bounded((static_cast<Wide>(ppm_one) << 32) / static_cast<Wide>(performance_ppm),
                 MarketColumns::slowness_max);
}

}  // namespace

MarketColumns::MarketColumns() {
  index_.add_lanes(2);
  workload_or_new("default");
}

std::uint32_t MarketColumns::add_site(const SiteView& view) {
  const auto number = sites_count();
  sites_.emplace_back().view = &view;
  change_record(number);
  return number;
}

void MarketColumns::change_record(std::uint32_t number) {
  SiteRow& row = sites_[number];
  drop_contracts(row);
  for (const std::uint32_t pool : row.pools) drop_pool(pool);
  row.pools.clear();
  row.contracts_idle.clear();
  const SiteRecord& record = row.view->record;
  const char zero = '\0';
  const std::string locality =
      record.jurisdiction.value + zero + record.region.value + zero + record.site.value;
  for (std::uint32_t index = 0; index < record.pools.size(); ++index) {
    add_pool(number, index, locality);
  }
  add_contracts(row);
  row.run_seconds_max = record.policy.run_seconds_max;
  row.lists_tenants =
      !record.policy.tenants_allowed.empty() || !record.policy.tenants_denied.empty();
  ++structure_;
  changes_.push_back(number);
  if (changes_.size() > limits::site_changes_kept) changes_.pop_front();
  change_sheet(number, false);
}

void MarketColumns::change_sheet(std::uint32_t number, bool same_pools) {
  SiteRow& row = sites_[number];
  const SiteView& view = *row.view;
  row.serves =
      may_serve(view) && !view.trust.closed() && view.sheet && view.sheet->energy_left_wh != 0;
  const std::int64_t energy_before = row.energy_left_wh;
  row.energy_left_wh = view.sheet ? view.sheet->energy_left_wh : -1;
  if (view.sheet) {
    row.issued = std::max(view.record_header.issued, view.sheet_header.issued);
    row.valid_until = std::min(view.record_header.valid_until, view.sheet_header.valid_until);
  }
  if (!same_pools) find_quotes(row);
  const std::vector<std::uint32_t> idle_before = std::exchange(row.contracts_idle, idle_of(view));
  for (const std::uint32_t pool : row.pools) change_quote(pool);
  // What one contract gains opens its pool to its tenant, whatever the others have lost.
  for (std::size_t index = 0; index < row.contracts_idle.size(); ++index) {
    const std::uint32_t before = index < idle_before.size() ? idle_before[index] : 0;
    if (row.contracts_idle[index] > before) open_pool(number, view.record.contracts[index].pool);
  }
  // Without a quota, which is below 0, there is more than with any.
  const auto energy = [](std::int64_t left) { return static_cast<std::uint64_t>(left); };
  if (energy(row.energy_left_wh) > energy(energy_before)) open_site(number);
}

void MarketColumns::change_debit(std::uint32_t number, const PoolId& id, std::uint32_t units,
                                 std::uint32_t nodes) {
  const SiteRow& site = sites_[number];
  for (const std::uint32_t pool : site.pools) {
    PoolRow& row = pools_[pool];
    if (site.view->record.pools[row.index].id != id) continue;
    const Offer before = offer(pool);
    row.debited_units = units;
    row.debited_nodes = nodes;
    put_keys(pool);
    note_better(pool, before);
  }
}

const Pool& MarketColumns::pool_record(std::uint32_t number) const {
  const PoolRow& row = pools_[number];
  return sites_[row.site].view->record.pools[row.index];
}

std::uint32_t MarketColumns::workload(std::string_view name) const {
  const auto at = std::ranges::find(workloads_, name);
  return at == workloads_.end() ? none : static_cast<std::uint32_t>(at - workloads_.begin());
}

std::optional<std::uint32_t> MarketColumns::changed_site(std::uint64_t structure) const {
  if (structure > structure_ || structure_ - structure >= changes_.size()) return std::nullopt;
  return changes_[changes_.size() - 1 - static_cast<std::size_t>(structure_ - structure)];
}

void MarketColumns::add_pool(std::uint32_t site, std::uint32_t index, std::string_view locality) {
  std::uint32_t number = 0;
  if (!free_pools_.empty()) {
    number = free_pools_.back();
    free_pools_.pop_back();
  } else {
    number = pools_count();
    pools_.emplace_back();
    for (std::vector<std::int64_t>& each : performance_) each.push_back(0);
  }
  sites_[site].pools.push_back(number);
  const Pool& pool = sites_[site].view->record.pools[index];
  const std::uint32_t shape = shape_of(pool);
  ++shapes_[shape].pools_count;

  PoolRow row;
  row.site = site;
  row.index = index;
  row.shape = shape;
  row.nodes = pool.nodes;
  row.unit_price = unit_price(pool);
  row.node_hour = pool.tariff.node_hour;
  row.fixed_fee = pool.tariff.fixed_fee;
  row.preemptible_ppm = pool.tariff.preemptible_ppm;
  row.interruptions_ppm_hour = pool.tariff.interruptions_ppm_hour;
  row.increment_seconds = pool.tariff.increment_seconds;
  row.minimum_seconds = pool.tariff.minimum_seconds;
  row.preemptible_only = pool.tariff.preemptible_only;
  row.unit_watts = pool.unit_watts;
  // Not raised again when a pool goes: it stays a lower bound.
  std::uint32_t& billed = shapes_[shape].billed_seconds;
  billed = std::min(billed, std::max({1U, row.increment_seconds, row.minimum_seconds}));
  row.base = least_price(row, shapes_[shape].units_node);
  index_.insert(shape, number, locality);
  for (const auto& [name, performance] : pool.performance_ppm) {
    if (performance <= 0) continue;
    const std::uint32_t workload = workload_or_new(name);
    if (workload == none) continue;
    row.workloads = static_cast<std::uint16_t>(row.workloads | (1U << workload));
    performance_[workload][number] = performance;
    index_.set(lane_slowness(workload), number, slowness(performance));
  }
  pools_[number] = row;
}

void MarketColumns::drop_pool(std::uint32_t number) {
  index_.erase(number);
  if (pools_[number].opened) std::erase(openings_, number);
  for (std::vector<std::int64_t>& each : performance_) each[number] = 0;
  PoolShape& shape = shapes_[pools_[number].shape];
  if (--shape.pools_count == 0) {
    index_.drop_group(pools_[number].shape);
    std::erase_if(shape_numbers_,
                  [&](const auto& each) { return each.second == pools_[number].shape; });
  }
  free_pools_.push_back(number);
}

void MarketColumns::drop_contracts(SiteRow& row) {
  for (const TenantId& tenant : row.contract_tenants) {
    const auto found = contract_pools_.find(tenant);
    std::erase_if(found->second, [&](std::uint32_t pool) {
      return std::ranges::find(row.pools, pool) != row.pools.end();
    });
    if (found->second.empty()) contract_pools_.erase(found);
  }
  row.contract_tenants.clear();
}

void MarketColumns::add_contracts(SiteRow& row) {
  const SiteRecord& record = row.view->record;
  for (const Contract& each : record.contracts) {
    const auto at = std::ranges::find(record.pools, each.pool, &Pool::id);
    if (at == record.pools.end()) continue;
    std::vector<std::uint32_t>& pools = contract_pools_[each.tenant];
    const std::uint32_t pool = row.pools[static_cast<std::size_t>(at - record.pools.begin())];
    if (std::ranges::find(pools, pool) == pools.end()) pools.push_back(pool);
    pools_[pool].contracted = true;
    if (std::ranges::find(row.contract_tenants, each.tenant) == row.contract_tenants.end()) {
      row.contract_tenants.push_back(each.tenant);
    }
  }
}

const std::vector<std::uint32_t>& MarketColumns::contract_pools(const TenantId& tenant) const {
  static const std::vector<std::uint32_t> none_of_them;
  const auto found = contract_pools_.find(tenant);
  return found == contract_pools_.end() ? none_of_them : found->second;
}

std::uint32_t MarketColumns::shape_of(const Pool& pool) {
  const Accelerator& accelerator = pool.accelerator;
  const std::uint32_t units_node = units_per_node(pool);
  const auto [at, is_new] = shape_numbers_.try_emplace(
      ShapeKey{pool.architecture, accelerator.family, accelerator.model, accelerator.memory_gib,
               accelerator.interconnect, pool.unit.cpus, pool.unit.memory_mib, pool.unit.disk_mib,
               pool.unit.accelerators, units_node, pool.tariff.currency});
  if (!is_new) return at->second;
  const std::uint32_t number = index_.add_group();
  ++shapes_made_;
  at->second = number;
  if (number == shapes_.size()) shapes_.emplace_back();
  PoolShape& shape = shapes_[number];
  shape = PoolShape{};
  shape.sample.nodes = UINT32_MAX;
  shape.sample.architecture = pool.architecture;
  shape.sample.accelerator = accelerator;
  shape.sample.unit = pool.unit;
  shape.sample.tariff.currency = pool.tariff.currency;
  shape.units_node = units_node;
  return number;
}

std::uint32_t MarketColumns::workload_or_new(const std::string& name) {
  std::uint32_t number = workload(name);
  if (number == none) {
    if (workloads_.size() == limits::workloads_indexed_max) {
      workloads_left_out_ = true;
      return none;
    }
    number = static_cast<std::uint32_t>(workloads_.size());
    workloads_.push_back(name);
  }
  while (performance_.size() < workloads_.size()) {
    performance_.emplace_back(pools_.size(), 0);
    index_.add_lanes(lane_slowness(static_cast<std::uint32_t>(performance_.size() - 1)) + 1);
  }
  return number;
}

void MarketColumns::find_quotes(SiteRow& row) const {
  row.quotes.assign(row.pools.size(), none);
  if (!row.view->sheet) return;
  const std::vector<PoolQuote>& quotes = row.view->sheet->pools;
  for (std::size_t index = 0; index < row.pools.size(); ++index) {
    const PoolId& id = row.view->record.pools[index].id;
    const auto at = std::ranges::find(quotes, id, &PoolQuote::pool);
    if (at != quotes.end()) row.quotes[index] = static_cast<std::uint32_t>(at - quotes.begin());
  }
}

void MarketColumns::change_quote(std::uint32_t number) {
  PoolRow& row = pools_[number];
  const SiteRow& site = sites_[row.site];
  const std::uint32_t at = site.quotes[row.index];
  const Offer before = offer(number);
  row.quoted = at != none;
  if (row.quoted) {
    const PoolQuote& quote = site.view->sheet->pools[at];
    row.units_free = quote.units_free;
    row.units_free_node = quote.units_free_node;
    row.nodes_free = quote.nodes_free;
    row.wait_seconds = quote.wait_seconds;
    row.price_ppm = quote.price_ppm;
  }
  row.contract_units = row.quoted && row.contracted ? contract_units(site, row.index) : 0;
  put_keys(number);
  note_better(number, before);
}

std::uint32_t MarketColumns::contract_units(const SiteRow& site, std::uint32_t index) const {
  const SiteRecord& record = site.view->record;
  std::uint64_t units = 0;
  for (std::size_t each = 0; each < record.contracts.size(); ++each) {
    if (record.contracts[each].pool == record.pools[index].id) units += site.contracts_idle[each];
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(units, UINT32_MAX));
}

MarketColumns::Offer MarketColumns::offer(std::uint32_t number) const {
  const PoolRow& row = pools_[number];
  const auto left = [](std::uint32_t free, std::uint32_t debited) {
    return free > debited ? free - debited : 0;
  };
  return {row.sells,           left(row.units_free, row.debited_units),
          row.units_free_node, left(row.nodes_free, row.debited_nodes),
          row.wait_seconds,    row.price_ppm};
}

void MarketColumns::note_better(std::uint32_t number, const Offer& before) {
  const Offer now = offer(number);
  if (!now.sells) return;
  const bool better = !before.sells || now.units > before.units ||
                      now.units_node > before.units_node || now.nodes > before.nodes ||
                      now.wait_seconds < before.wait_seconds || now.price_ppm < before.price_ppm;
  if (better) open(number);
}

void MarketColumns::open(std::uint32_t number) {
  if (pools_[number].opened) return;
  pools_[number].opened = true;
  openings_.push_back(number);
}

void MarketColumns::open_pool(std::uint32_t number, const PoolId& pool) {
  for (const std::uint32_t each : sites_[number].pools) {
    if (pools_[each].sells && pool_record(each).id == pool) open(each);
  }
}

void MarketColumns::open_site(std::uint32_t number) {
  for (const std::uint32_t pool : sites_[number].pools) {
    if (pools_[pool].sells) open(pool);
  }
}

std::vector<std::uint32_t> MarketColumns::take_openings() {
  for (const std::uint32_t pool : openings_) pools_[pool].opened = false;
  return std::exchange(openings_, {});
}

void MarketColumns::put_keys(std::uint32_t number) {
  PoolRow& row = pools_[number];
  const std::uint32_t left =
      row.units_free > row.debited_units ? row.units_free - row.debited_units : 0;
  index_.set_free(number, left, row.units_free_node);
  const bool listed = sites_[row.site].serves && row.quoted && left > 0 && row.price_ppm >= 0 &&
                      row.base != PriceIndex::absent;
  row.sells = listed || (row.contracted && sites_[row.site].serves && row.contract_units > 0);
  if (!listed && !row.listed) return;
  row.listed = listed;
  const auto set = [&](std::uint32_t lane, Wide key) {
    index_.set(lane, number, listed ? bounded(key, key_max) : PriceIndex::absent);
  };
  const bool sells_preemptible = row.preemptible_ppm > 0;
  const std::uint64_t price =
      listed ? bounded((row.base * fraction(row.price_ppm)) >> 20, key_max) : 0;
  const std::uint64_t preemptible =
      listed && sells_preemptible ? bounded((price * fraction(row.preemptible_ppm)) >> 20, key_max)
                                  : 0;
  const bool sells_on_demand = !row.preemptible_only;
  if (sells_on_demand) set(lane_on_demand, price);
  if (sells_preemptible) set(lane_preemptible, preemptible);
  for (std::uint32_t workload = 0; row.workloads >> workload != 0; ++workload) {
    if ((row.workloads >> workload & 1U) == 0) continue;
    const Wide slow = index_.key(lane_slowness(workload), number);
    if (sells_on_demand) set(lane_work(workload, false), (price * slow) >> 32);
    if (sells_preemptible) set(lane_work(workload, true), (preemptible * slow) >> 32);
  }
}

}  // namespace tradewind
