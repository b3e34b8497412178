// What journal entries do to jobs. The lifecycle and every replay use these functions and no
// others, so that state after a restart is the fold of the journal by construction.
//
// Pure: the result depends on the arguments only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schemas/ids.h"
#include "schemas/journal.h"

namespace tradewind {

// The records that a submission makes: one, or one for each task of an array. An array has no
// record of its own: its tasks carry its id, their index and its size.
std::vector<JobRecord> jobs_of(const JobSubmitted& submission, Wall::time_point at);

// The job that an entry speaks of; nothing for a submission (see jobs_of) and for entries about
// terms, invites and members.
std::optional<JobId> job_of(const Entry& entry);

// Applies an entry that speaks of this job. An entry that cannot follow what the record holds (of
// an attempt that it does not have, or of a job that has ended) changes nothing.
//
// What an attempt's end means for its job:
//   succeeded                                        -> succeeded, canceled in between or not
//   cancel requested, any other end                  -> canceled
//   total time over, any other end                   -> failed with that reason
//   failed, time_limit, out_of_memory,
//   stage_in_failed, stage_out_failed                -> failed: running it again would not help
//   engine_failed, interrupted, lease_expired,
//   preempted, canceled without a request, or lost   -> queued again when the job is restartable
//   and
//                                                       fewer than attempts_max were granted, else
//                                                       failed with the reason
// An end that is reported after its attempt was declared lost keeps its report and adds its charge,
// as the site did the work, and changes neither the attempt's nor the job's state.
void apply(JobRecord& job, const Entry& entry);

// Null when the record holds no such attempt.
const AttemptRecord* find_attempt(const JobRecord& job, std::uint32_t number);
AttemptRecord* find_attempt(JobRecord& job, std::uint32_t number);
// The attempt that may still run; null when none may.
const AttemptRecord* live_attempt(const JobRecord& job);

// All jobs after the entries, from the first.
std::map<JobId, JobRecord> fold(const std::vector<Entry>& entries);

}  // namespace tradewind
