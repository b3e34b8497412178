// Which waiting job is tried when, and where it then goes.
#include <algorithm>
#include <span>
#include <utility>

#include "broker/jobs/assignment.h"
#include "broker/jobs/lifecycle.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

std::pair<std::int64_t, Age> place_of(const JobBrief& job) {
  return {-std::int64_t{job.priority}, Age{job.submitted, job.number}};
}

}  // namespace

// When the job began to wait for a place: after its last attempt that was granted, refusals do not
// count; or when those that it comes after had succeeded.
Wall::time_point Lifecycle::waits_since(Live& live) {
  if (live.brief.attempts_count > 0) {
    const std::vector<AttemptRecord>& attempts = read(live).attempts;
    for (auto each = attempts.rbegin(); each != attempts.rend(); ++each) {
      if (each->granted != Wall::time_point{}) return each->over;
    }
  }
  return std::max(live.brief.submitted, live.free_since);
}

void Lifecycle::enqueue(Live& live, Now now) {
  TRADEWIND_ASSERT(!live.brief.has_ended && !live.brief.has_attempt && live.queue == Queue::none);
  const bool is_free = !waits_for_others(live.brief);
  if (!live.waiting) {
    live.waiting = true;
    ++waiting_count_;
    live.expires = Mono::time_point::max();
    const std::chrono::seconds most(live.brief.queue_seconds_max);
    if (most != most.zero() && is_free) {
      const auto since = waits_since(live);
      const auto waited = std::max(now.wall - since, Wall::duration::zero());
      live.expires = now.mono + std::max(most - waited, Wall::duration::zero());
    }
  }
  if (is_free && (!live.tries || live.tries->not_before <= now.mono)) {
    const bool is_alone = !excluded_sites(live, now.mono).empty();
    live.queue = is_alone ? Queue::alone : Queue::alike;
    change_queue(true, live);
  }
  set_alarm(live);
}

void Lifecycle::dequeue(Live& live) {
  if (!live.waiting) return;
  live.waiting = false;
  --waiting_count_;
  if (live.queue == Queue::none) return;
  change_queue(false, live);
  live.queue = Queue::none;
}

// --- queues --------------------------------------------------------------------------------------

Shape Lifecycle::queue_of(const Live& live) {
  const JobBrief& job = live.brief;
  return live.queue == Queue::alone ? shape_alone(job.shape, job.job()) : job.shape;
}

void Lifecycle::change_queue(bool insert, const Live& live) {
  const Shape shape = queue_of(live);
  const auto [each, is_new] = queues_.try_emplace(shape);
  WaitQueue& queue = each->second;
  const auto place = place_of(live.brief);
  if (queue.needed > 0) count_unpaid(queue, insert ? 1 : -1);
  if (insert) {
    if (is_new) {
      queue.tenant = *live.tenant;
      queue.demand = live.brief.demand;
    } else if (*queue.jobs.begin() < place) {
      queue.jobs.insert(queue.jobs.end(), place);  // the youngest, most often
      return;
    }
    const std::optional<Turn> before = is_new ? std::nullopt : std::optional(queue.first());
    queue.jobs.insert(place);
    show_first(queue);
    if (before) hide(queue, *before);
    // Searches may have come past this turn; the queue's next one may yet be before them.
    if (queue.blocked && queue.needed == 0 && !searches_.empty()) unblock(shape);
    return;
  }
  if (*queue.jobs.begin() != place) {
    queue.jobs.erase(place);
    return;
  }
  const Turn before = queue.first();
  queue.jobs.erase(queue.jobs.begin());
  // The next is shown before this one is hidden: their lane, in which searches stand, stays.
  if (!queue.jobs.empty()) show_first(queue);
  hide(queue, before);
  if (!queue.jobs.empty()) return;
  if (queue.blocked) blocked_.erase({queue.tried, shape});
  if (queue.elsewhere) elsewhere_.erase(shape);
  if (queue.needed > 0) forget_unpaid(queue, shape);
  queues_.erase(each);
}

