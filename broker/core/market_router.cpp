#include "broker/core/market_router.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tradewind {
namespace {

// After so long without a newer sheet the site's quotes have run out anyway.
constexpr auto kDebitMax = std::chrono::seconds(15);
// Up to so many pools, decisions carry the survey: it takes some microseconds and fills at most
// some kilobytes of the journal.
constexpr std::uint32_t kSurveyedPoolsMax = 64;

RouteOptions with(RouteOptions options, const UnderLoad& under_load) {
  options.tolerance_ppm = std::max(options.tolerance_ppm, under_load.tolerance_ppm);
  options.spare_units = std::max(options.spare_units, under_load.spare_units);
  return options;
}

}  // namespace

MarketRouter::MarketRouter(RouteOptions options, UnderLoad under_load)
    : options_(std::move(options)),
      options_under_load_(with(options_, under_load)),
      under_load_span_(under_load.span),
      chooser_(view_, options_),
      chooser_under_load_(view_, options_under_load_) {}

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
}

Decision MarketRouter::quote(const JobSpec& spec, const TenantId& tenant, Now now) const {
  const std::vector<SiteId> none;
  return route(RouteRequest{spec, tenant, "quote", none}, view_, options_, now.wall);
}

Decision MarketRouter::decide(const JobRecord& job, const std::vector<SiteId>& excluded, Now now) {
  now_ = now;
  const RouteRequest request{job.spec, job.tenant, job.job.value, excluded};
  Decision decision = choose(request, options_, chooser_, now);
  if (!decision.chosen || !is_under_load(decision.chosen->site, now.mono)) return decision;
  Decision spread = choose(request, options_under_load_, chooser_under_load_, now);
  // The margin is there to find a place sooner, not to wait for one.
  return spread.chosen ? spread : decision;
}

Decision MarketRouter::choose(const RouteRequest& request, const RouteOptions& options,
                              Chooser& chooser, Now now) const {
  if (view_.columns().pools_count() <= kSurveyedPoolsMax) {
    return route(request, view_, options, now.wall);
  }
  return chooser.choose(request, now.wall);
}

bool MarketRouter::is_under_load(const SiteId& site, Mono::time_point now) const {
  const auto refused = refused_.find(site);
  return refused != refused_.end() && now - refused->second < under_load_span_;
}

std::int64_t MarketRouter::price_ppm(const Candidate& chosen) const {
  const SiteView* const site = view_.find(chosen.site);
  if (site == nullptr || !site->sheet) return ppm_one;
  for (const PoolQuote& each : site->sheet->pools) {
    if (each.pool == chosen.pool) return each.price_ppm;
  }
  return ppm_one;
}

std::uint64_t MarketRouter::run_seconds_max(const Candidate& chosen) const {
  const SiteView* const site = view_.find(chosen.site);
  return site != nullptr ? site->record.policy.run_seconds_max : 0;
}

void MarketRouter::placed(const AttemptId& /*attempt*/, const Candidate& chosen) {
  view_.debit(chosen.site, chosen.pool, chosen.units * chosen.nodes, chosen.nodes);
}

void MarketRouter::settled(const AttemptId& attempt, const Candidate& chosen, bool granted) {
  const Granted held{attempt,      chosen.site, chosen.pool, chosen.units * chosen.nodes,
                     chosen.nodes, now_.wall,   now_.mono};
  if (granted) {
    granted_[chosen.site].push_back(held);
  } else {
    credit(held);
    refused_[chosen.site] = now_.mono;
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
  std::erase_if(refused_,
                [&](const auto& each) { return now.mono - each.second >= under_load_span_; });
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
