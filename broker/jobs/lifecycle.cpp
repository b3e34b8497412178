// Start, submissions, cancels, and what a batch comes to. The other parts of the class:
// lifecycle_dependencies.cpp (who waits for others), lifecycle_waiting.cpp (which job is tried
// when), lifecycle_budgets.cpp (whom its tenant's budget keeps waiting), lifecycle_attempts.cpp
// (what sites say), lifecycle_time.cpp (leases, questions, losses).
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
    : options_(options), router_(router), records_(options.records_open_max) {
  TRADEWIND_ASSERT(options_.lease_seconds > 0 && options_.ask_interval.count() > 0 &&
                   options_.decisions_per_take_max > 0 && options_.checks_per_take_max > 0 &&
                   options_.retries_max > 0);
}

// --- start ---------------------------------------------------------------------------------------

void Lifecycle::recover(const StoredJob& job) {
  TRADEWIND_ASSERT(!running_);
  if (job.brief.has_ended) return;
  records_.put(add(job.brief, job.tenant).record, BytesView(job.row));
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
  budgets_.pass(newest_);
  recover_dependencies(now);
  for (auto& [number, live] : jobs_) {
    recovered(live, now);
    records_.close_surplus();
  }
}

// What was sent in the life before, and when, is not known any more: it may have been sent just
// now.
void Lifecycle::recovered(Live& live, Now now) {
  bound_total(live, now);
  if (!live.brief.has_attempt) {
    enqueue(live, now);
    return;
  }
  const AttemptRecord& attempt = *live_attempt(read(live));
  TRADEWIND_ASSERT(attempt.decision.chosen.has_value());
  const AttemptId id{live.brief.job(), attempt.number};
  Tries& known = tries(live);
  known.site = attempt.decision.chosen->site;
  live.placeable = true;
  hold_share(live, *attempt.decision.chosen);
  known.decided = now.mono;
  known.last_sent = now.mono;
  sent_.push_back(live.brief.number);
  known.next_ask = now.mono + options_.ask_interval;
  if (attempt.state == AttemptState::dispatching) {
    live.unanswered = true;
    ++unanswered_;
    router_.placed(id, *attempt.decision.chosen);
    if (!live.brief.cancel_requested) {
      ++counters_.asked;
      send(known.site, AskAttempt{id});
    }
  } else {
    await_start(live, now);
    hold(live, now);
    SiteContact& contact = sites_.at(known.site);
    set_round(known.site, contact, now.mono);  // renewed at once
  }
  if (live.brief.cancel_requested) send(known.site, CancelAttempt{id});
  set_alarm(live);
}

Lifecycle::Live& Lifecycle::add(const JobBrief& brief, const TenantId& tenant) {
  const std::size_t before = jobs_.size();
  Live& live = jobs_.try_emplace(jobs_.end(), brief.number)->second;
  TRADEWIND_ASSERT(jobs_.size() == before + 1);
  live.brief = brief;
  const auto known = tenants_.try_emplace(tenant, 0).first;
  live.tenant = &known->first;
  ++known->second;
  return live;
}

Lifecycle::Live* Lifecycle::find_live(const JobId& job) {
  const auto number = job_number(job);
  const auto found = number ? jobs_.find(*number) : jobs_.end();
  return found == jobs_.end() ? nullptr : &found->second;
}

const JobRecord& Lifecycle::read(Live& live) {
  return records_.read(live.record);
}

Lifecycle::Tries& Lifecycle::tries(Live& live) {
  if (!live.tries) live.tries = std::make_unique<Tries>();
  return *live.tries;
}

// Counted by the wall clock from the submission, so that restarts do not matter.
void Lifecycle::bound_total(Live& live, Now now) {
  const std::chrono::seconds most(live.brief.total_seconds_max);
  if (most == most.zero()) return;
  const auto passed = std::max(now.wall - live.brief.submitted, Wall::duration::zero());
  live.ends_by = now.mono + std::max(most - passed, Wall::duration::zero());
}

void Lifecycle::input(Now now) {
  records_.close_surplus();
  seen_ = now.mono;
  ++moment_;
  router_.pass(stamp(now));
  if (budgets_.pass(newest_)) {
    for (const auto& [tenant, unpaid] : unpaid_) opened_.try_emplace(tenant);
  }
  // Of a shell that did not say when its sends left: they have left by now, perhaps only just.
  if (!sent_.empty() && output_.empty()) sent(now);
}

