#include "broker/jobs/fold.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>

#include "schemas/limits.h"

namespace tradewind {
namespace {

// An attempt that its site never took up: refused, or lost without a grant.
bool came_to_nothing(const AttemptRecord& attempt) {
  return is_over(attempt.state) && attempt.granted == Wall::time_point{} && !attempt.report;
}

// Such attempts are without bound in number; the record keeps the newest.
void drop_old_refusals(JobRecord& job) {
  auto surplus = std::count_if(job.attempts.begin(), job.attempts.end(), came_to_nothing) -
                 static_cast<std::ptrdiff_t>(limits::refused_attempts_kept);
  for (auto each = job.attempts.begin(); surplus > 0 && each != job.attempts.end();) {
    if (came_to_nothing(*each)) {
      each = job.attempts.erase(each);
      --surplus;
    } else {
      ++each;
    }
  }
}

void end(JobRecord& job, JobState state, std::string reason, Wall::time_point at) {
  job.state = state;
  job.end_reason = std::move(reason);
  job.ended = at;
}

// Of a job that was to be stopped: the reason tells that its total time was over, not a cancel.
void end_stopped(JobRecord& job, Wall::time_point at) {
  if (job.end_reason.empty()) {
    end(job, JobState::canceled, "canceled", at);
  } else {
    end(job, JobState::failed, job.end_reason, at);
  }
}

// Queued again, or failed when it may not be.
void again(JobRecord& job, const AttemptRecord& attempt, const std::string& what, bool may_have_run,
           Wall::time_point at) {
  if (job.cancel_requested) {
    end_stopped(job, at);
  } else if (may_have_run && !job.spec.restartable) {
    end(job, JobState::failed, what + "; the job may not be run again", at);
  } else if (job.attempts_granted >= job.spec.attempts_max) {
    end(job, JobState::failed,
        what + "; attempt " + std::to_string(attempt.number) + " was the last of " +
            std::to_string(job.spec.attempts_max) + " allowed",
        at);
  } else {
    job.state = JobState::queued;
  }
}

std::string where(const AttemptRecord& attempt) {
  return attempt.decision.chosen ? " at " + attempt.decision.chosen->site.value : std::string();
}

void ended(JobRecord& job, const AttemptRecord& attempt, Wall::time_point at) {
  const EndReport& report = *attempt.report;
  const std::string what = std::string(to_string(report.code)) + where(attempt) +
                           (report.detail.empty() ? "" : ": " + report.detail);
  switch (report.code) {
    case EndCode::succeeded: end(job, JobState::succeeded, {}, at); return;
    case EndCode::failed:
    case EndCode::time_limit:
    case EndCode::out_of_memory:
    case EndCode::stage_in_failed:
    case EndCode::stage_out_failed:
      if (job.cancel_requested) {
        end_stopped(job, at);
      } else {
        end(job, JobState::failed, what, at);
      }
      return;
    case EndCode::canceled:
    case EndCode::lease_expired:
    case EndCode::engine_failed:
    case EndCode::interrupted:
    case EndCode::preempted:
      // A gateway that restarted cannot tell whether anything ran.
      again(job, attempt, what, report.started || report.code == EndCode::interrupted, at);
      return;
  }
}

void add_charge(JobRecord& job, Money charge) {
  job.charged = add(job.charged, charge).value_or(Money{INT64_MAX});
}

// The attempt that the entry speaks of, while it is not over.
AttemptRecord* open_attempt(JobRecord& job, const AttemptId& id) {
  AttemptRecord* attempt = find_attempt(job, id.number);
  return attempt != nullptr && !is_over(attempt->state) ? attempt : nullptr;
}

struct Apply {
  JobRecord& job;
  Wall::time_point at;

