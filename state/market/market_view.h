// What one node knows of all site records and quote sheets, as the router reads it. Pure; one
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/site.h"
#include "schemas/time.h"
#include "state/market/columns.h"
#include "state/market/site_trust.h"

namespace tradewind {

// The newest of one site. A site without a valid sheet stays listed: routing then says
// quote_missing.
struct SiteView {
  SiteRecord record;
  RecordHeader record_header;
  std::optional<QuoteSheet> sheet;  // the newest, valid or not
  RecordHeader sheet_header;        // of `sheet`
  // As in the newest member record; active while none has come, since gossip takes records of known
  // members only. A site whose member is suspended or revoked stays listed and is never valid.
  MemberState member_state = MemberState::active;
  // It has signed two stories (see quarantine); stays listed and is never valid.
  bool quarantined = false;
  SiteTrust trust;
  // Price of a whole hour of one unit now and so on are computed by routing from these.
};

// Whether the site takes anything new, so far as its own word, its membership and what is proved of
// it tell.
bool may_serve(const SiteView& site);

// What has come that may let a waiting job go.
struct MarketChanges {
  // Pools, by their numbers in the columns, that could take more than before: more is free there,
  // or sooner, or for less, or the site has begun to serve, to be bound or to be trusted. Each
  // once.
  std::vector<std::uint32_t> pools;
  // There are pools of a shape that was not there before.
  bool shapes = false;
  // A site came, moved, has other network tariffs or holds other data, so that data may cost and
  // take less than before.
  bool network = false;
};

class MarketView {
 public:
  MarketView() = default;
  // The columns point into the view; moving keeps what they point at where it is.
  MarketView(const MarketView&) = delete;
  MarketView& operator=(const MarketView&) = delete;
  MarketView(MarketView&&) = default;
  MarketView& operator=(MarketView&&) = default;

  // Takes a record that gossip has verified; a version that is not newer than the one held is
  // ignored. Order does not matter: a sheet or member record that comes before its site record is
  // kept and shows once the site is known. Members that are no sites are of no interest here.
  // Holds at most limits::sites_max sites; a record of one more is ignored and counted.
  void accept(const Record& record);

  // The site is proved to have signed two stories with the identity key of its newest member
  // record: its sheets are not valid until a member record that names another key. Nothing comes of
  // it before the site's member record.
  void quarantine(const SiteId& site);
  bool is_quarantined(const SiteId& site) const;

  // What this broker has dispatched and the site's sheet does not show yet: `units` over all nodes,
  // and how many nodes they lie on. Credited when a newer sheet shows it, or when it did not come
  // to be. Credits never take the balance below zero.
  void debit(const SiteId& site, const PoolId& pool, std::uint32_t units, std::uint32_t nodes);
  void credit(const SiteId& site, const PoolId& pool, std::uint32_t units, std::uint32_t nodes);
  // The same of what is taken from a contract's idle units instead: only the other units of such a
  // dispatch are debited from the pool.
  void debit_contract(const SiteId& site, const ContractId& contract, std::uint32_t units);
  void credit_contract(const SiteId& site, const ContractId& contract, std::uint32_t units);
  std::uint32_t debited_contract_units(const SiteId& site, const ContractId& contract) const;
  // What the site is worth to this broker now; nothing comes of it for a site that is not known
  // yet. Its pools count as changed when it is closed no longer.
  void set_trust(const SiteId& site, const SiteTrust& trust);
  // Units, and nodes, debited and not credited.
  std::uint32_t debited_units(const SiteId& site, const PoolId& pool) const;
  std::uint32_t debited_nodes(const SiteId& site, const PoolId& pool) const;

  // Null when no site record of it has come. Valid until the next `accept`.
  const SiteView* find(const SiteId& site) const;
  // The site's number in the columns; nothing when no site record of it has come.
  std::optional<std::uint32_t> number(const SiteId& site) const;
  // Adds the numbers of the sites whose records say that they hold what the label stands for.
  void add_holders(const HoldingLabel& label, std::vector<std::uint32_t>& sites) const;
  // Ordered by site id.
  const std::map<SiteId, SiteView>& sites() const { return sites_; }
  // The same as columns and price indices, for a decision that reads only what can win.
  const MarketColumns& columns() const { return columns_; }
  // Whether the site is bound by its sheet at `now`: it may serve, the site record and the
  // sheet have both begun (within limits::clock_skew_max) and neither has run out.
  bool sheet_valid(const SiteView& view, Wall::time_point now) const;
  // All changes since the last call. A sheet that only prolongs the one before is none, nor one in
  // which pools have less free and ask more.
  MarketChanges take_changes();
  // The site is bound again after a time in which it was not: its pools count as changed.
  void reopen(const SiteId& site);
  // Records ignored because of limits::sites_max.
  std::uint64_t ignored_over_limit() const { return ignored_over_limit_; }

 private:
  struct MemberStanding {
    MemberState state = MemberState::active;
    RecordVersion version;
    Bytes identity_key;
    bool quarantined = false;
  };
  struct EarlySheet {
    QuoteSheet sheet;
    RecordHeader header;
  };
  struct Debit {
    std::uint64_t units = 0;
    std::uint64_t nodes = 0;
  };
  struct Known {
    SiteView* view = nullptr;
    std::uint32_t number = 0;  // in the columns
  };

  void accept_member(const RecordHeader& header, const Member& member);
  void accept_site(const RecordHeader& header, const SiteRecord& record);
  void accept_sheet(const RecordHeader& header, const QuoteSheet& sheet);
  // `site` holds what `after` tells, and no more what `before` told.
  void change_holdings(std::uint32_t site, const std::vector<HoldingLabel>& before,
                       const std::vector<HoldingLabel>& after);
  void show_standing(const SiteId& site, const MemberStanding& standing);
  void show_debit(const SiteId& site, const PoolId& pool, const Debit& balance);

  std::map<SiteId, SiteView> sites_;
  std::unordered_map<SiteId, Known> known_;  // the same sites, found faster
  std::map<SiteId, MemberStanding> members_;
  std::map<SiteId, EarlySheet> early_sheets_;  // of sites whose record has not come yet
  std::map<std::pair<SiteId, PoolId>, Debit> debits_;
  std::map<std::pair<SiteId, ContractId>, std::uint64_t> contract_debits_;
  // By what they hold, the numbers of sites.
  std::set<std::pair<HoldingLabel, std::uint32_t>> holders_;
  MarketColumns columns_;
  bool network_changed_ = false;
  std::uint64_t shapes_told_ = 0;  // MarketColumns::shapes_made() at the last take_changes
  std::uint64_t ignored_over_limit_ = 0;
};

}  // namespace tradewind