void Lifecycle::sent(Now now) {
  if (now.mono - taken_ > kPromptSend) {
    for (const JobNumber job : sent_) {
      const auto found = jobs_.find(job);
      if (found == jobs_.end() || !found->second.brief.has_attempt) continue;
      found->second.tries->last_sent = now.mono;
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
  await_others(submission.job, submission.spec);
  if (submission.spec.array_count == 0) {
    Live& live = add(brief_of(submission, at, shape, demand), submission.tenant);
    output_.entries.emplace_back(at, std::move(submission));
    const Entry& entry = output_.entries.back();
    const ChangedJob& job =
        submitted_
            .emplace_back(live.brief.number,
                          ChangedJob(std::get<JobSubmitted>(entry.body), submitted_row(entry)))
            .second;
    live.only_submitted = true;
    records_.put(live.record, BytesView(job.row));
    begin_to_wait(live, now);
    return;
  }
  for (JobRecord& job : jobs_of(submission, at)) {
    if (job.array_index > 0) dependencies_.join(*job.array);
    Live& live = add(brief_of(job, shape, demand), job.tenant);
    records_.put(live.record, std::move(job));
    begin_to_wait(live, now);
  }
  output_.entries.emplace_back(at, std::move(submission));
}

void Lifecycle::begin_to_wait(Live& live, Now now) {
  changed_.push_back(live.brief.number);
  bound_total(live, now);
  enqueue(live, now);
  ++counters_.submitted;
}

void Lifecycle::submit_decided(JobSubmitted submission, Decision decision, Now now) {
  TRADEWIND_ASSERT(running_ && submission.quote && submission.spec.array_count == 0 &&
                   submission.spec.after.empty());
  TRADEWIND_ASSERT(decision.chosen && decision.chosen->cost.total <= submission.quote->total);
  input(now);
  const Wall::time_point at = stamp(now);
  JobRecord job = std::move(jobs_of(submission, at).front());
  output_.entries.push_back(Entry{at, std::move(submission)});
  Live& live = add(brief_of(job, shape_of_record(job), demand_of(job.spec)), job.tenant);
  records_.put(live.record, std::move(job));
  begin_to_wait(live, now);
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
  if (live.brief.cancel_requested || live.brief.has_ended) return;
  record(live, now, CancelRequested{live.brief.job(), principal});
  stop(live, now);
}

void Lifecycle::stop(Live& live, Now now) {
  if (live.brief.has_ended) {
    dequeue(live);
    drop_alarm(live);
    return;
  }
  send(live.tries->site, CancelAttempt{{live.brief.job(), live.brief.attempts_count}});
  live.tries->next_ask = now.mono + options_.ask_interval;
  set_alarm(live);
}

// --- out -----------------------------------------------------------------------------------------

LifecycleOutput Lifecycle::take(Now now) {
  input(now);
  follow_ends(now);
  if (running_) pass(now);
  follow_ends(now);  // of jobs that turned out to be unroutable
  if (running_ && router_.must_record()) record_market(now);
  std::ranges::sort(submitted_, {}, [](const auto& each) { return each.first; });
  std::ranges::sort(changed_);
  const auto twice = std::ranges::unique(changed_);
  changed_.erase(twice.begin(), twice.end());
  output_.jobs.reserve(changed_.size());
  auto submitted = submitted_.begin();
  for (const JobNumber number : changed_) {
    const auto found = jobs_.find(number);
    TRADEWIND_ASSERT(found != jobs_.end());
    Live& live = found->second;
    if (live.only_submitted) {
      while (submitted->first != number) ++submitted;
      output_.jobs.push_back(std::move(submitted->second));
      live.only_submitted = false;
      continue;
    }
    if (!live.brief.has_ended) {
      output_.jobs.push_back(records_.show(live.record, live.waiting));
      continue;
    }
    TRADEWIND_ASSERT(!live.waiting && !live.unanswered && live.alarm == Mono::time_point::max());
    output_.jobs.push_back(records_.take(live.record));
    switch (output_.jobs.back()->state) {
      case JobState::succeeded: ++counters_.jobs_succeeded; break;
      case JobState::failed: ++counters_.jobs_failed; break;
      case JobState::canceled: ++counters_.jobs_canceled; break;
      case JobState::unroutable: ++counters_.jobs_unroutable; break;
      default: break;
    }
    --tenants_.at(*live.tenant);
    jobs_.erase(found);
  }
  changed_.clear();
  submitted_.clear();
  output_.spent = budgets_.take_changed();
  taken_ = now.mono;
  LifecycleOutput taken = std::exchange(output_, {});
  output_.entries.reserve(taken.entries.size());  // the next batch is often about as large
  return taken;
}

Wall::time_point Lifecycle::stamp(Now now) {
  newest_ = std::max(newest_, now.wall);
  return newest_;
}

void Lifecycle::record(Live& live, Now now, decltype(Entry::body) body) {
  output_.entries.emplace_back(stamp(now), std::move(body));
  live.only_submitted = false;
  JobRecord& job = records_.change(live.record);
  router_.recorded(job, output_.entries.back());
  apply(job, output_.entries.back());
  if (const auto* ended = std::get_if<AttemptFinished>(&output_.entries.back().body)) {
    budgets_.charge(*live.tenant, ended->report.charge);
  }
  live.brief.follow(job);
  changed_.push_back(live.brief.number);
  if (live.brief.has_ended) ended_.push_back(live.brief.number);
}

// Before each entry with a decision.
void Lifecycle::record_market(Now now) {
  for (auto& each : router_.unrecorded()) {
    output_.entries.push_back(Entry{stamp(now), std::move(each)});
  }
}

void Lifecycle::send(const SiteId& site, decltype(ToGateway::body) body) {
  output_.sends.push_back({site, ToGateway{term_, std::move(body)}});
}

// --- for others to see ---------------------------------------------------------------------------

const JobRecord* Lifecycle::find(const JobId& job) {
  Live* const live = find_live(job);
  return live == nullptr ? nullptr : &read(*live);
}

const Decision* Lifecycle::waiting_decision(const JobId& job, Now now) {
  Live* const live = find_live(job);
  if (live == nullptr || live->queue == Queue::none) return nullptr;
  WaitQueue& queue = queues_.at(queue_of(*live));
  if (!queue.blocked) return nullptr;
  std::unique_ptr<Decision>& told = queue.decision;
  if (!told || told->decided_at + options_.retry_interval <= now.wall) {
    told = std::make_unique<Decision>(
        router_.explain(read(*live), excluded_sites(*live, now.mono), now));
    queue.explained = moment_;
    if (told->chosen && budgets_.miss(queue.tenant, hold_of(read(*live).spec, *told->chosen))) {
      told->outcome = Outcome::waiting;
    }
  }
  return told->outcome == Outcome::placed ? nullptr : told.get();
}

std::size_t Lifecycle::held_at(const SiteId& site) const {
  const auto found = sites_.find(site);
  return found == sites_.end() ? 0 : found->second.held.size();
}

}  // namespace tradewind
