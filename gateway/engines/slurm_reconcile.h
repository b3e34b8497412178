// What to do about an attempt after Slurm has told which jobs it has. Pure.
//
// Slurm's word alone is never enough. A crash of slurmctld loses jobs that it had acknowledged a
// few seconds before, and gives their numbers out again; a submission that failed may have been
// heard; ended jobs vanish after MinJobAge. What cannot lie is the attempt's own directory on the
// shared file system: once it is there, the attempt has begun and no other job can begin it; its
// end stands in it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "gateway/engines/slurm_records.h"
#include "schemas/dispatch.h"
#include "schemas/time.h"

namespace tradewind {

// What the gateway knows of an attempt that has not ended.
struct SlurmStanding {
  bool submitting = false;                      // a submission is on its way
  std::optional<Mono::time_point> submitted{};  // when the last one was answered, or given up
  std::uint32_t submissions = 0;
  bool begun = false;                        // its directory was seen
  std::optional<Mono::time_point> missed{};  // since when Slurm runs no job of it
};

// After Slurm has said that a job is over, or is not there: by then its processes have ended
// (slurmd kills orphans within 4 s), and what they wrote is to be seen here.
inline constexpr std::chrono::seconds slurm_settle_time{15};

enum class SlurmStep {
  wait,      // nothing is to be done now
  look,      // see whether it has begun or ended
  resubmit,  // no job of it is there and it has not begun
  give_up,   // no job of it runs any more: it has ended, by what slurm_end() says
};

// The job of an attempt among several with its key: a running one, else a waiting one, else the one
// submitted last.
bool better_job(const SlurmJob& a, const SlurmJob& b);

// `job` is the best that a list asked for at `asked` holds, or nothing.
SlurmStep reconcile(const SlurmStanding& standing, const SlurmJob* job, Mono::time_point asked,
                    Mono::time_point now, std::chrono::seconds settle_time);

// Why an attempt whose job is over left no end behind. `job`: nothing when Slurm does not know it.
EndReport slurm_end(const SlurmJob* job, bool begun);

}  // namespace tradewind
