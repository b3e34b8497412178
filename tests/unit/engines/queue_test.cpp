// What is decided about attempts in a queue without asking one, and how gateway and nodes speak.
#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <set>

#include "gateway/engines/attempt_directory.h"
#include "gateway/engines/engine_capacity.h"
#include "gateway/engines/node_courier.h"
#include "gateway/engines/node_exchange.h"
#include "gateway/engines/queue_list.h"
#include "gateway/engines/queue_reconcile.h"
#include "gateway/engines/queue_settling.h"
#include "gateway/engines/server_contact.h"
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
}

TEST(QueueSettling, AsksTheAccountingAgainUntilItsTimeIsOver) {
  QueueInquiry inquiry;
  const QueueJob over = job(QueueState::over);
  const auto next = [&](Mono::duration later) {
    return settle(inquiry, &over, true, start + later, 30s);
  };
  EXPECT_EQ(next(0s), SettleStep::ask);
  EXPECT_EQ(next(1s), SettleStep::wait);
  inquiry.answered(start + 1s);
  EXPECT_EQ(next(2s), SettleStep::wait);
  EXPECT_EQ(next(3s), SettleStep::ask);
  // One that never answers holds nothing up.
  EXPECT_EQ(next(29s), SettleStep::wait);
  EXPECT_EQ(next(30s), SettleStep::end_untold);
}

TEST(QueueSettling, AsksNothingOfAJobThatUsedNothingOrIsHeld) {
  QueueInquiry inquiry;
  const QueueJob over = job(QueueState::over);
  const QueueJob held = job(QueueState::held);
  EXPECT_EQ(settle(inquiry, &over, false, start, 30s), SettleStep::end);
  EXPECT_EQ(settle(inquiry, &held, true, start, 30s), SettleStep::end);
  // The queue has forgotten it; its accounting may not have.
  EXPECT_EQ(settle(inquiry, nullptr, true, start, 30s), SettleStep::ask);
}

