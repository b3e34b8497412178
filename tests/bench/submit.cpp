// Load on the endpoint, and on what people would put in its place: one thread that sends requests
// made beforehand over keep-alive connections, each connection its next one when it has been
// answered. Prints JSON lines.
//
//   bench_submit single PORT TOKEN CONNECTIONS SECONDS ROUNDS    jobs one by one
//   bench_submit batch PORT TOKEN CONNECTIONS SECONDS ROUNDS     jobs by NDJSON, 1,000 a request
//   bench_submit nats PORT CONNECTIONS SECONDS ROUNDS            the same documents into a
//   JetStream bench_submit documents COUNT                                 prints so many of the
//   documents
//
// There are 8,000 documents of some 360 bytes, sent over and over; what routing looks at is one of
// 1,000 kinds, each of which the sample sites could run.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/figure.h"

namespace {

using namespace tradewind::bench;

constexpr std::size_t kBatchJobs = 1'000;
constexpr std::size_t kBatches = 8;      // different ones
constexpr std::size_t kSingles = 8'000;  // different ones
constexpr std::size_t kKinds = 1'000;

std::string document(std::size_t number) {
  const std::size_t kind = number % kKinds;
  const std::string text = std::to_string(number);
  return R"({"name":"climate-downscaling-)" + text + R"(","tags":{"project":"atlas-)" +
         std::to_string(number % 977) + R"(","owner":"group-)" + std::to_string(number % 131) +
         R"("},"resources":{"cpus":)" + std::to_string(1 + kind % 4) + R"(,"memory_mib":)" +
         std::to_string(256 * (1 + kind / 4 % 8)) +
         R"(},"architectures":["amd64"],"duration_seconds":)" + std::to_string(600 + kind) +
         R"(,"image":"registry.example/atlas/downscale:4.2","command":["sh","-c","sleep 86400",)"
         R"("/opt/atlas/downscale.py",)"
         R"("--tile",")" +
         text + R"(","--seed",")" + std::to_string(number * 2'654'435'761 % 1'000'000'007) +
         R"("],"env":{"OMP_NUM_THREADS":")" + std::to_string(1 + number % 16) +
         R"("},"workdir":"/work/tile"})";
}

// What is said, and how answers are told apart.
struct Protocol {
  std::vector<std::string> requests;
  std::size_t jobs = 1;  // of one request
  std::string greeting;  // to be sent first; nothing answers
  // How many bytes of the buffer the first answer takes; 0: it is not whole. What is no success
  // ends the program.
  std::function<std::size_t(std::string_view)> answer;
};

std::string http_request(const std::string& token, const char* type, const std::string& body) {
  return "POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token +
         "\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::size_t http_answer(std::string_view buffer, std::string_view status, bool is_batch) {
  const auto end = buffer.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const std::string_view head = buffer.substr(0, end);
  constexpr std::string_view name = "Content-Length: ";
  const auto at = head.find(name);
  if (head.substr(9, 3) != status || at == std::string_view::npos) {
    fail(("refused: " + std::string(buffer.substr(0, 500))).c_str());
  }
  std::size_t length = 0;
  std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
  if (buffer.size() < end + 4 + length) return 0;
  if (is_batch) {
    const std::string_view body = buffer.substr(end + 4, length);
    const auto lines = static_cast<std::size_t>(std::ranges::count(body, '\n'));
    if (lines != kBatchJobs || body.find("\"error\"") != std::string_view::npos) {
      fail(("a job was refused: " + std::string(body.substr(0, 500))).c_str());
    }
  }
  return end + 4 + length;
}

Protocol singles(const std::string& token) {
  Protocol protocol;
  for (std::size_t i = 0; i < kSingles; ++i) {
    protocol.requests.push_back(http_request(token, "application/json", document(i)));
  }
  protocol.answer = [](std::string_view buffer) { return http_answer(buffer, "201", false); };
  return protocol;
}

Protocol batches(const std::string& token) {
  Protocol protocol;
  protocol.jobs = kBatchJobs;
  for (std::size_t i = 0; i < kBatches; ++i) {
    std::string body;
    for (std::size_t job = 0; job < kBatchJobs; ++job) {
      body += document(i * kBatchJobs + job) + "\n";
    }
    protocol.requests.push_back(http_request(token, "application/x-ndjson", body));
  }
  protocol.answer = [](std::string_view buffer) { return http_answer(buffer, "200", true); };
  return protocol;
}

// The stream "bench" takes what is published under "bench"; its acknowledgements come to an inbox.
Protocol nats() {
  Protocol protocol;
  for (std::size_t i = 0; i < kSingles; ++i) {
    const std::string text = document(i);
    protocol.requests.push_back("PUB bench INBOX " + std::to_string(text.size()) + "\r\n" + text +
                                "\r\n");
  }
  protocol.greeting = "CONNECT {\"verbose\":false}\r\nSUB INBOX 1\r\n";
  protocol.answer = [](std::string_view buffer) -> std::size_t {
    const auto line = buffer.find("\r\n");
    if (line == std::string_view::npos) return 0;
    if (!buffer.starts_with("MSG ")) fail(std::string(buffer.substr(0, line)).c_str());
    std::size_t length = 0;
    const auto at = buffer.rfind(' ', line) + 1;
    std::from_chars(buffer.data() + at, buffer.data() + line, length);
    const std::size_t size = line + 2 + length + 2;
    if (buffer.size() < size) return 0;
    if (buffer.substr(line, length).find("\"error\"") != std::string_view::npos) {
      fail(std::string(buffer.substr(0, size)).c_str());
    }
    return size;
  };
  return protocol;
}