void Lifecycle::show_first(const WaitQueue& queue) {
  const Turn first = queue.first();
  if (queue.needed > 0) return;
  if (queue.blocked) {
    wakes_.insert(first, queue.demand,
                  [&] { return router_.lacks(read(jobs_.at(first.age.job))).rooms; });
  } else {
    order_.insert(first);
  }
}

void Lifecycle::hide(const WaitQueue& queue, const Turn& turn) {
  if (queue.needed > 0) return;
  if (queue.blocked) {
    wakes_.erase(turn, queue.demand);
  } else {
    order_.erase(turn);
  }
}

void Lifecycle::block(const Shape& shape, Now now) {
  WaitQueue& queue = queues_.at(shape);
  hide(queue, queue.first());
  queue.blocked = true;
  queue.tried = now.mono;
  if (queue.decision && queue.decision->decided_at != now.wall) queue.decision.reset();
  blocked_.emplace(queue.tried, shape);
  queue.elsewhere = router_.lacks(read(jobs_.at(queue.jobs.begin()->second.job))).elsewhere;
  if (queue.elsewhere) elsewhere_.insert(shape);
  show_first(queue);
}

void Lifecycle::unblock(const Shape& shape) {
  WaitQueue& queue = queues_.at(shape);
  hide(queue, queue.first());
  if (queue.needed > 0) {
    count_unpaid(queue, -static_cast<std::ptrdiff_t>(queue.jobs.size()));
    forget_unpaid(queue, shape);
    queue.needed = 0;
  }
  blocked_.erase({queue.tried, shape});
  elsewhere_.erase(shape);
  queue.blocked = false;
  queue.elsewhere = false;
  queue.decision.reset();
  show_first(queue);
}

// --- what is tried when --------------------------------------------------------------------------

void Lifecycle::retry(Now now) {
  if (now.mono < next_retry_) return;
  next_retry_ = now.mono + options_.retry_interval / 100;
  for (std::size_t count = 0; count < options_.retries_max && !blocked_.empty(); ++count) {
    if (now.mono < blocked_.begin()->first + options_.retry_interval) return;
    unblock(Shape(blocked_.begin()->second));
  }
}

void Lifecycle::wake() {
  const RouterChanges changes = router_.changes();
  if (changes.everything) {
    searches_.clear();
    while (!blocked_.empty()) unblock(Shape(blocked_.begin()->second));
    return;
  }
  if (changes.elsewhere) {
    while (!elsewhere_.empty()) unblock(Shape(*elsewhere_.begin()));
  }
  for (const std::uint32_t place : changes.places) {
    searches_.insert_or_assign(place, WakeIndex::Search(wakes_, router_.opening(place)));
  }
}

void Lifecycle::pass(Now now) {
  wake();
  const std::uint64_t tried_max = counters_.tried + options_.decisions_per_take_max;
  const std::uint64_t checked_max = counters_.checked + options_.checks_per_take_max;
  while (true) {
    offer_budgets();
    const std::uint64_t before = counters_.tried;
    std::vector<Contender> next = contenders(tried_max, checked_max, now);
    if (!next.empty()) {
      give_places(std::move(next), now);
    } else if (opened_.empty() || counters_.tried == before) {
      // Else what these have left of their budgets is offered to others.
      return;
    }
  }
}

