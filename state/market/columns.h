// The market view as columns: sites and pools by small dense numbers, what a decision reads of a
// pool side by side, and the pools of each shape in a price index. Kept up in place by the market
// view, record by record and sheet by sheet. Pure; one thread.
//
// A shape is all that decides alone whether a variant fits a pool and how many units it takes, the
// count of nodes aside. In the index each shape is a group, and a site's jurisdiction, region and
// id are its locality. The lanes hold what one unit of the pool costs at least, in micro-units of
// the tariff's currency, rounded down and at most key_max; a pool that could not take the smallest
// job now, whatever the time, is in none of these:
//   on demand             an hour, the node's share included; where it is sold on demand
//   preemptible           the same at the preemptible price, where it is sold
//   and for each indexed workload class, where the pool states a performance for it:
//   work on demand        an hour of reference work
//   work preemptible      the same
//   slowness              seconds for a second of reference work * 2^32, rounded down, at most
//                         slowness_max; whether or not the pool could take a job
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "schemas/ids.h"
#include "schemas/limits.h"
#include "schemas/money.h"
#include "schemas/site.h"
#include "schemas/time.h"
#include "state/market/price_index.h"

namespace tradewind {

struct SiteView;

// What is the same for all pools of one group.
struct PoolShape {
  // Architecture, accelerator, unit, and the tariff's currency; endless nodes; nothing else is set.
  Pool sample;
  std::uint32_t units_node = 0;
  std::uint32_t pools_count = 0;
  std::uint32_t billed_seconds = UINT32_MAX;  // of any run at any of its pools, at least
};

struct SiteRow {
  const SiteView* view = nullptr;
  std::vector<std::uint32_t> pools;   // numbers, as the record lists them
  std::vector<std::uint32_t> quotes;  // per pool the first of the sheet's quotes for it, or none
  // What holds of both the record and the sheet: when the later of the two was issued, and when the
  // first of them runs out. Without a sheet they never hold.
  Wall::time_point issued = Wall::time_point::max();
  Wall::time_point valid_until = Wall::time_point::min();
  // Record, member, trust and energy quota; whether the sheet holds is not in it.
  bool serves = false;
  bool lists_tenants = false;
  std::uint32_t run_seconds_max = 0;
  std::int64_t energy_left_wh = -1;  // as the sheet says; -1: no quota
  bool holds(Wall::time_point now) const {
    return issued <= now + limits::clock_skew_max && now < valid_until;
  }
  std::vector<TenantId> contract_tenants;     // of its record's contracts, each once
  std::vector<std::uint32_t> contracts_idle;  // in units, by contract of the record
};

struct PoolRow {
  std::uint32_t site = 0;
  std::uint32_t index = 0;  // in the site's record
  std::uint32_t shape = 0;
  std::uint32_t nodes = 0;
  // The tariff.
  MoneyPerHour unit_price{};
  MoneyPerHour node_hour{};
  Money fixed_fee{};
  std::int64_t preemptible_ppm = 0;
  std::int64_t interruptions_ppm_hour = 0;
  std::uint32_t increment_seconds = 1;
  std::uint32_t minimum_seconds = 0;
  bool preemptible_only = false;
  std::uint32_t unit_watts = 0;
  // The quote; means nothing unless `quoted`.
  bool quoted = false;
  bool listed = false;          // has keys of price
  bool sells = false;           // listed, or contracts hold something there
  bool opened = false;          // is among the openings
  bool contracted = false;      // some contract is of it
  std::uint16_t workloads = 0;  // a bit for each indexed class that it states a performance for
  std::uint32_t units_free = 0;
  std::uint32_t units_free_node = 0;
  std::uint32_t nodes_free = 0;
  std::uint32_t contract_units = 0;  // idle, of all contracts of the pool
  std::uint32_t wait_seconds = 0;
  std::int64_t price_ppm = 0;
  // The broker's own debits.
  std::uint32_t debited_units = 0;
  std::uint32_t debited_nodes = 0;
  // What a unit costs an hour at the tariff, the node's share included, rounded down; absent when
  // no such price may be asked.
  std::uint64_t base = PriceIndex::absent;
};

class MarketColumns {
 public:
  MarketColumns();

