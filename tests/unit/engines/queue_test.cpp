// What is decided about attempts in a queue without asking one, and how gateway and nodes speak.
#include <gmock/gmock.h>

#include "gateway/engines/node_exchange.h"
#include "gateway/engines/queue_reconcile.h"
#include "tests/unit/staging/scratch.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto start = Mono::time_point(1000s);

QueueJob job(QueueState state, std::int64_t submitted = 1, std::string number = "1") {
  QueueJob made;
  made.number = std::move(number);
  made.state = state;
  made.submitted = submitted;
  return made;
}

QueueStep step(const QueueStanding& standing, const QueueJob* seen,
               Mono::time_point asked = start + 1h) {
  return reconcile(standing, seen, asked, asked, 15s);
}

TEST(QueueReconcile, LeavesAJobAloneThatWaitsOrRuns) {
  const QueueJob waits = job(QueueState::waiting);
  const QueueJob runs = job(QueueState::running);
  EXPECT_EQ(step({}, &waits), QueueStep::wait);
  EXPECT_EQ(step({.begun = true}, &runs), QueueStep::wait);
}

TEST(QueueReconcile, ConcludesNothingFromAListThatIsOlderThanTheAnswerToTheSubmission) {
  EXPECT_EQ(step({.submitting = true}, nullptr), QueueStep::wait);
  EXPECT_EQ(step({.submitted = start, .missed = start}, nullptr, start), QueueStep::wait);
  EXPECT_EQ(step({.submitted = start}, nullptr, start + 1ms), QueueStep::look);
}

TEST(QueueReconcile, SubmitsAgainWhatTheQueueHasLostBeforeItBegan) {
  EXPECT_EQ(step({.submitted = start, .missed = start}, nullptr), QueueStep::resubmit);
  // Not as fast as the queue loses it.
  EXPECT_EQ(step({.submitted = start, .submissions = 3, .missed = start}, nullptr, start + 5s),
            QueueStep::wait);
}

TEST(QueueReconcile, NeverSubmitsAgainWhatHasBegun) {
  const QueueStanding begun{.submitted = start, .begun = true, .missed = start};
  EXPECT_EQ(step(begun, nullptr, start + 14s), QueueStep::look);
  EXPECT_EQ(step(begun, nullptr, start + 15s), QueueStep::give_up);
}

TEST(QueueReconcile, LooksForTheEndOfAJobThatIsOverBeforeItGivesItUp) {
  const QueueJob over = job(QueueState::over);
  EXPECT_EQ(step({.submitted = start}, &over, start + 1s), QueueStep::look);
  EXPECT_EQ(step({.submitted = start, .missed = start}, &over, start + 14s), QueueStep::look);
  EXPECT_EQ(step({.submitted = start, .missed = start}, &over, start + 15s), QueueStep::give_up);
}

TEST(QueueReconcile, PrefersTheJobThatRunsAmongThoseOfOneAttempt) {
  EXPECT_TRUE(better_job(job(QueueState::running, 1), job(QueueState::over, 2)));
  EXPECT_TRUE(better_job(job(QueueState::running, 1), job(QueueState::waiting, 2)));
  EXPECT_TRUE(better_job(job(QueueState::waiting, 1), job(QueueState::over, 2)));
  EXPECT_TRUE(better_job(job(QueueState::over, 2), job(QueueState::over, 1)));
}

TEST(QueueReconcile, WhatTheQueueHoldsIsGivenUpUnlessItIsLetGoSoon) {
  const QueueJob held = job(QueueState::held);
  EXPECT_EQ(step({.submitted = start}, &held, start + 1s), QueueStep::look);
  EXPECT_EQ(step({.submitted = start, .missed = start}, &held, start + 14s), QueueStep::look);
  EXPECT_EQ(step({.submitted = start, .missed = start}, &held, start + 15s), QueueStep::give_up);
}

TEST(QueueReconcile, GivesUpWhatNeverBeginsHoweverOftenItIsSubmitted) {
  const QueueStanding often{
      .submitted = start, .submissions = queue_submissions_max, .missed = start};
  EXPECT_EQ(step(often, nullptr), QueueStep::give_up);
  EXPECT_EQ(queue_end(nullptr, false).code, EndCode::engine_failed);
  EXPECT_EQ(queue_end(nullptr, true).code, EndCode::interrupted);
}

TEST(NodeOrders, TellANodeOfARenewalOnceItAddsMoreThanIsLeft) {
  const Wall::time_point now = wall_from_ms(1'000'000);
  const auto until = [now](std::chrono::seconds left) { return NodeOrders{now + left, {}}; };
  EXPECT_FALSE(due(until(60s), until(40s), now));
  EXPECT_TRUE(due(until(60s), until(20s), now));
  // No more renewals came: the one that waited.
  EXPECT_FALSE(due(until(40s), until(20s), now));
  EXPECT_TRUE(due(until(39s), until(19s), now));
  EXPECT_FALSE(due(until(20s), until(20s), now));
}

