#include "broker/core/market_router.h"

#include <algorithm>
#include <chrono>

namespace tradewind {
namespace {

// After so long without a newer sheet the site's quotes have run out anyway.
constexpr auto kDebitMax = std::chrono::seconds(15);
// Up to so many pools, decisions carry the survey: it takes some microseconds and fills at most
// some kilobytes of the journal.
constexpr std::uint32_t kSurveyedPoolsMax = 64;
constexpr std::string_view kQuoteTieKey = "quote";

// The job with its quote's total as its budget.
JobSpec within_quote(const JobRecord& job) {
  JobSpec spec = job.spec;
  std::optional<Money>& most = spec.constraints.cost_max;
  most = std::min(most.value_or(job.quote->total), job.quote->total);
  return spec;
}

void drop_survey(Decision& decision) {
  decision.runners_up.clear();
  decision.rejections.clear();
  decision.pools_considered = 0;
  decision.pools_adequate = 0;
}

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
}

RouteOptions MarketRouter::exact(RouteOptions options) {
  options.tolerance_ppm = 0;
  return options;
}

Surveyed MarketRouter::quote(const JobSpec& spec, const TenantId& tenant,
                             std::size_t rejections_max, Now now) const {
  const std::vector<SiteId> none;
  return route_surveyed(RouteRequest{spec, tenant, kQuoteTieKey, none}, view_, options_,
                        rejections_max, now.wall);
}

Relaxations MarketRouter::relaxations(const JobSpec& spec, const TenantId& tenant, Now now) {
  const std::vector<SiteId> none;
  return tradewind::relaxations(RouteRequest{spec, tenant, kQuoteTieKey, none}, view_, explorer_,
                                now.wall);
}

std::vector<Rejection> MarketRouter::rejections(const JobRecord& job, Now now) const {
  const std::vector<SiteId> none;
  const JobSpec spec = within_quote(job);
  return route_surveyed(RouteRequest{spec, job.tenant, job.job.value, none, &*job.quote}, view_,
                        options_, SIZE_MAX, now.wall)
      .decision.rejections;
}

Decision MarketRouter::decide(const JobRecord& job, const std::vector<SiteId>& excluded, Now now) {
  now_ = now;
  const bool surveyed = view_.columns().pools_count() <= kSurveyedPoolsMax;
  if (job.quote) {
    const JobSpec spec = within_quote(job);
    const RouteRequest request{spec, job.tenant, job.job.value, excluded, &*job.quote};
    Decision decision = route(request, view_, options_, now.wall);
    if (decision.chosen && !surveyed) drop_survey(decision);
    return decision;
  }
  const RouteRequest request{job.spec, job.tenant, job.job.value, excluded};
  return surveyed ? route(request, view_, options_, now.wall) : chooser_.choose(request, now.wall);
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
