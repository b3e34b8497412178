// Which waiting job is tried when, and where it then goes.
#include <algorithm>
#include <utility>

#include "broker/jobs/assignment.h"
#include "broker/jobs/lifecycle.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

constexpr std::size_t kExclusionsMax = 64;  // per job

// When the job began to wait: after its last attempt that was granted, refusals do not count.
Wall::time_point waits_since(const JobRecord& job) {
  for (auto each = job.attempts.rbegin(); each != job.attempts.rend(); ++each) {
    if (each->granted != Wall::time_point{}) return each->over;
  }
  return job.submitted;
}

}  // namespace

Lifecycle::WaitKey Lifecycle::wait_key(const JobRecord& job) {
  return {-std::int64_t{job.spec.priority}, job.submitted, job.job};
}

void Lifecycle::enqueue(Live& live, Now now) {
  TRADEWIND_ASSERT(live.record.state == JobState::queued && !live.queue);
  if (!live.waiting) {
    live.waiting = true;
    ++waiting_count_;
    live.expires = Mono::time_point::max();
    if (live.record.spec.queue_seconds_max != 0) {
      const auto waited = std::max(now.wall - waits_since(live.record), Wall::duration::zero());
      const auto most =
          std::chrono::seconds(std::min(live.record.spec.queue_seconds_max, limits::seconds_max));
      live.expires = now.mono + std::max(most - waited, Wall::duration::zero());
    }
  }
  if (live.not_before <= now.mono) {
    const bool alone = !excluded_sites(live, now.mono).empty();
    live.queue = alone ? shape_alone(live.shape, live.record.job) : live.shape;
    change_queue(*live.queue, true, live);
  }
  set_alarm(live);
}

void Lifecycle::dequeue(Live& live) {
  if (!live.waiting) return;
  live.waiting = false;
  --waiting_count_;
  if (!live.queue) return;
  change_queue(*live.queue, false, live);
  live.queue.reset();
}

void Lifecycle::change_queue(const Shape& shape, bool insert, const Live& live) {
  const auto [each, is_new] = queues_.try_emplace(shape);
  WaitQueue& queue = each->second;
  if (!queue.blocked && !queue.jobs.empty()) heads_.erase({*queue.jobs.begin(), shape});
  if (insert) {
    queue.jobs.insert(wait_key(live.record));
  } else {
    queue.jobs.erase(wait_key(live.record));
  }
  if (queue.jobs.empty()) {
    queues_.erase(each);
  } else if (!queue.blocked) {
    heads_.emplace(*queue.jobs.begin(), shape);
  }
}

void Lifecycle::unblock_all() {
  for (auto& [shape, queue] : queues_) {
    if (!queue.blocked) continue;
    queue.blocked = false;
    heads_.emplace(*queue.jobs.begin(), shape);
  }
}

void Lifecycle::pass(Now now) {
  for (std::size_t calls = 0; calls < options_.decisions_per_take_max; ++calls) {
    if (heads_.empty() || unanswered_ >= options_.dispatches_in_flight_max) return;
    try_first(now);
  }
}

void Lifecycle::try_first(Now now) {
  const auto [key, shape] = *heads_.begin();
  Live& live = jobs_.at(key.job);
  const std::vector<SiteId> excluded = excluded_sites(live, now.mono);
  Decision decision = router_.decide(live.record, excluded, now);
  ++counters_.decided;
  if (decision.outcome == Outcome::placed) {
    TRADEWIND_ASSERT(decision.chosen.has_value());
    live.placeable = true;
    dequeue(live);
    dispatch(live, std::move(decision), now);
    return;
  }
  // With no pool known at all, waiting is not a hope yet.
  if (decision.outcome == Outcome::waiting && decision.pools_considered > 0) live.placeable = true;
  // "Never" is believed only of a job that no decision gave hope to, and once the market is known.
  const bool never = decision.outcome == Outcome::unroutable && !live.placeable &&
                     excluded.empty() && now.mono >= begun_ + options_.settling;
  if (never) {
    dequeue(live);
    record(live, now, JobUnroutable{live.record.job, std::move(decision)});
    drop_alarm(live);
    return;
  }
  // After a restart the market may not have filled yet.
  if (live.record.quote && live.record.attempts_granted == 0 &&
      now.mono >= begun_ + options_.settling) {
    give_up_quote(live, decision, now);
    return;
  }
  WaitQueue& queue = queues_.at(shape);
  heads_.erase({key, shape});
  queue.blocked = true;
  queue.decision = std::move(decision);
}

// Whoever takes a quote expects to run at once at that price, or to be told.
void Lifecycle::give_up_quote(Live& live, const Decision& decision, Now now) {
  const QuoteTerms& quote = *live.record.quote;
  std::string reason =
      "its quote " + quote.id + " over " + to_decimal(quote.total.micros) + " could not be kept";
  if (!live.record.attempts.empty()) {
    const AttemptRecord& last = live.record.attempts.back();
    const bool refused = last.state == AttemptState::refused;
    reason += ": " + last.decision.chosen->site.value +
              (refused ? " refused it, " + std::string(to_string(last.refusal)) : " lost it") +
              (last.detail.empty() ? "" : " (" + last.detail + ")");
  }
  reason += ", and no other place is adequate at that price now";
  if (!decision.rejections.empty()) {
    const Rejection& nearest = decision.rejections.front();
    reason += "; nearest: " + nearest.site.value + "/" + nearest.pool.value + " " + nearest.detail;
  }
  dequeue(live);
  record(live, now, JobExpired{live.record.job, reason.substr(0, limits::text_bytes_max)});
  drop_alarm(live);
}

void Lifecycle::dispatch(Live& live, Decision decision, Now now) {
  const Candidate chosen = *decision.chosen;
  const AttemptId id{live.record.job, live.record.attempts_count + 1};
  const auto& quote = live.record.quote;
  TRADEWIND_ASSERT(!quote || chosen.cost.total <= quote->total);
  const bool held = quote && quote->pool == chosen.pool && quote->relied_on == decision.relied_on;
  Assignment assignment = make_assignment(live.record, id.number, decision,
                                          held ? quote->price_ppm : router_.price_ppm(chosen),
                                          router_.run_seconds_max(chosen));
  record(live, now, JobDecided{id, std::move(decision)});
  TRADEWIND_ASSERT(live_attempt(live.record) != nullptr && !live.record.cancel_requested);
  live.site = chosen.site;
  live.decided = now.mono;
  live.last_sent = now.mono;
  sent_.push_back(id.job);
  live.next_ask = now.mono + options_.ask_interval;
  live.unanswered = true;
  ++unanswered_;
  router_.placed(id, chosen);
  send(chosen.site, Dispatch{id, std::move(assignment), options_.lease_seconds});
  set_alarm(live);
}

void Lifecycle::exclude(Live& live, const SiteId& site, std::chrono::milliseconds span, Now now) {
  auto& list = live.exclusions;
  // An exclusion is remembered for a while after it ran out, so that the next one grows.
  std::erase_if(
      list, [&](const Exclusion& each) { return each.until + options_.exclude_max <= now.mono; });
  auto found = std::find_if(list.begin(), list.end(),
                            [&](const Exclusion& each) { return each.site == site; });
  if (found == list.end()) {
    if (list.size() >= kExclusionsMax) {
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
  for (const Exclusion& each : live.exclusions) {
    if (each.until > now) sites.push_back(each.site);
  }
  std::sort(sites.begin(), sites.end());
  return sites;
}

}  // namespace tradewind
