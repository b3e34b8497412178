// What a service that breaks off hears of a call.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "gateway/engines/http_client.h"

namespace tradewind {
namespace {

// Answers GET and keeps the connection; takes a POST and closes it without a word.
class BreakingServer {
 public:
  BreakingServer() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    ::listen(listener_, 8);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~BreakingServer() {
    over_ = true;
    thread_.join();
    ::close(listener_);
  }

  std::string url() const { return fmt::format("http://127.0.0.1:{}/tasks", port); }
  std::uint16_t port = 0;
  std::atomic<int> posts = 0;

 private:
  void serve() {
    std::vector<pollfd> open{{listener_, POLLIN, 0}};
    while (!over_) {
      ::poll(open.data(), open.size(), 20);
      for (std::size_t i = open.size(); i-- > 1;) {
        if (open[i].revents == 0 || answer(open[i].fd)) continue;
        ::close(open[i].fd);
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (open[0].revents != 0) open.push_back({::accept(listener_, nullptr, nullptr), POLLIN, 0});
    }
    for (std::size_t i = 1; i < open.size(); ++i) ::close(open[i].fd);
  }
  bool answer(int connection) {
    std::array<char, 4096> chunk{};
    const ssize_t got = ::recv(connection, chunk.data(), chunk.size(), 0);
    if (got <= 0) return false;
    if (chunk[0] == 'P') {
      ++posts;
      return false;
    }
    const std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    ::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
    return true;
  }

  int listener_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

TEST(HttpClient, SendsAPostOnceThoughAKeptConnectionBreaks) {
  BreakingServer server;
  HttpClient client({});
  for (int number = 1; number <= 3; ++number) {
    ASSERT_TRUE(client.call("GET", server.url(), {}));
    const auto answer = client.call("POST", server.url(), {}, "{}");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::maybe_delivered);
    EXPECT_EQ(server.posts, number);
  }
}

TEST(HttpClient, TellsWhatNeverLeft) {
  std::string url;
  {
    const BreakingServer gone;
    url = gone.url();
  }
  HttpClient client({});
  const auto answer = client.call("POST", url, {}, "{}");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace tradewind
