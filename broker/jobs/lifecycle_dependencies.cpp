// Jobs that come after others: what they wait for, and what follows when that ends.
#include <utility>

#include "broker/jobs/lifecycle.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

JobId submission_of(const JobBrief& job) {
  return job_id(submission_of(job.number));
}

// Before its first attempt. After that all has succeeded.
bool may_wait_for_others(const JobBrief& job) {
  return job.comes_after && job.attempts_count == 0;
}

std::string_view how_it_ended(JobState state) {
  switch (state) {
    case JobState::canceled: return "was canceled";
    case JobState::unroutable: return "could never run anywhere";
    default: return "failed";
  }
}

}  // namespace

bool Lifecycle::waits_for_others(const JobBrief& job) const {
  return may_wait_for_others(job) && dependencies_.waits(submission_of(job));
}

// What has ended in this batch is in memory yet, and follow_ends has yet to come to it.
void Lifecycle::await_others(const JobId& submission, const JobSpec& spec) {
  for (const JobId& other : spec.after) {
    std::size_t jobs = 0;
    if (!dependencies_.is_awaited(other)) {
      each_of(other, [&](const Live&) { ++jobs; });
      if (jobs == 0) continue;
    }
    dependencies_.wait_for(submission, other, jobs);
  }
}

// When a job was let go in the life before is known of one that had an attempt; another counts from
// now.
void Lifecycle::recover_dependencies(Now now) {
  JobId free;  // the last submission that waits for nothing
  for (auto& [number, live] : jobs_) {
    if (!live.brief.comes_after) continue;
    records_.close_surplus();
    const JobRecord& job = read(live);
    live.free_since = job.attempts.empty() ? now.wall : job.attempts.front().decided;
    if (!may_wait_for_others(live.brief)) continue;
    const JobId submission = submission_of(live.brief);
    if (submission == free || dependencies_.join(submission)) continue;
    await_others(submission, job.spec);
    if (!dependencies_.waits(submission)) free = submission;
  }
}

void Lifecycle::follow_ends(Now now) {
  for (std::size_t next = 0; next < ended_.size(); ++next) {
    Live& live = jobs_.at(ended_[next]);
    const JobRecord& job = read(live);
    dependencies_.leave(submission_of(live.brief));
    follow(job, job.job, now);
    if (job.array) follow(job, *job.array, now);
  }
  ended_.clear();
}

void Lifecycle::follow(const JobRecord& ended, const JobId& name, Now now) {
  if (ended.state == JobState::succeeded) {
    for (const JobId& each : dependencies_.succeeded(name)) let_go(each, now);
    return;
  }
  const std::vector<JobId> submissions = dependencies_.failed(name);
  if (submissions.empty()) return;
  const std::string which = name == ended.job ? ", which " : ", of which " + ended.job.value + " ";
  const std::string reason =
      "it comes after " + name.value + which + std::string(how_it_ended(ended.state));
  for (const JobId& each : submissions) end_after(each, reason, now);
}

void Lifecycle::let_go(const JobId& submission, Now now) {
  each_of(submission, [&](Live& live) {
    if (live.brief.has_ended) return;
    dequeue(live);
    live.free_since = now.wall;
    enqueue(live, now);
  });
}

void Lifecycle::end_after(const JobId& submission, const std::string& reason, Now now) {
  each_of(submission, [&](Live& live) {
    if (live.brief.has_ended) return;
    dequeue(live);
    record(live, now, JobExpired{live.brief.job(), reason});
    drop_alarm(live);
  });
}

}  // namespace tradewind
