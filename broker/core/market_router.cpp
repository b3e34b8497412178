#include "broker/core/market_router.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "broker/routing/clearing.h"

namespace tradewind {
namespace {

// Up to so many pools, decisions carry the survey: it takes some microseconds and fills at most
// some kilobytes of the journal.
constexpr std::uint32_t kSurveyedPoolsMax = 64;
// A clearing looks at every pool several times: with so many it takes a fraction of a millisecond.
// Beyond, a site that frees capacity would wait for it.
constexpr std::uint32_t kClearedPoolsMax = 2'048;
constexpr std::string_view kQuoteTieKey = "quote";

// The job with its quote's total as its budget.
JobSpec within_quote(const JobRecord& job) {
  JobSpec spec = job.spec;
  std::optional<Money>& most = spec.constraints.cost_max;
  most = std::min(most.value_or(job.quote->total), job.quote->total);
  return spec;
}

// What routing is asked for a job.
class Asked {
 public:
  Asked(const JobRecord& job, const std::vector<SiteId>& excluded)
      : within_(job.quote ? std::optional(within_quote(job)) : std::nullopt),
        request_{within_ ? *within_ : job.spec, job.tenant, job.job.value, excluded,
                 job.quote ? &*job.quote : nullptr} {}
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;
  const RouteRequest& request() const { return request_; }