struct Connection {
  int descriptor = -1;
  const std::string* request = nullptr;
  std::size_t sent = 0;
  std::string received;
  Clock::time_point begun;
};

int connect_to(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int one = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("cannot connect");
  }
  return descriptor;
}

class Load {
 public:
  Load(Protocol protocol, std::uint16_t port, std::size_t connections)
      : protocol_(std::move(protocol)), epoll_(::epoll_create1(0)), connections_(connections) {
    for (Connection& each : connections_) {
      each.descriptor = connect_to(port);
      if (!protocol_.greeting.empty()) {
        std::string greeting = protocol_.greeting;
        std::string inbox = "inbox." + std::to_string(&each - connections_.data());
        greeting.replace(greeting.find("INBOX"), 5, inbox);
        if (::send(each.descriptor, greeting.data(), greeting.size(), MSG_NOSIGNAL) < 0) {
          fail("cannot send");
        }
        skip_line(each.descriptor);
        inboxes_.push_back(std::move(inbox));
      }
      ::fcntl(each.descriptor, F_SETFL, O_NONBLOCK);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &each;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, each.descriptor, &event);
    }
  }
  ~Load() {
    for (const Connection& each : connections_) ::close(each.descriptor);
    ::close(epoll_);
  }

  struct Seen {
    double rate = 0;
    double median_ms = 0;
    double slow_ms = 0;  // p99
  };
  Seen round(double seconds) {
    times_.clear();
    const auto start = Clock::now();
    const auto end =
        start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    std::size_t open = connections_.size();
    for (Connection& each : connections_) begin(each);
    std::array<epoll_event, 256> events{};
    while (open > 0) {
      const int count = ::epoll_wait(epoll_, events.data(), events.size(), 30'000);
      if (count <= 0) fail("no answer within 30 s");
      for (int i = 0; i < count; ++i) {
        Connection& each = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (each.sent < each.request->size()) send_more(each);
        if (!receive(each)) continue;
        const auto now = Clock::now();
        times_.push_back(std::chrono::duration<float, std::milli>(now - each.begun).count());
        if (now < end) {
          begin(each);
        } else {
          --open;
        }
      }
    }
    const double took = std::chrono::duration<double>(Clock::now() - start).count();
    std::ranges::sort(times_);
    return {static_cast<double>(times_.size() * protocol_.jobs) / took, times_[times_.size() / 2],
            times_[times_.size() * 99 / 100]};
  }

 private:
  static void skip_line(int descriptor) {
    for (char each = 0; each != '\n';) {
      if (::recv(descriptor, &each, 1, 0) != 1) fail("no greeting");
    }
  }

  void begin(Connection& each) {
    each.request = &protocol_.requests[next_++ % protocol_.requests.size()];
    if (!inboxes_.empty()) {
      made_.resize(connections_.size());
      const auto place = static_cast<std::size_t>(&each - connections_.data());
      made_[place] = *each.request;
      made_[place].replace(made_[place].find("INBOX"), 5, inboxes_[place]);
      each.request = &made_[place];
    }
    each.sent = 0;
    each.begun = Clock::now();
    send_more(each);
  }

  void send_more(Connection& each) {
    while (each.sent < each.request->size()) {
      const ssize_t sent = ::send(each.descriptor, each.request->data() + each.sent,
                                  each.request->size() - each.sent, MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) break;
      if (sent <= 0) fail("the connection broke");
      each.sent += static_cast<std::size_t>(sent);
    }
    epoll_event event{};
    event.events = EPOLLIN;
    if (each.sent < each.request->size()) event.events |= EPOLLOUT;
    event.data.ptr = &each;
    if (event.events != EPOLLIN || waits_to_send_) {
      ::epoll_ctl(epoll_, EPOLL_CTL_MOD, each.descriptor, &event);
      waits_to_send_ = true;  // from now on
    }
  }

  // NATS asks now and then whether anybody is there.
  static void answer_pings(Connection& each) {
    constexpr std::string_view ping = "PING\r\n";
    constexpr std::string_view pong = "PONG\r\n";
    if (!each.received.starts_with(ping)) return;
    if (::send(each.descriptor, pong.data(), pong.size(), MSG_NOSIGNAL) < 0) fail("cannot send");
    each.received.erase(0, ping.size());
  }

  // Whether an answer is whole.
  bool receive(Connection& each) {
    std::array<char, 65'536> piece;
    for (;;) {
      const ssize_t got = ::recv(each.descriptor, piece.data(), piece.size(), 0);
      if (got < 0 && errno == EAGAIN) return false;
      if (got <= 0) fail("the connection was closed");
      each.received.append(piece.data(), static_cast<std::size_t>(got));
      answer_pings(each);
      const std::size_t size = each.received.empty() ? 0 : protocol_.answer(each.received);
      if (size == 0) continue;
      each.received.erase(0, size);
      answer_pings(each);
      if (!each.received.empty()) fail("there is more than one answer");
      return true;
    }
  }

  Protocol protocol_;
  int epoll_;
  std::vector<Connection> connections_;
  std::vector<std::string> inboxes_;
  std::vector<std::string> made_;
  std::size_t next_ = 0;
  bool waits_to_send_ = false;
  std::vector<float> times_;
};

