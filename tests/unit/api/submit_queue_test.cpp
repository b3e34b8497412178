// Whose job is next when more are submitted than the broker has taken yet.
#include "broker/api/submit_queue.h"

#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

class SubmitQueueTest : public ::testing::Test {
 protected:
  bool enter(const std::string& tenant, std::uint64_t jobs = 1) {
    return queue_.enter(TenantId{tenant}, jobs, begin(tenant));
  }
  void enter_group(const std::string& tenant, std::uint64_t jobs) {
    queue_.enter_group(TenantId{tenant}, jobs, begin(tenant));
  }
  // The broker has answered the oldest.
  void answer() {
    const SubmitQueue::Turn first = std::move(turns.front());
    turns.pop_front();
  }
  void TearDown() override {
    while (!turns.empty()) answer();
  }

  SubmitQueue::Begin begin(const std::string& tenant) {
    return [this, tenant](SubmitQueue::Turn turn) {
      begun.push_back(tenant);
      turns.push_back(std::move(turn));
    };
  }

  SubmitQueue queue_{{.with_broker_max = 2, .tenant_max = 3, .all_max = 5}};
  std::vector<std::string> begun;
  std::deque<SubmitQueue::Turn> turns;
};

TEST_F(SubmitQueueTest, TenantsTakeTurns) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(enter("flood"));
  EXPECT_TRUE(enter("steady"));
  EXPECT_EQ(begun, (std::vector<std::string>{"flood", "flood"}));
  while (!turns.empty()) answer();
  EXPECT_EQ(begun,
            (std::vector<std::string>{"flood", "flood", "flood", "steady", "flood", "flood"}));
  EXPECT_TRUE(enter("flood"));
  EXPECT_EQ(begun.size(), 7U) << "nobody waits any more";
}

TEST_F(SubmitQueueTest, AGroupIsAsMuchAsTheJobsItBrings) {
  enter_group("flood", 10);
  for (int i = 0; i < 2; ++i) enter_group("flood", 4);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(enter("steady"));
  EXPECT_EQ(begun, std::vector<std::string>{"flood"}) << "ten are more than may be there";
  answer();
  EXPECT_EQ(begun, (std::vector<std::string>{"flood", "steady", "steady"}));
  answer();
  EXPECT_EQ(begun.size(), 4U);
  answer();
  EXPECT_EQ(begun, (std::vector<std::string>{"flood", "steady", "steady", "steady", "flood"}));
  EXPECT_TRUE(enter("steady"));
  answer();
  EXPECT_EQ(begun.size(), 5U) << "the group is there by itself";
  answer();
  EXPECT_EQ(begun.back(), "flood") << "one more fits beside the single job, which went first";
  EXPECT_EQ(begun[5], "steady");
}

TEST_F(SubmitQueueTest, TenantsBringAsManyJobsInGroupsOfAnySize) {
  enter_group("other", 2);
  for (int i = 0; i < 2; ++i) enter_group("large", 6);
  for (int i = 0; i < 6; ++i) enter_group("small", 2);
  while (!turns.empty()) answer();
  begun.erase(begun.begin());
  EXPECT_EQ(begun, (std::vector<std::string>{"small", "small", "large", "small", "small", "small",
                                             "large", "small"}));
}

TEST_F(SubmitQueueTest, WhoWaitsIsPassedByNoMoreJobsOfAnotherThanItBrings) {
  EXPECT_TRUE(enter("flood"));
  EXPECT_TRUE(enter("flood"));
  enter_group("steady", 3);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(enter("flood"));
    answer();
  }
  EXPECT_EQ(std::ranges::find(begun, "steady") - begun.begin(), 2 + 3);
}

TEST_F(SubmitQueueTest, TwoGroupsAreThereAndOneGoesWhenTheOtherIsBack) {
  SubmitQueue queue(SubmitQueue::Limits{});
  for (int i = 0; i < 4; ++i) queue.enter_group(TenantId{"flood"}, 1'000, begin("flood"));
  EXPECT_TRUE(queue.enter(TenantId{"steady"}, 1, begin("steady")));
  EXPECT_EQ(begun, (std::vector<std::string>{"flood", "flood"}));
  answer();
  EXPECT_EQ(begun, (std::vector<std::string>{"flood", "flood", "steady", "flood"}));
  answer();
  EXPECT_EQ(begun.size(), 5U);
  while (!turns.empty()) answer();
}

TEST_F(SubmitQueueTest, AnArrayCountsAsItsTasks) {
  EXPECT_TRUE(enter("flood", 100));
  EXPECT_TRUE(enter("flood", 100));
  EXPECT_TRUE(enter("steady"));
  EXPECT_TRUE(enter("steady"));
  EXPECT_EQ(begun, std::vector<std::string>{"flood"});
  answer();
  EXPECT_EQ(begun, (std::vector<std::string>{"flood", "steady", "steady"}));
}

TEST_F(SubmitQueueTest, AGroupMayWaitHoweverManySubmissionsDo) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(enter("flood"));
  EXPECT_FALSE(enter("flood"));
  enter_group("flood", 4);
  while (!turns.empty()) answer();
  EXPECT_EQ(begun.size(), 6U);
}

