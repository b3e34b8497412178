// Values of every message, for tests of the codec: either with every field set (the same ones each
// time, so that golden files can be compared), or drawn at random from what the protocol allows.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "schemas/codec.h"

namespace tradewind::testing {

class Sampler {
 public:
  // Every field differs from what an absent one reads as, every list has two members.
  Sampler() = default;
  // At random, with the ends of each range more often than chance would have them.
  explicit Sampler(std::uint64_t seed) : random_(seed), full_(false) {}

  void fill(Resources& to);
  void fill(Accelerator& to);
  void fill(AcceleratorNeed& to);
  void fill(AttemptId& to);
  void fill(RecordVersion& to);
  void fill(SignedRecord& to);
  void fill(Equivocation& to);
  void fill(Member& to);
  void fill(Pool& to);
  void fill(NetworkTariff& to);
  void fill(SiteRecord& to);
  void fill(PoolQuote& to);
  void fill(ContractQuote& to);
  void fill(QuoteSheet& to);
  void fill(Executor& to);
  void fill(Replica& to);
  void fill(Input& to);
  void fill(Dataset& to);
  void fill(Output& to);
  void fill(Variant& to);
  void fill(JobSpec& to);
  void fill(Candidate& to);
  void fill(Rejection& to);
  void fill(Decision& to);
  void fill(ReliedOn& to);
  void fill(QuoteTerms& to);
  void fill(Assignment& to);
  void fill(ExecutorEnd& to);
  void fill(StagedInput& to);
  void fill(OutputFile& to);
  void fill(EndReport& to);
  void fill(HeldAttempt& to);
  void fill(Digest& to);
  void fill(AttemptRecord& to);
  void fill(JobRecord& to);

  void fill(Dispatch& to);
  void fill(RenewLeases& to);
  void fill(CancelAttempt& to) { fill(to.attempt); }
  void fill(AskAttempt& to) { fill(to.attempt); }
  void fill(AcknowledgeEnd& to) { fill(to.attempt); }
  void fill(ReadLog& to);
  void fill(Granted& to) { fill(to.attempt); }
  void fill(Refused& to);
  void fill(AttemptStatus& to);
  void fill(AttemptEnded& to);
  void fill(LogChunk& to);
  void fill(CosignCheckpoint& to);
  void fill(CosignAnswer& to);

  void fill(GossipSyn& to);
  void fill(GossipSynAck& to);
  void fill(GossipAck& to);

  void fill(TermBegan& to) { to.term.value = any(); }
  void fill(JobSubmitted& to);
  void fill(JobDecided& to);
  void fill(JobUnroutable& to);
  void fill(JobsCleared& to) { fill_list(to.jobs); }
  void fill(JobsCleared::Job& to);
  void fill(CancelRequested& to);
  void fill(JobExpired& to);
  void fill(AttemptGranted& to) { fill(to.attempt); }
  void fill(AttemptRefused& to);
  void fill(AttemptAdvanced& to);
  void fill(AttemptFinished& to);
  void fill(AttemptLost& to);
  void fill(InviteIssued& to);
  void fill(MemberChanged& to);
  void fill(TrustChanged& to);
  void fill(DatasetChanged& to);
  void fill(RatesChanged& to);
  void fill(BudgetChanged& to);
  void fill(MarketRecorded& to) { fill(to.record); }
  void fill(SiteQuarantined& to) { fill(to.proof); }

  // A record whose header fits its body.
  template <class Body>
  Record record();

  std::uint64_t any() { return number(0, UINT64_MAX); }
  Wall::time_point time();

 private:
  std::uint64_t number(std::uint64_t low, std::uint64_t high);
  std::uint32_t small(std::uint64_t high = UINT32_MAX, std::uint64_t low = 0) {
    return static_cast<std::uint32_t>(number(low, high));
  }
  std::int64_t amount(std::int64_t high = INT64_MAX, std::int64_t low = 0);
  bool flag() { return full_ || number(0, 1) == 1; }
  std::size_t count(std::size_t high = 3) { return full_ ? 2 : number(0, high); }
  std::string text();        // any bytes
  std::string clean_text();  // UTF-8 without control characters
  std::string name();
  std::vector<SiteId> sites();          // sorted
  std::vector<MemberNumber> members();  // rising
  Bytes bytes(std::size_t size);
  std::string sha256();
  JobId job();
  NodeId node();
  std::vector<std::string> texts();
  std::map<std::string, std::string> map(bool clean);
  template <class Enum>
  Enum member_of(std::uint16_t count) {
    return static_cast<Enum>(full_ ? count - 1U : number(0, count - 1U));
  }
  template <class T>
  void fill_list(std::vector<T>& to) {
    to.resize(count());
    for (T& each : to) fill(each);
  }

  std::mt19937_64 random_{1};
  bool full_ = true;
  std::uint64_t counter_ = 0;
};

// One message of the protocol, or one member of its union.
struct Message {
  std::string name;           // "to_gateway-dispatch"
  std::string decoder;        // "to_gateway": which decode_ function reads it
  std::size_t bytes_max = 0;  // refused unread beyond this
  std::function<Bytes(Sampler&)> encoded;
  // Whether a value comes back equal through its bytes, wherever these lie in memory, and whether
  // equal values have equal bytes.
  std::function<bool(Sampler&)> round_trips;
  std::function<bool(BytesView)> equals_full_sample;
  // Decodes, and encodes what came out.
  std::function<Result<Bytes>(BytesView)> recoded;

  // How GoogleTest shows it.
  friend void PrintTo(const Message& message, std::ostream* stream) { *stream << message.name; }
};
const std::vector<Message>& messages();

}  // namespace tradewind::testing