  static constexpr std::uint32_t none = UINT32_MAX;
  static constexpr std::uint64_t key_max = std::uint64_t{1} << 40;
  static constexpr std::uint64_t slowness_max = std::uint64_t{1'000} << 32;
  static constexpr std::uint32_t lane_on_demand = 0;
  static constexpr std::uint32_t lane_preemptible = 1;
  static std::uint32_t lane_work(std::uint32_t workload, bool preemptible) {
    return 2 + 3 * workload + (preemptible ? 1 : 0);
  }
  static std::uint32_t lane_slowness(std::uint32_t workload) { return 4 + 3 * workload; }

  // What the market view tells of its changes. A site is known by the number that add_site gave;
  // `view` is borrowed and must stay where it is.
  std::uint32_t add_site(const SiteView& view);
  // The site's record is another one now, its pools perhaps too; forgets its debits.
  void change_record(std::uint32_t site);
  // Its sheet, the headers, the member's state or its trust are others. `same_pools`: the sheet
  // lists the same pools in the same order as the one before.
  void change_sheet(std::uint32_t site, bool same_pools);
  void change_debit(std::uint32_t site, const PoolId& pool, std::uint32_t units,
                    std::uint32_t nodes);

  const PriceIndex& index() const { return index_; }
  std::uint32_t sites_count() const { return static_cast<std::uint32_t>(sites_.size()); }
  const SiteRow& site(std::uint32_t number) const { return sites_[number]; }
  // Every pool number is below this; some may be unused.
  std::uint32_t pools_count() const { return static_cast<std::uint32_t>(pools_.size()); }
  const PoolRow& pool(std::uint32_t number) const { return pools_[number]; }
  const Pool& pool_record(std::uint32_t number) const;
  std::uint32_t shapes_count() const { return static_cast<std::uint32_t>(shapes_.size()); }
  // Shapes without pools may be among them.
  const PoolShape& shape(std::uint32_t number) const { return shapes_[number]; }

  // The pools at which the tenant has a contract, in force or not, each once.
  const std::vector<std::uint32_t>& contract_pools(const TenantId& tenant) const;

  // The number of an indexed workload class, or `none`.
  std::uint32_t workload(std::string_view name) const;
  // Whether pools state classes that are not indexed (limits::workloads_indexed_max).
  bool workloads_left_out() const { return workloads_left_out_; }
  // What the pool states for an indexed class; at most 0 when it states nothing.
  std::int64_t performance(std::uint32_t workload, std::uint32_t pool) const {
    return performance_[workload][pool];
  }

  // Pools that could take more than when this was last asked, each once: listed, and newly so, with
  // more left free, sooner or for less. A pool that another record has replaced is not among them.
  std::vector<std::uint32_t> take_openings();
  // The pool, or every pool of the site, becomes an opening if it sells anything.
  void open_pool(std::uint32_t site, const PoolId& pool);
  void open_site(std::uint32_t site);
  // Shapes that have come to be, those that are gone and came again among them.
  std::uint64_t shapes_made() const { return shapes_made_; }

  // Rises when a site's record has changed: numbers of pools, shapes and blocks may be others then.
  std::uint64_t structure() const { return structure_; }
  // The site whose record changed when structure() rose to `structure`, for as many of the last
  // changes as limits::site_changes_kept; nothing for older ones.
  std::optional<std::uint32_t> changed_site(std::uint64_t structure) const;

 private:
  using ShapeKey =
      std::tuple<Architecture, std::string, std::string, std::uint32_t, Interconnect, std::uint32_t,
                 std::uint64_t, std::uint64_t, std::uint32_t, std::uint32_t, std::string>;

  void add_pool(std::uint32_t site, std::uint32_t index, std::string_view locality);
  void drop_pool(std::uint32_t pool);
  void drop_contracts(SiteRow& row);
  void add_contracts(SiteRow& row);
  std::uint32_t shape_of(const Pool& pool);
  // The number of the class, indexed from now on if there is room; else `none`.
  std::uint32_t workload_or_new(const std::string& name);
  void find_quotes(SiteRow& row) const;
  // Takes over what the sheet says of the pool and puts its keys right.
  void change_quote(std::uint32_t pool);
  void put_keys(std::uint32_t pool);
  // What a pool has to offer, where more is better or, of the last two, less.
  struct Offer {
    bool sells = false;
    std::uint32_t units = 0;  // without those that contracts hold
    std::uint32_t units_node = 0;
    std::uint32_t nodes = 0;
    std::uint32_t wait_seconds = 0;
    std::int64_t price_ppm = 0;
  };
  Offer offer(std::uint32_t pool) const;
  // Idle in all contracts of a site's pool, as its sheet says.
  std::uint32_t contract_units(const SiteRow& site, std::uint32_t index) const;
  // Notes an opening if the pool's offer is better now in any respect.
  void note_better(std::uint32_t pool, const Offer& before);
  void open(std::uint32_t pool);

  PriceIndex index_;
  std::vector<SiteRow> sites_;
  std::vector<PoolRow> pools_;
  std::vector<std::uint32_t> free_pools_;
  std::vector<PoolShape> shapes_;
  std::map<ShapeKey, std::uint32_t> shape_numbers_;
  std::vector<std::string> workloads_;
  std::vector<std::vector<std::int64_t>> performance_;  // by workload, then pool
  bool workloads_left_out_ = false;
  std::vector<std::uint32_t> openings_;
  std::uint64_t shapes_made_ = 0;
  std::unordered_map<TenantId, std::vector<std::uint32_t>> contract_pools_;
  std::uint64_t structure_ = 0;
  std::deque<std::uint32_t> changes_;
};

}  // namespace tradewind