 private:
  std::optional<JobSpec> within_;
  RouteRequest request_;
};

void drop_survey(Decision& decision) {
  decision.runners_up.clear();
  decision.rejections.clear();
  decision.pools_considered = 0;
  decision.pools_adequate = 0;
}

const std::vector<SiteId> kNone;

Margins margins_of(const Chooser& chooser) {
  return {chooser.options().tolerance_ppm, chooser.options().spare_units};
}

RouteOptions exact(RouteOptions options) {
  options.tolerance_ppm = 0;
  return options;
}

RouteOptions with(RouteOptions options, const UnderLoad& under_load) {
  options.tolerance_ppm = std::max(options.tolerance_ppm, under_load.tolerance_ppm);
  options.spare_units = std::max(options.spare_units, under_load.spare_units);
  return options;
}

}  // namespace

MarketRouter::MarketRouter(const RouteOptions& options, UnderLoad under_load)
    : under_load_span_(under_load.span),
      chooser_(view_, options),
      chooser_under_load_(view_, with(options, under_load)),
      explorer_(view_, exact(options)) {}

void MarketRouter::accept(const Record& record) {
  const auto site = site_of(record.header.subject);
  const bool was_bound = site && is_bound(*site);
  view_.accept(record);
  if (!site) return;
  if (record.header.kind == RecordKind::site) view_.set_trust(*site, trust_.of(*site));
  if (!was_bound && is_bound(*site)) view_.reopen(*site);
  grants_.refresh(*site);
}

void MarketRouter::accept(const Record& record, SignedRecord signed_record) {
  accept(record);
  if (site_of(record.header.subject)) unrecorded_.add(record.header, std::move(signed_record));
}

void MarketRouter::quarantine(const SiteId& site) {
  view_.quarantine(site);
}

void MarketRouter::quarantine(const SiteId& site, Equivocation proof) {
  quarantine(site);
  unrecorded_.add(site_node(site), std::move(proof));
}

std::vector<decltype(Entry::body)> MarketRouter::unrecorded() {
  return unrecorded_.take();
}

void MarketRouter::set_rates(RateTable rates) {
  chooser_under_load_.set_rates(rates);
  explorer_.set_rates(rates);
  choosers_.clear();
  chooser_.set_rates(std::move(rates));
  rates_changed_ = true;
}

bool MarketRouter::is_bound(const SiteId& site) const {
  const SiteView* const view = view_.find(site);
  return view != nullptr && view_.sheet_valid(*view, now_.wall);
}

Surveyed MarketRouter::quote(const JobSpec& spec, const TenantId& tenant,
                             std::size_t rejections_max, Now now) const {
  return route_surveyed(RouteRequest{spec, tenant, kQuoteTieKey, kNone}, view_, chooser_.options(),
                        rejections_max, now.wall);
}

Relaxations MarketRouter::relaxations(const JobSpec& spec, const TenantId& tenant, Now now) {
  return tradewind::relaxations(RouteRequest{spec, tenant, kQuoteTieKey, kNone}, view_, explorer_,
                                now.wall);
}

std::vector<Rejection> MarketRouter::rejections(const JobRecord& job, Now now) const {
  return route_surveyed(Asked(job, kNone).request(), view_, chooser_.options(), SIZE_MAX, now.wall)
      .decision.rejections;
}

std::optional<Decision> MarketRouter::decide(const JobRecord& job,
                                             const std::vector<SiteId>& excluded, Now now) {
  now_ = now;
  const Asked asked(job, excluded);
  std::optional<Decision> decision = choose(asked.request(), chooser_, now);
  if (!decision || !is_under_load(decision->chosen->site, now.mono)) return decision;
  // The margin is there to find a place sooner, not to wait for one.
  std::optional<Decision> spread = choose(asked.request(), chooser_under_load_, now);
  return spread ? spread : decision;
}

std::optional<Decision> MarketRouter::decide_with(Margins margins, const JobRecord& job,
                                                  const std::vector<SiteId>& excluded, Now now) {
  return choose(Asked(job, excluded).request(), chooser_with(margins), now);
}

Decision MarketRouter::explain_with(Margins margins, const JobRecord& job,
                                    const std::vector<SiteId>& excluded, Now now) {
  return route(Asked(job, excluded).request(), view_, chooser_with(margins).options(), now.wall);
}

Chooser& MarketRouter::chooser_with(Margins margins) {
  if (margins == margins_of(chooser_)) return chooser_;
  if (margins == margins_of(chooser_under_load_)) return chooser_under_load_;
  const auto [chooser, is_new] = choosers_.try_emplace(margins);
  if (is_new) {
    RouteOptions options = chooser_.options();
    options.tolerance_ppm = margins.tolerance_ppm;
    options.spare_units = margins.spare_units;
    chooser->second = std::make_unique<Chooser>(view_, std::move(options));
  }
  return *chooser->second;
}

std::optional<Decision> MarketRouter::choose(const RouteRequest& request, Chooser& chooser,
                                             Now now) const {
  const bool surveyed = view_.columns().pools_count() <= kSurveyedPoolsMax;
  if (!surveyed && request.quote == nullptr) return chooser.choose(request, now.wall);
  Decision decision = route(request, view_, chooser.options(), now.wall);
  if (!decision.chosen) return std::nullopt;
  if (!surveyed) drop_survey(decision);
  return decision;
}

bool MarketRouter::is_under_load(const SiteId& site, Mono::time_point now) const {
  const auto refused = refused_.find(site);
  return refused != refused_.end() && now - refused->second < under_load_span_;
}

Decision MarketRouter::explain(const JobRecord& job, const std::vector<SiteId>& excluded, Now now) {
  return route(Asked(job, excluded).request(), view_, chooser_.options(), now.wall);
}

bool MarketRouter::may_wait(const JobRecord& job, Now now) {
  return chooser_.may_wait(Asked(job, kNone).request(), now.wall);
}

bool MarketRouter::may_clear(const JobRecord& job) {
  // A clearing knows neither prices that are held nor units that are kept for a tenant.
  return view_.columns().pools_count() <= kClearedPoolsMax && !job.quote &&
         view_.columns().contract_pools(job.tenant).empty() &&
         chooser_.is_indexed(Asked(job, kNone).request());
}

std::vector<JobPlaced> MarketRouter::clear(const std::vector<JobToClear>& jobs, Now now) {
  now_ = now;
  if (have_room(jobs)) return {};
  std::vector<JobPlaced> placed = clear_with(margins_of(chooser_), jobs, now);
  // Whoever it gave no place may yet find one there.
  if (!placed.empty()) {
    for (const SiteId& each : trust_.on_trial()) view_.reopen(each);
  }
  return placed;
}

std::vector<JobPlaced> MarketRouter::clear_with(Margins margins,
                                                const std::vector<JobToClear>& jobs, Now now) {
  std::vector<JobPlaced> placed;
  const std::vector<SiteId> on_trial = trust_.on_trial();
  std::deque<std::vector<SiteId>> excluded;
  std::vector<RouteRequest> requests;
  requests.reserve(jobs.size());
  for (const JobToClear& each : jobs) {
    std::vector<SiteId>& sites = excluded.emplace_back();
    std::ranges::set_union(each.excluded, on_trial, std::back_inserter(sites));
    requests.push_back({each.job->spec, each.job->tenant, each.job->job.value, sites});
  }
  Cleared cleared = tradewind::clear(chooser_with(margins), requests, now.wall);
  if (!cleared.by_flow) return placed;
  for (Cleared::Placement& each : cleared.placements) {
    each.decision.excluded = jobs[each.job].excluded;
    placed.push_back({each.job, std::move(each.decision)});
  }
  return placed;
}

bool MarketRouter::have_room(const std::vector<JobToClear>& jobs) const {
  struct Wanted {
    std::uint64_t units = 0;
    std::uint64_t nodes = 0;
    bool whole_nodes = false;
  };
  std::map<std::uint32_t, Wanted> pools;
  const MarketColumns& columns = view_.columns();
  for (const JobToClear& each : jobs) {
    const SiteRow& site = columns.site(*view_.number(each.alone.site));
    for (const std::uint32_t pool : site.pools) {
      if (columns.pool_record(pool).id != each.alone.pool) continue;
      Wanted& wanted = pools[pool];
      wanted.units += std::uint64_t{each.alone.units} * each.alone.nodes;
      wanted.nodes += each.alone.nodes;
      wanted.whole_nodes |= each.alone.nodes > 1;
    }
  }
  const std::uint32_t spare = chooser_.options().spare_units;
  return std::ranges::all_of(pools, [&](const auto& each) {
    const auto& [pool, wanted] = each;
    const PoolRow& row = columns.pool(pool);
    return row.debited_units + wanted.units + spare <= row.units_free &&
           (!wanted.whole_nodes || row.debited_nodes + wanted.nodes <= row.nodes_free);
  });
}

RouterChanges MarketRouter::changes() {
  MarketChanges changes = view_.take_changes();
  // What jobs lack was told in the shapes that were there, and could be paid for, then.
  const bool everything = std::exchange(rates_changed_, false) || changes.shapes;
  return {everything, changes.network, std::move(changes.pools)};
}

JobLacks MarketRouter::lacks(const JobRecord& job) {
  const JobSpec& spec = job.spec;
  JobLacks lacks;
  for (const FittingShape& each : chooser_.fitting_shapes(spec)) {
    lacks.rooms.push_back({each.shape, each.units});
  }
  // What data costs and takes rests on the records of the sites where it lies as well, and which
  // jurisdiction a region belongs to on any site's.
  const bool has_data = !spec.inputs.empty() || !spec.outputs.empty();
  lacks.elsewhere =
      (has_data && (job.quote || spec.constraints.cost_max || spec.constraints.deadline)) ||
      spec.constraints.latency_ms_max != 0;
  return lacks;
}

Opening MarketRouter::opening(std::uint32_t place) {
  const MarketColumns& columns = view_.columns();
  if (place >= columns.pools_count() || !columns.pool(place).sells) return {};
  const PoolRow& row = columns.pool(place);
  const std::uint32_t units_node = columns.shape(row.shape).units_node;
  const std::uint32_t on_one = row.nodes_free > 0 ? units_node : row.units_free_node;
  // What contracts hold is there for their owners.
  const std::uint64_t left =
      (row.units_free > row.debited_units ? row.units_free - row.debited_units : 0) +
      std::uint64_t{row.contract_units};
  const std::uint64_t most = std::max(on_one, row.units_free_node);
  return {row.shape, static_cast<std::uint32_t>(std::min(left, most))};
}

Suits MarketRouter::suits(const JobRecord& job, const std::vector<SiteId>& excluded,
                          std::uint32_t place, Now now) {
  switch (chooser_.fit(Asked(job, excluded).request(), place, now.wall)) {
    case Fit::adequate: return Suits::now;
    case Fit::inadequate: return Suits::not_this_job;
    case Fit::inadequate_for_all: break;
  }
  return Suits::no_job_alike;
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
  GrantedUnits held{attempt,
                    chosen.site,
                    chosen.pool,
                    chosen.units * chosen.nodes - chosen.contract_units,
                    chosen.nodes,
                    chosen.contract,
                    chosen.contract_units};
  if (granted) return grants_.granted(std::move(held), logged_);
  refused_[chosen.site] = now_.mono;
  view_.credit(held.site, held.pool, held.units, held.nodes);
  view_.credit_contract(held.site, held.contract, held.contract_units);
}

void MarketRouter::ended(const AttemptId& attempt, const Candidate& /*chosen*/) {
  grants_.ended(attempt);
}

void MarketRouter::recorded(const JobRecord& job, const Entry& entry) {
  trust_.fold(job, entry);
  show_trust();
}

void MarketRouter::show_trust() {
  for (const SiteId& each : trust_.take_changed()) view_.set_trust(each, trust_.of(each));
}

void MarketRouter::expire(Now now) {
  now_ = now;
  std::erase_if(refused_,
                [&](const auto& each) { return now.mono - each.second >= under_load_span_; });
}

void MarketRouter::pass(Wall::time_point logged) {
  logged_ = logged;
  trust_.pass(logged);
  show_trust();
  grants_.pass(logged);
}

}  // namespace tradewind
