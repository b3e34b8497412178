// What one node knows of all site records and quote sheets, as the router reads it. Pure; one
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/site.h"
#include "schemas/time.h"

namespace tradewind {

// The newest of one site. A site without a valid sheet stays listed: routing then says
// quote_missing.
struct SiteView {
  SiteRecord record;
  RecordHeader record_header;
  std::optional<QuoteSheet> sheet;  // the newest, valid or not
  RecordHeader sheet_header;        // of `sheet`
  MemberState member_state = MemberState::active;
  // Price of a whole hour of one unit now and so on are computed by routing from these.
};

class MarketView {
 public:
  // Takes a record that gossip has verified; older ones are ignored.
  void accept(const Record& record);

  // What this broker has dispatched and the site's sheet does not show yet. `since` is when it was
  // sent: a sheet issued after the site has granted it (see settle) shows it by itself.
  void debit(const SiteId& site, const PoolId& pool, std::uint32_t units, std::uint32_t nodes);
  void credit(const SiteId& site, const PoolId& pool, std::uint32_t units, std::uint32_t nodes);
  // Units debited and not credited.
  std::uint32_t debited_units(const SiteId& site, const PoolId& pool) const;

  const SiteView* find(const SiteId& site) const;
  // Ordered by site id.
  const std::map<SiteId, SiteView>& sites() const { return sites_; }
  bool sheet_valid(const SiteView& view, Wall::time_point now) const;
  // Rises with each change that may matter to a waiting job.
  std::uint64_t generation() const { return generation_; }

 private:
  std::map<SiteId, SiteView> sites_;
  std::map<std::pair<SiteId, PoolId>, std::uint64_t> debits_;
  std::uint64_t generation_ = 0;
};

}  // namespace tradewind