std::vector<Lifecycle::Contender> Lifecycle::contenders(std::uint64_t tried_max,
                                                        std::uint64_t checked_max, Now now) {
  std::vector<Contender> contenders;
  // The next turn at each place that has opened. Until the contenders are given places, tenants
  // only come to hold more and places to have less room, so turns only move back: the least of
  // these, once it is confirmed, is the least of all.
  std::set<std::pair<FairOrder::Key, std::uint32_t>> woken;
  const auto look = [&](std::uint32_t place, WakeIndex::Search& search) {
    const Opening opening = router_.opening(place);
    if (opening.size_max == 0 || opening.kind != search.kind()) return false;
    search.shrink(opening.size_max);
    const Turn* const turn = search.first(order_);
    if (turn != nullptr) woken.emplace(order_.key(*turn), place);
    return turn != nullptr;
  };
  if (unanswered_ >= options_.dispatches_in_flight_max) return contenders;
  for (auto each = searches_.begin(); each != searches_.end();) {
    each->second.refresh(order_);
    each = look(each->first, each->second) ? std::next(each) : searches_.erase(each);
  }
  // Each contender may be decided once more, when it is given its place.
  while (counters_.tried + contenders.size() < tried_max && counters_.checked < checked_max &&
         unanswered_ + contenders.size() < options_.dispatches_in_flight_max &&
         contenders.size() < options_.jobs_cleared_max) {
    if (woken.empty() && order_.empty()) break;
    if (woken.empty() || (!order_.empty() && order_.key(order_.first()) < woken.begin()->first)) {
      if (!try_first(contenders, now)) break;
      continue;
    }
    const auto [key, place] = *woken.begin();
    const auto search = searches_.find(place);
    const Turn* const turn = search->second.first(order_);
    woken.erase(woken.begin());
    if (turn != nullptr && order_.key(*turn) == key &&
        !try_woken(place, search->second, contenders, now)) {
      break;
    }
    if (!look(place, search->second)) searches_.erase(search);
  }
  return contenders;
}

bool Lifecycle::try_first(std::vector<Contender>& contenders, Now now) {
  Live& live = jobs_.at(order_.first().age.job);
  std::vector<SiteId> excluded = excluded_sites(live, now.mono);
  ++counters_.tried;
  if (std::optional<Decision> decision = router_.decide(read(live), excluded, now)) {
    return contend(live, std::move(excluded), std::move(*decision), contenders, now);
  }
  if (!end_if_hopeless(live, excluded, now)) block(queue_of(live), now);
  return true;
}

bool Lifecycle::try_woken(std::uint32_t place, WakeIndex::Search& search,
                          std::vector<Contender>& contenders, Now now) {
  Live& live = jobs_.at(search.first(order_)->age.job);
  std::vector<SiteId> excluded = excluded_sites(live, now.mono);
  ++counters_.checked;
  const Suits suits = router_.suits(read(live), excluded, place, now);
  if (suits != Suits::now) {
    search.pass_over(suits == Suits::no_job_alike);
    return true;
  }
  // There may be a better place among those that have opened.
  ++counters_.tried;
  if (std::optional<Decision> decision = router_.decide(read(live), excluded, now)) {
    return contend(live, std::move(excluded), std::move(*decision), contenders, now);
  }
  search.pass_over(false);
  return true;
}

// --- who gets which place ------------------------------------------------------------------------

// Until it is given a place, it counts for its tenant as if it had the one it would have alone: so
// the turns go round.
bool Lifecycle::contend(Live& live, std::vector<SiteId> excluded, Decision alone,
                        std::vector<Contender>& contenders, Now now) {
  const JobRecord& job = read(live);
  if (const auto miss = budgets_.miss(*live.tenant, hold_of(job.spec, *alone.chosen))) {
    if (job.quote && job.attempts_granted == 0) {
      end_quoted(live, explain(*miss, {}), now);
    } else {
      await_budget(live, *miss, now);
    }
    return true;
  }
  if (live.passed_over || options_.jobs_cleared_max < 2 || !router_.may_clear(read(live))) {
    if (!contenders.empty()) return false;
    dispatch(live, std::move(alone), now);
    return true;
  }
  live.placeable = true;
  queues_.at(queue_of(live)).hopeful = true;
  Contender& made = contenders.emplace_back();
  made.live = &live;
  made.queue = live.queue;
  change_queue(false, live);
  live.queue = Queue::none;
  hold_share(live, *alone.chosen);
  made.to_clear = {&read(live), std::move(excluded), *alone.chosen};
  made.alone = std::move(alone);
  return true;
}

