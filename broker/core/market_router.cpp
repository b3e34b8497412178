#include "broker/core/market_router.h"

#include <chrono>

namespace tradewind {
namespace {

// After so long without a newer sheet the site's quotes have run out anyway.
constexpr auto kDebitMax = std::chrono::seconds(15);
// Up to so many pools, decisions carry the survey: it takes some microseconds and fills at most
// some kilobytes of the journal.
constexpr std::uint32_t kSurveyedPoolsMax = 64;

}  // namespace

void MarketRouter::accept(const Record& record) {
  view_.accept(record);
  if (record.header.kind != RecordKind::quote) return;
  const auto site = site_of(record.header.subject);
  if (!site) return;
  const auto found = granted_.find(*site);
  if (found == granted_.end()) return;
  std::erase_if(found->second, [&](const Granted& each) {
    // Signed after the grant was known here, so it shows the grant. The clocks may differ; then the
    // debit ends early, which a refusal corrects, or late, which holds back a little.
    if (record.header.issued < each.wall) return false;
    credit(each);
    return true;
  });
  if (found->second.empty()) granted_.erase(found);
}

void MarketRouter::credit(const Granted& granted) {
  view_.credit(granted.site, granted.pool, granted.units, granted.nodes);
  view_.credit_contract(granted.site, granted.contract, granted.contract_units);
}

Decision MarketRouter::quote(const JobSpec& spec, const TenantId& tenant, Now now) const {
  const std::vector<SiteId> none;
  return route(RouteRequest{spec, tenant, "quote", none}, view_, chooser_.options(), now.wall);
}

Decision MarketRouter::decide(const JobRecord& job, const std::vector<SiteId>& excluded, Now now) {
  now_ = now;
  const RouteRequest request{job.spec, job.tenant, job.job.value, excluded};
  if (view_.columns().pools_count() <= kSurveyedPoolsMax) {
    return route(request, view_, chooser_.options(), now.wall);
  }
  return chooser_.choose(request, now.wall);
}

std::int64_t MarketRouter::price_ppm(const Candidate& chosen) const {
  const SiteView* const site = view_.find(chosen.site);
  if (site == nullptr || !site->sheet) return ppm_one;
  for (const PoolQuote& each : site->sheet->pools) {
    if (each.pool == chosen.pool) return each.price_ppm;
  }
  return ppm_one;
}

std::int64_t MarketRouter::conversion_ppm(const Candidate& chosen) const {
  const SiteView* const site = view_.find(chosen.site);
  if (site == nullptr) return ppm_one;
  for (const Pool& each : site->record.pools) {
    if (each.id == chosen.pool) {
      return tradewind::conversion_ppm(rates(), each.tariff.currency).value_or(ppm_one);
    }
  }
  return ppm_one;
}

std::uint64_t MarketRouter::run_seconds_max(const Candidate& chosen) const {
  const SiteView* const site = view_.find(chosen.site);
  return site != nullptr ? site->record.policy.run_seconds_max : 0;
}

void MarketRouter::placed(const AttemptId& /*attempt*/, const Candidate& chosen) {
  view_.debit(chosen.site, chosen.pool, chosen.units * chosen.nodes - chosen.contract_units,
              chosen.nodes);
  view_.debit_contract(chosen.site, chosen.contract, chosen.contract_units);
}

void MarketRouter::settled(const AttemptId& attempt, const Candidate& chosen, bool granted) {
  const Granted held{attempt,
                     chosen.site,
                     chosen.pool,
                     chosen.units * chosen.nodes - chosen.contract_units,
                     chosen.nodes,
                     chosen.contract,
                     chosen.contract_units,
                     now_.wall,
                     now_.mono};
  if (granted) {
    granted_[chosen.site].push_back(held);
  } else {
    credit(held);
  }
}

void MarketRouter::ended(const AttemptId& attempt, const Candidate& chosen) {
  const auto found = granted_.find(chosen.site);
  if (found == granted_.end()) return;
  // No sheet has shown it, so the newest sheet is right again without it. Else a newer one will
  // come.
  std::erase_if(found->second, [&](const Granted& each) {
    if (each.attempt != attempt) return false;
    credit(each);
    return true;
  });
  if (found->second.empty()) granted_.erase(found);
}

void MarketRouter::expire(Now now) {
  now_ = now;
  for (auto site = granted_.begin(); site != granted_.end();) {
    std::erase_if(site->second, [&](const Granted& each) {
      if (now.mono - each.at < kDebitMax) return false;
      credit(each);
      return true;
    });
    site = site->second.empty() ? granted_.erase(site) : std::next(site);
  }
}

}  // namespace tradewind
