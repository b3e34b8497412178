// From what a site has free to the quote sheet it signs, and when a new one is worth the bytes.
// Pure; the caller adds version and times, signs and publishes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "schemas/site.h"

namespace tradewind {

// What admission knows of one pool now.
struct PoolStanding {
  PoolId pool;
  std::uint32_t units_free = 0;       // over all nodes, after grants; without those of `contracts`
  std::uint32_t units_free_node = 0;  // on the emptiest node
  std::uint32_t nodes_free = 0;       // with nothing on them
  std::uint32_t wait_seconds = 0;     // expected for one unit, when none is free
  std::vector<ContractQuote> contracts;  // of the pool in force: what is held back and free
};

struct SiteStanding {
  std::vector<PoolStanding> pools;
  std::int64_t energy_left_wh = -1;  // in the quota's period; -1: no quota
  std::uint32_t units_max = 0;       // the site's certified ceiling; 0: none
};

// Watt-hours left of a period's quota: never below 0; -1 when the quota is negative, that is, none.
std::int64_t energy_left_wh(std::int64_t quota_wh, std::int64_t used_wh);

// One quote for each pool of the record, in its order; a pool without a standing has nothing free.
// The price follows the pool's true utilisation. Free units are quoted as 0 when the energy quota
// is used up or the site is not active, since a valid quote binds; and all together, with the idle
// units of contracts, never exceed the ceiling, since a sheet that claims more is refused
// everywhere (pools are served in order, in each its contracts first: they are paid already).
QuoteSheet make_quote_sheet(const SiteRecord& site, const SiteStanding& standing);

// Whether `next` is worth publishing `since_last` after `last` (nothing: never published). Always
// by limits::publish_interval_max; from limits::publish_interval_min on when free units or a price
// changed by at least 5 % or to or from zero, or room on nodes fell that much; before that when
// free units rose that much, since jobs may wait for them.
bool worth_publishing(const std::optional<QuoteSheet>& last, const QuoteSheet& next,
                      std::chrono::microseconds since_last);

}  // namespace tradewind
