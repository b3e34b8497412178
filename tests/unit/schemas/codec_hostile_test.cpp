// Bytes that nobody of ours would send: each is refused, with an error that says why, and nothing
// crashes or grows beyond its bound.
#include "schemas/codec_internal.h"
// The codec's own header must come before others of Cap'n Proto.
#include <capnp/any.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "schemas/codec.h"
#include "tests/unit/schemas/samples.h"

namespace tradewind::testing {
namespace {

using ::testing::HasSubstr;

class AnyMessage : public ::testing::TestWithParam<Message> {};
INSTANTIATE_TEST_SUITE_P(Codec, AnyMessage, ::testing::ValuesIn(messages()), [](const auto& info) {
  std::string name = info.param.name;
  for (char& each : name) each = each == '-' ? '_' : each;
  return name;
});

Bytes full_bytes(const Message& message) {
  Sampler full;
  return message.encoded(full);
}

TEST_P(AnyMessage, IsRefusedWhenEmpty) {
  const auto result = GetParam().recoded("");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::corrupt);
}

TEST_P(AnyMessage, IsRefusedWhenCutAtAnyByte) {
  const Bytes bytes = full_bytes(GetParam());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(GetParam().recoded(BytesView(bytes).substr(0, size))) << "cut at " << size;
  }
}

TEST_P(AnyMessage, IsRefusedWithBytesAfterItsEnd) {
  const Bytes bytes = full_bytes(GetParam());
  EXPECT_FALSE(GetParam().recoded(bytes + '\0'));
  const auto result = GetParam().recoded(bytes + std::string(8, '\0'));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::corrupt);
}

TEST_P(AnyMessage, IsRefusedOverItsLimitWhichTheErrorNames) {
  const auto result = GetParam().recoded(std::string(GetParam().bytes_max + 8, '\0'));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::too_large);
  EXPECT_THAT(result.error().message, HasSubstr("limit of "));
}

TEST_P(AnyMessage, SurvivesFlippedBits) {
  const Bytes bytes = full_bytes(GetParam());
  std::mt19937_64 random(11);
  for (int round = 0; round < 2'000; ++round) {
    Bytes flipped = bytes;
    for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
      flipped[random() % flipped.size()] ^= static_cast<char>(1U << random() % 8);
    }
    const auto result = GetParam().recoded(flipped);
    // What was taken must be a value that we could have written ourselves.
    if (result) {
      const auto again = GetParam().recoded(*result);
      ASSERT_TRUE(again) << describe(again.error());
      ASSERT_EQ(*again, *result);
    } else {
      EXPECT_FALSE(result.error().message.empty());
    }
  }
}

TEST_P(AnyMessage, SurvivesNoise) {
  std::mt19937_64 random(12);
  for (int round = 0; round < 500; ++round) {
    Bytes noise(8 * (1 + random() % 40), '\0');
    for (char& each : noise) each = static_cast<char>(random() % 3 == 0 ? random() : 0);
    (void)GetParam().recoded(noise);
  }
}

// --- messages built to mislead ------------------------------------------------------------------

