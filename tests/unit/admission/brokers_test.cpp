// Several brokers at one site: each has its own terms, attempts and fences.
#include "schemas/codec.h"
#include "tests/unit/admission/fixture.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

class BrokersTest : public AdmissionTest {
 protected:
  static AttemptId attempt_of(const NodeId& node, std::uint64_t sequence) {
    return {job_id(Sequence{sequence}, tag_of(node)), 1};
  }
  AdmissionOutput dispatch_as(const NodeId& node, const AttemptId& attempt,
                              std::uint64_t term = 1) {
    return tell_as(node, Dispatch{attempt, assignment(), 60}, term);
  }
  AdmissionOutput end(const AttemptId& attempt) {
    EndReport report;
    report.started = true;
    return keep(admission->engine_ended(attempt, report, now));
  }
  static AttemptPhase phase_in(const AdmissionOutput& output) {
    const auto status = reply<AttemptStatus>(output);
    EXPECT_TRUE(status.has_value());
    return status ? status->phase : AttemptPhase::ended;
  }
  void restart() {
    const std::vector<AttemptId> running = (start(), admission->running());
    keep(admission->adopted(running, now));
    publish(1, ppm_one);
  }

  const NodeId eu{"broker/eu-1"};
  const NodeId us{"broker/us-1"};
  const AttemptId of_eu = attempt_of(eu, 7);
  const AttemptId of_us = attempt_of(us, 7);
};

TEST_F(BrokersTest, BrokersOfDifferentTermsAreServedInTurn) {
  EXPECT_TRUE(reply<Granted>(dispatch_as(eu, of_eu, 9)));
  EXPECT_TRUE(reply<Granted>(dispatch_as(us, of_us, 2)));
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(advance(50s).stops.empty());
    EXPECT_TRUE(tell_as(eu, RenewLeases{{of_eu}, 60}, 9).replies.empty());
    EXPECT_TRUE(tell_as(us, RenewLeases{{of_us}, 60}, 2).replies.empty());
  }
  EXPECT_EQ(admission->term(eu), Term{9});
  EXPECT_EQ(admission->term(us), Term{2});
  EXPECT_EQ(admission->capacity(now)[0].units_free, 6U);
  EXPECT_EQ(admission->counters().old_terms, 0U);
}

// The broker would take a refusal for the end of what runs, and give it to another site.
TEST_F(BrokersTest, ALateCopyOfAGrantedDispatchIsNotRefusedForItsTerm) {
  EXPECT_TRUE(reply<Granted>(dispatch_as(eu, of_eu, 3)));
  tell_as(eu, AskAttempt{of_eu}, 4);
  const AdmissionOutput repeated = dispatch_as(eu, of_eu, 3);
  EXPECT_TRUE(reply<Granted>(repeated));
  EXPECT_TRUE(repeated.starts.empty());
  keep(admission->engine_phase(of_eu, AttemptPhase::running, now));
  EXPECT_EQ(phase_in(dispatch_as(eu, of_eu, 3)), AttemptPhase::running);
  EXPECT_EQ(refusal(dispatch_as(eu, attempt_of(eu, 8), 3)), RefusalCode::term);
}

TEST_F(BrokersTest, ABrokerIsDeposedByItsOwnHigherTermOnly) {
  tell_as(us, AskAttempt{attempt_of(us, 1)}, 3);
  tell_as(eu, AskAttempt{attempt_of(eu, 1)}, 8);
  EXPECT_TRUE(reply<Granted>(dispatch_as(us, of_us, 3)));
  tell_as(us, AskAttempt{attempt_of(us, 1)}, 4);
  EXPECT_EQ(refusal(dispatch_as(us, attempt_of(us, 8), 3)), RefusalCode::term);
  EXPECT_TRUE(tell_as(us, CancelAttempt{of_us}, 3).empty());
  EXPECT_TRUE(reply<Granted>(dispatch_as(eu, of_eu, 8)));
}

