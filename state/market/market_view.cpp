#include "state/market/market_view.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "schemas/ids.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

bool in_force(const RecordHeader& header, Wall::time_point now) {
  return header.issued <= now + limits::clock_skew_max && now < header.valid_until;
}

std::uint32_t saturated(std::uint64_t value) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(value, most));
}

// Whether a table keyed by site has no room for this site.
template <class Table>
bool full_for(const Table& table, const SiteId& site) {
  return table.size() >= limits::sites_max && table.count(site) == 0;
}

}  // namespace

bool may_serve(const SiteView& site) {
  return site.record.state == SiteState::active && site.member_state == MemberState::active &&
         !site.quarantined;
}

void MarketView::accept(const Record& record) {
  if (const auto* member = std::get_if<Member>(&record.body)) {
    accept_member(record.header, *member);
  } else if (const auto* site = std::get_if<SiteRecord>(&record.body)) {
    accept_site(record.header, *site);
  } else if (const auto* sheet = std::get_if<QuoteSheet>(&record.body)) {
    accept_sheet(record.header, *sheet);
  }
}

void MarketView::accept_member(const RecordHeader& header, const Member& member) {
  const Result<SiteId> site = site_of(member.node);
  if (!site) return;
  if (full_for(members_, *site)) {
    ++ignored_over_limit_;
    return;
  }
  const auto [standing, is_new] = members_.try_emplace(*site);
  if (!is_new && header.version <= standing->second.version) return;
  MemberStanding& now = standing->second;
  const bool same_key = now.identity_key == member.identity_key;
  now = MemberStanding{member.state, header.version, member.identity_key,
                       now.quarantined && same_key};
  show_standing(*site, now);
}

void MarketView::quarantine(const SiteId& site) {
  const auto standing = members_.find(site);
  if (standing == members_.end()) return;
  standing->second.quarantined = true;
  show_standing(site, standing->second);
}

bool MarketView::is_quarantined(const SiteId& site) const {
  const auto standing = members_.find(site);
  return standing != members_.end() && standing->second.quarantined;
}

void MarketView::show_standing(const SiteId& site, const MemberStanding& standing) {
  const auto known = known_.find(site);
  if (known == known_.end()) return;
  SiteView& view = *known->second.view;
  if (view.member_state == standing.state && view.quarantined == standing.quarantined) return;
  view.member_state = standing.state;
  view.quarantined = standing.quarantined;
  columns_.change_sheet(known->second.number, true);
}

void MarketView::accept_site(const RecordHeader& header, const SiteRecord& record) {
  if (full_for(sites_, record.site)) {
    ++ignored_over_limit_;
    return;
  }
  const auto [place, is_new] = sites_.try_emplace(record.site);
  SiteView& view = place->second;
  if (!is_new && header.version <= view.record_header.version) return;
  // Records are issued again and again with nothing new in them but their time.
  const bool prolongs = !is_new && view.record == record;
  network_changed_ =
      network_changed_ || is_new || view.record.region != record.region ||
      view.record.jurisdiction != record.jurisdiction || view.record.network != record.network ||
      view.record.round_trips != record.round_trips ||
      view.record.bandwidths != record.bandwidths || view.record.holdings != record.holdings;
  const std::vector<HoldingLabel> held = view.record.holdings;
  if (!prolongs) view.record = record;
  view.record_header = header;
  if (is_new) {
    if (const auto standing = members_.find(record.site); standing != members_.end()) {
      view.member_state = standing->second.state;
      view.quarantined = standing->second.quarantined;
    }
    if (auto early = early_sheets_.extract(record.site)) {
      view.sheet = std::move(early.mapped().sheet);
      view.sheet_header = early.mapped().header;
    }
    known_[record.site] = Known{&view, columns_.add_site(view)};
  } else if (prolongs) {
    columns_.change_sheet(known_.at(record.site).number, true);
  } else {
    columns_.change_record(known_.at(record.site).number);
  }
  change_holdings(known_.at(record.site).number, held, view.record.holdings);
  if (!prolongs) {
    for (auto debit = debits_.lower_bound({record.site, PoolId{}});
         debit != debits_.end() && debit->first.first == record.site; ++debit) {
      show_debit(record.site, debit->first.second, debit->second);
    }
  }
}

void MarketView::change_holdings(std::uint32_t site, const std::vector<HoldingLabel>& before,
                                 const std::vector<HoldingLabel>& after) {
  if (before == after) return;
  for (const HoldingLabel& each : before) holders_.erase({each, site});
  for (const HoldingLabel& each : after) holders_.insert({each, site});
}

void MarketView::add_holders(const HoldingLabel& label, std::vector<std::uint32_t>& sites) const {
  for (auto each = holders_.lower_bound({label, 0}); each != holders_.end() && each->first == label;
       ++each) {
    sites.push_back(each->second);
  }
}

