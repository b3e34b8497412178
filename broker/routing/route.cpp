#include "broker/routing/route.h"

#include <algorithm>
#include <utility>

#include "broker/routing/choice.h"
#include "broker/routing/explain.h"
#include "broker/routing/survey.h"
#include "broker/routing/transfer.h"
#include "schemas/assert.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

// Without what its data rests on.
Candidate candidate(const Draft& draft, const JobSpec& spec) {
  Candidate result;
  result.site = draft.site->record.site;
  result.pool = draft.pool->id;
  result.variant = draft.variant;
  result.preemptible = draft.preemptible;
  result.nodes = nodes_wanted(spec);
  result.units = draft.units;
  result.rate = draft.rate;
  result.billed_seconds = draft.billed_seconds;
  result.cost = draft.cost;
  result.finish = draft.finish;
  if (draft.contract != nullptr) result.contract = draft.contract->id;
  result.contract_units = draft.contract_units;
  return result;
}

Candidate candidate(const Draft& draft, const JobSpec& spec, const JobData& data) {
  Candidate result = candidate(draft, spec);
  std::optional<Transfer> transfer = data.at(draft.site->record);
  TRADEWIND_ASSERT(transfer.has_value());
  result.replicas = std::move(transfer->replicas);
  result.held = std::move(transfer->held);
  return result;
}

std::uint64_t distance(const Miss& miss) {
  const auto wanted = static_cast<std::uint64_t>(miss.wanted);
  const auto offered = static_cast<std::uint64_t>(miss.offered);
  return miss.wanted > miss.offered ? wanted - offered : offered - wanted;
}

// Nearest misses first: those that came furthest in the order of the predicates, then those whose
// numbers lie closest, then by site.
bool nearer(const PoolMiss& a, const PoolMiss& b) {
  if (a.miss.reason != b.miss.reason) {
    return predicate_place(a.miss.reason) > predicate_place(b.miss.reason);
  }
  const std::uint64_t distance_a = distance(a.miss);
  const std::uint64_t distance_b = distance(b.miss);
  if (distance_a != distance_b) return distance_a < distance_b;
  return a.order < b.order;
}

std::vector<Rejection> rejections(std::vector<PoolMiss>& misses, const RouteRequest& request,
                                  const RouteOptions& options, std::size_t most) {
  const std::size_t count = std::min(misses.size(), most);
  std::partial_sort(misses.begin(), misses.begin() + static_cast<std::ptrdiff_t>(count),
                    misses.end(), nearer);
  std::vector<Rejection> result;
  result.reserve(count);
  for (std::size_t index = 0; index < count; ++index) {
    const PoolMiss& missed = misses[index];
    result.push_back(Rejection{missed.site->record.site, missed.pool->id, missed.variant,
                               missed.miss.reason, missed.miss.wanted, missed.miss.offered,
                               explain(request, options, missed)});
  }
  return result;
}

ReliedOn relied_on(const SiteView& site) {
  return ReliedOn{site.record.site, site.record_header.version, site.sheet_header.version,
                  site.sheet_header.valid_until};
}

// Where the price is the quote's, the decision rests on the quote's sheet.
void hold_quote(Decision& decision, const Draft& chosen, const RouteRequest& request,
                Wall::time_point now) {
  if (request.quote == nullptr) return;
  const auto row = std::ranges::find(chosen.site->sheet->pools, chosen.pool->id, &PoolQuote::pool);
  if (!held_price_ppm(*request.quote, *chosen.site, *row, now)) return;
  decision.relied_on = request.quote->relied_on;
}

Outcome outcome(const Survey& survey) {
  if (!survey.drafts.empty()) return Outcome::placed;
  // Where nothing is offered at all, nothing is known either: that is no reason to refuse a job.
  return survey.passing || survey.misses.empty() ? Outcome::waiting : Outcome::unroutable;
}

}  // namespace

Decision placed(const Draft& chosen, const JobSpec& spec, const RouteOptions& options,
                Wall::time_point now) {
  Decision decision;
  decision.outcome = Outcome::placed;
  decision.decided_at = now;
  decision.chosen = candidate(chosen, spec);
  decision.relied_on = relied_on(*chosen.site);
  decision.tolerance_ppm = options.tolerance_ppm;
  decision.spare_units = options.spare_units;
  decision.rates_version = options.rates.version;
  return decision;
}

std::optional<std::int64_t> held_price_ppm(const QuoteTerms& quote, const SiteView& site,
                                           const PoolQuote& newest, Wall::time_point now) {
  const ReliedOn& basis = quote.relied_on;
  const bool binds = basis.site == site.record.site && quote.pool == newest.pool &&
                     basis.site_version == site.record_header.version &&
                     now < basis.quote_valid_until && quote.price_ppm < newest.price_ppm;
  return binds ? std::optional(quote.price_ppm) : std::nullopt;
}

Decision route(const RouteRequest& request, const MarketView& view, const RouteOptions& options,
               Wall::time_point now) {
  return route_surveyed(request, view, options, limits::rejections_max, now).decision;
}

Surveyed route_surveyed(const RouteRequest& request, const MarketView& view,
                        const RouteOptions& options, std::size_t rejections_max,
                        Wall::time_point now) {
  TRADEWIND_ASSERT(!request.spec.variants.empty());
  const JobData data(request.spec, view);
  Survey found = survey(request, view, options, data, now);

  Surveyed result;
  for (const PoolMiss& each : found.misses) ++result.reasons[each.miss.reason];
  Decision& decision = result.decision;
  decision.outcome = outcome(found);
  decision.decided_at = now;
  decision.pools_adequate = static_cast<std::uint32_t>(found.drafts.size());
  decision.pools_considered = static_cast<std::uint32_t>(found.drafts.size() + found.misses.size());
  decision.tolerance_ppm = options.tolerance_ppm;
  decision.spare_units = options.spare_units;
  decision.rates_version = options.rates.version;
  decision.excluded = request.excluded;
  decision.rejections = rejections(found.misses, request, options, rejections_max);
  if (found.drafts.empty()) return result;

  const std::size_t chosen =
      choose(found.drafts, limits::runners_up_max + 1, request.tie_key, options.tolerance_ppm);
  decision.chosen = candidate(found.drafts[chosen], request.spec, data);
  decision.relied_on = relied_on(*found.drafts[chosen].site);
  hold_quote(decision, found.drafts[chosen], request, now);
  for (std::size_t index = 0; index < found.drafts.size(); ++index) {
    if (decision.runners_up.size() == limits::runners_up_max) break;
    if (index != chosen) {
      decision.runners_up.push_back(candidate(found.drafts[index], request.spec, data));
    }
  }
  return result;
}

}  // namespace tradewind
