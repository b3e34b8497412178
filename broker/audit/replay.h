// Makes the log's decisions again: folds the leaves from the first on into the market and the jobs
// that the broker had, routes each job as the broker did, with the same code, and compares what the
// leaf says, byte by byte. Nothing in the log is believed but that it is the log. Pure; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/audit/record_signers.h"
#include "broker/core/market_router.h"
#include "schemas/ids.h"
#include "schemas/journal.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/trust.h"

namespace tradewind {

class JsonMembers;

// One decision, made again.
struct Replayed {
  std::uint64_t index = 0;  // of its leaf
  std::string subject;      // the attempt, or the job that nothing could run
  bool same = true;
  // Where the first difference is, such as "decision.chosen.cost.compute", and what stands there.
  std::string where;
  std::string logged;
  std::string replayed;
};

struct ReplayCounts {
  std::uint64_t leaves = 0;
  std::uint64_t decisions = 0;
  std::uint64_t different = 0;
  std::uint64_t signatures = 0;  // of market records, all good
};

class Replayer {
 public:
  struct Readers {
    // Data that stands beside the log, by its SHA-256; the digest is checked here.
    std::function<Result<Bytes>(std::string_view sha256)> data;
    // What a leaf commits to (LeafWriter::opening); asked for only where some site's policy or
    // contract names tenants, and checked against the leaf.
    std::function<Result<Bytes>(std::uint64_t index)> opening;
  };
  struct Options {
    // From which all signatures of market records follow: the trust record that was in force when
    // the log began, and those after it that are known. The log's own walk on from there. None:
    // signatures are not checked.
    std::optional<TrustChain> trust;
  };
  using Tell = std::function<void(const Replayed&)>;

  Replayer(Options options, Readers readers, Tell tell);
  ~Replayer();

  // Leaves come in their order, from index 0. Fails with ErrorCode::corrupt, naming the leaf, when
  // it is none that a broker writes there, or as a reader does; no leaf can follow then.
  Status fold(BytesView event);
  // After the last one.
  void finish();
  const ReplayCounts& counts() const { return counts_; }

 private:
  struct Event;
  struct Submitted {
    std::uint64_t index = 0;
    std::string commitment;  // to the tenant
    TenantId pseudonym;
    TenantId tenant;  // once it was needed
  };
  struct Clearing {
    JobsCleared cleared;
    bool made = false;
    std::vector<JobPlaced> placed;
    std::size_t next = 0;
  };

  Status fold(const Event& event);
  Status term_began();
  Status submitted(const Event& event);
  Status decided(const Event& event);
  Status unroutable(const Event& event);
  Status cleared(const Event& event);
  Status answered(const Event& event, bool granted, decltype(Entry::body) body);
  Status over(const Event& event, decltype(Entry::body) body);
  Result<SignedRecord> record_in(const Event& event, const JsonMembers& data);
  Status check_signature(const Event& event, const SignedRecord& record,
                         const RecordHeader& header);
  Result<Record> signed_record(const Event& event);
  Status quarantined(const Event& event);
  Status member_changed(const Event& event);
  Status trust_changed(const Event& event);
  Status market_recorded(const Event& event);
  Status rates_changed(const Event& event);

  Status name_tenant(JobRecord& job);
  std::optional<Decision> place(const JobRecord& job, const Decision& logged);
  std::optional<Decision> place_by_clearing(const JobRecord& job, const Decision& logged);
  void compare(const Event& event, const std::optional<Decision>& replayed);
  void end_clearing();
  JobRecord* find(const JobId& job);
  void apply_to(JobRecord& job, const Event& event, decltype(Entry::body) body);

  Readers readers_;
  Tell tell_;
  std::unique_ptr<MarketRouter> router_;
  RateTable rates_;
  std::map<JobId, JobRecord> jobs_;         // that have not ended
  std::map<JobId, Submitted> submissions_;  // by the submission's own id
  std::map<JobId, std::size_t> tasks_;      // of a submission, that have not ended
  RecordSigners signers_;
  bool tenants_matter_ = false;
  std::optional<Clearing> clearing_;
  Wall::time_point recorded_{};
  std::uint64_t next_ = 0;
  ReplayCounts counts_;
  std::vector<unsigned char> memory_ = std::vector<unsigned char>(64 * 1'024);
};

}  // namespace tradewind
