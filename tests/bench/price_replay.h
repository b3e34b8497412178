// A day's jobs played against its sites by one policy, again for some days.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "broker/core/market_router.h"
#include "gateway/admission/node_book.h"
#include "tests/bench/price_day.h"

namespace tradewind::bench {

inline constexpr std::int64_t kShortWork = 4 * 3'600;  // seconds; see prices.cpp

enum class Policy { routed, home, compute };

// What became of one job.
struct Run {
  std::int64_t start = 0;
  std::int64_t wait = 0;
  std::uint32_t pool = 0;
  std::int64_t cost = 0;
  bool away = false;
};

struct Compared {
  std::uint64_t decisions = 0;  // of jobs that started at once
  std::uint64_t dearer_than_home = 0;
  std::uint64_t dearer_than_compute = 0;
  std::uint64_t home_had_room = 0;
};

class Replay {
 public:
  Replay(const Day& day, Policy policy, std::uint32_t days, std::uint32_t counted);
  void run();

  // Of the jobs of the counted days, one day after the other.
  std::vector<Run> runs() const {
    return {runs_.end() - static_cast<std::ptrdiff_t>(day_.jobs.size() * counted_), runs_.end()};
  }
  const Compared& compared() const { return compared_; }
  // Of what the pools of devices could do on the counted days, the share that is taken:
  // unit-hours, each counted by the speed of its devices.
  double load() const;

 private:
  using Key = std::pair<std::uint32_t, std::uint32_t>;  // shape, and home where it matters

  const TraceJob& job_of(std::uint32_t number) const {
    return day_.jobs[number % day_.jobs.size()];
  }
  const JobSpec& spec_of(std::uint32_t number) const {
    return day_.specs[number % day_.specs.size()];
  }
  Key key_of(const TraceJob& job) const {
    return {job.shape, policy_ == Policy::home ? job.home : 0};
  }
  std::int64_t arrival(std::uint32_t number) const {
    return job_of(number).arrival +
           std::int64_t{static_cast<std::int64_t>(number / day_.jobs.size())} * kDay;
  }
  bool skipped(std::uint32_t number) const {
    return number / day_.jobs.size() + counted_ + 1 < days_ && job_of(number).work < kShortWork;
  }
  void publish(std::uint32_t site);
  // Nothing when it finds no room now.
  std::optional<std::uint32_t> choose(std::uint32_t number, Policy policy);
  bool start(std::uint32_t number, bool at_once);
  void compare(std::uint32_t number, std::uint32_t pool);
  void end(std::uint32_t number);
  void wake(std::uint32_t pool);

  const Day& day_;
  const Policy policy_;
  const std::uint32_t days_;
  const std::uint32_t counted_;
  MarketRouter router_{RouteOptions{}};
  std::vector<NodeBook> books_;  // by pool
  std::vector<std::uint64_t> versions_;
  std::vector<Run> runs_;
  std::vector<std::vector<std::uint32_t>> nodes_;  // by job, while it runs
  std::map<Key, std::deque<std::uint32_t>> waiting_;
  std::priority_queue<std::pair<std::int64_t, std::uint32_t>,
                      std::vector<std::pair<std::int64_t, std::uint32_t>>, std::greater<>>
      ends_;
  std::int64_t second_ = 0;
  Compared compared_;
};

}  // namespace tradewind::bench
