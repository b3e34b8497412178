// Kinds of load on the endpoint, and what they see: one thread with epoll, since it shares the
// machine with the broker.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/figure.h"

namespace tradewind::bench {

// --- connections
// ----------------------------------------------------------------------------------------------------

inline std::uint16_t port = 0;
inline int poller = -1;

// From one of several addresses of this machine, as clients of several machines would come.
inline int connect_from(unsigned source) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(0x7f000100U + 1 + source);  // 127.0.1.1 and on
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::perror("connecting");
    std::exit(1);
  }
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

class Peer {
 public:
  explicit Peer(unsigned source) : fd_(connect_from(source)) { watch(EPOLL_CTL_ADD, EPOLLIN); }
  virtual ~Peer() { ::close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // As much as the socket takes at once, the rest as it takes more.
  void send(std::string_view bytes) {
    if (gone_) return;
    if (!rest_.empty()) {
      rest_ += bytes;
      return;
    }
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
      gone_ = true;
      return;
    }
    rest_ = bytes.substr(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    if (rest_.empty() == all_sent_) return;
    all_sent_ = rest_.empty();
    watch(EPOLL_CTL_MOD, all_sent_ ? EPOLLIN : EPOLLIN | EPOLLOUT);
  }
  void ready(std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) send(std::exchange(rest_, {}));
    if ((events & ~std::uint32_t{EPOLLOUT}) != 0) receive();
  }
  bool gone() const { return gone_; }

 protected:
  virtual void take(std::string_view bytes) = 0;

 private:
  void watch(int how, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = this;
    if (::epoll_ctl(poller, how, fd_, &event) != 0) fail("epoll_ctl");
  }
  void receive() {
    static std::array<char, 64 * 1024> bytes;
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      gone_ = true;
      ::epoll_ctl(poller, EPOLL_CTL_DEL, fd_, nullptr);
      return;
    }
    take({bytes.data(), static_cast<std::size_t>(got)});
  }

  int fd_;
  bool gone_ = false;
  bool all_sent_ = true;
  std::string rest_;  // to be sent
};

// Serves all peers until then.
inline void serve_until(Clock::time_point end,
                        const std::function<void(Clock::time_point)>& tick = {}) {
  std::array<epoll_event, 512> events;
  for (;;) {
    const auto now = Clock::now();
    if (now >= end) return;
    if (tick) tick(now);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - now).count() + 1;
    const int count = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()),
                                   tick ? 1 : static_cast<int>(left));
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      static_cast<Peer*>(event.data.ptr)->ready(event.events);
    }
  }
}

// Asks one request after the other on one connection.
class Asker : public Peer {
 public:
  using Answered = std::function<void(Asker&, int status, std::string_view body)>;
  Asker(unsigned source, Answered answered) : Peer(source), answered_(std::move(answered)) {}

