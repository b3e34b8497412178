// A queueing system, as the engine that gives it attempts needs it (queue_engine.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/engines/engine.h"
#include "schemas/dispatch.h"
#include "schemas/result.h"

namespace tradewind {

// What has become of a job, as far as it matters here.
enum class QueueState {
  waiting,  // queued, or its nodes are being made ready
  running,  // also where the queue's word for it is not known: nothing is concluded from that
  held,     // in the queue, and will not run unless somebody sees to it
  over,
};
inline bool in_queue(QueueState state) {
  return state != QueueState::over;
}

// What a queue's accounting says that a job used; 0: it was not measured.
struct QueueUsage {
  std::uint64_t cpu_milliseconds = 0;
  std::uint64_t memory_peak_mib = 0;
  friend bool operator==(const QueueUsage&, const QueueUsage&) = default;
};

// A job of this gateway. Queues give numbers out again, so it is known by its attempt.
struct QueueJob {
  std::string number;   // what the queue calls it
  std::string attempt;  // AttemptDirectory::name()
  QueueState state = QueueState::running;
  std::int64_t submitted = 0;  // later is greater; 0: not known
  // Of one that is held or over: how it ended, should it have left no end behind. Times are in
  // seconds since 1970, 0: not known.
  EndCode code = EndCode::interrupted;
  std::string words;
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::optional<QueueUsage> usage;  // nothing: not asked for, or not told
};

struct QueueRequest {
  std::string attempt;
  std::shared_ptr<const Assignment> assignment;
  std::filesystem::path directory;   // there already, for the job's own files
  std::vector<std::string> command;  // what the job runs, without a shell
  std::uint64_t seconds_max = 0;
};

// Attempts of a pool that no node has begun.
struct QueueUnstarted {
  std::uint64_t units = 0;
  std::uint32_t wait_seconds_max = 0;  // how long the queue has let one of them wait
};

class Queue {
 public:
  virtual ~Queue() = default;
  // For messages: "Slurm at http://127.0.0.1:6820".
  virtual std::string name() const = 0;

  // --- these block; any thread, several at once

  // The job's number. ErrorCode::refused when this job will never be taken: such a job is not there
  // afterwards. Any other error tells nothing: the next list shows whether it was taken.
  virtual Result<std::string> submit(const QueueRequest& request) = 0;
  // If the number still names the job of that attempt, as far as is known. Also fine for a job that
  // has ended or is not there.
  virtual Status cancel(const std::string& number, const std::string& attempt) = 0;
  // What the queue's accounting says of a job that has ended. `seen` is what is known of it: as
  // jobs() told it last, or its number alone, which may be empty. Nothing where this cannot be
  // told; any error means that it may be told later.
  virtual Result<std::optional<QueueJob>> ended(const QueueJob& seen) = 0;
  // Calls end soon with an error, now and later.
  virtual void stop() = 0;

  // --- one thread at a time; each ends before the next begins

  // All jobs of this gateway that the queue knows, or nothing when none has changed since the call
  // before. `again`: the call before has failed, or this is the first. Blocks; any thread. Any
  // error means that the queue is away.
  virtual Result<std::optional<std::vector<QueueJob>>> jobs(bool again) = 0;
  // As Engine::capacity(), as of the newest jobs(). Does not block; the engine's thread.
  virtual std::optional<EngineCapacity> capacity(const PoolId& pool,
                                                 const QueueUnstarted& unstarted) = 0;
};

}  // namespace tradewind
