// Load on the endpoint of a running broker: polls beside submits, many followers of events, idle
// and slow connections, overload. One thread with epoll, since it shares the machine with the
// broker. Prints JSON lines.
//
//   bench_endpoint PORT BROKER_PID STEADY_TOKEN FLOOD_TOKEN AUDITOR_TOKEN [--quick] [PART…]
//
// The first two tokens are users of different tenants. Parts: polls, followers, idle, overload; all
// when none is given.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
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
namespace {

// --- connections
// ----------------------------------------------------------------------------------------------------

std::uint16_t port = 0;
int poller = -1;

// From one of several addresses of this machine, as clients of several machines would come.
int connect_from(unsigned source) {
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
  explicit Peer(unsigned source) : fd_(connect_from(source)) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = this;
    if (::epoll_ctl(poller, EPOLL_CTL_ADD, fd_, &event) != 0) fail("epoll_ctl");
  }
  virtual ~Peer() { ::close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // What is sent here is smaller than what a socket takes at once.
  void send(std::string_view bytes) {
    if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size())) {
      gone_ = true;
    }
  }
  void readable() {
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
  bool gone() const { return gone_; }

 protected:
  virtual void take(std::string_view bytes) = 0;

 private:
  int fd_;
  bool gone_ = false;
};

// Serves all peers until then.
void serve_until(Clock::time_point end, const std::function<void(Clock::time_point)>& tick = {}) {
  std::array<epoll_event, 512> events;
  for (;;) {
    const auto now = Clock::now();
    if (now >= end) return;
    if (tick) tick(now);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - now).count() + 1;
    const int count = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()),
                                   tick ? 1 : static_cast<int>(left));
    for (int i = 0; i < count; ++i) {
      static_cast<Peer*>(events[static_cast<std::size_t>(i)].data.ptr)->readable();
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

std::string get_request(const std::string& target, const std::string& token) {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token +
         "\r\n\r\n";
}
std::string submit_request(const std::string& token) {
  const std::string body =
      R"({"name":"load","resources":{"cpus":4,"memory_mib":512},"architectures":["amd64"],)"
      R"("duration_seconds":3600,"command":["sh","-c","sleep 3600"],"tags":{"project":"bench"}})";
  return "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
std::string text_after(std::string_view body, std::string_view what, char end) {
  const auto at = body.find(what);
  if (at == std::string_view::npos) return {};
  return std::string(
      body.substr(at + what.size(), body.find(end, at + what.size()) - at - what.size()));
}
std::string id_in(std::string_view body) {
  return text_after(body, "\"id\":\"", '"');
}

// --- figures
// ----------------------------------------------------------------------------------------------------

struct Seen {
  std::vector<double> milliseconds;
  std::size_t refused = 0;  // 429, 503
  std::size_t failed = 0;
  // `ids` gets that of a job that was acknowledged.
  void count(const Asker& asker, int status, std::string_view body, std::vector<std::string>& ids) {
    if (status == 429 || status == 503) {
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

void print(const std::string& metric, const char* unit, double value,
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

double resident_mib(int pid) {
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

struct Setting {
  int pid = 0;
  std::string steady, flood, auditor;
  bool quick = false;
};
std::chrono::seconds seconds_of(int count) {
  return std::chrono::seconds(count);
}

// --- the parts
// ----------------------------------------------------------------------------------------------------

void polls(const Setting& at) {
  Eager first(16, {submit_request(at.steady)});
  first.begin();
  while (first.ids.size() < 1'000) serve_until(Clock::now() + std::chrono::milliseconds(20));
  first.end();
  for (const bool tes : {true, false}) {
    std::vector<std::string> requests;
    for (const std::string& each : first.ids) {
      requests.push_back(get_request(
          tes ? "/ga4gh/tes/v1/tasks/" + each + "?view=MINIMAL" : "/v1/jobs/" + each, at.steady));
    }
    std::vector<double> rates, tails, submits, submit_tails;
    for (int round = 0; round < (at.quick ? 2 : 5); ++round) {
      Paced paced(256, 5'000, submit_request(at.steady));
      Eager eager(64, requests);
      eager.begin();
      serve_until(Clock::now() + seconds_of(1), [&](auto now) { paced.tick(now); });
      eager.seen = {};
      eager.answers = 0;
      paced.seen = {};
      const auto begin = Clock::now();
      serve_until(begin + seconds_of(at.quick ? 2 : 5), [&](auto now) { paced.tick(now); });
      const double took = microseconds(Clock::now() - begin) / 1e6;
      rates.push_back(static_cast<double>(eager.seen.milliseconds.size()) / took);
      submits.push_back(static_cast<double>(paced.seen.milliseconds.size()) / took);
      tails.push_back(eager.seen.quantile(0.99));
      submit_tails.push_back(paced.seen.quantile(0.99));
      if (eager.seen.failed + paced.seen.failed > 0) fail("a poll or a submit failed");
      eager.end();
    }
    const std::string name = tes ? "polls of TES, MINIMAL" : "polls of GET /v1/jobs/ID";
    const auto row = [&](const std::string& metric, const char* unit, std::vector<double> values,
                         const char* relation, double goal) {
      std::ranges::sort(values);
      const double median = values[values.size() / 2];
      print(name + metric, unit, median, relation, goal);
    };
    row(", 64 connections", "1/s", rates, ">=", 40'000);
    row(": p99", "ms", tails, nullptr, 0);
    row(": submits meanwhile", "1/s", submits, ">=", 4'900);
    row(": p99 of those", "ms", submit_tails, nullptr, 0);
  }
}

void followers(const Setting& at) {
  const unsigned count = at.quick ? 2'000 : 10'000;
  const double before = resident_mib(at.pid);
  std::vector<std::unique_ptr<Follower>> all;
  const std::string request = get_request("/v1/events", at.auditor);
  for (unsigned i = 0; i < count; ++i) {
    all.push_back(std::make_unique<Follower>(10 + i / 2'000, request));
    if (i % 200 == 199) serve_until(Clock::now() + std::chrono::milliseconds(20));
  }
  serve_until(Clock::now() + seconds_of(2));
  const auto follow = static_cast<unsigned>(std::ranges::count_if(
      all, [](const auto& each) { return each->follows() && !each->gone(); }));
  print("followers", "", follow, ">=", count);
  Seen seen;
  std::size_t missed = 0;
  std::string index;
  Clock::time_point durable;
  Asker submitter(0, [&](Asker&, int status, std::string_view body) {
    if (status != 201) fail("a submit failed");
    durable = Clock::now();
    index = text_after(body, "\"log_index\":", '}');
    index = index.substr(0, index.find(','));
    for (const auto& each : all) each->wait_for(index);
  });
  for (int round = 0; round < (at.quick ? 5 : 40); ++round) {
    submitter.ask(submit_request(at.steady));
    serve_until(Clock::now() + std::chrono::milliseconds(900));
    for (const auto& each : all) {
      if (each->came()) {
        seen.milliseconds.push_back(microseconds(*each->came() - durable) / 1'000);
      } else {
        ++missed;
      }
    }
  }
  const std::string name =
      "an event at " + std::to_string(count) + " followers, after it is durable";
  print(name + ": p50", "ms", seen.quantile(0.5));
  print(name + ": p99", "ms", seen.quantile(0.99), "<=", 500);
  print(name + ": later than 0.9 s, or never", "", static_cast<double>(missed), "<=", 0);
  print("memory of a follower", "KiB", (resident_mib(at.pid) - before) * 1'024 / count);
}

// What others see: polls and submits at a steady pace.
struct Others {
  explicit Others(const Setting& at)
      : polls(16, 500, get_request("/v1/jobs?limit=10", at.steady)),
        submits(64, 500, submit_request(at.steady)) {}
  void tick(Clock::time_point now) {
    polls.tick(now);
    submits.tick(now);
  }
  Paced polls, submits;
};
struct Tails {
  double poll, submit;
};
Tails others_for(Others& others, std::chrono::seconds time,
                 const std::function<void(Clock::time_point)>& more = {}) {
  others.polls.seen = others.submits.seen = {};
  others.polls.left_out = others.submits.left_out = 0;
  serve_until(Clock::now() + time, [&](auto now) {
    others.tick(now);
    if (more) more(now);
  });
  if (others.polls.seen.failed + others.submits.seen.failed > 0) fail("a request of others failed");
  // Of those of which more than one in a hundred found no connection free, nobody knows it.
  const auto tail = [](Paced& each) {
    const bool starved = each.left_out * 100 >= each.seen.milliseconds.size() + each.left_out;
    return starved ? 1e6 : each.seen.quantile(0.99);
  };
  return {tail(others.polls), tail(others.submits)};
}

void idle(const Setting& at) {
  const unsigned count = at.quick ? 2'000 : 10'000;
  const unsigned slow_count = at.quick ? 200 : 1'000;
  const int time = at.quick ? 3 : 20;
  Others others(at);
  others_for(others, seconds_of(1));
  const Tails before = others_for(others, seconds_of(time));
  const double memory = resident_mib(at.pid);
  std::vector<std::unique_ptr<Idle>> all, slow;
  for (unsigned i = 0; i < count; ++i) {
    all.push_back(std::make_unique<Idle>(10 + i / 2'000));
    all.back()->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    if (i % 200 == 199)
      serve_until(Clock::now() + std::chrono::milliseconds(10),
                  [&](auto now) { others.tick(now); });
  }
  for (unsigned i = 0; i < slow_count; ++i) {
    slow.push_back(std::make_unique<Idle>(30));
    slow.back()->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
  }
  others_for(others, seconds_of(1));
  auto next = Clock::now();
  const Tails during = others_for(others, seconds_of(time), [&](auto now) {
    if (now < next) return;
    next = now + std::chrono::seconds(1);
    for (const auto& each : slow) {
      if (!each->gone()) each->send("x");
    }
  });
  const auto open = std::ranges::count_if(all, [](const auto& each) { return !each->gone(); });
  const std::string name =
      std::to_string(count) + " idle and " + std::to_string(slow_count) + " slow connections";
  print(name + ": idle ones that are open", "", static_cast<double>(open), ">=", count);
  print(name + ": others' polls, p99 before", "ms", before.poll);
  print(name + ": others' polls, p99 while", "ms", during.poll,
        "<=", std::max(10.0, 2 * before.poll));
  print(name + ": others' submits, p99 before", "ms", before.submit);
  print(name + ": others' submits, p99 while", "ms", during.submit,
        "<=", std::max(20.0, 2 * before.submit));
  print(name + ": memory of one", "KiB",
        (resident_mib(at.pid) - memory) * 1'024 / (count + slow_count), "<=", 64);
}

void overload(const Setting& at) {
  const int time = at.quick ? 5 : 60;
  Others others(at);
  others_for(others, seconds_of(1));
  const Tails before = others_for(others, seconds_of(at.quick ? 3 : 10));
  // Full rate: as many connections as answer best.
  std::vector<std::string> acknowledged;
  const auto rate_of = [&](int seconds) {
    Eager eager(64, {submit_request(at.flood)});
    eager.begin();
    const auto begin = Clock::now();
    others_for(others, seconds_of(seconds));
    const double rate = static_cast<double>(eager.seen.milliseconds.size()) /
                        (microseconds(Clock::now() - begin) / 1e6);
    eager.end();
    acknowledged.insert(acknowledged.end(), eager.ids.begin(), eager.ids.end());
    return rate;
  };
  const double full = rate_of(at.quick ? 2 : 5);
  print("overload: full rate, 64 connections", "1/s", full);
  const double memory = resident_mib(at.pid);
  Tails during{};
  double accepted = 0;
  double refused = 0;
  {
    Eager flood(640, {submit_request(at.flood)}, 4);
    flood.begin();
    during = others_for(others, seconds_of(time));
    accepted = static_cast<double>(flood.seen.milliseconds.size()) / time;
    refused = static_cast<double>(flood.seen.refused) / time;
    if (flood.seen.failed > 0) fail("a request of the flood failed");
    flood.end();
    acknowledged.insert(acknowledged.end(), flood.ids.begin(), flood.ids.end());
  }
  const double grown = resident_mib(at.pid) - memory;
  int back = -1;
  for (int second = 1; second <= 10 && back < 0; ++second) {
    if (rate_of(1) >= 0.9 * full) back = second;
  }
  print("overload, 640 connections: accepted", "1/s", accepted);
  print("overload: refused with 429 or 503", "1/s", refused);
  print("overload: others' polls, p99 before", "ms", before.poll);
  print("overload: others' polls, p99 while", "ms", during.poll, "<=", 100);
  print("overload: others' submits, p99 before", "ms", before.submit);
  print("overload: others' submits, p99 while", "ms", during.submit, "<=", 100);
  print("overload: memory, for each job that was accepted", "KiB",
        grown * 1'024 / std::max(1.0, accepted * time), "<=", 8);
  print("overload: full rate is back after", "s", back < 0 ? 99 : back, "<=", 10);
  acknowledged.insert(acknowledged.end(), others.submits.ids.begin(), others.submits.ids.end());
  // Half of them are not the flood's: those of others are asked for with its own token.
  std::vector<std::string> requests;
  for (std::size_t i = 0; i < acknowledged.size(); ++i) {
    const bool own = i >= acknowledged.size() - others.submits.ids.size();
    requests.push_back(
        get_request("/v1/tasks/" + acknowledged[i] + "?view=MINIMAL", own ? at.steady : at.flood));
  }
  const std::size_t count = requests.size();
  Eager check(64, std::move(requests));
  check.once = true;
  check.begin();
  const auto patience = Clock::now() + seconds_of(300);
  while (check.answers < count && Clock::now() < patience)
    serve_until(Clock::now() + std::chrono::milliseconds(50));
  print("overload: jobs that were acknowledged", "", static_cast<double>(count));
  print("overload: of these not found afterwards", "",
        static_cast<double>(count - check.seen.milliseconds.size()), "<=", 0);
}

}  // namespace
}  // namespace tradewind::bench

int main(int argc, char** argv) {
  using namespace tradewind::bench;
  if (argc < 6) {
    std::fprintf(
        stderr,
        "usage: %s PORT BROKER_PID STEADY_TOKEN FLOOD_TOKEN AUDITOR_TOKEN [--quick] [PART…]\n",
        argv[0]);
    return 2;
  }
  port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  Setting at{std::atoi(argv[2]), argv[3], argv[4], argv[5], false};
  std::vector<std::string> parts;
  for (int i = 6; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--quick") {
      at.quick = true;
    } else {
      parts.emplace_back(argv[i]);
    }
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 65'536);
  ::setrlimit(RLIMIT_NOFILE, &files);
  poller = ::epoll_create1(EPOLL_CLOEXEC);
  const std::pair<const char*, void (*)(const Setting&)> all[] = {
      {"polls", polls}, {"followers", followers}, {"idle", idle}, {"overload", overload}};
  for (const auto& [name, part] : all) {
    if (parts.empty() || std::ranges::find(parts, name) != parts.end()) part(at);
  }
  return 0;
}
