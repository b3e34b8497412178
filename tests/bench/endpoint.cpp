// Load on the endpoint of a running broker: polls beside submits, many followers of events, idle
// and slow connections, overload. Prints JSON lines.
//
//   bench_endpoint PORT BROKER_PID STEADY_TOKEN FLOOD_TOKEN AUDITOR_TOKEN [--quick] [PART…]
//
// The first two tokens are users of different tenants. Parts: polls, followers, idle, overload; all
// when none is given.
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/endpoint_load.h"

namespace tradewind::bench {
namespace {

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

// What came of a flood, and what others saw meanwhile.
struct Flood {
  double accepted, refused;  // requests a second
  Tails others;
};
Flood flood_of(Others& others, unsigned connections, const std::string& request,
               std::chrono::seconds time, std::vector<std::string>& acknowledged) {
  Eager eager(connections, {request}, 4);
  eager.begin();
  Flood flood{};
  flood.others = others_for(others, time);
  const auto seconds = static_cast<double>(time.count());
  flood.accepted = static_cast<double>(eager.seen.milliseconds.size()) / seconds;
  flood.refused = static_cast<double>(eager.seen.refused) / seconds;
  if (eager.seen.failed > 0) fail("a request of the flood failed");
  eager.end();
  acknowledged.insert(acknowledged.end(), eager.ids.begin(), eager.ids.end());
  return flood;
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
  const Flood flood =
      flood_of(others, 640, submit_request(at.flood), seconds_of(time), acknowledged);
  const double grown = resident_mib(at.pid) - memory;
  int back = -1;
  for (int second = 1; second <= 10 && back < 0; ++second) {
    if (rate_of(1) >= 0.9 * full) back = second;
  }
  print("overload, 640 connections: accepted", "1/s", flood.accepted);
  print("overload: refused with 429 or 503", "1/s", flood.refused);
  print("overload: others' polls, p99 before", "ms", before.poll);
  print("overload: others' polls, p99 while", "ms", flood.others.poll, "<=", 100);
  print("overload: others' submits, p99 before", "ms", before.submit);
  print("overload: others' submits, p99 while", "ms", flood.others.submit, "<=", 100);
  print("overload: memory, for each job that was accepted", "KiB",
        grown * 1'024 / std::max(1.0, flood.accepted * time), "<=", 8);
  print("overload: full rate is back after", "s", back < 0 ? 99 : back, "<=", 10);
  // As many batches as a tenant may have under way. A million jobs are enough.
  constexpr std::size_t lines = 1'000;
  const Flood batches = flood_of(others, 8, batch_request(at.flood, lines),
                                 seconds_of(at.quick ? 5 : 10), acknowledged);
  print("overload, 8 batches of 1,000 at a time: accepted", "1/s", batches.accepted * lines);
  print("overload by batches: batches of which a line was refused", "1/s", batches.refused);
  print("overload by batches: others' polls, p99 while", "ms", batches.others.poll, "<=", 100);
  print("overload by batches: others' submits, p99 while", "ms", batches.others.submit, "<=", 100);
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
