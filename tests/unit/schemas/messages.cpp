#include <utility>

#include "schemas/limits.h"
#include "tests/unit/schemas/samples.h"

namespace tradewind::testing {
namespace {

template <class T, class Make>
Message message(std::string decoder, std::string member, std::size_t bytes_max,
                Result<T> (*decode)(BytesView), Make make) {
  Message to;
  to.name = member.empty() ? decoder : decoder + "-" + member;
  to.decoder = std::move(decoder);
  to.bytes_max = bytes_max;
  to.encoded = [make](Sampler& sampler) { return encode(make(sampler)); };
  to.round_trips = [make, decode](Sampler& sampler) {
    const T value = make(sampler);
    const Bytes bytes = encode(value);
    const Bytes elsewhere = "x" + bytes;  // where no word is aligned
    const auto first = decode(bytes);
    const auto second = decode(BytesView(elsewhere).substr(1));
    return first && second && *first == value && *second == value && encode(*first) == bytes;
  };
  to.equals_full_sample = [make, decode](BytesView bytes) {
    Sampler full;
    const auto value = decode(bytes);
    return value && *value == make(full);
  };
  to.recoded = [decode](BytesView bytes) -> Result<Bytes> {
    auto value = decode(bytes);
    if (!value) return fail(value.error());
    return encode(*value);
  };
  return to;
}

// A whole value of one type.
template <class T>
Message plain(std::string decoder, std::size_t bytes_max, Result<T> (*decode)(BytesView)) {
  return message<T>(std::move(decoder), "", bytes_max, decode, [](Sampler& sampler) {
    T value;
    sampler.fill(value);
    return value;
  });
}

template <class Body>
Message record_of(std::string member) {
  return message<Record>("record", std::move(member), limits::site_record_bytes_max, decode_record,
                         [](Sampler& sampler) { return sampler.record<Body>(); });
}

// One member of a message's union; `begin` sets what stands beside it.
template <class T, class Body, class Begin>
Message member_of_union(std::string decoder, std::string member, std::size_t bytes_max,
                        Result<T> (*decode)(BytesView), Begin begin) {
  return message<T>(std::move(decoder), std::move(member), bytes_max, decode,
                    [begin](Sampler& sampler) {
                      T value;
                      begin(sampler, value);
                      sampler.fill(value.body.template emplace<Body>());
                      return value;
                    });
}

template <class Body>
Message to_gateway(std::string member) {
  return member_of_union<ToGateway, Body>(
      "to_gateway", std::move(member), limits::frame_bytes_max, decode_to_gateway,
      [](Sampler& sampler, ToGateway& to) { to.term.value = sampler.any(); });
}
template <class Body>
Message to_broker(std::string member) {
  return member_of_union<ToBroker, Body>("to_broker", std::move(member), limits::frame_bytes_max,
                                         decode_to_broker, [](Sampler&, ToBroker&) {});
}
template <class Body>
Message gossip(std::string member) {
  return member_of_union<GossipMessage, Body>(
      "gossip", std::move(member), limits::frame_bytes_max, decode_gossip,
      [](Sampler& sampler, GossipMessage& to) { to.exchange = sampler.any(); });
}
template <class Body>
Message entry(std::string member) {
  return member_of_union<Entry, Body>("entry", std::move(member), limits::entry_bytes_max,
                                      decode_entry,
                                      [](Sampler& sampler, Entry& to) { to.at = sampler.time(); });
}

}  // namespace

const std::vector<Message>& messages() {
  static const std::vector<Message> all = {
      record_of<Member>("member"),
      record_of<SiteRecord>("site"),
      record_of<QuoteSheet>("quote"),
      plain("signed_record", limits::site_record_bytes_max + 1024, decode_signed_record),
      plain("equivocation", limits::equivocation_bytes_max, decode_equivocation),
      gossip<GossipSyn>("syn"),
      gossip<GossipSynAck>("syn_ack"),
      gossip<GossipAck>("ack"),
      to_gateway<Dispatch>("dispatch"),
      to_gateway<RenewLeases>("renew_leases"),
      to_gateway<CancelAttempt>("cancel"),
      to_gateway<AskAttempt>("ask"),
      to_gateway<AcknowledgeEnd>("acknowledge_end"),
      to_gateway<ReadLog>("read_log"),
      to_gateway<CosignCheckpoint>("cosign_checkpoint"),
      to_broker<Granted>("granted"),
      to_broker<Refused>("refused"),
      to_broker<AttemptStatus>("status"),
      to_broker<AttemptEnded>("ended"),
      to_broker<LogChunk>("log_chunk"),
      to_broker<CosignAnswer>("cosigned"),
      entry<TermBegan>("term_began"),
      entry<JobSubmitted>("job_submitted"),
      entry<JobDecided>("job_decided"),
      entry<JobUnroutable>("job_unroutable"),
      entry<CancelRequested>("cancel_requested"),
      entry<JobExpired>("job_expired"),
      entry<AttemptGranted>("attempt_granted"),
      entry<AttemptRefused>("attempt_refused"),
      entry<AttemptAdvanced>("attempt_advanced"),
      entry<AttemptFinished>("attempt_finished"),
      entry<AttemptLost>("attempt_lost"),
      entry<InviteIssued>("invite_issued"),
      entry<MemberChanged>("member_changed"),
      entry<DatasetChanged>("dataset_changed"),
      entry<RatesChanged>("rates_changed"),
      entry<JobsCleared>("jobs_cleared"),
      entry<MarketRecorded>("market_recorded"),
      entry<TrustChanged>("trust_changed"),
      entry<SiteQuarantined>("site_quarantined"),
      entry<BudgetChanged>("budget_changed"),
      plain("job_record", limits::job_record_bytes_max, decode_job_record),
      plain("assignment", limits::entry_bytes_max, decode_assignment),
      plain("end_report", limits::entry_bytes_max, decode_end_report),
      plain("held_attempt", limits::entry_bytes_max, decode_held_attempt),
      plain("decision", limits::entry_bytes_max, decode_decision),
  };
  return all;
}

}  // namespace tradewind::testing
