// One interface for everything that can run an attempt at a site. An engine knows nothing of money
// or brokers. All calls and callbacks are on the gateway's one thread; nothing blocks it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schemas/dispatch.h"
#include "schemas/result.h"
#include "schemas/site.h"
#include "schemas/time.h"

namespace tradewind {

// Data that was staged over the network.
struct StagedFile {
  std::string site;      // where the other end lies, as the job says it; empty: not said
  std::string region;    // likewise
  bool arrived = false;  // it came to the site; otherwise it left it
  std::uint64_t size_bytes = 0;
  std::uint64_t milliseconds = 0;
};

// What an engine reports of an attempt, in this order; `ended` once and last.
struct EngineEvent {
  AttemptId attempt;
  AttemptPhase phase = AttemptPhase::staging;  // staging, running, finishing, ended
  std::optional<EndReport> report{};           // with ended; charge is filled in by admission
  std::vector<StagedFile> transfers{};         // with ended
};

// What an engine's machines can take of one pool now. Others may use them too, so it may be less
// than what the site has granted to nobody.
struct EngineCapacity {
  std::uint32_t units_free = 0;       // over all nodes
  std::uint32_t units_free_node = 0;  // on the emptiest node
  std::uint32_t nodes_free = 0;       // with nothing on them
  std::uint32_t wait_seconds = 0;     // expected for one unit, when none is free
  friend bool operator==(const EngineCapacity&, const EngineCapacity&) = default;
};

class Engine {
 public:
  using OnEvent = std::function<void(EngineEvent)>;
  virtual ~Engine() = default;

  // Whether the assignment could ever be run here (paths, executables, architecture); checked
  // before a grant.
  virtual Status check(const Assignment& assignment) const = 0;
  // Nothing: all that the site has not granted. All zero while the engine cannot be reached, and of
  // a pool that it does not have.
  virtual std::optional<EngineCapacity> capacity(const PoolId& pool) const = 0;
  // Stages inputs, runs the executors, stages outputs. Idempotent by attempt id. Progress comes by
  // OnEvent.
  virtual void start(const AttemptId& attempt, const Assignment& assignment) = 0;
  // The attempt's lease ends at `at`. The gateway stops it then; should it stand still instead, the
  // engine kills the attempt's processes a little later all the same, and reports lease_expired.
  // Never called: it has no lease. No effect on an attempt whose lease was over already, that has
  // ended or is not known.
  virtual void set_lease(const AttemptId& attempt, Mono::time_point at) = 0;
  // Ends the whole process tree; the ended event then carries `code` (canceled, lease_expired,
  // preempted). No effect on an attempt that has ended or is not known.
  virtual void stop(const AttemptId& attempt, EndCode code) = 0;
  // Bytes from `offset` of what all executors of the attempt wrote, one after the other, running or
  // ended.
  virtual Result<LogChunk> read_log(const AttemptId& attempt, LogStream stream,
                                    std::uint64_t offset, std::uint32_t bytes_max) = 0;
  // Attempts that were started before the gateway's restart: whether the engine still has (or can
  // still tell the end of) each. Those it does not adopt are over; the gateway then reports them
  // interrupted.
  virtual std::vector<AttemptId> adopt(const std::vector<AttemptId>& attempts) = 0;
  // The attempt's end is acknowledged: its directory may go when the retention time is over.
  virtual void forget(const AttemptId& attempt) = 0;
};

}  // namespace tradewind
