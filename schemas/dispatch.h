// What a broker and a gateway say to each other about attempts. Every message is idempotent by
// attempt id, and every message to a gateway carries the broker's term: a gateway refuses a lower
// one than it has seen.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "schemas/ids.h"
#include "schemas/job.h"
#include "schemas/money.h"
#include "schemas/record.h"
#include "schemas/time.h"

namespace tradewind {

// A job made concrete for one pool: the part of it that a site must know.
struct Assignment {
  TenantId tenant;
  std::string job_name;
  PoolId pool;
  std::uint32_t nodes = 1;
  std::uint32_t units = 0;  // on each node
  bool preemptible = false;
  Resources resources;  // per node, as asked; the engine's limits
  std::vector<Executor> executors;
  std::vector<Input> inputs;  // each with exactly one replica, or content
  std::vector<Output> outputs;
  std::vector<std::string> volumes;
  std::map<std::string, std::string>
      env;  // added to each executor's: TRADEWIND_JOB_ID, TRADEWIND_ARRAY_INDEX…
  bool network = false;
  OnDisconnect on_disconnect = OnDisconnect::stop;
  std::uint64_t run_seconds_max = 0;  // time limit, never 0
  // The price the broker decided by. The site is bound while the quote sheet of that version is
  // valid.
  std::int64_t price_ppm = ppm_one;
  MoneyPerHour rate{};  // of the whole attempt
  RecordVersion quote_version;
  // What the broker counts the tariff's currency as, in the currency of `rate` and of charges.
  std::int64_t conversion_ppm = ppm_one;
  // So many of nodes * units are taken from the tenant's contract, and their share of the rate is
  // paid already. No contract: 0.
  ContractId contract;
  std::uint32_t contract_units = 0;
  // What the variant said of its work, where it did: by what its run time is measured.
  std::string workload_class;      // empty with work_seconds 0
  std::uint64_t work_seconds = 0;  // at performance 1,000,000 ppm; 0: not stated
  friend bool operator==(const Assignment&, const Assignment&) = default;
};

// --- broker to gateway
// -------------------------------------------------------------------------------------------

struct Dispatch {
  AttemptId attempt;
  Assignment assignment;
  std::uint32_t lease_seconds = 60;  // from arrival, on the gateway's steady clock
  friend bool operator==(const Dispatch&, const Dispatch&) = default;
};
struct RenewLeases {
  std::vector<AttemptId>
      attempts;  // answered by one AttemptStatus for each that the gateway does not run
  std::uint32_t lease_seconds = 60;
  friend bool operator==(const RenewLeases&, const RenewLeases&) = default;
};
struct CancelAttempt {
  AttemptId attempt;
  friend bool operator==(const CancelAttempt&, const CancelAttempt&) = default;
};
// "What do you know of it?" Answered by AttemptStatus, never by starting anything. A gateway that
// does not know the attempt answers `unknown` and from then on refuses that attempt should its
// dispatch arrive late.
struct AskAttempt {
  AttemptId attempt;
  friend bool operator==(const AskAttempt&, const AskAttempt&) = default;
};
// The end of the attempt is in the broker's journal: the gateway may forget it.
struct AcknowledgeEnd {
  AttemptId attempt;
  friend bool operator==(const AcknowledgeEnd&, const AcknowledgeEnd&) = default;
};

enum class LogStream : std::uint16_t { out = 0, err = 1 };
struct ReadLog {
  std::uint64_t request = 0;  // echoed in the answer
  AttemptId attempt;
  LogStream stream = LogStream::out;
  std::uint64_t offset = 0;
  std::uint32_t bytes_max = 0;
  friend bool operator==(const ReadLog&, const ReadLog&) = default;
};

// C2SP tlog-witness' add-checkpoint over the link, to the site's witness; answered by CosignAnswer.
struct CosignCheckpoint {
  std::uint64_t request = 0;  // echoed in the answer
  Bytes body;                 // at most limits::cosign_request_bytes_max
  friend bool operator==(const CosignCheckpoint&, const CosignCheckpoint&) = default;
};

struct ToGateway {
  Term term;
  std::variant<Dispatch, RenewLeases, CancelAttempt, AskAttempt, AcknowledgeEnd, ReadLog,
               CosignCheckpoint>
      body;
  friend bool operator==(const ToGateway&, const ToGateway&) = default;
};

// --- gateway to broker
// -------------------------------------------------------------------------------------------

// DO NOT CHANGE THESE VALUES: they are in the journal.
enum class RefusalCode : std::uint16_t {
  no_capacity = 0,
  price = 1,  // below what the site asks now, and the named quote no longer binds
  policy = 2,
  site_state = 3,  // draining or in maintenance
  term = 4,        // a newer broker has spoken
  unknown_pool = 5,
  invalid = 6,  // the assignment breaks a rule of the site's engine
  fenced = 7,   // asked about before it arrived, answered unknown; it must not start now
  engine_down = 8,
  contract = 9,  // the one it names is not the tenant's, not in force, or not idle enough
};
inline constexpr std::uint16_t refusal_codes_count = 10;
std::string_view to_string(RefusalCode code);

struct Granted {
  AttemptId attempt;
  friend bool operator==(const Granted&, const Granted&) = default;
};
struct Refused {
  AttemptId attempt;
  RefusalCode code = RefusalCode::no_capacity;
  std::string detail;
  SignedRecord quote;  // the site's newest quote sheet
  friend bool operator==(const Refused&, const Refused&) = default;
};

// DO NOT CHANGE THESE VALUES: they are in the journal.
enum class AttemptPhase : std::uint16_t {
  unknown = 0,  // the gateway knows nothing of it, and will not start it
  granted = 1,
  staging = 2,
  running = 3,
  finishing = 4,  // outputs on their way
  ended = 5,
};
inline constexpr std::uint16_t attempt_phases_count = 6;
std::string_view to_string(AttemptPhase phase);
struct AttemptStatus {
  AttemptId attempt;
  AttemptPhase phase = AttemptPhase::unknown;
  Wall::time_point since{};  // the gateway's clock
  friend bool operator==(const AttemptStatus&, const AttemptStatus&) = default;
};

// DO NOT CHANGE THESE VALUES: they are in the journal.
enum class EndCode : std::uint16_t {
  succeeded = 0,
  failed = 1,    // an executor's exit code was not zero
  canceled = 2,  // on the broker's word
  time_limit = 3,
  lease_expired = 4,
  stage_in_failed = 5,
  stage_out_failed = 6,
  engine_failed = 7,  // could not be started or was lost by the engine
  interrupted = 8,    // the gateway or its machine restarted under it
  preempted = 9,
  out_of_memory = 10,
};
inline constexpr std::uint16_t end_codes_count = 11;
std::string_view to_string(EndCode code);

struct ExecutorEnd {
  std::int32_t exit_code = 0;  // 128 + signal when killed
  Wall::time_point started{};
  Wall::time_point ended{};
  Bytes stdout_tail;  // the last bytes, at most limits::log_tail_bytes_max
  Bytes stderr_tail;
  // Of the container that it ran in, "docker.io/library/debian@sha256:…": these bytes and no
  // others. Empty: on the site's own system.
  std::string image{};
  friend bool operator==(const ExecutorEnd&, const ExecutorEnd&) = default;
};
struct OutputFile {
  std::string path;  // inside the sandbox
  std::string url;   // where it went
  std::uint64_t size_bytes = 0;
  std::string sha256;
  friend bool operator==(const OutputFile&, const OutputFile&) = default;
};
struct StagedInput {
  std::string path;
  std::string url;  // empty for inline content
  std::uint64_t size_bytes = 0;
  std::string sha256;
  std::uint64_t milliseconds = 0;
  friend bool operator==(const StagedInput&, const StagedInput&) = default;
};
struct Usage {
  Wall::time_point started{};  // the first executor's start; not after `ended`
  Wall::time_point ended{};
  std::uint64_t wall_seconds =
      0;  // charged time, from grant of the nodes to their return, rounded up
  std::uint64_t cpu_milliseconds = 0;
  std::uint64_t memory_peak_mib = 0;
  friend bool operator==(const Usage&, const Usage&) = default;
};

struct EndReport {
  EndCode code = EndCode::succeeded;
  std::string detail;                  // for people, when it did not succeed
  bool started = false;                // whether any executor ran
  std::vector<ExecutorEnd> executors;  // of those that ended
  std::vector<StagedInput> inputs;
  std::vector<OutputFile> outputs;
  Usage usage;
  Money charge{};  // rate * usage after increment and minimum, less the contract's share, plus
                   // fixed fee; never above the quote's terms
  std::vector<std::string> system_log;
  friend bool operator==(const EndReport&, const EndReport&) = default;
};

// Sent again until acknowledged.
struct AttemptEnded {
  AttemptId attempt;
  EndReport report;
  friend bool operator==(const AttemptEnded&, const AttemptEnded&) = default;
};

// How a gateway keeps an attempt that it granted, until its end is acknowledged.
struct HeldAttempt {
  AttemptId attempt;
  NodeId broker;  // who dispatched it
  Assignment assignment;
  std::vector<std::uint32_t> nodes;  // indices of the pool's nodes that it holds
  Wall::time_point granted{};
  std::uint32_t lease_seconds = 60;
  // Of the pool's tariff when it was granted: a later tariff changes nothing for it.
  std::uint32_t increment_seconds = 1;
  std::uint32_t minimum_seconds = 0;
  Money fixed_fee{};
  std::optional<EndReport> report;  // once it has ended
  friend bool operator==(const HeldAttempt&, const HeldAttempt&) = default;
};

struct LogChunk {
  std::uint64_t request = 0;
  AttemptId attempt;
  std::uint64_t offset = 0;  // of data's first byte
  Bytes data;
  bool end = false;   // the stream is complete and nothing follows `data`
  bool known = true;  // false: the gateway does not know the attempt
  friend bool operator==(const LogChunk&, const LogChunk&) = default;
};

// What an HTTP witness would answer.
struct CosignAnswer {
  std::uint64_t request = 0;
  std::uint16_t status = 500;  // 200 to 599
  std::string content_type;
  Bytes body;  // at most limits::cosign_answer_bytes_max
  friend bool operator==(const CosignAnswer&, const CosignAnswer&) = default;
};

struct ToBroker {
  std::variant<Granted, Refused, AttemptStatus, AttemptEnded, LogChunk, CosignAnswer> body;
  friend bool operator==(const ToBroker&, const ToBroker&) = default;
};

}  // namespace tradewind
