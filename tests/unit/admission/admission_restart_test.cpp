// What a gateway knows after it was killed.
#include "schemas/codec.h"
#include "tests/unit/admission/fixture.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

TEST_F(AdmissionTest, KeepsWhatTheEngineStillHasOverARestart) {
  dispatch(1, assignment(3));
  start();
  EXPECT_EQ(admission->running(), std::vector<AttemptId>{attempt(1)});
  keep(admission->adopted({attempt(1)}, now));
  EXPECT_EQ(admission->capacity(now)[0].units_free, 5U);
  EXPECT_TRUE(reply<Granted>(dispatch(1, assignment(3))).has_value());
  end(1);
  EXPECT_EQ(admission->capacity(now)[0].units_free, 8U);
}

TEST_F(AdmissionTest, ReportsWhatTheEngineLostAsInterruptedAndFree) {
  dispatch(1);
  move_to(now.mono + 500s);
  start();
  const AdmissionOutput output = keep(admission->adopted({}, now));
  const auto ended = reply<AttemptEnded>(output);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->report.code, EndCode::interrupted);
  EXPECT_EQ(ended->report.charge, Money{}) << "the site broke it off";
  EXPECT_EQ(output.replies[0].to, broker);
  EXPECT_EQ(admission->capacity(now)[0].units_free, 8U);
}

TEST_F(AdmissionTest, AnswersNothingBeforeTheEngineHasSpoken) {
  dispatch(1);
  start();
  publish(1, ppm_one);
  EXPECT_TRUE(tell(AskAttempt{attempt(1)}).empty());
  EXPECT_TRUE(dispatch(2).empty());
}

TEST_F(AdmissionTest, ALeaseGoesOnOverARestart) {
  dispatch(1);
  move_to(now.mono + 40s);
  start();
  keep(admission->adopted({attempt(1)}, now));
  EXPECT_TRUE(advance(19s).stops.empty());
  EXPECT_EQ(advance(2s).stops.size(), 1U);
}

TEST_F(AdmissionTest, ALeaseThatRanOutMeanwhileStopsTheAttemptAtOnce) {
  dispatch(1);
  move_to(now.mono + 61s);
  start();
  keep(admission->adopted({attempt(1)}, now));
  EXPECT_EQ(advance(0s).stops.size(), 1U);
}

TEST_F(AdmissionTest, AWallClockThatWasSetBackGivesNoMoreThanAWholeLease) {
  dispatch(1);
  now.wall -= std::chrono::hours(2);
  start();
  keep(admission->adopted({attempt(1)}, now));
  EXPECT_EQ(advance(60s).stops.size(), 1U);
}

TEST_F(AdmissionTest, KeepsEndsFencesAndTheTermOverARestart) {
  dispatch(1);
  end(1);
  tell(AskAttempt{attempt(2)}, 7);
  start();
  keep(admission->adopted({}, now));
  publish(1, ppm_one);
  EXPECT_TRUE(reply<AttemptEnded>(advance(0s)).has_value());
  EXPECT_EQ(admission->term(broker), Term{7});
  EXPECT_EQ(refusal(tell(Dispatch{attempt(2), assignment(), 60}, 7)), RefusalCode::fenced);
}

TEST_F(AdmissionTest, TakesNoDispatchThatRestsOnASheetOfTheLifeBefore) {
  start();
  admission->adopted({}, now);
  EXPECT_EQ(refusal(dispatch(1)), RefusalCode::price);
}

TEST_F(AdmissionTest, RefusalsOutliveAChangeOfTheSitesDescription) {
  dispatch(1, assignment(4));
  dispatch(2, assignment(4));
  ASSERT_EQ(refusal(dispatch(3)), RefusalCode::no_capacity);
  site.pools[0].nodes = 3;
  const std::unique_ptr<Admission> before = std::move(admission);
  start();
  admission->take_over(*before);
  keep(admission->adopted(admission->running(), now));
  publish(1, ppm_one);
  EXPECT_EQ(refusal(dispatch(3)), RefusalCode::fenced);
  EXPECT_TRUE(reply<Granted>(dispatch(4)).has_value());
}

TEST_F(AdmissionTest, ChargesByTheTermsItWasGrantedUnder) {
  dispatch(1);
  site.pools[0].tariff.fixed_fee.micros = 1'000'000;
  site.pools[0].tariff.minimum_seconds = 3'600;
  start();
  keep(admission->adopted({attempt(1)}, now));
  move_to(now.mono + 30s);
  EXPECT_EQ(reply<AttemptEnded>(end(1))->report.charge, Money{30'000'500});
}

TEST_F(AdmissionTest, RefusesAStoreThatIsDamaged) {
  dispatch(1);
  const std::string key = "attempt/" + to_string(attempt(1));
  for (const auto& [name, value] :
       std::vector<StoreWrite>{{key, Bytes("nonsense")},
                               {"term", Bytes("x")},
                               {"fence/nobody", Bytes("1")},
                               {"elsewhere", Bytes("1")},
                               {"lease/" + to_string(attempt(1)), Bytes("")}}) {
    Admission broken(site, options);
    std::vector<StoreWrite> stored{{key, store.at(key)}};
    if (name == key) stored.clear();
    stored.push_back({name, value});
    const Status status = broken.recover(stored, now);
    ASSERT_FALSE(status.has_value()) << name;
    EXPECT_EQ(status.error().code, ErrorCode::corrupt);
  }
}

TEST_F(AdmissionTest, RefusesToStartWithPoolsThatCannotHoldWhatRuns) {
  dispatch(1, assignment(3));
  dispatch(2, assignment(3));
  site.pools[0].nodes = 1;
  Admission smaller(site, options);
  std::vector<StoreWrite> stored;
  for (const auto& [key, value] : store) stored.push_back({key, value});
  EXPECT_FALSE(smaller.recover(stored, now).has_value());
}

TEST(HeldAttemptCodec, GivesBackWhatItWasGiven) {
  HeldAttempt held;
  held.attempt = {job_id(Sequence{5}), 3};
  held.broker.value = "broker/one";
  held.assignment.tenant.value = "acme";
  held.assignment.pool.value = "cpu";
  held.assignment.run_seconds_max = 60;
  held.nodes = {0, 4};
  held.granted = wall_from_ms(1'790'000'000'123);
  held.lease_seconds = 30;
  held.increment_seconds = 60;
  held.minimum_seconds = 120;
  held.fixed_fee = Money{7};
  EXPECT_EQ(*decode_held_attempt(encode(held)), held);
  held.report.emplace();
  held.report->detail = "why";
  const Bytes bytes = encode(held);
  EXPECT_EQ(*decode_held_attempt(bytes), held);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode_held_attempt(BytesView(bytes).substr(0, length)).has_value());
  }
}

}  // namespace
}  // namespace tradewind
