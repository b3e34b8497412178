// True time and the order of events. Everything that happens in a run is an event here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "schemas/ids.h"

namespace tradewind::simulation {

using Micros = std::int64_t;  // true time since the start of the run, or a span of it
inline constexpr Micros kMillisecond = 1'000;
inline constexpr Micros kSecond = 1'000'000;

class Scheduler {
 public:
  Micros now() const { return now_; }
  void at(Micros when, std::function<void()> run) {
    events_.emplace(std::pair(when < now_ ? now_ : when, ++order_), std::move(run));
  }
  void after(Micros span, std::function<void()> run) { at(now_ + span, std::move(run)); }

  // Runs the next event; false when there is none until `end`.
  bool step(Micros end) {
    if (events_.empty() || events_.begin()->first.first > end) {
      now_ = end > now_ ? end : now_;
      return false;
    }
    auto node = events_.extract(events_.begin());
    now_ = node.key().first;
    ++steps_;
    node.mapped()();
    return true;
  }
  std::uint64_t steps() const { return steps_; }

  // What happened, for the trace hash: equal seeds must give equal hashes.
  void trace(std::string_view what) {
    hash_ = stable_hash(what, hash_ ^ static_cast<std::uint64_t>(now_));
    if (listener_) listener_(now_, what);
  }
  std::uint64_t hash() const { return hash_; }
  void listen(std::function<void(Micros, std::string_view)> listener) {
    listener_ = std::move(listener);
  }

 private:
  Micros now_ = 0;
  std::uint64_t order_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::map<std::pair<Micros, std::uint64_t>, std::function<void()>> events_;
  std::function<void(Micros, std::string_view)> listener_;
};

}  // namespace tradewind::simulation