void create_stream(std::uint16_t port) {
  const int descriptor = connect_to(port);
  const std::string config =
      R"({"name":"bench","subjects":["bench"],"storage":"file","retention":"limits","discard":"old"})";
  const std::string request =
      "CONNECT {\"verbose\":false}\r\nSUB made 1\r\nPUB $JS.API.STREAM.CREATE.bench made " +
      std::to_string(config.size()) + "\r\n" + config + "\r\n";
  if (::send(descriptor, request.data(), request.size(), MSG_NOSIGNAL) < 0) fail("cannot send");
  std::string answer;
  while (answer.find("\"config\"") == std::string::npos) {
    std::array<char, 4'096> piece;
    const ssize_t got = ::recv(descriptor, piece.data(), piece.size(), 0);
    if (got <= 0) fail(("the stream was not made: " + answer).c_str());
    answer.append(piece.data(), static_cast<std::size_t>(got));
    if (answer.find("\"error\"") != std::string::npos) fail(answer.c_str());
  }
  ::close(descriptor);
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void measure(Load& load, const std::string& what, double seconds, int rounds,
             std::optional<double> rate_goal, std::optional<double> slow_goal) {
  std::vector<Load::Seen> seen;
  const double before = cpu_seconds();
  double jobs = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    seen.push_back(load.round(seconds));
    jobs += seen.back().rate * std::chrono::duration<double>(Clock::now() - start).count();
  }
  const double own = 1e6 * (cpu_seconds() - before) / jobs;
  const auto print = [&](const std::string& metric, const char* unit, auto member,
                         std::optional<double> goal, bool at_least) {
    std::ranges::sort(seen, {}, member);
    const double value = seen[seen.size() / 2].*member;
    std::printf(
        "{\"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", \"spread\": [%.3f, %.3f], ",
        metric.c_str(), value, unit, seen.front().*member, seen.back().*member);
    if (goal) {
      std::printf("\"goal\": \"%s %.10g\", \"holds\": %s}\n", at_least ? ">=" : "<=", *goal,
                  (at_least ? value >= *goal : value <= *goal) ? "true" : "false");
    } else {
      std::printf("\"goal\": null, \"holds\": null}\n");
    }
  };
  print(what, "1/s", &Load::Seen::rate, rate_goal, true);
  print(what + ": p50", "ms", &Load::Seen::median_ms, std::nullopt, false);
  print(what + ": p99", "ms", &Load::Seen::slow_ms, slow_goal, false);
  std::printf(
      "{\"metric\": \"%s: processor of the load itself, each\", \"value\": %.3f, \"unit\": \"us\", "
      "\"spread\": null, \"goal\": null, \"holds\": null}\n",
      what.c_str(), own);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto number = [&](std::size_t at) { return std::strtoul(words[at].c_str(), nullptr, 10); };
  const std::string kind = words.empty() ? "" : words[0];
  if (kind == "documents" && words.size() == 2) {
    for (std::size_t i = 0; i < number(1); ++i) std::printf("%s\n", document(i).c_str());
    return 0;
  }
  const bool is_nats = kind == "nats" && words.size() == 5;
  const bool is_ours = (kind == "single" || kind == "batch") && words.size() == 6;
  if (!is_nats && !is_ours) {
    std::fprintf(stderr, "usage: see the beginning of submit.cpp\n");
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(number(1));
  const std::size_t first = is_nats ? 2 : 3;
  const std::size_t connections = number(first);
  const double seconds = std::strtod(words[first + 1].c_str(), nullptr);
  const int rounds = static_cast<int>(number(first + 2));
  if (is_nats) create_stream(port);
  Load load(is_nats            ? nats()
            : kind == "single" ? singles(words[2])
                               : batches(words[2]),
            port, connections);
  const std::string clients = std::to_string(connections) + " connections";
  if (is_nats) {
    measure(load, "NATS JetStream, " + clients + ": published with acknowledgement", seconds,
            rounds, {}, {});
  } else if (kind == "single") {
    const bool judged = connections == 64;
    measure(load, "jobs one by one, " + clients, seconds, rounds,
            judged ? std::optional(40'000.0) : std::nullopt,
            judged ? std::optional(10.0) : std::nullopt);
  } else {
    measure(load, "jobs in batches of 1,000, " + clients, seconds, rounds, 100'000, {});
  }
  return 0;
}
