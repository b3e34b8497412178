// Whose job is next when more are submitted than the broker has taken yet.
#include "broker/api/submit_queue.h"

#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

class SubmitQueueTest : public ::testing::Test {
 protected:
  bool enter(const std::string& tenant) {
    return queue_.enter(TenantId{tenant}, [this, tenant](SubmitQueue::Turn turn) {
      begun.push_back(tenant);
      turns.push_back(std::move(turn));
    });
  }
  // The broker has answered the oldest.
  void answer() {
    const SubmitQueue::Turn first = std::move(turns.front());
    turns.pop_front();
  }
  void TearDown() override {
    while (!turns.empty()) answer();
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
  queue.enter(tenant, [&](SubmitQueue::Turn turn) { held = std::move(turn); });
  for (int i = 0; i < 300'000; ++i) {
    queue.enter(tenant, [&](const SubmitQueue::Turn&) { ++refused; });
  }
  EXPECT_EQ(refused, 0U);
  held.reset();
  EXPECT_EQ(refused, 300'000U);
}

TEST_F(EndpointTest, ATenantsFloodWaitsAndOthersAreServedInTurn) {
  service.hold_submissions(true);
  constexpr std::string_view job = R"({"command":["true"]})";
  const std::size_t all = SubmitQueue::Limits{}.with_broker_max;
  std::vector<std::unique_ptr<RawClient>> flood;
  const auto submit_from = [&](std::string_view token,
                               std::vector<std::unique_ptr<RawClient>>& clients) {
    clients.push_back(std::make_unique<RawClient>(endpoint_->port()));
    clients.back()->send(request_text("POST", "/v1/jobs", job,
                                      "Authorization: Bearer " + std::string(token) + "\r\n"));
  };
  for (std::size_t i = 0; i < all + 100; ++i) submit_from(alice, flood);
  std::vector<std::unique_ptr<RawClient>> other;
  submit_from(bob, other);
  const auto requests_read = [&] {  // with those that ask
    const std::string text = get("/metrics", auditor).body;
    constexpr std::string_view name = "\ntradewind_http_requests_total ";
    return std::stoul(text.substr(text.find(name) + name.size()));
  };
  const std::size_t sent = flood.size() + other.size();
  for (std::size_t asked = 1; asked < 2'000 && requests_read() < sent + asked; ++asked) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(service.submissions_count(), all) << "the others wait for their turn";
  service.hold_submissions(false);
  EXPECT_EQ(other.front()->read().status, 201);
  for (const auto& each : flood) EXPECT_EQ(each->read().status, 201);
  EXPECT_EQ(service.last_submission().tenant.value, "alpha") << "the other's was not the last";
}

}  // namespace
}  // namespace tradewind::testing
