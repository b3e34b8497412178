// What every simulated process has: clocks of its own, an inbox that it drains in batches, a store
// with one sync at a time, and a life that a crash ends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "schemas/time.h"
#include "tests/simulation/options.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"

namespace tradewind::simulation {

class NodeClock {
 public:
  NodeClock(const Scheduler& scheduler, Random& random, const SimulationOptions& options)
      : scheduler_(scheduler),
        offset_(random.between(-options.clock_offset_max, options.clock_offset_max)),
        drift_ppm_(random.between(-std::int64_t{options.clock_drift_ppm},
                                  std::int64_t{options.clock_drift_ppm})) {}

  Now now() const {
    const Micros local = scheduler_.now() + scheduler_.now() / 1'000'000 * drift_ppm_;
    // The wall clock begins at 2026-01-01, the steady one anywhere.
    constexpr Micros kEpoch = 1'767'225'600LL * kSecond;
    return {Mono::time_point(Mono::duration(local + 1'000 * kSecond)),
            Wall::time_point(Wall::duration(kEpoch + scheduler_.now() + offset_ + jump_))};
  }
  // The true time at which the steady clock will show this.
  Micros true_time(Mono::time_point at) const {
    if (at == Mono::time_point::max()) return INT64_MAX;
    const Micros local = at.time_since_epoch().count() - 1'000 * kSecond;
    // The inverse of the drift, rounded up: a little late, never early.
    return local - local / 1'000'000 * drift_ppm_ + 2 * kMillisecond;
  }
  void jump(Micros by) { jump_ += by; }
  void settle() {
    jump_ = 0;
    offset_ = 0;
  }

 private:
  const Scheduler& scheduler_;
  Micros offset_;
  Micros jump_ = 0;
  std::int64_t drift_ppm_;
};

// One process. Inputs are handled one batch at a time; a batch's writes are durable after a while,
// and only then do its effects happen and the next batch begin. A crash in between leaves the
// writes done or not done, and the effects not done.
class Process {
 public:
  Process(Scheduler& scheduler, Random& random, const SimulationOptions& options)
      : scheduler_(scheduler), random_(random), options_(options) {}
  virtual ~Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool up() const { return up_; }
  void input(std::function<void()> handle) {
    if (!up_) return;
    inbox_.push_back(std::move(handle));
    wake();
  }
  // Handles nothing until then, as a stopped process; what arrives waits.
  void pause(Micros span) { paused_until_ = scheduler_.now() + span; }

 protected:
  struct Work {
    std::function<void()> make_durable;  // empty: nothing to write
    std::function<void()> effects;
  };
  // Takes what the batch came to.
  virtual Work finish_batch() = 0;
  // Called when the tick that `next_tick` asked for has come.
  virtual void on_tick() = 0;
  virtual Micros next_tick() const = 0;  // true time

  void come_up() {
    up_ = true;
    ++life_;
    busy_ = false;
    inbox_.clear();
    armed_ = INT64_MAX;
    arm();
  }
  // The batch under way is durable or not, by chance.
  void go_down() {
    up_ = false;
    ++life_;
    if (busy_ && under_way_.make_durable && random_.below(2) == 0) under_way_.make_durable();
    under_way_ = {};
    busy_ = false;
    inbox_.clear();
  }

  Scheduler& scheduler_;
  Random& random_;
  const SimulationOptions& options_;

 private:
  void after(Micros span, void (Process::*what)()) {
    scheduler_.after(span, [this, what, life = life_] {
      if (life == life_) (this->*what)();
    });
  }
  bool paused() const { return scheduler_.now() < paused_until_; }
  void wake() {
    if (busy_) return;
    busy_ = true;
    // What arrives at the same moment is one batch.
    after(paused() ? paused_until_ - scheduler_.now() : 1, &Process::batch);
  }
  void batch() {
    if (paused()) {
      after(paused_until_ - scheduler_.now(), &Process::batch);
      return;
    }
    std::vector<std::function<void()>> inputs;
    inputs.swap(inbox_);
    for (const auto& each : inputs) each();
    under_way_ = finish_batch();
    if (under_way_.make_durable) {
      after(random_.between(100, options_.commit_max), &Process::synced);
    } else {
      done();
    }
  }
  void synced() {
    // A pause in the middle of a commit: durable, but the effects leave late.
    if (under_way_.make_durable) {
      under_way_.make_durable();
      under_way_.make_durable = nullptr;
    }
    if (paused()) {
      after(paused_until_ - scheduler_.now(), &Process::synced);
      return;
    }
    done();
  }
  void done() {
    const auto effects = std::move(under_way_.effects);
    under_way_ = {};
    busy_ = false;
    if (effects) effects();
    if (!up_) return;
    if (!inbox_.empty()) wake();
    arm();
  }
  void arm() {
    const Micros next = next_tick();
    if (next >= armed_ || next == INT64_MAX) return;
    armed_ = std::max(next, scheduler_.now() + 1);
    scheduler_.at(armed_, [this, life = life_, at = armed_] {
      if (life != life_ || at != armed_) return;
      armed_ = INT64_MAX;
      input([this] { on_tick(); });
    });
  }

  bool up_ = false;
  bool busy_ = false;
  std::uint64_t life_ = 0;
  Micros paused_until_ = 0;
  Micros armed_ = INT64_MAX;
  std::vector<std::function<void()>> inbox_;
  Work under_way_;
};

}  // namespace tradewind::simulation