void Lifecycle::give_places(std::vector<Contender> contenders, Now now) {
  for (const Contender& each : contenders) release_share(*each.live);
  if (contenders.size() > 1 && clear(contenders, now)) return;
  // Nothing has been debited since the first was decided.
  dispatch(*contenders.front().live, std::move(contenders.front().alone), now);
  for (const Contender& each : std::span(contenders).subspan(1)) {
    ++counters_.tried;
    std::optional<Decision> decision =
        router_.decide(read(*each.live), each.to_clear.excluded, now);
    if (!decision) {
      wait_on(each, now);
      continue;
    }
    const Money needed = hold_of(read(*each.live).spec, *decision->chosen);
    if (const auto miss = budgets_.miss(*each.live->tenant, needed)) {
      requeue(each);
      await_budget(*each.live, *miss, now);
    } else {
      dispatch(*each.live, std::move(*decision), now);
    }
  }
}

bool Lifecycle::clear(const std::vector<Contender>& contenders, Now now) {
  std::vector<JobToClear> jobs;
  jobs.reserve(contenders.size());
  for (const Contender& each : contenders) jobs.push_back(each.to_clear);
  std::vector<JobPlaced> placed = router_.clear(jobs, now);
  // One alone has contended with nobody who got a place.
  if (placed.size() < 2 || !covers(contenders, placed)) return false;
  ++counters_.clearings;
  JobsCleared cleared;
  for (JobToClear& each : jobs) {
    cleared.jobs.push_back({each.job->job, std::move(each.excluded)});
  }
  record_market(now);
  output_.entries.push_back(Entry{stamp(now), std::move(cleared)});
  for (JobPlaced& each : placed) {
    dispatch(*contenders.at(each.job).live, std::move(each.decision), now);
  }
  Live& first = *contenders.front().live;
  first.passed_over = first.waiting;
  for (const Contender& each : contenders) {
    if (each.live->waiting) wait_on(each, now);
  }
  return true;
}

void Lifecycle::requeue(const Contender& contender) {
  contender.live->queue = contender.queue;
  change_queue(true, *contender.live);
}

// No place is left for it, nor for those just like it.
void Lifecycle::wait_on(const Contender& contender, Now now) {
  requeue(contender);
  Live& live = *contender.live;
  const Shape shape = queue_of(live);
  WaitQueue& queue = queues_.at(shape);
  queue.hopeful = true;
  if (!queue.blocked) block(shape, now);
}

// "Never" is believed only of a job that no decision gave hope to, nor to one just like it while it
// waited, and once the market is known.
bool Lifecycle::end_if_hopeless(Live& live, const std::vector<SiteId>& excluded, Now now) {
  const bool settled = now.mono >= begun_ + options_.settling;
  // After a restart the market may not have filled yet.
  const JobRecord& job = read(live);
  if (job.quote && job.attempts_granted == 0 && settled) {
    give_up_quote(live, router_.explain(job, excluded, now), now);
    return true;
  }
  WaitQueue& queue = queues_.at(queue_of(live));
  if (live.placeable || router_.may_wait(job, now)) queue.hopeful = true;
  if (queue.hopeful || !excluded.empty() || !settled) return false;
  // The next of its like will ask in a moment.
  std::unique_ptr<Decision>& told = queue.decision;
  if (!told || queue.explained != moment_) {
    told = std::make_unique<Decision>(router_.explain(job, excluded, now));
  }
  queue.explained = moment_;
  // With no pool known at all, waiting is not a hope yet.
  queue.hopeful = told->outcome == Outcome::waiting && told->pools_considered > 0;
  if (told->outcome != Outcome::unroutable) return false;
  JobUnroutable ended{live.brief.job(), *told};
  dequeue(live);
  record_market(now);
  record(live, now, std::move(ended));
  drop_alarm(live);
  return true;
}

// Whoever takes a quote expects to run at once at that price, or to be told.
void Lifecycle::give_up_quote(Live& live, const Decision& decision, Now now) {
  std::string reason = "no other place is adequate at that price now";
  if (!decision.rejections.empty()) {
    const Rejection& nearest = decision.rejections.front();
    reason += "; nearest: " + nearest.site.value + "/" + nearest.pool.value + " " + nearest.detail;
  }
  end_quoted(live, reason, now);
}