  void operator()(const JobDecided& entry) const {
    if (job.state != JobState::queued || entry.attempt.number <= job.attempts_count) return;
    AttemptRecord attempt;
    attempt.number = entry.attempt.number;
    attempt.decision = entry.decision;
    attempt.decided = at;
    job.attempts_count = attempt.number;
    job.attempts.push_back(std::move(attempt));
    job.state = JobState::dispatching;
    drop_old_refusals(job);
  }
  void operator()(const JobUnroutable& entry) const {
    if (job.state != JobState::queued) return;
    job.unplaced = entry.decision;
    end(job, JobState::unroutable, "no site of the federation could ever run it", at);
  }
  void operator()(const CancelRequested&) const {
    job.cancel_requested = true;
    if (job.state == JobState::queued) end_stopped(job, at);
  }
  void operator()(const JobExpired& entry) const {
    if (job.state == JobState::queued) {
      end(job, JobState::failed, entry.reason, at);
    } else if (!job.cancel_requested) {
      job.cancel_requested = true;
      job.end_reason = entry.reason;
    }
  }
  void operator()(const AttemptGranted& entry) const {
    AttemptRecord* attempt = find_attempt(job, entry.attempt.number);
    if (attempt == nullptr || attempt->state != AttemptState::dispatching) return;
    attempt->state = AttemptState::granted;
    attempt->granted = at;
    ++job.attempts_granted;
  }
  void operator()(const AttemptRefused& entry) const {
    AttemptRecord* attempt = find_attempt(job, entry.attempt.number);
    if (attempt == nullptr || attempt->state != AttemptState::dispatching) return;
    attempt->state = AttemptState::refused;
    attempt->refusal = entry.code;
    attempt->detail = entry.detail;
    attempt->over = at;
    if (job.cancel_requested) {
      end_stopped(job, at);
    } else {
      job.state = JobState::queued;
    }
  }
  void operator()(const AttemptAdvanced& entry) const {
    AttemptRecord* attempt = open_attempt(job, entry.attempt);
    if (attempt == nullptr) return;
    switch (entry.phase) {
      case AttemptPhase::staging:
        attempt->state = AttemptState::staging;
        job.state = JobState::staging;
        return;
      case AttemptPhase::running:
        attempt->state = AttemptState::running;
        attempt->started = at;
        job.state = JobState::running;
        return;
      case AttemptPhase::finishing:
        attempt->state = AttemptState::finishing;
        job.state = JobState::finishing;
        return;
      case AttemptPhase::unknown:
      case AttemptPhase::granted:
      case AttemptPhase::ended: return;
    }
  }
  void operator()(const AttemptFinished& entry) const {
    AttemptRecord* attempt = find_attempt(job, entry.attempt.number);
    if (attempt == nullptr || attempt->report || attempt->state == AttemptState::refused) return;
    const bool late = is_over(attempt->state);
    attempt->report = entry.report;
    add_charge(job, entry.report.charge);
    if (late) return;
    attempt->state = AttemptState::ended;
    attempt->over = at;
    ended(job, *attempt, at);
  }
  void operator()(const AttemptLost& entry) const {
    AttemptRecord* attempt = open_attempt(job, entry.attempt);
    if (attempt == nullptr) return;
    attempt->state = AttemptState::lost;
    attempt->detail = entry.reason;
    attempt->over = at;
    again(job, *attempt, "lost" + where(*attempt) + ": " + entry.reason, true, at);
  }
  // Not about jobs, or (a submission) about one that this record already is.
  void operator()(const TermBegan&) const {}
  void operator()(const JobSubmitted&) const {}
  void operator()(const InviteIssued&) const {}
  void operator()(const MemberChanged&) const {}
  void operator()(const TrustChanged&) const {}
  void operator()(const DatasetChanged&) const {}
  void operator()(const RatesChanged&) const {}
  void operator()(const BudgetChanged&) const {}
  void operator()(const JobsCleared&) const {}
  void operator()(const MarketRecorded&) const {}
  void operator()(const SiteQuarantined&) const {}
};

template <class Body>
concept HasAttempt = requires(const Body& body) { body.attempt; };
template <class Body>
concept HasJob = requires(const Body& body) { body.job; };

}  // namespace

std::vector<JobRecord> jobs_of(const JobSubmitted& submission, Wall::time_point at) {
  JobRecord job = submitted_job(submission, at);
  const std::uint32_t count = submission.spec.array_count;
  std::vector<JobRecord> tasks;
  if (count == 0) {
    tasks.push_back(std::move(job));
    return tasks;
  }
  job.spec.array_count = 0;
  job.array = submission.job;
  job.array_count = count;
  tasks.reserve(count);
  for (std::uint32_t index = 0; index < count; ++index) {
    job.job = array_task_id(submission.job, index);
    job.array_index = index;
    tasks.push_back(job);
  }
  return tasks;
}

std::optional<JobId> job_of(const Entry& entry) {
  return std::visit(
      [](const auto& body) -> std::optional<JobId> {
        using Body = std::decay_t<decltype(body)>;
        if constexpr (std::is_same_v<Body, JobSubmitted>) {
          return std::nullopt;
        } else if constexpr (HasAttempt<Body>) {
          return body.attempt.job;
        } else if constexpr (HasJob<Body>) {
          return body.job;
        } else {
          return std::nullopt;
        }
      },
      entry.body);
}

void apply(JobRecord& job, const Entry& entry) {
  // After the end only a late report of a lost attempt would still count, and the lifecycle has let
  // go of the job by then: nothing changes an ended job.
  if (is_final(job.state)) return;
  std::visit(Apply{job, entry.at}, entry.body);
}

const AttemptRecord* find_attempt(const JobRecord& job, std::uint32_t number) {
  const auto found =
      std::find_if(job.attempts.rbegin(), job.attempts.rend(),
                   [number](const AttemptRecord& each) { return each.number == number; });
  return found == job.attempts.rend() ? nullptr : &*found;
}

AttemptRecord* find_attempt(JobRecord& job, std::uint32_t number) {
  return const_cast<AttemptRecord*>(find_attempt(std::as_const(job), number));
}

const AttemptRecord* live_attempt(const JobRecord& job) {
  if (job.attempts.empty() || is_over(job.attempts.back().state)) return nullptr;
  return &job.attempts.back();
}

std::map<JobId, JobRecord> fold(const std::vector<Entry>& entries) {
  std::map<JobId, JobRecord> jobs;
  for (const Entry& entry : entries) {
    if (const auto* submission = std::get_if<JobSubmitted>(&entry.body)) {
      for (JobRecord& job : jobs_of(*submission, entry.at)) {
        const JobId id = job.job;
        jobs.emplace(id, std::move(job));
      }
    } else if (const auto id = job_of(entry)) {
      const auto job = jobs.find(*id);
      if (job != jobs.end()) apply(job->second, entry);
    }
  }
  return jobs;
}

}  // namespace tradewind
