// Grants, refusals, leases and ends within one life of the gateway.
#include "tests/unit/admission/fixture.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

TEST_F(AdmissionTest, GrantsStartsAndPersistsADispatch) {
  const AdmissionOutput output = dispatch(1);
  EXPECT_TRUE(reply<Granted>(output).has_value());
  ASSERT_EQ(output.starts.size(), 1U);
  EXPECT_EQ(output.starts[0].assignment, assignment());
  EXPECT_TRUE(output.capacity_changed);
  EXPECT_EQ(store.count("attempt/" + to_string(attempt(1))), 1U);
  EXPECT_EQ(admission->capacity(now)[0].units_free, 7U);
}

TEST_F(AdmissionTest, GrantsAnAttemptAtMostOnce) {
  dispatch(1);
  const AdmissionOutput again = dispatch(1);
  EXPECT_TRUE(reply<Granted>(again).has_value());
  EXPECT_TRUE(again.starts.empty());
  phase(1, AttemptPhase::running);
  EXPECT_EQ(reply<AttemptStatus>(dispatch(1))->phase, AttemptPhase::running);
  end(1);
  EXPECT_TRUE(reply<AttemptEnded>(dispatch(1)).has_value());
  tell(AcknowledgeEnd{attempt(1)});
  EXPECT_EQ(refusal(dispatch(1)), RefusalCode::fenced);
  EXPECT_EQ(admission->counters().granted, 1U);
}

TEST_F(AdmissionTest, NeverGrantsMoreThanTheNodesHold) {
  // Three units on each of two nodes: the two that are left are not on one node.
  EXPECT_TRUE(reply<Granted>(dispatch(1, assignment(3))).has_value());
  EXPECT_TRUE(reply<Granted>(dispatch(2, assignment(3))).has_value());
  EXPECT_EQ(refusal(dispatch(3, assignment(2))), RefusalCode::no_capacity);
  EXPECT_TRUE(reply<Granted>(dispatch(4, assignment(1, 2))).has_value());
  EXPECT_EQ(refusal(dispatch(5, assignment(1))), RefusalCode::no_capacity);
  EXPECT_EQ(admission->capacity(now)[0].units_free, 0U);
  EXPECT_GT(admission->capacity(now)[0].wait_seconds, 0U);
  end(1);
  EXPECT_EQ(admission->capacity(now)[0].units_free, 3U);
  EXPECT_EQ(admission->capacity(now)[0].wait_seconds, 0U);
}

TEST_F(AdmissionTest, FillsTheFullerNodeFirst) {
  dispatch(1, assignment(2));
  dispatch(2, assignment(2));
  EXPECT_EQ(admission->capacity(now)[0].nodes_free, 1U);
  EXPECT_EQ(admission->capacity(now)[0].units_free_node, 4U);
}

TEST_F(AdmissionTest, RefusalsCarryTheNewestSheetAndStayRefused) {
  dispatch(1, assignment(4));
  dispatch(2, assignment(4));
  const AdmissionOutput refused = dispatch(3);
  EXPECT_EQ(refusal(refused), RefusalCode::no_capacity);
  EXPECT_EQ(reply<Refused>(refused)->quote.body, "sheet");
  end(1);
  // A copy of the dispatch that was refused must not start now: the broker has gone elsewhere.
  EXPECT_EQ(refusal(dispatch(3)), RefusalCode::fenced);
}