TEST(NodeOrders, AreToldAtOnceWhereTheyAreMoreThanARenewal) {
  const Wall::time_point now = wall_from_ms(1'000'000);
  const NodeOrders sent{now + 40s, {}};
  EXPECT_TRUE(due({now + 60s, EndCode::canceled}, sent, now));
  EXPECT_TRUE(due({now + 39s, {}}, sent, now));
  EXPECT_TRUE(due({std::nullopt, {}}, sent, now));
  EXPECT_TRUE(due({now + 60s, {}}, {}, now));
  EXPECT_FALSE(due({}, {}, now));
}

class NodeExchangeTest : public testing::Test {
 protected:
  NodeExchangeTest() { EXPECT_TRUE(exchange.create()); }
  test::Scratch scratch;
  NodeExchange exchange{scratch / "exchange"};
};

TEST_F(NodeExchangeTest, CarriesTicketsOrdersPhasesAndSettings) {
  NodeTicket ticket{{JobId{"j0000000000001"}, 2}, {}};
  ticket.assignment.tenant = TenantId{"tenant"};
  ticket.assignment.run_seconds_max = 60;
  ticket.assignment.units = 1;
  ticket.assignment.executors.resize(1);
  ticket.assignment.executors[0].command = {"true"};
  ticket.assignment.pool = PoolId{"pool"};
  ticket.assignment.env = {{"A", "b"}};
  NodeOrders orders;
  orders.lease_end = wall_from_ms(123'456);
  ASSERT_TRUE(exchange.write_ticket("j1.2", ticket, orders));
  const auto same = exchange.read_ticket("j1.2");
  ASSERT_TRUE(same) << describe(same.error());
  EXPECT_EQ(same->assignment, ticket.assignment);
  EXPECT_EQ(exchange.read_orders("j1.2").value(), orders);
  orders.stop = EndCode::canceled;
  ASSERT_TRUE(exchange.write_orders("j1.2", orders));
  EXPECT_EQ(exchange.read_orders("j1.2").value(), orders);
  EXPECT_EQ(exchange.read_phase("j1.2"), std::nullopt);
  ASSERT_TRUE(exchange.tell_phase("j1.2", AttemptPhase::running));
  EXPECT_EQ(exchange.take_news(), std::vector<std::string>{"j1.2"});
  EXPECT_TRUE(exchange.take_news().empty());
  EXPECT_EQ(exchange.read_phase("j1.2"), AttemptPhase::running);
  ProcessEngineOptions options;
  options.attempts_directory = "/shared/attempts";
  options.sandbox = SandboxMode::none;
  options.pools = {{PoolId{"pool"}, Architecture::arm64}};
  options.staging.file_read_roots = {"/data"};
  options.staging.files_max = 7;
  options.stop_grace = 3s;
  ASSERT_TRUE(exchange.write_settings(options));
  const auto read = exchange.read_settings();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->attempts_directory, options.attempts_directory);
  EXPECT_EQ(read->sandbox, SandboxMode::none);
  EXPECT_EQ(read->pools, options.pools);
  EXPECT_EQ(read->staging.file_read_roots, options.staging.file_read_roots);
  EXPECT_EQ(read->staging.files_max, 7U);
  EXPECT_EQ(read->stop_grace, 3s);
}

TEST_F(NodeExchangeTest, WritesOrdersInPlaceAndSeesThoseThatAreHalfWritten) {
  const std::string file = "exchange/tickets/j1.1/orders";
  ASSERT_TRUE(exchange.write_ticket("j1.1", {{JobId{"j1"}, 1}, {}}, {wall_from_ms(123'456), {}}));
  const std::string before = scratch.read(file);
  const NodeOrders orders{wall_from_ms(1'795'668'942'115), EndCode::canceled};
  ASSERT_TRUE(exchange.write_orders("j1.1", orders));
  const std::string after = scratch.read(file);
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t written = 1; written < after.size(); ++written) {
    const std::string torn = after.substr(0, written) + before.substr(written);
    scratch.write(file, torn);
    const auto read = exchange.read_orders("j1.1");
    if (torn != before && torn != after) EXPECT_FALSE(read) << torn;
  }
  scratch.write(file, "123456 -1\n");  // of a gateway of before
  EXPECT_EQ(exchange.read_orders("j1.1").value(), (NodeOrders{wall_from_ms(123'456), {}}));
  ASSERT_TRUE(exchange.write_orders("j1.1", orders));
  EXPECT_EQ(exchange.read_orders("j1.1").value(), orders);
  EXPECT_FALSE(exchange.write_orders("j2.1", orders));
}

TEST_F(NodeExchangeTest, RefusesWhatNoGatewayWrites) {
  for (const char* text : {"", "x", "1", "1 99", "-7 1", "99999999999999999999 1", "{}"}) {
    scratch.write("exchange/tickets/j1.1/orders", text);
    EXPECT_FALSE(exchange.read_orders("j1.1")) << text;
    scratch.write("exchange/tickets/j1.1/ticket", text);
    EXPECT_FALSE(exchange.read_ticket("j1.1")) << text;
    scratch.write("exchange/settings", text);
    EXPECT_FALSE(exchange.read_settings()) << text;
  }
}

}  // namespace
}  // namespace tradewind
