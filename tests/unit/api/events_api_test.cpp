// Events over real sockets, as they are published from a real journal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include "tests/unit/api/endpoint_fixture.h"
#include "tests/unit/audit/sample_log.h"

namespace tradewind::testing {
namespace {

constexpr std::uint64_t kEntriesFirst = 80;  // entries that are there at first

// One who follows.
class Follower {
 public:
  Follower(std::uint16_t port, std::string_view token, std::string_view query = "",
           std::string_view headers = "", int receive_bytes = 0)
      : client_(port, "127.0.0.1", receive_bytes) {
    client_.send(request_text("GET", "/v1/events" + std::string(query), {},
                              "Accept: text/event-stream\r\nAuthorization: Bearer " +
                                  std::string(token) + "\r\n" + std::string(headers)));
    head = client_.read(true);
  }
  // The next event with data or comment, as its lines; empty when the stream has ended.
  std::string next() {
    std::size_t end;
    while ((end = text_.find("\n\n")) == std::string::npos) {
      if (!read_chunk()) return {};
    }
    const std::string event = text_.substr(0, end);
    text_.erase(0, end + 2);
    return event;
  }
  // The ids of the next events, in order.
  std::vector<std::uint64_t> ids(std::size_t count) {
    std::vector<std::uint64_t> found;
    while (found.size() < count) {
      const std::string event = next();
      if (!event.starts_with("id: ")) {
        ADD_FAILURE() << "came instead: " << event;
        break;
      }
      found.push_back(std::stoull(event.substr(4)));
    }
    return found;
  }
  bool ended_properly() const { return ended_properly_; }

  RawResponse head;

 private:
  bool more() {
    const std::string bytes = client_.read_some();
    raw_ += bytes;
    return !bytes.empty();
  }
  bool read_chunk() {
    std::size_t line;
    while ((line = raw_.find("\r\n")) == std::string::npos) {
      if (!more()) return false;
    }
    const std::size_t size = std::stoul(raw_.substr(0, line), nullptr, 16);
    while (raw_.size() < line + 2 + size + 2) {
      if (!more()) return false;
    }
    text_ += raw_.substr(line + 2, size);
    raw_.erase(0, line + 2 + size + 2);
    ended_properly_ = size == 0;
    return size > 0;
  }

  RawClient client_;
  std::string raw_;
  std::string text_;
  bool ended_properly_ = false;
};

class EventsApiTest : public EndpointTest {
 protected:
  void SetUp() override {
    sample::make_log(store_.path(), kEntriesFirst);
    journal_ = sample::open(store_.path());
    published_.emplace(
        *journal_, journal_->log(), leaves_,
        VerifierKey{sample::kOrigin, KeyType::ed25519, sample::log_key().public_key()});
    log_ = &*published_;
    auto writer = sample::recover(*journal_);
    ASSERT_TRUE(writer) << describe(writer.error());
    writer_.emplace(std::move(*writer));
    show();
    EndpointTest::SetUp();
    physicist =
        issue_token(options_.tokens_file, "ada", Role::user, TenantId{"physics"}, {}).value();
    again();
  }
  void TearDown() override { endpoint_.reset(); }
  void again() {
    endpoint_.reset();
    start();
  }
  void show() {
    published_->show({*writer_->checkpoint(), writer_->cosigned_note(), system_now().wall, 0});
  }
  // Publishes entries until there are so many.
  void publish(std::uint64_t size) {
    sample::grow(*journal_, size);
    sample::publish(*writer_);
    show();
  }
  std::uint16_t port() const { return endpoint_->port(); }
  std::string metric(const std::string& name) {
    const std::string text = get("/metrics", auditor).body;
    const std::string line = "\ntradewind_event_" + name + " ";
    const auto at = text.find(line);
    return at == std::string::npos
               ? "(absent)"
               : text.substr(at + line.size(), text.find('\n', at + 1) - at - line.size());
  }
  static std::vector<std::uint64_t> from_to(std::uint64_t first, std::uint64_t end) {
    std::vector<std::uint64_t> all;
    while (first < end) all.push_back(first++);
    return all;
  }

