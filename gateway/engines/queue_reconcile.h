// What to do about an attempt after a queue has told which jobs it has. Pure.
//
// The queue's word alone is never enough. A crash loses jobs that it had acknowledged a few seconds
// before, and gives their numbers out again; a submission that failed may have been heard; ended
// jobs vanish. What cannot lie is the attempt's own directory on the shared file system: once it is
// there, the attempt has begun and no other job can begin it; its end stands in it.
#pragma once

#include <chrono>
#include <optional>

#include "gateway/engines/queue.h"
#include "schemas/time.h"

namespace tradewind {

// What the gateway knows of an attempt that has not ended.
struct QueueStanding {
  bool submitting = false;                      // a submission is on its way
  std::optional<Mono::time_point> submitted{};  // when the last one was answered, or given up
  std::uint32_t submissions = 0;
  bool begun = false;                        // its directory was seen
  std::optional<Mono::time_point> missed{};  // since when the queue runs no job of it
};

// After a queue has said that a job is over, or is not there: by then its processes have ended
// (Slurm kills orphans within 4 s), and what they wrote is to be seen here.
inline constexpr std::chrono::seconds queue_settle_time{15};
// A job that a queue has taken, or seemed to take, so often without its attempt's beginning:
// another site may do better.
inline constexpr std::uint32_t queue_submissions_max = 8;

enum class QueueStep {
  wait,      // nothing is to be done now
  look,      // see whether it has begun or ended
  resubmit,  // no job of it is there and it has not begun
  give_up,   // no job of it will run any more: settle it (queue_settling.h)
};

// `job` is what a list asked for at `asked` holds of it (QueueList::job()), or nothing.
QueueStep reconcile(const QueueStanding& standing, const QueueJob* job, Mono::time_point asked,
                    Mono::time_point now, std::chrono::seconds settle_time);

}  // namespace tradewind