Bytes finish(capnp::MallocMessageBuilder& message) {
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return Bytes(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
}

TEST(Codec, RefusesManyPointersToOneText) {
  // 60 KB in the message, 250 times as much once read.
  capnp::MallocMessageBuilder message(32 * 1024);
  auto log = message.initRoot<schema::EndReport>().initSystemLog(250);
  log.set(0, std::string(60'000, 'x').c_str());
  Bytes bytes = finish(message);
  ASSERT_TRUE(decode_end_report(bytes));

  const std::uint64_t wanted = std::uint64_t{(60'001U << 3U) | 2U};  // a list of so many bytes
  std::size_t at = 0;
  std::uint64_t pointer = 0;
  for (; pointer >> 32U != wanted; at += 8) {
    ASSERT_LT(at, bytes.size());
    std::memcpy(&pointer, bytes.data() + at, 8);
  }
  for (std::uint64_t i = 1; i < 250; ++i) {
    const std::uint64_t same_target = pointer - (i << 2U);
    std::memcpy(bytes.data() + at - 8 + i * 8, &same_target, 8);
  }
  EXPECT_FALSE(decode_end_report(bytes));
}

TEST(Codec, RefusesAListThatCountsMoreThanItHolds) {
  capnp::MallocMessageBuilder message;
  message.initRoot<schema::ToGateway>().initBody().initRenewLeases().initAttempts(
      limits::renew_attempts_max + 1);
  const auto result = decode_to_gateway(finish(message));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::too_large);
  EXPECT_EQ(result.error().field, "renew_leases.attempts");
}

TEST(Codec, RefusesAListOfNothingsThatClaimsToBeHuge) {
  // Elements of no size cost the sender no bytes.
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<capnp::AnyPointer>().initAsAnyStruct(4, 4);
  for (unsigned i = 0; i < 4; ++i) {
    root.getPointerSection()[i].initAsAnyList(capnp::ElementSize::VOID, (1U << 29U) - 1);
  }
  const Bytes bytes = finish(message);
  for (const Message& each : messages()) EXPECT_FALSE(each.recoded(bytes)) << each.name;
}

TEST(Codec, IgnoresHoweverDeepAPartOfANewerMessageIs) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<capnp::AnyPointer>().initAsAnyStruct(1, 2);
  capnp::AnyPointer::Builder pointer = root.getPointerSection()[1];
  for (int depth = 0; depth < 1'000; ++depth) {
    pointer = pointer.initAsAnyStruct(0, 1).getPointerSection()[0];
  }
  root.getPointerSection()[0].initAs<schema::Granted>().initAttempt().setJob("j0000000000001");
  root.getPointerSection()[0].getAs<schema::Granted>().getAttempt().setNumber(1);
  const auto result = decode_to_broker(finish(message));
  ASSERT_TRUE(result) << describe(result.error());
  EXPECT_TRUE(std::holds_alternative<Granted>(result->body));
}

TEST(Codec, RefusesPartsThatAreNestedTooDeep) {
  // A chain of double-far or self-nested pointers ends at the nesting limit.
  capnp::MallocMessageBuilder message;
  auto pointer = message.initRoot<capnp::AnyPointer>().initAsAnyStruct(0, 1).getPointerSection()[0];
  for (int depth = 0; depth < 100; ++depth) {
    pointer = pointer.initAsAnyStruct(0, 1).getPointerSection()[0];
  }
  const Bytes bytes = finish(message);
  const auto words = codec::Words(bytes);
  capnp::FlatArrayMessageReader reader(words.array(), codec::reader_options(bytes.size()));
  EXPECT_ANY_THROW((void)reader.getRoot<capnp::AnyPointer>().targetSize());
}

TEST(Codec, NamesTheMemberOfAUnionThatItDoesNotKnow) {
  capnp::MallocMessageBuilder message;
  capnp::AnyStruct::Builder(message.initRoot<schema::ToBroker>()).getDataSection()[0] = 99;
  const auto result = decode_to_broker(finish(message));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::corrupt);
  EXPECT_EQ(result.error().field, "message to a broker");
  EXPECT_THAT(result.error().message, HasSubstr("kind 99"));
  EXPECT_THAT(result.error().remedy, HasSubstr("newer version"));
}

TEST(Codec, NamesTheEntryThatItDoesNotKnow) {
  capnp::MallocMessageBuilder message;
  capnp::AnyStruct::Builder(message.initRoot<schema::JournalEntry>()).getDataSection()[8] = 40;
  const auto result = decode_entry(finish(message));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::corrupt);
  EXPECT_THAT(result.error().message, HasSubstr("kind 40"));
}

TEST(Codec, SkipsDigestsOfKindsThatItDoesNotKnow) {
  capnp::MallocMessageBuilder message;
  auto digests = message.initRoot<schema::GossipMessage>().initBody().initSyn().initDigests();
  // Member 1 kind 9, then member 2 kind 2; both with epoch 5 and version 6.
  const unsigned char packed[] = {2, 9, 10, 6, 2, 2, 0, 6};
  digests.setCount(2);
  digests.setPacked(capnp::Data::Reader(packed, sizeof packed));
  const auto result = decode_gossip(finish(message));
  ASSERT_TRUE(result) << describe(result.error());
  const std::vector<Digest> expected = {{MemberNumber{2}, RecordKind::quote, {5, 6}}};
  EXPECT_EQ(std::get<GossipSyn>(result->body).digests, expected);
}

TEST(Codec, RefusesPackedGossipThatBlowsUpOrEndsEarly) {
  // Two bytes for 2,048: packed within the frame, unpacked far beyond it.
  Bytes bomb("\x10\x01", 2);
  while (bomb.size() + 2 < limits::frame_bytes_max) bomb.append("\0\xff", 2);
  const auto blown = decode_gossip(bomb);
  ASSERT_FALSE(blown);
  EXPECT_EQ(blown.error().code, ErrorCode::too_large);
  for (const Bytes& cut :
       {Bytes("\x10", 1), Bytes("\x10\x01\0", 3), Bytes("\xff", 1) + Bytes(8, 'x'),
        Bytes("\xff", 1) + Bytes(8, 'x') + Bytes("\x01", 1)}) {
    const auto result = decode_gossip(cut);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, HasSubstr("ends too early"));
  }
}