  sample::TemporaryDirectory store_;
  std::unique_ptr<Journal> journal_;
  const LeafWriter& leaves_ = sample::leaf_writer();
  std::optional<PublishedLog> published_;
  std::optional<LogWriter> writer_;
  std::string physicist;
};

TEST_F(EventsApiTest, EventsComeAsTheyArePublishedWithTheBytesOfTheLog) {
  Follower follower(port(), auditor);
  ASSERT_EQ(follower.head.status, 200);
  EXPECT_EQ(follower.head.headers["content-type"], "text/event-stream");
  publish(kEntriesFirst + 5);
  const Bytes event =
      leaves_.write(Sequence{kEntriesFirst + 1}, sample::log_entry(kEntriesFirst + 1)).event;
  EXPECT_EQ(follower.next(), fmt::format("id: {}\ndata: {}", kEntriesFirst, event));
  EXPECT_EQ(follower.ids(4), from_to(kEntriesFirst + 1, kEntriesFirst + 5));
}

TEST_F(EventsApiTest, AFollowerGoesOnAfterTheLastEventThatCame) {
  Follower follower(port(), auditor, "", "Last-Event-ID: 10\r\n");
  EXPECT_EQ(follower.ids(kEntriesFirst - 11), from_to(11, kEntriesFirst));
  publish(kEntriesFirst + 300);
  EXPECT_EQ(follower.ids(300), from_to(kEntriesFirst, kEntriesFirst + 300));
  for (const char* wrong : {"900", "x", "-1"}) {
    EXPECT_EQ(
        call("GET", "/v1/events", auditor, {}, "Last-Event-ID: " + std::string(wrong) + "\r\n")
            .status,
        400);
  }
}

TEST_F(EventsApiTest, ATenantFollowsItsOwnJobsAndNothingElse) {
  const auto told = [&](const std::string& cursor) {
    const json::value page =
        parsed(get("/v1/audit/entries?limit=1000&cursor=" + cursor, physicist));
    std::vector<std::uint64_t> indices;
    for (const json::value& each : page.at("entries").as_array()) {
      indices.push_back(each.at("index").to_number<std::uint64_t>());
    }
    return indices;
  };
  const std::vector<std::uint64_t> own = told("0");
  ASSERT_EQ(own.front(), 0U);
  Follower old(port(), physicist, "", "Last-Event-ID: 0\r\n");
  EXPECT_EQ(old.ids(own.size() - 1), std::vector(own.begin() + 1, own.end()));
  Follower now(port(), physicist);
  publish(kEntriesFirst + 200);
  const std::vector<std::uint64_t> later = told(std::to_string(kEntriesFirst));
  ASSERT_GT(later.size(), 20U);
  ASSERT_LT(later.size(), 150U);
  EXPECT_EQ(now.ids(later.size()), later);
  EXPECT_EQ(old.ids(later.size()), later);
  EXPECT_EQ(get("/v1/events", centre).status, 403);
  EXPECT_EQ(get("/v1/events", "").status, 401);
}

TEST_F(EventsApiTest, TheEventsOfAJobEndWithIt) {
  JobRecord job;
  job.job = job_id(Sequence{33});
  job.tenant = TenantId{"physics"};
  job.state = JobState::running;
  service.put(job);
  EXPECT_EQ(get("/v1/events?job=" + job.job.value, alice).status, 404);
  EXPECT_EQ(get("/v1/events?job=j0000000000077", physicist).status, 404);
  Follower follower(port(), physicist, "?job=" + job.job.value);
  EXPECT_EQ(follower.ids(7), from_to(32, 39));
  service.change(job.job, [](JobRecord& each) { each.state = JobState::succeeded; });
  const std::string last = follower.next();
  EXPECT_THAT(last, ::testing::StartsWith("event: end\ndata: "));
  EXPECT_THAT(last, ::testing::HasSubstr(R"("reason":"ended")"));
  EXPECT_EQ(follower.next(), "");
  EXPECT_TRUE(follower.ended_properly());
}

TEST_F(EventsApiTest, WhileNothingHappensCommentsComeAndThoseWhoLeftAreForgotten) {
  options_.events.heartbeat = std::chrono::milliseconds(50);
  again();
  {
    Follower follower(port(), auditor);
    EXPECT_EQ(follower.next(), ":");
    EXPECT_EQ(follower.next(), ":");
    EXPECT_EQ(metric("followers"), "1");
  }
  for (int i = 0; i < 500 && metric("followers") != "0"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(metric("followers"), "0");
  EXPECT_EQ(metric("followers_cut_total"), "0");
}

TEST_F(EventsApiTest, WhoFallsFarBehindIsToldSoAndGoesOnByTheId) {
  options_.events.kept_bytes_max = 2'000'000;             // more than one publication has
  options_.http.write_timeout = std::chrono::minutes(5);  // it is behind, not cut for its slowness
  again();
  Follower slow(port(), auditor, "", "", 4'096);
  Follower quick(port(), auditor);
  // More than the sockets hold.
  constexpr std::uint64_t all = 20'000;
  for (std::uint64_t size = 1'000; size <= all; size += 1'000) {
    publish(size);
    quick.ids(size == 1'000 ? size - kEntriesFirst : 1'000);
  }
  std::uint64_t next = kEntriesFirst;
  std::string event;
  while ((event = slow.next()).starts_with("id: ")) {
    EXPECT_EQ(std::stoull(event.substr(4)), next++);
  }
  EXPECT_LT(next, all);
  EXPECT_THAT(event, ::testing::StartsWith("event: end\n"));
  EXPECT_THAT(event, ::testing::HasSubstr(R"("reason":"behind")"));
  EXPECT_EQ(slow.next(), "");
  EXPECT_TRUE(slow.ended_properly());
  EXPECT_EQ(metric("followers_cut_total"), "1");
  Follower back(port(), auditor, "", fmt::format("Last-Event-ID: {}\r\n", next - 1));
  EXPECT_EQ(back.ids(all - next), from_to(next, all));
}

TEST_F(EventsApiTest, WhenTheBrokerStopsFollowersAreToldSo) {
  Follower follower(port(), auditor);
  Follower other(port(), physicist, "", "Last-Event-ID: 0\r\n");
  other.ids(5);
  endpoint_->stop();
  const std::string last = follower.next();
  EXPECT_THAT(last, ::testing::StartsWith("event: end\n"));
  EXPECT_THAT(last, ::testing::HasSubstr(R"("reason":"stopping")"));
  EXPECT_EQ(follower.next(), "");
  EXPECT_TRUE(follower.ended_properly());
}

TEST_F(EventsApiTest, ThereAreNoMoreFollowersThanMayBe) {
  options_.events.followers_max = 1;
  again();
  const Follower first(port(), auditor);
  EXPECT_EQ(get("/v1/events", auditor).status, 429);
}

TEST_F(EventsApiTest, WhatCannotBeFollowedIsRefused) {
  EXPECT_EQ(call("GET", "/v1/events", auditor, {}, "Accept: text/csv\r\n").status, 400);
  EXPECT_EQ(get("/v1/events?state=running", auditor).status, 400);
  EXPECT_EQ(get("/v1/events?after=yesterday", auditor).status, 400);
}

}  // namespace
}  // namespace tradewind::testing