TEST(QueueSettling, AnEndSaysWhatIsKnownAndWhoWantedIt) {
  const Wall::time_point now = wall_from_ms(5'000);
  EXPECT_EQ(queue_end({}, now).code, EndCode::engine_failed);
  const EndReport lost = queue_end({.begun = true, .untold = true}, now);
  EXPECT_EQ(lost.code, EndCode::interrupted);
  EXPECT_TRUE(lost.started);
  EXPECT_EQ(lost.usage.ended, now);
  EXPECT_THAT(lost.system_log, testing::ElementsAre(HasSubstr("has not told what was used")));
  QueueJob over = job(QueueState::over);
  over.start = 1;
  over.end = 4;
  const EndReport stopped = queue_end({&over, true, EndCode::canceled}, now);
  EXPECT_EQ(stopped.code, EndCode::canceled);
  EXPECT_EQ(stopped.usage.wall_seconds, 3U);
  EXPECT_EQ(stopped.usage.ended, wall_from_ms(4'000));
}

QueueJob of_attempt(std::string attempt, QueueJob made) {
  made.attempt = std::move(attempt);
  return made;
}

TEST(QueueList, PrefersTheJobThatRunsAmongThoseOfOneAttempt) {
  QueueList list;
  const auto best = [&list](const QueueJob& a, const QueueJob& b) {
    list.put({of_attempt("j1.1", a), of_attempt("j1.1", b)});
    const std::string one = list.job("j1.1")->number;
    list.put({of_attempt("j1.1", b), of_attempt("j1.1", a)});
    EXPECT_EQ(list.job("j1.1")->number, one);
    return one;
  };
  const QueueJob late = job(QueueState::over, 2, "late");
  EXPECT_EQ(best(job(QueueState::running, 1, "runs"), late), "runs");
  EXPECT_EQ(best(job(QueueState::running, 1, "runs"), job(QueueState::waiting, 2)), "runs");
  EXPECT_EQ(best(job(QueueState::waiting, 1, "waits"), late), "waits");
  EXPECT_EQ(best(late, job(QueueState::over, 1)), "late");
  EXPECT_EQ(best(job(QueueState::over, 1, "10"), job(QueueState::over, 1, "9")), "10");
  EXPECT_EQ(list.job("j1.2"), nullptr);
  list.put({});
  EXPECT_EQ(list.job("j1.1"), nullptr);
}

TEST(QueueList, AJobOfNoAttemptIsAStrayOnceItStays) {
  QueueList list;
  list.put({of_attempt("j1.1", job(QueueState::running, 1, "1")),
            of_attempt("j2.1", job(QueueState::running, 1, "2")),
            of_attempt("j3.1", job(QueueState::over, 1, "3")),
            of_attempt("j4.1", job(QueueState::held, 1, "4"))});
  const auto strays = [&list](const std::set<std::string>& live, std::size_t count_max) {
    std::vector<std::string> numbers;
    for (const QueueJob& each : list.take_strays(live, count_max)) numbers.push_back(each.number);
    return numbers;
  };
  EXPECT_THAT(strays({"j1.1"}, 9), testing::IsEmpty());
  EXPECT_THAT(strays({"j1.1"}, 9), testing::ElementsAre("2", "4"));
  EXPECT_THAT(strays({"j1.1"}, 1), testing::ElementsAre("2"));
  EXPECT_THAT(strays({"j1.1", "j2.1"}, 9), testing::ElementsAre("4"));
  EXPECT_THAT(strays({}, 9), testing::ElementsAre("4"));
}

TEST(ServerContact, WaitsTwiceAsLongEachTimeUntilTheServerAnswers) {
  ServerContact contact("engine.slurm", "Slurm", 3s);
  EXPECT_EQ(contact.down()->field, "engine.slurm");
  const Error why{ErrorCode::maybe_delivered, "", "it hung up", ""};
  EXPECT_EQ(contact.failed(why), 3s);
  EXPECT_EQ(contact.failed(why), 6s);
  EXPECT_EQ(contact.failed(why), 10s);
  EXPECT_EQ(contact.down()->code, ErrorCode::unavailable);
  EXPECT_EQ(contact.down()->message, "it hung up");
  EXPECT_TRUE(contact.answered());
  EXPECT_FALSE(contact.answered());
  EXPECT_FALSE(contact.down());
  EXPECT_EQ(contact.failed(why), 3s);
}

TEST(EngineCapacity, FollowsAttemptsThatComeAndGo) {
  Pool pool;
  pool.nodes = 2;
  pool.node = Resources{4, 4'096, 0, 0};
  pool.unit = Resources{1, 1'024, 0, 0};
  EngineCapacity capacity{8, 4, 2, 0};
  take_units(capacity, pool, 3);
  EXPECT_EQ(capacity, (EngineCapacity{5, 4, 1, 0}));
  take_units(capacity, pool, 100);
  EXPECT_EQ(capacity, (EngineCapacity{0, 0, 0, 0}));
  capacity.wait_seconds = 60;
  give_units(capacity, pool, 2, 3);
  EXPECT_EQ(capacity, (EngineCapacity{6, 3, 0, 0}));
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

class NodeCourierTest : public NodeExchangeTest {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(scratch / "attempts");
    ASSERT_TRUE(exchange.write_ticket("j1.1", {}, told));
    courier.follow("j1.1", told);
  }
  bool until(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      io.restart();
      io.run_one_for(20ms);
    }
    return true;
  }
  bool orders_are(const NodeOrders& orders) {
    const auto read = exchange.read_orders("j1.1");
    return read && *read == orders;
  }

  const Wall::time_point now = wall_from_ms(to_ms(system_now().wall));
  const NodeOrders told{now + 1h, {}};
  std::vector<std::string> warned;
  std::vector<NodeCourier::News> news;
  Warnings warnings{[this](const std::string& text) { warned.push_back(text); }};
  boost::asio::io_context io;
  NodeCourier courier{
      io, exchange, scratch / "attempts", 10ms, 4, warnings, [this](NodeCourier::News each) {
        news.push_back(std::move(each));
      }};
};

TEST_F(NodeCourierTest, TellsANodeItsOrdersOnceTheyAreDue) {
  courier.order("j1.1", {now + 61min, {}});
  courier.order("j1.2", {now + 1h, EndCode::canceled});  // nobody's
  ASSERT_TRUE(exchange.tell_phase("j1.1", AttemptPhase::running));
  ASSERT_TRUE(until([&] { return !news.empty(); }));
  EXPECT_TRUE(orders_are(told));
  courier.order("j1.1", {now + 61min, EndCode::canceled});
  EXPECT_TRUE(until([&] { return orders_are({now + 61min, EndCode::canceled}); }));
  EXPECT_FALSE(scratch.exists("exchange/tickets/j1.2"));
}

TEST_F(NodeCourierTest, OrdersThatCannotBeWrittenAreTriedAgain) {
  std::filesystem::rename(scratch / "exchange/tickets", scratch / "exchange/away");
  const NodeOrders stop{told.lease_end, EndCode::canceled};
  courier.order("j1.1", stop);
  ASSERT_TRUE(until([&] { return !warned.empty(); }));
  std::filesystem::rename(scratch / "exchange/away", scratch / "exchange/tickets");
  EXPECT_TRUE(until([&] { return orders_are(stop); }));
  EXPECT_EQ(warned.size(), 1U);
}

TEST_F(NodeCourierTest, BringsPhasesAndEndsOnce) {
  EndReport report;
  report.code = EndCode::failed;
  const auto directory = AttemptDirectory::named(scratch / "attempts", "j1.1");
  ASSERT_TRUE(directory.create());
  ASSERT_TRUE(exchange.tell_phase("j1.1", AttemptPhase::running));
  ASSERT_TRUE(until([&] { return news.size() == 1; }));
  EXPECT_EQ(news[0].phase, AttemptPhase::running);
  EXPECT_FALSE(news[0].end);
  ASSERT_TRUE(directory.write_end(report));
  ASSERT_TRUE(exchange.tell_phase("j1.1", AttemptPhase::ended));
  ASSERT_TRUE(until([&] { return news.size() == 2; }));
  EXPECT_EQ(news[1].name, "j1.1");
  EXPECT_EQ(news[1].end->code, EndCode::failed);
}

}  // namespace
}  // namespace tradewind