TEST(Codec, RefusesMoreFingerprintsThanThereAreBuckets) {
  GossipSyn syn;
  syn.fingerprints.assign(fingerprints_count, 7);
  EXPECT_TRUE(decode_gossip(encode(GossipMessage{1, syn})));
  syn.fingerprints.push_back(7);
  const auto result = decode_gossip(encode(GossipMessage{1, syn}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().field, "gossip.fingerprints");
}

TEST(Codec, RefusesQuarantinedMembersThatDoNotRiseOrAreTooMany) {
  const auto decoded = [](std::vector<MemberNumber> numbers) {
    GossipSyn syn;
    syn.quarantined = numbers;
    GossipSynAck syn_ack;
    syn_ack.quarantined = std::move(numbers);
    const auto one = decode_gossip(encode(GossipMessage{1, std::move(syn)}));
    const auto other = decode_gossip(encode(GossipMessage{1, std::move(syn_ack)}));
    EXPECT_EQ(one.has_value(), other.has_value());
    return one;
  };
  std::vector<MemberNumber> numbers;
  for (std::uint32_t i = 1; i <= limits::sites_max; ++i) numbers.push_back(MemberNumber{i});
  EXPECT_TRUE(decoded(numbers));
  numbers.push_back(MemberNumber{UINT32_MAX});
  ASSERT_FALSE(decoded(numbers));
  EXPECT_EQ(decoded(numbers).error().code, ErrorCode::too_large);
  for (const auto& bad : {std::vector{MemberNumber{2}, MemberNumber{2}},
                          std::vector{MemberNumber{2}, MemberNumber{1}}}) {
    const auto result = decoded(bad);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().field, "gossip.quarantined");
  }
}

TEST(Codec, RefusesProofsWithPartsThatAreNoSignedRecords) {
  const auto refused = [](auto spoil) {
    Sampler full;
    Equivocation proof;
    full.fill(proof);
    ASSERT_TRUE(decode_equivocation(encode(proof)));
    spoil(proof);
    GossipAck ack;
    ack.proofs.push_back(proof);
    EXPECT_FALSE(decode_equivocation(encode(proof)));
    EXPECT_FALSE(decode_gossip(encode(GossipMessage{1, std::move(ack)})));
  };
  refused([](Equivocation& proof) { proof.first.body.clear(); });
  refused([](Equivocation& proof) { proof.second = {}; });
  refused([](Equivocation& proof) { proof.second.signature.resize(63); });
  refused([](Equivocation& proof) { proof.first.body.resize(limits::site_record_bytes_max + 1); });
}

TEST(Codec, RefusesDigestsThatAreNotPackedAsSaid) {
  const auto decoded = [](unsigned count, std::vector<unsigned char> packed) {
    capnp::MallocMessageBuilder message;
    auto digests = message.initRoot<schema::GossipMessage>().initBody().initSyn().initDigests();
    digests.setCount(count);
    digests.setPacked(capnp::Data::Reader(packed.data(), packed.size()));
    return decode_gossip(finish(message));
  };
  EXPECT_TRUE(decoded(1, {2, 1, 10, 6}));
  EXPECT_TRUE(decoded(0, {}));
  EXPECT_FALSE(decoded(2, {2, 1, 10, 6}));              // fewer than counted
  EXPECT_FALSE(decoded(0, {2, 1, 10, 6}));              // more than counted
  EXPECT_FALSE(decoded(1, {2, 1, 10, 0x86}));           // ends within a number
  EXPECT_FALSE(decoded(1, {2, 1, 10, 0x86, 0x00}));     // two ways to say 6
  EXPECT_FALSE(decoded(1, {1, 1, 10, 6}));              // member -1
  EXPECT_FALSE(decoded(1, {2, 0x80, 0x80, 4, 10, 6}));  // kind 65,536
  EXPECT_FALSE(decoded(                                 // 2^70
      1, {2, 1, 10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}));
  EXPECT_FALSE(decoded(1, {2, 1, 10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}));
  EXPECT_TRUE(decoded(1, {2, 1, 10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}));
  const auto too_many = decoded(limits::digests_max + 1, {2, 1, 10, 6});
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_many.error().code, ErrorCode::too_large);
}

