// Start, submissions, cancels, and what a batch comes to. The other parts of the class:
// lifecycle_dependencies.cpp (who waits for others), lifecycle_waiting.cpp (which job is tried
// when), lifecycle_attempts.cpp (what sites say), lifecycle_time.cpp (leases, questions, losses).
#include "broker/jobs/lifecycle.h"

#include <algorithm>
#include <utility>

#include "schemas/assert.h"

namespace tradewind {
namespace {

// Sends that leave within this time of the take count as sent with it; the skew bound covers it.
constexpr auto kPromptSend = std::chrono::seconds(1);

}  // namespace

Lifecycle::Lifecycle(LifecycleOptions options, Router& router)
    : options_(options), router_(router) {
  TRADEWIND_ASSERT(options_.lease_seconds > 0 && options_.ask_interval.count() > 0 &&
                   options_.decisions_per_take_max > 0 && options_.checks_per_take_max > 0 &&
                   options_.retries_max > 0);
}

// --- start ---------------------------------------------------------------------------------------

void Lifecycle::recover(JobRecord job) {
  TRADEWIND_ASSERT(!running_);
  if (is_final(job.state)) return;
  const Shape shape = shape_of_record(job);
  const Shape demand = demand_of(job.spec);
  add(std::move(job), shape, demand);
}

// A quote makes a job's budget and price its own.
Shape Lifecycle::shape_of_record(const JobRecord& job) {
  const Shape shape = shape_of(job.tenant, job.spec);
  return job.quote ? shape_alone(shape, job.job) : shape;
}

void Lifecycle::begin(Term term, Wall::time_point newest, Now now) {
  TRADEWIND_ASSERT(!running_ && term.value > 0);
  running_ = true;
  term_ = term;
  begun_ = now.mono;
  seen_ = now.mono;
  newest_ = newest;
  next_retry_ = now.mono;
  output_.entries.push_back(Entry{stamp(now), TermBegan{term}});
  router_.pass(newest_);
  recover_dependencies(now);
  for (auto& [id, live] : jobs_) recovered(live, now);
}

// What was sent in the life before, and when, is not known any more: it may have been sent just
// now.
void Lifecycle::recovered(Live& live, Now now) {
  bound_total(live, now);
  const AttemptRecord* const attempt = live_attempt(live.record);
  if (attempt == nullptr) {
    enqueue(live, now);
    return;
  }
  TRADEWIND_ASSERT(attempt->decision.chosen.has_value());
  const AttemptId id{live.record.job, attempt->number};
  live.site = attempt->decision.chosen->site;
  live.placeable = true;
  hold_share(live, *attempt->decision.chosen);
  live.decided = now.mono;
  live.last_sent = now.mono;
  sent_.push_back(id.job);
  live.next_ask = now.mono + options_.ask_interval;
  if (attempt->state == AttemptState::dispatching) {
    live.unanswered = true;
    ++unanswered_;
    router_.placed(id, *attempt->decision.chosen);
    if (!live.record.cancel_requested) {
      ++counters_.asked;
      send(live.site, AskAttempt{id});
    }
  } else {
    hold(live, now);
    SiteContact& contact = sites_.at(live.site);
    set_round(live.site, contact, now.mono);  // renewed at once
  }
  if (live.record.cancel_requested) send(live.site, CancelAttempt{id});
  set_alarm(live);
}

Lifecycle::Live& Lifecycle::add(JobRecord record, const Shape& shape, const Shape& demand) {
  const JobId id = record.job;
  const auto [each, is_new] = jobs_.try_emplace(id);
  TRADEWIND_ASSERT(is_new);
  each->second.record = std::move(record);
  each->second.shape = shape;
  each->second.demand = demand;
  return each->second;
}

// Counted by the wall clock from the submission, so that restarts do not matter.
void Lifecycle::bound_total(Live& live, Now now) {
  const std::uint64_t seconds = live.record.spec.total_seconds_max;
  if (seconds == 0) return;
  const auto passed = std::max(now.wall - live.record.submitted, Wall::duration::zero());
  const auto most = std::chrono::seconds(std::min(seconds, limits::seconds_max));
  live.ends_by = now.mono + std::max(most - passed, Wall::duration::zero());
}

void Lifecycle::input(Now now) {
  seen_ = now.mono;
  ++moment_;
  router_.pass(stamp(now));
  // Of a shell that did not say when its sends left: they have left by now, perhaps only just.
  if (!sent_.empty() && output_.empty()) sent(now);
}

void Lifecycle::sent(Now now) {
  if (now.mono - taken_ > kPromptSend) {
    for (const JobId& job : sent_) {
      const auto found = jobs_.find(job);
      if (found == jobs_.end() || live_attempt(found->second.record) == nullptr) continue;
      found->second.last_sent = now.mono;
      set_alarm(found->second);
    }
  }
  sent_.clear();
}

// --- from users ----------------------------------------------------------------------------------

void Lifecycle::submit(JobSubmitted submission, Now now) {
  TRADEWIND_ASSERT(running_);
  input(now);
  const Wall::time_point at = stamp(now);
  const Shape shape = shape_of(submission.tenant, submission.spec);
  const Shape demand = demand_of(submission.spec);
  std::vector<JobRecord> jobs = jobs_of(submission, at);
  await_others(jobs.front());
  for (JobRecord& job : jobs) {
    changed_.insert(job.job);
    if (job.array_index > 0) dependencies_.join(*job.array);
    Live& live = add(std::move(job), shape, demand);
    bound_total(live, now);
    enqueue(live, now);
    ++counters_.submitted;
  }
  output_.entries.push_back(Entry{at, std::move(submission)});
}

void Lifecycle::submit_decided(JobSubmitted submission, Decision decision, Now now) {
  TRADEWIND_ASSERT(running_ && submission.quote && submission.spec.array_count == 0 &&
                   submission.spec.after.empty());
  TRADEWIND_ASSERT(decision.chosen && decision.chosen->cost.total <= submission.quote->total);
  input(now);
  const Wall::time_point at = stamp(now);
  JobRecord job = std::move(jobs_of(submission, at).front());
  output_.entries.push_back(Entry{at, std::move(submission)});
  const Shape shape = shape_of_record(job);
  const Shape demand = demand_of(job.spec);
  Live& live = add(std::move(job), shape, demand);
  changed_.insert(live.record.job);
  bound_total(live, now);
  enqueue(live, now);
  ++counters_.submitted;
  dispatch(live, std::move(decision), now);
}

Status Lifecycle::cancel(const JobId& job, const std::string& principal, Now now) {
  TRADEWIND_ASSERT(running_);
  input(now);
  if (each_of(job, [&](Live& live) { request_cancel(live, principal, now); })) return ok();
  return fail(ErrorCode::not_found, "job", "no job \"" + job.value + "\" is live",
              "look at its state: it may have ended");
}

void Lifecycle::request_cancel(Live& live, const std::string& principal, Now now) {
  if (live.record.cancel_requested || is_final(live.record.state)) return;
  record(live, now, CancelRequested{live.record.job, principal});
  stop(live, now);
}

void Lifecycle::stop(Live& live, Now now) {
  if (is_final(live.record.state)) {
    dequeue(live);
    drop_alarm(live);
    return;
  }
  send(live.site, CancelAttempt{{live.record.job, live.record.attempts_count}});
  live.next_ask = now.mono + options_.ask_interval;
  set_alarm(live);
}

// --- out -----------------------------------------------------------------------------------------

LifecycleOutput Lifecycle::take(Now now) {
  input(now);
  follow_ends(now);
  if (running_) pass(now);
  follow_ends(now);  // of jobs that turned out to be unroutable
  if (running_ && router_.must_record()) record_market(now);
  output_.jobs.reserve(changed_.size());
  for (const JobId& id : changed_) {
    const auto found = jobs_.find(id);
    TRADEWIND_ASSERT(found != jobs_.end());
    Live& live = found->second;
    if (!is_final(live.record.state)) {
      output_.jobs.push_back(live.record);
      continue;
    }
    TRADEWIND_ASSERT(!live.waiting && !live.unanswered && live.alarm == Mono::time_point::max());
    switch (live.record.state) {
      case JobState::succeeded: ++counters_.jobs_succeeded; break;
      case JobState::failed: ++counters_.jobs_failed; break;
      case JobState::canceled: ++counters_.jobs_canceled; break;
      case JobState::unroutable: ++counters_.jobs_unroutable; break;
      default: break;
    }
    output_.jobs.push_back(std::move(live.record));
    jobs_.erase(found);
  }
  changed_.clear();
  taken_ = now.mono;
  return std::exchange(output_, {});
}

Wall::time_point Lifecycle::stamp(Now now) {
  newest_ = std::max(newest_, now.wall);
  return newest_;
}

void Lifecycle::record(Live& live, Now now, decltype(Entry::body) body) {
  output_.entries.push_back(Entry{stamp(now), std::move(body)});
  router_.recorded(live.record, output_.entries.back());
  apply(live.record, output_.entries.back());
  changed_.insert(live.record.job);
  if (is_final(live.record.state)) ended_.push_back(live.record.job);
}

// Before each entry with a decision.
void Lifecycle::record_market(Now now) {
  for (MarketRecorded& each : router_.unrecorded()) {
    output_.entries.push_back(Entry{stamp(now), std::move(each)});
  }
}

void Lifecycle::send(const SiteId& site, decltype(ToGateway::body) body) {
  output_.sends.push_back({site, ToGateway{term_, std::move(body)}});
}

// --- for others to see ---------------------------------------------------------------------------

const JobRecord* Lifecycle::find(const JobId& job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? nullptr : &found->second.record;
}

const Decision* Lifecycle::waiting_decision(const JobId& job, Now now) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end() || !found->second.queue) return nullptr;
  WaitQueue& queue = queues_.at(*found->second.queue);
  if (!queue.blocked) return nullptr;
  std::optional<Decision>& told = queue.decision;
  if (!told || told->decided_at + options_.retry_interval <= now.wall) {
    const Live& live = found->second;
    told = router_.explain(live.record, excluded_sites(live, now.mono), now);
    queue.explained = moment_;
  }
  return told->outcome == Outcome::placed ? nullptr : &*told;
}

std::size_t Lifecycle::held_at(const SiteId& site) const {
  const auto found = sites_.find(site);
  return found == sites_.end() ? 0 : found->second.held.size();
}

}  // namespace tradewind
