#include "state/gossip/news.h"

#include <algorithm>

namespace tradewind {

const PoolQuote* find_pool(const QuoteSheet& sheet, const PoolId& pool) {
  const auto place = std::find_if(sheet.pools.begin(), sheet.pools.end(),
                                  [&pool](const PoolQuote& each) { return each.pool == pool; });
  return place == sheet.pools.end() ? nullptr : &*place;
}

namespace {

std::uint64_t units_idle(const QuoteSheet& sheet, const ContractId& contract) {
  const auto place =
      std::find_if(sheet.contracts.begin(), sheet.contracts.end(),
                   [&contract](const ContractQuote& each) { return each.contract == contract; });
  return place == sheet.contracts.end() ? 0 : place->units_idle;
}

std::uint64_t price(const PoolQuote& quote) {
  return quote.price_ppm > 0 ? static_cast<std::uint64_t>(quote.price_ppm) : 0;
}

}  // namespace

bool change_matters(std::uint64_t before, std::uint64_t after) {
  if (before == after) return false;
  if (before == 0 || after == 0) return true;
  const std::uint64_t change = before > after ? before - after : after - before;
  return change >= before / 20 + (before % 20 != 0 ? 1 : 0);
}

bool quote_change_matters(const QuoteSheet& before, const QuoteSheet& after) {
  if (before.pools.size() != after.pools.size() ||
      before.contracts.size() != after.contracts.size()) {
    return true;
  }
  for (const ContractQuote& each : after.contracts) {
    if (change_matters(units_idle(before, each.contract), each.units_idle)) return true;
  }
  return std::any_of(after.pools.begin(), after.pools.end(), [&before](const PoolQuote& each) {
    const PoolQuote* earlier = find_pool(before, each.pool);
    return earlier == nullptr || change_matters(earlier->units_free, each.units_free) ||
           change_matters(price(*earlier), price(each));
  });
}

bool capacity_fell(const QuoteSheet& before, const QuoteSheet& after) {
  for (const ContractQuote& each : before.contracts) {
    if (units_idle(after, each.contract) < each.units_idle) return true;
  }
  return std::any_of(before.pools.begin(), before.pools.end(), [&after](const PoolQuote& each) {
    const PoolQuote* later = find_pool(after, each.pool);
    return later == nullptr || later->units_free < each.units_free;
  });
}

}  // namespace tradewind