TEST_F(AdmissionTest, RefusesWhatBreaksItsRules) {
  std::uint32_t n = 0;
  const auto refused = [&](auto change) {
    Assignment wanted = assignment();
    change(wanted);
    return refusal(dispatch(++n, wanted));
  };
  EXPECT_EQ(refused([](Assignment& a) { a.pool.value = "gpu"; }), RefusalCode::unknown_pool);
  EXPECT_EQ(refused([](Assignment& a) { a.units = 2; }), RefusalCode::invalid);
  EXPECT_EQ(refused([](Assignment& a) { a.nodes = 0; }), RefusalCode::invalid);
  EXPECT_EQ(refused([](Assignment& a) { a.nodes = 3; }), RefusalCode::invalid);
  EXPECT_EQ(refused([](Assignment& a) { a.resources.accelerators = 1; }), RefusalCode::invalid);
  EXPECT_EQ(refused([](Assignment& a) { a.executors.clear(); }), RefusalCode::invalid);
  EXPECT_EQ(refused([](Assignment& a) { a.run_seconds_max = 0; }), RefusalCode::invalid);
  EXPECT_EQ(refused([](Assignment& a) { a.preemptible = true; }), RefusalCode::invalid);
  EXPECT_EQ(refused([](Assignment& a) { a.rate.micros = -1; }), RefusalCode::invalid);
  EXPECT_EQ(refused([](Assignment& a) { a.run_seconds_max = 8 * 24 * 3600; }), RefusalCode::policy);
  EXPECT_EQ(refused([](Assignment& a) { a.rate.micros = 3'599'999'999; }), RefusalCode::price);
}

TEST_F(AdmissionTest, RunsNothingOnDemandWhereOnlyPreemptibleIsSold) {
  site.pools[0].tariff.preemptible_ppm = 500'000;
  site.pools[0].tariff.preemptible_only = true;
  start();
  admission->adopted({}, now);
  publish(1, ppm_one);
  EXPECT_EQ(refusal(dispatch(1)), RefusalCode::invalid);
  Assignment wanted = assignment();
  wanted.preemptible = true;
  EXPECT_EQ(refusal(dispatch(2, wanted)), std::nullopt);
}

TEST_F(AdmissionTest, CountsItsTariffInTheBrokersCurrency) {
  site.pools[0].tariff.currency = "EUR";
  start();
  admission->adopted({}, now);
  publish(1, ppm_one);
  Assignment wanted = assignment();
  wanted.conversion_ppm = 1'080'000;
  EXPECT_EQ(refusal(dispatch(1, wanted)), RefusalCode::price);
  wanted.rate.micros = 3'888'000'000;
  ASSERT_TRUE(reply<Granted>(dispatch(2, wanted)).has_value());
  const auto ended = reply<AttemptEnded>(end(2));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->report.charge.micros, 30 * 1'080'000 + 540);  // the fee of 500 as well
}

TEST_F(AdmissionTest, KeepsToItsPolicyOfTenants) {
  site.policy.tenants_denied = {TenantId{"acme"}};
  start();
  admission->adopted({}, now);
  publish(1, ppm_one);
  EXPECT_EQ(refusal(dispatch(1)), RefusalCode::policy);
}

TEST_F(AdmissionTest, AsksTheEngineBeforeItGrants) {
  ErrorCode answer = ErrorCode::invalid;
  options.check = [&answer](const Assignment&) -> Status {
    return fail(answer, "executors", "no such image");
  };
  start();
  admission->adopted({}, now);
  publish(1, ppm_one);
  EXPECT_EQ(refusal(dispatch(1)), RefusalCode::invalid);
  answer = ErrorCode::unavailable;
  EXPECT_EQ(refusal(dispatch(2)), RefusalCode::engine_down);
  answer = ErrorCode::exhausted;
  EXPECT_EQ(refusal(dispatch(3)), RefusalCode::no_capacity);
}

TEST_F(AdmissionTest, IsBoundByASheetWhileItIsValid) {
  publish(2, 2 * ppm_one);
  EXPECT_TRUE(reply<Granted>(dispatch(1)).has_value()) << "sheet 1 still binds at its price";
  move_to(now.mono + limits::quote_validity + 1s);
  EXPECT_EQ(refusal(dispatch(2)), RefusalCode::price) << "now the newest price holds";
  Assignment fair = assignment();
  fair.price_ppm = 2 * ppm_one;
  fair.rate.micros *= 2;
  EXPECT_TRUE(reply<Granted>(dispatch(3, fair)).has_value());
  Assignment below = assignment();
  below.price_ppm = ppm_one - 1;
  below.quote_version = {1, 2};
  EXPECT_EQ(refusal(dispatch(4, below)), RefusalCode::price);
}

TEST_F(AdmissionTest, StartsNothingThatTheNetworkHeldBackTooLong) {
  move_to(now.mono + limits::message_delay_max + 1s);
  EXPECT_EQ(refusal(dispatch(1)), RefusalCode::price);
  Assignment unknown = assignment();
  unknown.quote_version = {1, 99};
  EXPECT_EQ(refusal(dispatch(2, unknown)), RefusalCode::price);
}

TEST_F(AdmissionTest, DeniesWhatItDoesNotKnowAndKeepsTheDenial) {
  const AdmissionOutput asked = tell(AskAttempt{attempt(1)});
  EXPECT_EQ(reply<AttemptStatus>(asked)->phase, AttemptPhase::unknown);
  EXPECT_FALSE(asked.writes.empty()) << "the fence is durable before the answer";
  EXPECT_EQ(refusal(dispatch(1)), RefusalCode::fenced);
  EXPECT_EQ(reply<AttemptStatus>(tell(RenewLeases{{attempt(2)}, 60}))->phase,
            AttemptPhase::unknown);
  EXPECT_EQ(refusal(dispatch(2)), RefusalCode::fenced);
  EXPECT_EQ(reply<AttemptStatus>(tell(CancelAttempt{attempt(3)}))->phase, AttemptPhase::unknown);
  EXPECT_EQ(refusal(dispatch(3)), RefusalCode::fenced);
}

TEST_F(AdmissionTest, TakesFencesDownAfterTheirTime) {
  tell(AskAttempt{attempt(1)});
  advance(std::chrono::seconds(options.fence_seconds + 1));
  EXPECT_FALSE(admission->fenced(broker, attempt(1)));
  EXPECT_EQ(store.size(), 1U) << "only the term is left";
}

TEST_F(AdmissionTest, IsSilentWhenItHasNoRoomForAnotherFence) {
  options.attempts_max = 2;
  start();
  admission->adopted({}, now);
  publish(1, ppm_one);
  dispatch(1);
  tell(AskAttempt{attempt(2)});
  EXPECT_TRUE(tell(AskAttempt{attempt(3)}).replies.empty());
  EXPECT_TRUE(dispatch(4).replies.empty());
  EXPECT_EQ(admission->counters().unanswered_for_room, 2U);
}

TEST_F(AdmissionTest, RefusesABrokerWhoseTermIsOver) {
  tell(AskAttempt{attempt(9)}, 5);
  const AdmissionOutput old = tell(Dispatch{attempt(1), assignment(), 60}, 4);
  EXPECT_EQ(refusal(old), RefusalCode::term);
  EXPECT_TRUE(old.starts.empty());
  EXPECT_TRUE(tell(AskAttempt{attempt(2)}, 4).replies.empty());
  EXPECT_EQ(admission->term(broker), Term{5});
  tell(Dispatch{attempt(3), assignment(), 60}, 5);
  EXPECT_TRUE(tell(CancelAttempt{attempt(3)}, 4).stops.empty());
}

TEST_F(AdmissionTest, StopsAnAttemptWhoseLeaseRanOut) {
  dispatch(1);
  EXPECT_TRUE(advance(59s).stops.empty());
  const AdmissionOutput output = advance(1s);
  ASSERT_EQ(output.stops.size(), 1U);
  EXPECT_EQ(output.stops[0].code, EndCode::lease_expired);
  EXPECT_EQ(admission->capacity(now)[0].units_free, 7U) << "held until it is really gone";
  EXPECT_GE(advance(4s).stops.size(), 1U) << "and told again until it is";
  end(1, EndCode::lease_expired);
  EXPECT_EQ(admission->capacity(now)[0].units_free, 8U);
}

TEST_F(AdmissionTest, ChargesNothingForTheTimeThatTheGatewayStoodStillAfterTheLease) {
  dispatch(1);
  now.mono += 600s;
  EndReport report;
  report.code = EndCode::lease_expired;
  report.usage.wall_seconds = 63;
  keep(admission->engine_ended(attempt(1), report, now));
  EXPECT_EQ(admission->find(attempt(1))->phase, AttemptPhase::ended);
  const auto told = reply<AttemptEnded>(tell(CancelAttempt{attempt(1)}));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->report.usage.wall_seconds, 63U);
}

TEST_F(AdmissionTest, KeepsAnAttemptWhoseLeaseIsRenewed) {
  dispatch(1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(advance(50s).stops.empty());
    tell(RenewLeases{{attempt(1)}, 60});
  }
}

TEST_F(AdmissionTest, TellsTheEngineWhenALeaseEndsAndTheNewEndWithEachRenewal) {
  using Lease = AdmissionOutput::Lease;
  EXPECT_EQ(dispatch(1).leases, std::vector<Lease>({{attempt(1), now.mono + 60s}}));
  now.mono += 50s;
  EXPECT_EQ(tell(RenewLeases{{attempt(1)}, 40}).leases,
            std::vector<Lease>({{attempt(1), now.mono + 40s}}));
  now.mono += 40s;
  EXPECT_TRUE(tell(RenewLeases{{attempt(1)}, 60}).leases.empty());  // too late
  Assignment lasting = assignment();
  lasting.on_disconnect = OnDisconnect::resume;
  EXPECT_TRUE(dispatch(2, lasting).leases.empty());
  EXPECT_TRUE(tell(RenewLeases{{attempt(2)}, 60}).leases.empty());
}

TEST_F(AdmissionTest, ARenewalThatComesAfterTheLeaseRanOutRevivesNothing) {
  dispatch(1);
  now.mono += 61s;  // the process was paused: the renewal is read before any timer has fired
  const AdmissionOutput output = tell(RenewLeases{{attempt(1)}, 60});
  ASSERT_EQ(output.stops.size(), 1U);
  EXPECT_EQ(output.stops[0].code, EndCode::lease_expired);
}

TEST_F(AdmissionTest, ADispatchThatComesAgainRenewsNothing) {
  dispatch(1);
  advance(50s);
  dispatch(1);
  EXPECT_EQ(advance(10s).stops.size(), 1U);
}

TEST_F(AdmissionTest, LetsAnAttemptRunOnWhenItsJobSaysSo) {
  Assignment wanted = assignment();
  wanted.on_disconnect = OnDisconnect::resume;
  dispatch(1, wanted);
  EXPECT_TRUE(advance(std::chrono::hours(1)).stops.empty());
}

TEST_F(AdmissionTest, GuardsTheTimeLimitBehindTheEngine) {
  Assignment wanted = assignment();
  wanted.on_disconnect = OnDisconnect::resume;
  dispatch(1, wanted);
  phase(1, AttemptPhase::running);
  EXPECT_TRUE(advance(129s).stops.empty());
  const AdmissionOutput output = advance(2s);
  ASSERT_EQ(output.stops.size(), 1U);
  EXPECT_EQ(output.stops[0].code, EndCode::time_limit);
}

TEST_F(AdmissionTest, CancelsOnTheBrokersWordAndReportsTheEnd) {
  dispatch(1);
  EXPECT_EQ(tell(CancelAttempt{attempt(1)}).stops.size(), 1U);
  EXPECT_TRUE(tell(CancelAttempt{attempt(1)}).stops.empty());
  const AdmissionOutput ended = end(1, EndCode::canceled);
  EXPECT_EQ(reply<AttemptEnded>(ended)->report.code, EndCode::canceled);
}

TEST_F(AdmissionTest, SendsAnEndAgainUntilItIsAcknowledged) {
  dispatch(1);
  end(1);
  EXPECT_TRUE(reply<AttemptEnded>(advance(4s)).has_value());
  EXPECT_TRUE(reply<AttemptEnded>(advance(10s)).has_value());
  EXPECT_EQ(tell(AcknowledgeEnd{attempt(1)}).forgets, std::vector<AttemptId>{attempt(1)});
  EXPECT_FALSE(reply<AttemptEnded>(advance(100s)).has_value());
  EXPECT_TRUE(admission->held().empty());
}

TEST_F(AdmissionTest, TellsANewBrokerOfEndsAtOnce) {
  dispatch(1);
  end(1);
  advance(100s);
  tell(AskAttempt{attempt(9)}, 2);
  EXPECT_TRUE(reply<AttemptEnded>(advance(0s)).has_value());
}

TEST_F(AdmissionTest, DoesNotForgetWhatHasNotEnded) {
  dispatch(1);
  EXPECT_TRUE(tell(AcknowledgeEnd{attempt(1)}).empty());
  EXPECT_EQ(admission->held().size(), 1U);
}

TEST_F(AdmissionTest, TakesNothingNewWhileItDrains) {
  dispatch(1);
  keep(admission->set_state(SiteState::draining, now));
  EXPECT_EQ(refusal(dispatch(2)), RefusalCode::site_state);
  EXPECT_TRUE(admission->find(attempt(1)).has_value());
  const AdmissionOutput output = admission->set_state(SiteState::maintenance, now);
  ASSERT_EQ(output.stops.size(), 1U);
  EXPECT_EQ(output.stops[0].code, EndCode::preempted);
}

TEST_F(AdmissionTest, ChargesWholeIncrementsOfTheTimeHeldAndTheFeeOnce) {
  dispatch(1);
  phase(1, AttemptPhase::running);
  move_to(now.mono + 41s);
  const AdmissionOutput ended = end(1);
  EXPECT_EQ(reply<AttemptEnded>(ended)->report.usage.wall_seconds, 41U);
  EXPECT_EQ(reply<AttemptEnded>(ended)->report.charge, Money{50'000'500});
  EXPECT_TRUE(end(1, EndCode::failed).empty()) << "a second end changes nothing";
}

TEST_F(AdmissionTest, ChargesNothingForTheTimeThatAnAttemptWaitedInAQueue) {
  dispatch(1);
  move_to(now.mono + 30s);
  phase(1, AttemptPhase::running);
  move_to(now.mono + 5s);
  EndReport report;
  report.started = true;
  report.usage.wall_seconds = 5;
  keep(admission->engine_ended(attempt(1), report, now));
  const auto told = reply<AttemptEnded>(tell(CancelAttempt{attempt(1)}));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->report.usage.wall_seconds, 5U);
}

TEST_F(AdmissionTest, ChargesNoTimeForWhatNoNodeHasBegun) {
  dispatch(1);
  move_to(now.mono + 30s);
  EndReport report;
  report.code = EndCode::canceled;
  report.usage.started = report.usage.ended = now.wall;
  keep(admission->engine_ended(attempt(1), report, now));
  const auto told = reply<AttemptEnded>(tell(CancelAttempt{attempt(1)}));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->report.usage.wall_seconds, 0U);
}

TEST_F(AdmissionTest, ShortensAReportThatNoFrameCouldCarry) {
  dispatch(1);
  EndReport report;
  for (int i = 0; i < 64; ++i) {
    report.executors.push_back({0, {}, {}, Bytes(16 * 1024, 'x'), Bytes(16 * 1024, 'y')});
  }
  const auto ended = reply<AttemptEnded>(keep(admission->engine_ended(attempt(1), report, now)));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->report.executors.size(), 64U);
  EXPECT_LT(ended->report.executors[0].stdout_tail.size(), 16U * 1024);
  EXPECT_FALSE(ended->report.system_log.empty());
}

}  // namespace
}  // namespace tradewind