  void ask(std::string_view request) {
    asked_ = Clock::now();
    busy_ = true;
    send(request);
  }
  bool busy() const { return busy_; }
  double waited_ms() const { return microseconds(Clock::now() - asked_) / 1'000; }

 private:
  void take(std::string_view bytes) override {
    in_.append(bytes);
    const auto head = in_.find("\r\n\r\n");
    if (head == std::string::npos) return;
    const auto length = in_.find("Content-Length: ");
    const std::size_t body =
        length < head ? std::strtoull(in_.c_str() + length + 16, nullptr, 10) : 0;
    if (in_.size() < head + 4 + body) return;
    const std::string answer = std::exchange(in_, {});
    busy_ = false;
    answered_(*this, std::atoi(answer.c_str() + 9), std::string_view(answer).substr(head + 4));
  }

  Answered answered_;
  Clock::time_point asked_;
  bool busy_ = false;
  std::string in_;
};

// --- requests
// ----------------------------------------------------------------------------------------------------

inline std::string get_request(const std::string& target, const std::string& token) {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token +
         "\r\n\r\n";
}
inline std::string submit_request(const std::string& token, const std::string& type,
                                  const std::string& body) {
  return "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token +
         "\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
inline constexpr std::string_view job_document =
    R"({"name":"load","resources":{"cpus":4,"memory_mib":512},"architectures":["amd64"],)"
    R"("duration_seconds":3600,"command":["sh","-c","sleep 3600"],"tags":{"project":"bench"}})";
inline std::string submit_request(const std::string& token) {
  return submit_request(token, "application/json", std::string(job_document));
}
inline std::string batch_request(const std::string& token, std::size_t jobs) {
  std::string body;
  for (std::size_t i = 0; i < jobs; ++i) body += std::string(job_document) + "\n";
  return submit_request(token, "application/x-ndjson", body);
}
inline std::string text_after(std::string_view body, std::string_view what, char end) {
  const auto at = body.find(what);
  if (at == std::string_view::npos) return {};
  return std::string(
      body.substr(at + what.size(), body.find(end, at + what.size()) - at - what.size()));
}
inline std::string id_in(std::string_view body) {
  return text_after(body, "\"id\":\"", '"');
}

// --- figures
// ----------------------------------------------------------------------------------------------------

struct Seen {
  std::vector<double> milliseconds;
  std::size_t refused = 0;  // 429, 503, and batches in which some job was
  std::size_t failed = 0;
  // `ids` gets that of a job that was acknowledged.
  void count(const Asker& asker, int status, std::string_view body, std::vector<std::string>& ids) {
    const bool lines_refused =
        body.starts_with("{\"line\":") && body.find(",\"error\":{") != std::string_view::npos;
    if (status == 429 || status == 503 || lines_refused) {
      ++refused;
    } else if (status != 200 && status != 201) {
      ++failed;
    } else {
      milliseconds.push_back(asker.waited_ms());
      if (status == 201) ids.push_back(id_in(body));
    }
  }
  double quantile(double part) {
    if (milliseconds.empty()) return 0;
    std::ranges::sort(milliseconds);
    return milliseconds[std::min(
        milliseconds.size() - 1,
        static_cast<std::size_t>(static_cast<double>(milliseconds.size()) * part))];
  }
};

inline void print(const std::string& metric, const char* unit, double value,
                  const char* relation = nullptr, double goal = 0) {
  std::printf("{\"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", \"spread\": null, ",
              metric.c_str(), value, unit);
  if (relation == nullptr) {
    std::printf("\"goal\": null, \"holds\": null}\n");
  } else {
    const bool holds = relation[0] == '<' ? value <= goal : value >= goal;
    std::printf("\"goal\": \"%s %.10g\", \"holds\": %s}\n", relation, goal,
                holds ? "true" : "false");
  }
  std::fflush(stdout);
}

inline double resident_mib(int pid) {
  std::uint64_t pages = 0, resident = 0;
  std::FILE* const file = std::fopen(("/proc/" + std::to_string(pid) + "/statm").c_str(), "r");
  if (file == nullptr || std::fscanf(file, "%lu %lu", &pages, &resident) != 2)
    fail("the broker is gone");
  std::fclose(file);
  return static_cast<double>(resident) * 4'096 / (1 << 20);
}

// --- kinds of load
// ----------------------------------------------------------------------------------------------------

// So many requests a second over some connections; one that finds none free is left out.
class Paced {
 public:
  Paced(unsigned connections, double per_second, std::string request)
      : per_second_(per_second), request_(std::move(request)) {
    for (unsigned i = 0; i < connections; ++i) {
      askers_.push_back(
          std::make_unique<Asker>(0, [this](Asker& asker, int status, std::string_view body) {
            answered(asker, status, body);
          }));
    }
  }
  void tick(Clock::time_point now) {
    if (begun_ == Clock::time_point{}) begun_ = now;
    const auto due =
        static_cast<std::size_t>(std::chrono::duration<double>(now - begun_).count() * per_second_);
    while (sent_ < due) {
      ++sent_;
      Asker& asker = *askers_[next_++ % askers_.size()];
      if (asker.busy()) {
        ++left_out;
      } else {
        asker.ask(request_);
      }
    }
  }
  Seen seen;
  std::size_t left_out = 0;
  std::vector<std::string> ids;  // of jobs that were acknowledged

 private:
  void answered(Asker& asker, int status, std::string_view body) {
    seen.count(asker, status, body, ids);
  }
  const double per_second_;
  const std::string request_;
  std::vector<std::unique_ptr<Asker>> askers_;
  Clock::time_point begun_{};
  std::size_t sent_ = 0;
  std::size_t next_ = 0;
};

// As many requests as are answered, one at a time on each connection.
class Eager {
 public:
  Eager(unsigned connections, std::vector<std::string> requests, unsigned sources = 1)
      : requests_(std::move(requests)) {
    for (unsigned i = 0; i < connections; ++i) {
      askers_.push_back(std::make_unique<Asker>(
          1 + i % sources, [this](Asker& asker, int status, std::string_view body) {
            answered(asker, status, body);
          }));
    }
  }
  void begin() {
    for (const auto& each : askers_) each->ask(next());
  }
  // No more after those under way.
  void end() {
    ended_ = true;
    const auto patience = Clock::now() + std::chrono::seconds(20);
    while (std::ranges::any_of(askers_,
                               [](const auto& each) { return each->busy() && !each->gone(); })) {
      if (Clock::now() > patience) fail("a request was never answered");
      serve_until(Clock::now() + std::chrono::milliseconds(10));
    }
  }
  // Each request once, then it ends by itself.
  bool once = false;
  Seen seen;
  std::size_t answers = 0;
  std::vector<std::string> ids;

 private:
  const std::string& next() { return requests_[turn_++ % requests_.size()]; }
  void answered(Asker& asker, int status, std::string_view body) {
    ++answers;
    seen.count(asker, status, body, ids);
    if (ended_ || (once && turn_ >= requests_.size())) return;
    asker.ask(next());
  }
  std::vector<std::string> requests_;
  std::vector<std::unique_ptr<Asker>> askers_;
  std::size_t turn_ = 0;
  bool ended_ = false;
};

// One who follows events, and when an event came.
class Follower : public Peer {
 public:
  Follower(unsigned source, const std::string& request) : Peer(source) { send(request); }
  void wait_for(const std::string& event) {
    event_ = "id: " + event + "\n";
    came_.reset();
  }
  std::optional<Clock::time_point> came() const { return came_; }
  bool follows() const { return follows_; }

 private:
  void take(std::string_view bytes) override {
    follows_ = follows_ || bytes.starts_with("HTTP/1.1 200");
    tail_.append(bytes);
    if (!came_ && !event_.empty() && tail_.find(event_) != std::string::npos) came_ = Clock::now();
    if (tail_.size() > 32) tail_.erase(0, tail_.size() - 32);
  }
  std::string event_;
  std::optional<Clock::time_point> came_;
  std::string tail_;
  bool follows_ = false;
};

// Holds a connection open; a slow one sends a byte of a header now and then.
class Idle : public Peer {
 public:
  using Peer::Peer;

 private:
  void take(std::string_view) override {}
};

}  // namespace tradewind::bench