// It was refused or lost before it was ever granted, and goes nowhere else for that reason.
void Lifecycle::end_quoted(Live& live, const std::string& why, Now now) {
  const JobRecord& job = read(live);
  const QuoteTerms& quote = *job.quote;
  std::string reason =
      "its quote " + quote.id + " over " + to_decimal(quote.total.micros) + " could not be kept";
  if (!job.attempts.empty()) {
    const AttemptRecord& last = job.attempts.back();
    const bool refused = last.state == AttemptState::refused;
    reason += ": " + last.decision.chosen->site.value +
              (refused ? " refused it, " + std::string(to_string(last.refusal)) : " lost it") +
              (last.detail.empty() ? "" : " (" + last.detail + ")");
  }
  reason += (job.attempts.empty() ? ": " : ", and ") + why;
  dequeue(live);
  record(live, now, JobExpired{live.brief.job(), reason.substr(0, limits::text_bytes_max)});
  drop_alarm(live);
}

void Lifecycle::dispatch(Live& live, Decision decision, Now now) {
  TRADEWIND_ASSERT(decision.outcome == Outcome::placed && decision.chosen.has_value());
  ++counters_.decided;
  ++moment_;
  live.placeable = true;
  live.passed_over = false;
  if (live.queue != Queue::none) queues_.at(queue_of(live)).hopeful = true;
  dequeue(live);
  const Candidate chosen = *decision.chosen;
  const AttemptId id{live.brief.job(), live.brief.attempts_count + 1};
  const auto& quote = read(live).quote;
  TRADEWIND_ASSERT(!quote || chosen.cost.total <= quote->total);
  TRADEWIND_ASSERT(budgets_.covers(*live.tenant, hold_of(read(live).spec, chosen)));
  const bool held = quote && quote->pool == chosen.pool && quote->relied_on == decision.relied_on;
  Assignment assignment = make_assignment(
      read(live), id.number, decision,
      AssignmentTerms{held ? quote->price_ppm : router_.price_ppm(chosen),
                      router_.conversion_ppm(chosen), router_.run_seconds_max(chosen)});
  record_market(now);
  record(live, now, JobDecided{id, std::move(decision)});
  TRADEWIND_ASSERT(live.brief.has_attempt && !live.brief.cancel_requested);
  Tries& known = tries(live);
  known.site = chosen.site;
  known.decided = now.mono;
  known.last_sent = now.mono;
  sent_.push_back(live.brief.number);
  known.next_ask = now.mono + options_.ask_interval;
  known.start_by = Mono::time_point::max();
  known.taken_back = false;
  live.unanswered = true;
  ++unanswered_;
  router_.placed(id, chosen);
  hold_share(live, chosen);
  send(chosen.site, Dispatch{id, std::move(assignment), options_.lease_seconds});
  set_alarm(live);
}

void Lifecycle::exclude(Live& live, const SiteId& site, std::chrono::milliseconds span, Now now) {
  auto& list = live.tries->exclusions;
  // An exclusion is remembered for a while after it ran out, so that the next one grows.
  std::erase_if(
      list, [&](const Exclusion& each) { return each.until + options_.exclude_max <= now.mono; });
  auto found = std::find_if(list.begin(), list.end(),
                            [&](const Exclusion& each) { return each.site == site; });
  if (found == list.end()) {
    if (list.size() >= limits::exclusions_per_job_max) {
      list.erase(std::min_element(list.begin(), list.end(),
                                  [](const auto& a, const auto& b) { return a.until < b.until; }));
    }
    found = list.insert(list.end(), Exclusion{site, {}, span});
  } else {
    found->span = std::min(std::max(2 * found->span, span), options_.exclude_max);
  }
  found->until = now.mono + found->span;
}

std::vector<SiteId> Lifecycle::excluded_sites(const Live& live, Mono::time_point now) const {
  std::vector<SiteId> sites;
  if (!live.tries) return sites;
  for (const Exclusion& each : live.tries->exclusions) {
    if (each.until > now) sites.push_back(each.site);
  }
  std::sort(sites.begin(), sites.end());
  return sites;
}

}  // namespace tradewind