// Encodes a value after `spoil` has made it wrong, and expects the refusal to name the field.
template <class T, class Decode, class Spoil>
void expect_refused(Decode decode, std::string_view field, Spoil spoil) {
  Sampler full;
  T value;
  full.fill(value);
  ASSERT_TRUE(decode(encode(value)));
  spoil(value);
  const auto result = decode(encode(value));
  ASSERT_FALSE(result) << field;
  EXPECT_EQ(result.error().field, field);
}

TEST(Codec, RefusesNegativeMoney) {
  expect_refused<Decision>(decode_decision, "cost.total",
                           [](Decision& value) { value.chosen->cost.total.micros = -1; });
  expect_refused<Decision>(decode_decision, "candidate.rate",
                           [](Decision& value) { value.runners_up[0].rate.micros = INT64_MIN; });
  expect_refused<EndReport>(decode_end_report, "report.charge",
                            [](EndReport& value) { value.charge.micros = -1; });
  expect_refused<Assignment>(decode_assignment, "assignment.rate",
                             [](Assignment& value) { value.rate.micros = -1; });
  expect_refused<HeldAttempt>(decode_held_attempt, "held.fixed_fee",
                              [](HeldAttempt& value) { value.fixed_fee.micros = -1; });
  expect_refused<JobRecord>(decode_job_record, "job.charged",
                            [](JobRecord& value) { value.charged.micros = -1; });
  expect_refused<JobRecord>(decode_job_record, "quote.total",
                            [](JobRecord& value) { value.quote->total.micros = -1; });
  expect_refused<JobRecord>(decode_job_record, "quote.price_ppm",
                            [](JobRecord& value) { value.quote->price_ppm = -1; });
  expect_refused<JobRecord>(decode_job_record, "constraints.cost_max",
                            [](JobRecord& value) { value.spec.constraints.cost_max = Money{-2}; });
}

TEST(Codec, RefusesEnumsOutOfRange) {
  expect_refused<Decision>(decode_decision, "rejection.reason", [](Decision& value) {
    value.rejections[0].reason = static_cast<ReasonCode>(reason_codes_count);
  });
  expect_refused<EndReport>(decode_end_report, "report.code", [](EndReport& value) {
    value.code = static_cast<EndCode>(end_codes_count);
  });
  expect_refused<JobRecord>(decode_job_record, "job.state", [](JobRecord& value) {
    value.state = static_cast<JobState>(job_states_count);
  });
  expect_refused<JobRecord>(decode_job_record, "variant.architectures", [](JobRecord& value) {
    value.spec.variants[0].architectures[0] = static_cast<Architecture>(65'535);
  });
  expect_refused<JobRecord>(decode_job_record, "objective", [](JobRecord& value) {
    value.spec.objective = static_cast<Objective>(3);
  });
}

TEST(Codec, RefusesIdsThatAreNone) {
  expect_refused<JobRecord>(decode_job_record, "job.id",
                            [](JobRecord& value) { value.job.value = "../../etc"; });
  expect_refused<JobRecord>(decode_job_record, "quote.id",
                            [](JobRecord& value) { value.quote->id = "../../etc"; });
  expect_refused<JobRecord>(decode_job_record, "job.tenant",
                            [](JobRecord& value) { value.tenant.value = ""; });
  expect_refused<Decision>(decode_decision, "candidate.site",
                           [](Decision& value) { value.chosen->site.value = "Osaka"; });
  expect_refused<HeldAttempt>(decode_held_attempt, "attempt.number",
                              [](HeldAttempt& value) { value.attempt.number = 0; });
  expect_refused<HeldAttempt>(decode_held_attempt, "held.broker",
                              [](HeldAttempt& value) { value.broker.value = "nobody"; });
  expect_refused<EndReport>(decode_end_report, "output.sha256", [](EndReport& value) {
    value.outputs[0].sha256 = std::string(64, 'G');
  });
}

TEST(Codec, RefusesTimesOutsideTheCalendar) {
  expect_refused<Decision>(decode_decision, "decision.decided_at", [](Decision& value) {
    value.decided_at = Wall::time_point(Wall::duration(-1));
  });
  expect_refused<EndReport>(decode_end_report, "usage.ended", [](EndReport& value) {
    value.usage.ended = wall_from_ms(253'402'300'800'000);
  });
}

TEST(Codec, RefusesListsAndTextsOverTheirLimits) {
  expect_refused<Decision>(decode_decision, "decision.rejections", [](Decision& value) {
    value.rejections.resize(limits::rejections_max + 1);
  });
  expect_refused<JobRecord>(decode_job_record, "inputs", [](JobRecord& value) {
    value.spec.inputs.resize(limits::inputs_max + 1);
  });
  expect_refused<JobRecord>(decode_job_record, "tags", [](JobRecord& value) {
    for (std::size_t i = 0; i < limits::map_entries_max; ++i) {
      value.spec.tags[std::to_string(i)] = "";
    }
  });
  expect_refused<EndReport>(decode_end_report, "executor.stdout_tail", [](EndReport& value) {
    value.executors[0].stdout_tail.resize(limits::log_tail_bytes_max + 1);
  });
  expect_refused<SignedRecord>(decode_signed_record, "record.signature",
                               [](SignedRecord& value) { value.signature.resize(63); });
}

TEST(Codec, RefusesWhatNoWitnessIsAskedOrAnswers) {
  const auto asked = [](std::size_t bytes) {
    return decode_to_gateway(encode(ToGateway{Term{1}, CosignCheckpoint{1, Bytes(bytes, 'x')}}));
  };
  EXPECT_TRUE(asked(limits::cosign_request_bytes_max));
  const auto too_much = asked(limits::cosign_request_bytes_max + 1);
  ASSERT_FALSE(too_much);
  EXPECT_EQ(too_much.error().code, ErrorCode::too_large);
  EXPECT_EQ(too_much.error().field, "cosign_checkpoint.body");

  const auto answered = [](CosignAnswer answer) {
    return decode_to_broker(encode(ToBroker{std::move(answer)}));
  };
  EXPECT_TRUE(answered({1, 200, "", Bytes(limits::cosign_answer_bytes_max, 'x')}));
  for (const CosignAnswer& bad :
       {CosignAnswer{1, 200, "", Bytes(limits::cosign_answer_bytes_max + 1, 'x')},
        CosignAnswer{1, 199, "", ""}, CosignAnswer{1, 600, "", ""},
        CosignAnswer{1, 200, "text/plain\r\nX: y", ""}}) {
    const auto result = answered(bad);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().field, HasSubstr("cosigned."));
  }
}

