// What every simulated process has: a name, clocks of its own, an inbox that it drains in batches,
// a store with one sync at a time, and a life that a crash ends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "schemas/time.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/former_release.h"
#include "tests/simulation/membership.h"
#include "tests/simulation/names.h"
#include "tests/simulation/options.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"
#include "tests/simulation/triggers.h"

namespace tradewind::simulation {

// What all nodes of a run share.
struct Surroundings {
  const SimulationOptions& options;
  Scheduler& scheduler;
  Checker& checker;
  Names& names;
  Triggers& triggers;
  const Membership& members;
};

// What a node's disk does with writes.
enum class DiskState : std::uint8_t {
  good,
  full,    // some fail, until there is space again
  broken,  // the next fails
};

class NodeClock {
 public:
  NodeClock(const Scheduler& scheduler, Random random, const SimulationOptions& options)
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
  Process(const Surroundings& around, std::string name)
      : name_(std::move(name)),
        options_(around.options),
        scheduler_(around.scheduler),
        checker_(around.checker),
        names_(around.names),
        triggers_(around.triggers),
        members_(around.members),
        clock_(around.scheduler, dice(around.options.seed, name_ + " clock"), around.options),
        program_(dice(around.options.seed, name_ + " release").chance(around.options.former_ppm)
                     ? Release::former
                     : Release::present) {}
  virtual ~Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  const std::string& name() const { return name_; }
  NodeClock& clock() { return clock_; }
  bool up() const { return up_; }
  DiskState disk() const { return disk_state_; }
  void set_disk(DiskState state) { disk_state_ = state; }
  virtual void start() = 0;
  // Nothing when it is down already.
  virtual void crash(Disk disk) = 0;
  void input(std::function<void()> handle) {
    if (!up_) return;
    inbox_.push_back(std::move(handle));
    wake();
  }
  // Handles nothing until then, as a stopped process; what arrives waits.
  void pause(Micros span) { paused_until_ = scheduler_.now() + span; }
  // Of the program that it is started with.
  Release program() const { return program_; }
  void set_program(Release program) { program_ = program; }

 protected:
  struct Work {
    std::vector<std::string> events;     // in what is written, by name
    std::function<void()> make_durable;  // empty: nothing to write
    std::function<void()> effects;
  };
  // Dies here when that was commanded; true when it did.
  bool dies(Side side, std::string_view event) {
    const auto disk = triggers_.fire(name_, side, event);
    if (disk) crash(*disk);
    return disk.has_value();
  }
  bool dies(Side side, const std::vector<std::string>& events) {
    return std::any_of(events.begin(), events.end(),
                       [&](const std::string& each) { return dies(side, each); });
  }
  // Does both of a send that may be the last.
  bool dies_sending(std::string_view event, const std::function<void()>& send) {
    if (dies(Side::before, event)) return true;
    send();
    return dies(Side::after, event);
  }
  // Takes what the batch came to.
  virtual Work finish_batch() = 0;
  // Called when the tick that `next_tick` asked for has come.
  virtual void on_tick() = 0;
  virtual Micros next_tick() const = 0;  // true time
  // False: another process has taken over the store, and no write of this one gets there.
  virtual bool may_write() const { return true; }

  void come_up() {
    up_ = true;
    ++life_;
    busy_ = false;
    inbox_.clear();
    armed_ = INT64_MAX;
    arm();
  }
  // The batch under way is durable or not, by chance; not when the disk is not what it was.
  void go_down(bool disk_kept) {
    up_ = false;
    ++life_;
    if (disk_kept && busy_ && under_way_.make_durable && luck(" crash").below(2) == 0) {
      under_way_.make_durable();
    }
    under_way_ = {};
    busy_ = false;
    inbox_.clear();
  }

  const std::string name_;
  const SimulationOptions& options_;
  Scheduler& scheduler_;
  Checker& checker_;
  Names& names_;
  Triggers& triggers_;
  const Membership& members_;
  NodeClock clock_;

 private:
  Random luck(std::string_view of_what) const {
    return dice(options_.seed, name_ + std::string(of_what), commits_);
  }
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
      if (options_.broken == Break::persist_before_send && under_way_.effects) {
        std::exchange(under_way_.effects, nullptr)();
        if (!up_) return;
      }
      ++commits_;
      after(luck(" commit").between(100, options_.commit_max), &Process::synced);
    } else {
      done();
    }
  }
  void synced() {
    // A pause in the middle of a commit: durable, but the effects leave late.
    if (under_way_.make_durable) {
      if (fails() || dies_unwritten()) return;
      std::exchange(under_way_.make_durable, nullptr)();
      if (dies(Side::after, under_way_.events)) return;
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

  // A write that fails ends the process: it cannot know what is on the disk.
  bool fails() {
    const bool gone =
        !may_write() || (disk_state_ == DiskState::full && luck(" space").below(2) == 0);
    if (gone) under_way_.make_durable = nullptr;
    if (!gone && disk_state_ != DiskState::broken) return false;
    if (disk_state_ == DiskState::broken) disk_state_ = DiskState::good;
    scheduler_.trace("unwritten " + name_);
    crash(Disk::kept);
    return true;
  }
  // Just before a write: nothing of it gets to the disk.
  bool dies_unwritten() {
    const auto make_durable = std::exchange(under_way_.make_durable, nullptr);
    if (dies(Side::before, under_way_.events)) return true;
    under_way_.make_durable = make_durable;
    return false;
  }

  Release program_;
  DiskState disk_state_ = DiskState::good;
  bool up_ = false;
  bool busy_ = false;
  std::uint64_t commits_ = 0;
  std::uint64_t life_ = 0;
  Micros paused_until_ = 0;
  Micros armed_ = INT64_MAX;
  std::vector<std::function<void()>> inbox_;
  Work under_way_;
};

}  // namespace tradewind::simulation