TEST_F(BrokersTest, AnotherBrokersMessagesChangeNothingAboutAnAttempt) {
  dispatch_as(eu, of_eu);
  const auto before = admission->find(of_eu);
  const Bytes stored = store.at("attempt/" + to_string(of_eu));
  move_to(now.mono + 10s);
  EXPECT_EQ(phase_in(tell_as(us, AskAttempt{of_eu})), AttemptPhase::unknown);
  EXPECT_EQ(phase_in(tell_as(us, RenewLeases{{of_eu}, 600})), AttemptPhase::unknown);
  const AdmissionOutput canceled = tell_as(us, CancelAttempt{of_eu});
  EXPECT_EQ(phase_in(canceled), AttemptPhase::unknown);
  EXPECT_TRUE(canceled.stops.empty());
  EXPECT_TRUE(tell_as(us, AcknowledgeEnd{of_eu}).empty());
  const auto after = admission->find(of_eu);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->lease_ends, before->lease_ends);
  EXPECT_FALSE(after->stopping);
  EXPECT_EQ(store.at("attempt/" + to_string(of_eu)), stored);
  EXPECT_TRUE(reply<Granted>(dispatch_as(eu, of_eu))) << "and its own broker is still answered";
}

TEST_F(BrokersTest, AnotherBrokerCannotAcknowledgeAnEnd) {
  dispatch_as(eu, of_eu);
  end(of_eu);
  EXPECT_TRUE(tell_as(us, AcknowledgeEnd{of_eu}).forgets.empty());
  EXPECT_FALSE(reply<AttemptEnded>(tell_as(us, CancelAttempt{of_eu})));
  EXPECT_TRUE(reply<AttemptEnded>(tell_as(eu, CancelAttempt{of_eu})));
  EXPECT_EQ(tell_as(eu, AcknowledgeEnd{of_eu}).forgets, std::vector<AttemptId>{of_eu});
}

TEST_F(BrokersTest, AskingAheadKeepsNoOtherBrokerFromItsAttempt) {
  EXPECT_EQ(phase_in(tell_as(us, AskAttempt{of_eu})), AttemptPhase::unknown);
  EXPECT_TRUE(admission->fenced(us, of_eu));
  EXPECT_FALSE(admission->fenced(eu, of_eu));
  EXPECT_TRUE(reply<Granted>(dispatch_as(eu, of_eu)));
}

TEST_F(BrokersTest, ABrokerStartsNothingUnderAnIdOfAnother) {
  EXPECT_EQ(refusal(dispatch_as(us, of_eu)), RefusalCode::invalid);
  EXPECT_TRUE(reply<Granted>(dispatch_as(eu, of_eu)));
  EXPECT_FALSE(reply<Granted>(dispatch_as(us, of_eu)));
  // Ids from before there were tags tell nothing of their broker.
  dispatch_as(eu, attempt(1));
  const AdmissionOutput twin = dispatch_as(us, attempt(1));
  EXPECT_EQ(refusal(twin), RefusalCode::invalid);
  EXPECT_TRUE(twin.starts.empty());
  EXPECT_TRUE(admission->may_ask(eu, attempt(1)));
  EXPECT_FALSE(admission->may_ask(us, attempt(1)));
  EXPECT_FALSE(admission->may_ask(us, of_eu));
  EXPECT_FALSE(admission->may_ask(us, attempt_of(eu, 99)));
}

TEST_F(BrokersTest, PhasesAndEndsGoToTheBrokerThatDispatched) {
  dispatch_as(eu, of_eu);
  dispatch_as(us, of_us);
  tell_as(us, AskAttempt{attempt_of(us, 1)}, 5);
  for (const auto& [attempt, owner] : {std::pair(of_eu, eu), std::pair(of_us, us)}) {
    const AdmissionOutput runs = keep(admission->engine_phase(attempt, AttemptPhase::running, now));
    ASSERT_EQ(runs.replies.size(), 1U);
    EXPECT_EQ(runs.replies[0].to, owner);
    const AdmissionOutput ended = end(attempt);
    ASSERT_EQ(ended.replies.size(), 1U);
    EXPECT_EQ(ended.replies[0].to, owner);
  }
  std::map<NodeId, int> told;
  for (const auto& each : advance(10s).replies) {
    ++told[each.to];
    const auto& attempt = std::get<AttemptEnded>(each.message.body).attempt;
    EXPECT_EQ(attempt, each.to == eu ? of_eu : of_us);
  }
  EXPECT_GT(told[eu], 0);
  EXPECT_GT(told[us], 0);
}