TEST(Codec, RefusesAMemberWithALogKeyOverItsLimit) {
  Sampler full;
  Record record = full.record<Member>();
  std::get<Member>(record.body).log_key = std::string(limits::log_key_bytes_max + 1, 'k');
  const auto result = decode_record(encode(record));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().field, "member.log_key");
}

TEST(Codec, RefusesRatesOutsideTheirBounds) {
  const auto decode = [](BytesView bytes) { return decode_entry(bytes); };
  const auto expect = [&](std::string_view field, auto spoil) {
    Sampler full;
    Entry entry;
    auto& changed = entry.body.emplace<RatesChanged>();
    full.fill(changed);
    ASSERT_TRUE(decode(encode(entry)));
    spoil(changed.table);
    const auto result = decode(encode(entry));
    ASSERT_FALSE(result) << field;
    EXPECT_EQ(result.error().field, field);
  };
  expect("rates_changed.accounting_currency", [](RateTable& t) { t.accounting_currency = "usd"; });
  expect("rates_changed.rates", [](RateTable& t) { t.rates_ppm["eur"] = 1; });
  expect("rates_changed.rates", [](RateTable& t) { t.rates_ppm["EUR"] = 0; });
  expect("rates_changed.rates",
         [](RateTable& t) { t.rates_ppm["EUR"] = limits::rate_ppm_max + 1; });
  expect("rates_changed.rates", [](RateTable& t) {
    for (std::size_t i = 0; i <= limits::rates_max; ++i) {
      t.rates_ppm[{'A', static_cast<char>('A' + i / 26), static_cast<char>('A' + i % 26)}] = 1;
    }
  });
  expect_refused<Assignment>(decode_assignment, "assignment.conversion_ppm",
                             [](Assignment& value) { value.conversion_ppm = 0; });
}