TEST_F(SubmitQueueTest, BoundsThoseWhoWaitOfATenantAndOfAll) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(enter("flood"));
  EXPECT_FALSE(enter("flood"));
  EXPECT_TRUE(enter("steady"));
  EXPECT_TRUE(enter("steady"));
  EXPECT_FALSE(enter("other")) << "five wait";
  answer();
  EXPECT_TRUE(enter("other"));
}

TEST_F(SubmitQueueTest, ABrokerThatRefusesAtOnceIsNotAskedOneCallDeeperForEach) {
  SubmitQueue queue({.with_broker_max = 1, .tenant_max = 300'000, .all_max = 300'000});
  SubmitQueue::Turn held;
  std::size_t refused = 0;
  const TenantId tenant{"flood"};
  queue.enter(tenant, 1, [&](SubmitQueue::Turn turn) { held = std::move(turn); });
  for (int i = 0; i < 300'000; ++i) {
    queue.enter(tenant, 1, [&](const SubmitQueue::Turn&) { ++refused; });
  }
  EXPECT_EQ(refused, 0U);
  held.reset();
  EXPECT_EQ(refused, 300'000U);
}

class TurnsTest : public EndpointTest {
 protected:
  using Clients = std::vector<std::unique_ptr<RawClient>>;
  void send(Clients& clients, std::string_view token, std::string_view body, std::string headers) {
    clients.push_back(std::make_unique<RawClient>(endpoint_->port()));
    clients.back()->send(
        request_text("POST", "/v1/jobs", body,
                     std::move(headers) + "Authorization: Bearer " + std::string(token) + "\r\n"));
    ++sent_;
  }
  // Until all that has been sent so far has come, and is in the queue: each loop answers in order,
  // and connections go to the loops in turn.
  void await_requests() {
    for (int i = 0; i < 2'000 && requests_read() < sent_ + asked_; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    for (unsigned i = 0; i < options_.threads; ++i) {
      EXPECT_EQ(get("/healthz", "").status, 200);
      ++asked_;
    }
  }

 private:
  std::size_t requests_read() {  // with those that ask
    ++asked_;
    const std::string text = get("/metrics", auditor).body;
    constexpr std::string_view name = "\ntradewind_http_requests_total ";
    return std::stoul(text.substr(text.find(name) + name.size()));
  }
  std::size_t sent_ = 0;
  std::size_t asked_ = 0;  // by the test itself
};

TEST_F(TurnsTest, ATenantsFloodWaitsAndOthersAreServedInTurn) {
  service.hold_submissions(true);
  constexpr std::string_view job = R"({"command":["true"]})";
  const auto all = static_cast<std::size_t>(SubmitQueue::Limits{}.with_broker_max);
  Clients flood, other;
  for (std::size_t i = 0; i < all + 100; ++i) send(flood, alice, job, {});
  send(other, bob, job, {});
  await_requests();
  EXPECT_EQ(service.submissions_count(), all) << "the others wait for their turn";
  service.hold_submissions(false);
  EXPECT_EQ(other.front()->read().status, 201);
  for (const auto& each : flood) EXPECT_EQ(each->read().status, 201);
  EXPECT_EQ(service.last_submission().tenant.value, "alpha") << "the other's was not the last";
}

TEST_F(TurnsTest, BatchesTakeTurnsWithTheJobsOfOthers) {
  service.hold_submissions(true);
  constexpr std::string_view job = R"({"command":["true"]})";
  std::string lines;
  for (int i = 0; i < 1'000; ++i) lines += std::string(job) + "\n";
  Clients flood, other;
  const auto send_batch = [&] {
    send(flood, alice, lines, "Content-Type: application/x-ndjson\r\n");
  };
  for (int i = 0; i < 2; ++i) send_batch();
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (service.submissions_count() < 2'000 && std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (int i = 0; i < 3; ++i) send_batch();
  await_requests();
  for (int i = 0; i < 50; ++i) send(other, bob, job, {});
  await_requests();
  EXPECT_EQ(service.submissions_count(), 2'000U) << "two groups are there, all else waits";
  service.hold_submissions(false);
  for (const auto& each : other) {
    const RawResponse response = each->read();
    EXPECT_EQ(response.status, 201);
    EXPECT_LT(std::stoul(at(parsed(response), "/log_index")), 2'050U)
        << "only the groups that were there went first";
  }
  for (const auto& each : flood) EXPECT_EQ(each->read().status, 200);
  EXPECT_EQ(service.submissions_count(), 5'050U);
}

}  // namespace
}  // namespace tradewind::testing