TEST_F(BrokersTest, ABrokerThatStartsAnewHearsOfItsOwnEndsAtOnce) {
  dispatch_as(eu, of_eu);
  dispatch_as(us, of_us);
  end(of_eu);
  end(of_us);
  advance(200s);
  tell_as(us, AskAttempt{attempt_of(us, 1)}, 2);
  const AdmissionOutput output = keep(admission->tick(now));
  ASSERT_EQ(output.replies.size(), 1U);
  EXPECT_EQ(output.replies[0].to, us);
}

TEST_F(BrokersTest, ARestartKeepsTermsOwnersAndFencesOfEachBroker) {
  dispatch_as(eu, of_eu, 9);
  dispatch_as(us, of_us, 2);
  tell_as(us, AskAttempt{attempt_of(us, 8)}, 2);
  tell_as(us, AskAttempt{attempt(3)}, 2);
  end(of_us);
  restart();
  EXPECT_EQ(admission->term(eu), Term{9});
  EXPECT_EQ(admission->term(us), Term{2});
  EXPECT_EQ(refusal(dispatch_as(eu, attempt_of(eu, 9), 8)), RefusalCode::term);
  EXPECT_EQ(refusal(dispatch_as(us, attempt_of(us, 8), 2)), RefusalCode::fenced);
  EXPECT_TRUE(admission->fenced(us, attempt(3)));
  EXPECT_FALSE(admission->fenced(eu, attempt(3)));
  EXPECT_EQ(phase_in(tell_as(us, AskAttempt{of_eu}, 2)), AttemptPhase::unknown);
  const AdmissionOutput output = advance(1s);
  ASSERT_EQ(output.replies.size(), 1U);
  EXPECT_EQ(output.replies[0].to, us);
  EXPECT_EQ(end(of_eu).replies.at(0).to, eu);
}

TEST_F(BrokersTest, AStoreFromBeforeTermsOfEachBrokerGoesOn) {
  dispatch_as(eu, attempt(1), 6);
  tell_as(eu, AskAttempt{attempt(2)}, 6);
  // As it was written then.
  store.erase("term/broker/eu-1");
  store["term"] = "6 broker/eu-1";
  const std::string fence = "fence/" + to_string(attempt(2));
  store[fence] = store.at(fence + "/broker/eu-1");
  store.erase(fence + "/broker/eu-1");
  restart();
  EXPECT_EQ(store.count("term"), 0U);
  EXPECT_EQ(store.at("term/broker/eu-1"), "6");
  EXPECT_EQ(store.count(fence), 0U);
  EXPECT_EQ(refusal(dispatch_as(eu, attempt(9), 5)), RefusalCode::term);
  EXPECT_EQ(refusal(dispatch_as(eu, attempt(2), 6)), RefusalCode::fenced);
  EXPECT_TRUE(reply<Granted>(dispatch_as(eu, attempt(1), 6)));
  EXPECT_TRUE(reply<Granted>(dispatch_as(us, of_us, 1))) << "another broker's low term is its own";
  EXPECT_EQ(end(attempt(1)).replies.at(0).to, eu);
  tell_as(eu, AcknowledgeEnd{attempt(1)}, 6);
  end(of_us);
  tell_as(us, AcknowledgeEnd{of_us});
  advance(std::chrono::seconds(fence_seconds_default + 1));
  EXPECT_EQ(store.size(), 2U) << "only the terms are left";
}

TEST_F(BrokersTest, OneBrokerTooManyIsToldSo) {
  for (std::size_t i = 0; i < limits::brokers_max; ++i) {
    tell_as(broker_node(std::to_string(i)), AskAttempt{attempt(1)});
  }
  const AdmissionOutput output = dispatch_as(eu, of_eu);
  EXPECT_EQ(refusal(output), RefusalCode::policy);
  EXPECT_NE(reply<Refused>(output)->detail.find("256 brokers"), std::string::npos);
  EXPECT_TRUE(output.writes.empty());
  EXPECT_TRUE(tell_as(eu, AskAttempt{of_eu}).empty());
  EXPECT_EQ(admission->term(eu), Term{});
  EXPECT_FALSE(refusal(tell_as(broker_node("7"), AskAttempt{attempt(2)})));
  EXPECT_TRUE(reply<Granted>(dispatch_as(broker_node("7"), attempt(4))));
}

}  // namespace
}  // namespace tradewind