void MarketView::accept_sheet(const RecordHeader& header, const QuoteSheet& sheet) {
  const auto place = known_.find(sheet.site);
  if (place == known_.end()) {
    if (full_for(early_sheets_, sheet.site)) {
      ++ignored_over_limit_;
      return;
    }
    const auto [early, is_new] = early_sheets_.try_emplace(sheet.site);
    if (is_new || early->second.header.version < header.version) {
      early->second = EarlySheet{sheet, header};
    }
    return;
  }
  SiteView& view = *place->second.view;
  if (view.sheet && header.version <= view.sheet_header.version) return;
  const bool same_pools = view.sheet && std::ranges::equal(view.sheet->pools, sheet.pools, {},
                                                           &PoolQuote::pool, &PoolQuote::pool);
  // Most sheets only prolong the one before.
  if (!view.sheet || *view.sheet != sheet) view.sheet = sheet;
  view.sheet_header = header;
  columns_.change_sheet(place->second.number, same_pools);
}

void MarketView::debit(const SiteId& site, const PoolId& pool, std::uint32_t units,
                       std::uint32_t nodes) {
  if (units == 0 && nodes == 0) return;
  Debit& balance = debits_[{site, pool}];
  balance.units += units;
  balance.nodes += nodes;
  show_debit(site, pool, balance);
}

void MarketView::credit(const SiteId& site, const PoolId& pool, std::uint32_t units,
                        std::uint32_t nodes) {
  const auto place = debits_.find({site, pool});
  if (place == debits_.end() || (units == 0 && nodes == 0)) return;
  Debit& balance = place->second;
  balance.units -= std::min<std::uint64_t>(balance.units, units);
  balance.nodes -= std::min<std::uint64_t>(balance.nodes, nodes);
  show_debit(site, pool, balance);
  if (balance.units == 0 && balance.nodes == 0) debits_.erase(place);
}

void MarketView::debit_contract(const SiteId& site, const ContractId& contract,
                                std::uint32_t units) {
  if (units != 0) contract_debits_[{site, contract}] += units;
}

void MarketView::credit_contract(const SiteId& site, const ContractId& contract,
                                 std::uint32_t units) {
  const auto place = contract_debits_.find({site, contract});
  if (place == contract_debits_.end() || units == 0) return;
  place->second -= std::min<std::uint64_t>(place->second, units);
  if (place->second == 0) contract_debits_.erase(place);
  const auto known = known_.find(site);
  if (known == known_.end()) return;
  for (const Contract& each : known->second.view->record.contracts) {
    if (each.id == contract) columns_.open_pool(known->second.number, each.pool);
  }
}

std::uint32_t MarketView::debited_contract_units(const SiteId& site,
                                                 const ContractId& contract) const {
  const auto place = contract_debits_.find({site, contract});
  return place == contract_debits_.end() ? 0 : saturated(place->second);
}

void MarketView::show_debit(const SiteId& site, const PoolId& pool, const Debit& balance) {
  const auto known = known_.find(site);
  if (known == known_.end()) return;
  columns_.change_debit(known->second.number, pool, saturated(balance.units),
                        saturated(balance.nodes));
}

std::uint32_t MarketView::debited_units(const SiteId& site, const PoolId& pool) const {
  const auto place = debits_.find({site, pool});
  return place == debits_.end() ? 0 : saturated(place->second.units);
}

std::uint32_t MarketView::debited_nodes(const SiteId& site, const PoolId& pool) const {
  const auto place = debits_.find({site, pool});
  return place == debits_.end() ? 0 : saturated(place->second.nodes);
}

void MarketView::set_trust(const SiteId& site, const SiteTrust& trust) {
  const auto known = known_.find(site);
  if (known == known_.end()) return;
  SiteTrust& held = known->second.view->trust;
  const bool was_closed = held.closed();
  held = trust;
  if (held.closed() != was_closed) columns_.change_sheet(known->second.number, true);
}

MarketChanges MarketView::take_changes() {
  MarketChanges changes;
  changes.pools = columns_.take_openings();
  changes.shapes = std::exchange(shapes_told_, columns_.shapes_made()) != columns_.shapes_made();
  changes.network = std::exchange(network_changed_, false);
  return changes;
}

void MarketView::reopen(const SiteId& site) {
  if (const auto known = known_.find(site); known != known_.end()) {
    columns_.open_site(known->second.number);
  }
}

const SiteView* MarketView::find(const SiteId& site) const {
  const auto place = known_.find(site);
  return place == known_.end() ? nullptr : place->second.view;
}

std::optional<std::uint32_t> MarketView::number(const SiteId& site) const {
  const auto place = known_.find(site);
  return place == known_.end() ? std::nullopt : std::optional(place->second.number);
}

bool MarketView::sheet_valid(const SiteView& view, Wall::time_point now) const {
  return view.member_state == MemberState::active && !view.quarantined && view.sheet.has_value() &&
         in_force(view.record_header, now) && in_force(view.sheet_header, now);
}

}  // namespace tradewind
