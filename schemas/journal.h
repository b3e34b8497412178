// The broker's journal: every fact that its state is made of, in order. Applying the entries from
// the first gives the state; nothing is acknowledged or dispatched before its entry is durable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "schemas/budget.h"
#include "schemas/dataset.h"
#include "schemas/decision.h"
#include "schemas/dispatch.h"
#include "schemas/ids.h"
#include "schemas/job.h"
#include "schemas/rates.h"
#include "schemas/record.h"
#include "schemas/time.h"

namespace tradewind {

struct TermBegan {
  Term term;
  friend bool operator==(const TermBegan&, const TermBegan&) = default;
};

// One job, or an array when spec.array_count > 0: its tasks are array_task_id(job, 0..count-1).
struct JobSubmitted {
  JobId job;
  TenantId tenant;
  std::string principal;        // who submitted: the token's name
  std::string idempotency_key;  // empty: none
  JobSpec spec;
  std::optional<QuoteTerms> quote{};  // what binds a job that was submitted with a quote
  std::string traceparent{};          // W3C Trace Context of the request; empty: none
  friend bool operator==(const JobSubmitted&, const JobSubmitted&) = default;
};
// The router chose a site: attempt.number is new. Its dispatch follows the commit.
struct JobDecided {
  AttemptId attempt;
  Decision decision;
  friend bool operator==(const JobDecided&, const JobDecided&) = default;
};
// Jobs that contended were given places together: the next entries are the JobDecided of those that
// got one. Changes no job; it is there so that the clearing can be made again.
struct JobsCleared {
  struct Job {
    JobId job;
    std::vector<SiteId> excluded;  // refused or lost there just now; sorted, none twice
    friend bool operator==(const Job&, const Job&) = default;
  };
  std::vector<Job> jobs;  // in their turn
  friend bool operator==(const JobsCleared&, const JobsCleared&) = default;
};
// Nothing offered could ever run it; the decision holds the nearest misses. Ends the job.
struct JobUnroutable {
  JobId job;
  Decision decision;
  friend bool operator==(const JobUnroutable&, const JobUnroutable&) = default;
};
struct CancelRequested {
  JobId job;
  std::string principal;
  friend bool operator==(const CancelRequested&, const CancelRequested&) = default;
};
// A bound of the job was passed: its queue time, its quote or its total time; or what it comes
// after ended otherwise than in success. Ends the job as failed; while an attempt is alive, that is
// canceled first, and the job ends with it unless it has succeeded.
struct JobExpired {
  JobId job;
  std::string reason;
  friend bool operator==(const JobExpired&, const JobExpired&) = default;
};
struct AttemptGranted {
  AttemptId attempt;
  friend bool operator==(const AttemptGranted&, const AttemptGranted&) = default;
};
struct AttemptRefused {
  AttemptId attempt;
  RefusalCode code = RefusalCode::no_capacity;
  std::string detail;
  friend bool operator==(const AttemptRefused&, const AttemptRefused&) = default;
};
// Phase reported by the site: staging, running or finishing.
struct AttemptAdvanced {
  AttemptId attempt;
  AttemptPhase phase = AttemptPhase::running;
  friend bool operator==(const AttemptAdvanced&, const AttemptAdvanced&) = default;
};
struct AttemptFinished {
  AttemptId attempt;
  EndReport report;
  friend bool operator==(const AttemptFinished&, const AttemptFinished&) = default;
};
// No word, and over for sure: lease, skew bound and delay bound have passed; or the site denies
// knowing it.
struct AttemptLost {
  AttemptId attempt;
  std::string reason;
  friend bool operator==(const AttemptLost&, const AttemptLost&) = default;
};

struct InviteIssued {
  std::string token_sha256;  // lower-case hex; the token itself is never stored
  SiteId site;
  std::uint32_t units_max = 0;
  Wall::time_point expires{};
  friend bool operator==(const InviteIssued&, const InviteIssued&) = default;
};
// DO NOT CHANGE THESE VALUES: they are in the journal.
enum class MemberCause : std::uint16_t {
  unsaid = 0,  // in entries of before there were causes
  admitted = 1,
  renewed = 2,           // its certificate
  rotated = 3,           // renewed, with another identity or link key
  recovered = 4,         // renewed after its certificate had expired
  state_set = 5,         // by an operator
  locked = 6,            // a renewal did not know the one before: two hold its key
  recovery_allowed = 7,  // by an operator
  resigned = 8,          // says the same for longer
};
inline constexpr std::uint16_t member_causes_count = 9;
std::string_view to_string(MemberCause cause);

// A member was admitted, renewed, suspended or revoked: its record, signed by the registry key.
struct MemberChanged {
  SignedRecord record;
  std::string token_sha256;  // the invite it consumed; empty: none
  MemberCause cause = MemberCause::unsaid;
  // What follows is of sites.
  Bytes renewal{};  // the newest renewal's id, 16 bytes, which may be asked for again; empty: none
  // When it came back after its certificate had expired, in order; at most
  // limits::recoveries_kept_max.
  std::vector<Wall::time_point> recoveries{};
  bool recovery_allowed = false;  // its next renewal is taken however late, whatever it knows
  std::string principal{};        // the operator who asked for it: the token's name; empty: none
  friend bool operator==(const MemberChanged&, const MemberChanged&) = default;
};

// A data set was made or described anew, or was removed.
struct DatasetChanged {
  std::string name;
  std::string principal;           // who asked for it: the token's name
  std::optional<Dataset> dataset;  // of that name; absent: removed
  friend bool operator==(const DatasetChanged&, const DatasetChanged&) = default;
};
// An operator set the rate table; decisions after this entry rest on it.
struct RatesChanged {
  RateTable table;  // its version is that of the one before plus 1
  std::string principal;
  friend bool operator==(const RatesChanged&, const RatesChanged&) = default;
};

// An operator set a tenant's budget or removed it: no decision after this entry brings the tenant
// over it.
struct BudgetChanged {
  TenantId tenant;
  std::string principal;         // who asked for it: the token's name
  std::optional<Budget> budget;  // absent: removed
  friend bool operator==(const BudgetChanged&, const BudgetChanged&) = default;
};

// A record of a site or member that the market view has taken, as it was signed: the decisions
// after this entry, and none before it in this term, rest on it. A quote sheet that a newer one
// followed before anything was decided has no entry.
struct MarketRecorded {
  SignedRecord record;
  friend bool operator==(const MarketRecorded&, const MarketRecorded&) = default;
};

// A site has signed two stories: no decision after this entry in this term rests on its quotes,
// until a member record names another identity key of it.
struct SiteQuarantined {
  Equivocation proof;
  friend bool operator==(const SiteQuarantined&, const SiteQuarantined&) = default;
};

// A newer trust record is in force: which keys the federation is built on.
struct TrustChanged {
  std::string record;  // as it was signed
  friend bool operator==(const TrustChanged&, const TrustChanged&) = default;
};

struct Entry {
  Wall::time_point at{};  // never decreases with the sequence
  std::variant<TermBegan, JobSubmitted, JobDecided, JobUnroutable, CancelRequested, JobExpired,
               AttemptGranted, AttemptRefused, AttemptAdvanced, AttemptFinished, AttemptLost,
               InviteIssued, MemberChanged, DatasetChanged, RatesChanged, JobsCleared,
               MarketRecorded, TrustChanged, SiteQuarantined, BudgetChanged>
      body;
  friend bool operator==(const Entry&, const Entry&) = default;
};

// --- what the entries fold into
// ------------------------------------------------------------------------------------

// DO NOT CHANGE THESE VALUES: they are in the tables.
enum class JobState : std::uint16_t {
  queued = 0,
  dispatching = 1,
  staging = 2,
  running = 3,
  finishing = 4,
  succeeded = 5,
  failed = 6,  // its own fault, or out of attempts
  canceled = 7,
  unroutable = 8,
};
inline constexpr std::uint16_t job_states_count = 9;
std::string_view to_string(JobState state);
constexpr bool is_final(JobState state) {
  return state >= JobState::succeeded;
}

enum class AttemptState : std::uint16_t {
  dispatching = 0,  // sent or about to be; the answer is outstanding
  granted = 1,
  staging = 2,
  running = 3,
  finishing = 4,
  ended = 5,
  refused = 6,
  lost = 7,
};
inline constexpr std::uint16_t attempt_states_count = 8;
std::string_view to_string(AttemptState state);
constexpr bool is_over(AttemptState state) {
  return state >= AttemptState::ended;
}

struct AttemptRecord {
  std::uint32_t number = 0;
  AttemptState state = AttemptState::dispatching;
  Decision decision;
  Wall::time_point decided{};
  Wall::time_point granted{};  // zero time: not yet
  Wall::time_point started{};  // when it was first reported running
  Wall::time_point over{};
  RefusalCode refusal = RefusalCode::no_capacity;  // when refused
  std::string detail;                              // of a refusal or a loss
  std::optional<EndReport> report;
  friend bool operator==(const AttemptRecord&, const AttemptRecord&) = default;
};

// One job as the broker knows it. Refused attempts beyond the newest limits::refused_attempts_kept
// are dropped from the record (the journal keeps them).
struct JobRecord {
  JobId job;
  std::optional<JobId> array;  // of a task: its array
  std::uint32_t array_index = 0;
  std::uint32_t array_count = 0;  // of a task: how many tasks its array has
  TenantId tenant;
  std::string principal;
  JobSpec spec;                     // array_count is 0 in a task's
  std::optional<QuoteTerms> quote;  // as submitted
  JobState state = JobState::queued;
  Wall::time_point submitted{};
  Wall::time_point ended{};          // zero time: not yet
  bool cancel_requested = false;     // by a user, or by JobExpired while an attempt is alive
  std::uint32_t attempts_count = 0;  // number of the newest attempt
  std::uint32_t attempts_granted = 0;
  std::vector<AttemptRecord> attempts;
  std::optional<Decision> unplaced;  // why it was found unroutable
  // For people, when it did not succeed; of a job that is being stopped since a bound was passed
  // (cancel_requested) already before its end.
  std::string end_reason;
  Money charged{};  // over all attempts
  friend bool operator==(const JobRecord&, const JobRecord&) = default;
};

// A job of which there is nothing but its submission at that time. Of an array, what its tasks
// have in common but the spec's count: `jobs_of` in broker/jobs/fold.h makes them.
JobRecord submitted_job(JobSubmitted submission, Wall::time_point at);

}  // namespace tradewind