TEST(Codec, RefusesBudgetsOutsideTheirBounds) {
  const auto expect = [](std::string_view field, auto spoil) {
    Sampler full;
    Entry entry;
    auto& changed = entry.body.emplace<BudgetChanged>();
    full.fill(changed);
    ASSERT_TRUE(changed.budget);
    ASSERT_TRUE(decode_entry(encode(entry)));
    spoil(changed);
    const auto result = decode_entry(encode(entry));
    ASSERT_FALSE(result) << field;
    EXPECT_EQ(result.error().field, field);
  };
  expect("budget_changed.tenant", [](BudgetChanged& c) { c.tenant.value = "No Name"; });
  expect("budget_changed.budget.limit", [](BudgetChanged& c) { c.budget->limit.micros = -1; });
  expect("budget_changed.budget.period",
         [](BudgetChanged& c) { c.budget->period = static_cast<BudgetPeriod>(2); });
}

TEST(Codec, RefusesClearingsOutsideTheirBounds) {
  const auto expect = [](std::string_view field, auto spoil) {
    Sampler full;
    Entry entry;
    auto& cleared = entry.body.emplace<JobsCleared>();
    full.fill(cleared);
    ASSERT_FALSE(cleared.jobs.empty());
    ASSERT_TRUE(decode_entry(encode(entry)));
    spoil(cleared);
    const auto result = decode_entry(encode(entry));
    ASSERT_FALSE(result) << field;
    EXPECT_EQ(result.error().field, field);
  };
  const auto site = [](std::size_t number) { return SiteId{"s" + std::to_string(1'000 + number)}; };
  expect("jobs_cleared.jobs",
         [](JobsCleared& each) { each.jobs.resize(limits::jobs_cleared_max + 1, each.jobs[0]); });
  expect("jobs_cleared.job", [](JobsCleared& each) { each.jobs[0].job.value = "no id"; });
  expect("jobs_cleared.excluded",
         [&](JobsCleared& each) { each.jobs[0].excluded = {site(1), site(1)}; });
  expect("jobs_cleared.excluded",
         [&](JobsCleared& each) { each.jobs[0].excluded = {site(2), site(1)}; });
  expect("jobs_cleared.excluded", [&](JobsCleared& each) {
    each.jobs[0].excluded.clear();
    for (std::size_t count = 0; count <= limits::exclusions_per_job_max; ++count) {
      each.jobs[0].excluded.push_back(site(count));
    }
  });
}

TEST(Codec, RefusesExcludedSitesOutsideTheirBounds) {
  const auto expect = [](auto spoil) {
    expect_refused<Decision>(decode_decision, "decision.excluded", spoil);
  };
  expect([](Decision& each) { each.excluded = {SiteId{"b-1"}, SiteId{"a-1"}}; });
  expect([](Decision& each) { each.excluded = {SiteId{"a-1"}, SiteId{"a-1"}}; });
  expect([](Decision& each) { each.excluded = {SiteId{"A"}}; });
  expect([](Decision& each) {
    each.excluded.clear();
    for (std::size_t count = 0; count <= limits::exclusions_per_job_max; ++count) {
      each.excluded.push_back(SiteId{"s" + std::to_string(1'000 + count)});
    }
  });
}

TEST(Codec, RefusesContractUnitsThatNobodyHas) {
  expect_refused<Assignment>(decode_assignment, "assignment.contract_units",
                             [](Assignment& value) { value.contract.value.clear(); });
  expect_refused<Assignment>(decode_assignment, "assignment.contract_units", [](Assignment& value) {
    value.nodes = value.units = 1;
    value.contract_units = 2;
  });
  expect_refused<Decision>(decode_decision, "candidate.contract_units",
                           [](Decision& value) { value.chosen->contract_units = 0; });
}

TEST(Codec, RefusesADecisionThatPlacesAJobNowhere) {
  expect_refused<Decision>(decode_decision, "decision.chosen",
                           [](Decision& value) { value.chosen.reset(); });
  expect_refused<Decision>(decode_decision, "decision.chosen",
                           [](Decision& value) { value.outcome = Outcome::waiting; });
}

TEST(Codec, RefusesAClearingOfNoJobsOrBelowTheLeastOrOfAJobWithoutAPlace) {
  expect_refused<Decision>(decode_decision, "clearing.jobs",
                           [](Decision& value) { value.clearing = ClearedWith{0, 0}; });
  expect_refused<Decision>(decode_decision, "clearing.margin",
                           [](Decision& value) { value.clearing = ClearedWith{2, -1}; });
  expect_refused<Decision>(decode_decision, "decision.clearing", [](Decision& value) {
    value.outcome = Outcome::waiting;
    value.chosen.reset();
    value.clearing = ClearedWith{2, 0};
  });
}

}  // namespace
}  // namespace tradewind::testing
