// A process beside the gateway that ends attempts whose lease is over while the gateway stands
// still: stopped, or held by its disk. It knows nothing but a table in shared memory, which the
// gateway writes without ever waiting, and goes through it a few times a second.
//
// It never signals a process that is not the attempt's: the gateway takes a process's number out of
// the table before it reaps that process, and until then the number names no other.
//
// When the gateway ends, however it does, the guard kills what is left in its attempts' control
// groups and containers, and ends too.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

// One thread. Must outlive its attempts.
class LeaseGuard {
  struct Slot;

 public:
  // For at most so many attempts at once. The caller may have other threads. Fails with
  // ErrorCode::unavailable.
  // `removal` is a command that ends the containers whose names follow; empty: there are none.
  static Result<std::unique_ptr<LeaseGuard>> start(std::size_t attempts_max,
                                                   std::vector<std::string> removal = {});
  ~LeaseGuard();
  LeaseGuard(const LeaseGuard&) = delete;
  LeaseGuard& operator=(const LeaseGuard&) = delete;

  // Fails with ErrorCode::unavailable when the guard has ended: nothing new should be started then.
  Status working() const;

  // An attempt in the table, from its making to its end; at first without a lease.
  class Watched {
   public:
    Watched(LeaseGuard& guard, Slot& slot) : guard_(guard), slot_(slot) {}
    ~Watched();
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    // From `at` on the guard kills the attempt's processes, also such as start later. Once that
    // time is over, it stays so.
    void end_at(Mono::time_point at);
    // Whether that time has come.
    bool over() const;
    // When the guard found it over and first killed its processes.
    std::optional<Mono::time_point> ended() const;
    // The number of the session leader that the attempt consists of, a child of this process; 0:
    // none. To be set before its program begins and cleared before it is reaped.
    std::atomic<pid_t>& process();

   private:
    LeaseGuard& guard_;
    Slot& slot_;
  };
  // `cgroup` is the directory of the attempt's own control group, which need not be there, and
  // `container` the name that its containers have, one after the other; empty: it has none. At most
  // attempts_max at once.
  std::unique_ptr<Watched> watch(const std::string& cgroup, const std::string& container = {});

 private:
  struct Table;
  struct Removal;
  LeaseGuard(Table& table, std::size_t count);
  [[noreturn]] static void guard(Table& table, Removal& removal, pid_t gateway);

  Table& table_;  // shared with the guard
  std::size_t count_;
  std::vector<std::size_t> free_;  // the least that was never in use comes before other such
  pid_t pid_ = -1;
};

}  // namespace tradewind
