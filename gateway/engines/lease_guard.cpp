#include "gateway/engines/lease_guard.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "gateway/engines/cgroup.h"
#include "gateway/engines/tool_run.h"
#include "gateway/staging/unique_fd.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

constexpr int look_interval_ms = 200;
// After the gateway's end: how often, and at what intervals, what is left is killed.
constexpr int last_rounds = 100;
constexpr int last_interval_ms = 10;
constexpr std::size_t path_bytes_max = 512;

// What Slot::ends says besides a time. A negative one: the guard ended it at that time without the
// sign.
constexpr std::int64_t unused = INT64_MAX;
constexpr std::int64_t no_lease = INT64_MAX - 1;

using Path = std::array<char, path_bytes_max>;

}  // namespace

// Both processes change `ends`, by compare-and-swap: whichever finds it changed has lost. The paths
// stay as they are while the slot is in use.
struct LeaseGuard::Slot {
  std::atomic<std::int64_t> ends{unused};  // microseconds on the steady clock
  std::atomic<pid_t> process{0};
  Path cgroup{};
  Path container{};
};
// What the two processes share. Of the room for slots only those are touched that were ever in use:
// few gateways have as many attempts as they may.
struct LeaseGuard::Table {
  std::atomic<std::size_t> begun{0};  // slots that are there, the first ones
  Slot* slots() { return reinterpret_cast<Slot*>(this + 1); }
  std::span<Slot> in_use() { return {slots(), begun.load()}; }
  static std::size_t bytes(std::size_t count) { return sizeof(Table) + count * sizeof(Slot); }
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free &&
              std::atomic<pid_t>::is_always_lock_free &&
              std::atomic<std::size_t>::is_always_lock_free);

// The command that ends containers, made before there is a guard, which may allocate nothing.
struct LeaseGuard::Removal {
  Removal(std::vector<std::string> words, std::size_t names_max)
      : words_(std::move(words)), env_(tool_environment()) {
    for (auto& each : words_) argv_.push_back(each.data());
    for (auto& each : env_) envp_.push_back(each.data());
    argv_.resize(words_.size() + names_max + 1);
    envp_.push_back(nullptr);
  }
  // To be gone through in the guard. The names live until start().
  void add(Path& name) {
    if (words_.empty() || name.front() == '\0') return;
    argv_[words_.size() + names_++] = name.data();
  }
  // Runs it for what was added, without waiting for it; async-signal-safe.
  void start() {
    if (names_ == 0) return;
    argv_[words_.size() + std::exchange(names_, 0)] = nullptr;
    if (::fork() != 0) return;
    ::signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(argv_.front(), argv_.data(), envp_.data());
    ::_exit(127);
  }

 private:
  std::vector<std::string> words_;
  std::vector<std::string> env_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  std::size_t names_ = 0;
};

// --- in the guard: only async-signal-safe calls, it comes from a process with threads

namespace {

std::int64_t steady_now() {
  struct timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

bool kill_group_at(const Path& path) {
  return path.front() != '\0' && kill_group(path.data());
}

}  // namespace

void LeaseGuard::guard(Table& table, Removal& removal, pid_t gateway) {
  // Not stopped from the gateway's terminal, nor ended by what asks the gateway to end.
  ::setsid();
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  ::prctl(PR_SET_NAME, "lease-guard");
  ::signal(SIGCHLD, SIG_IGN);  // nobody waits for removals
  // The gateway's locks and connections are not kept alive by this process.
  const int null = ::open("/dev/null", O_RDWR);
  for (int each = 0; null >= 0 && each < 3; ++each) ::dup2(null, each);
  ::syscall(SYS_close_range, 3, ~0U, 0);
  struct pollfd gateway_ends{static_cast<int>(::syscall(SYS_pidfd_open, gateway, 0)), POLLIN, 0};

  while (::getppid() == gateway) {
    const std::int64_t now = steady_now();
    for (Slot& slot : table.in_use()) {
      std::int64_t ends = slot.ends.load();
      if (ends > now) continue;
      const Path cgroup = slot.cgroup;
      const pid_t process = slot.process.load();
      const UniqueFd pidfd(process > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, process, 0))
                                       : -1);
      const std::int64_t ended = ends < 0 ? ends : -now;
      if (!slot.ends.compare_exchange_strong(ends, ended)) continue;  // renewed, or given back
      kill_group_at(cgroup);
      if (ends > 0) removal.add(slot.container);
      // Still in the table of a living gateway, so not reaped when it was opened.
      if (!pidfd || slot.process.load() != process || ::getppid() != gateway) continue;
      ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
      // What is in its group beside it; until it is reaped the number is the group's.
      ::kill(-process, SIGKILL);
    }
    removal.start();
    ::poll(&gateway_ends, 1, look_interval_ms);
  }
  for (Slot& slot : table.in_use()) {
    if (slot.ends.load() != unused) removal.add(slot.container);
  }
  removal.start();
  // The processes that it had started itself have ended with the gateway. Their numbers mean
  // nothing any more.
  for (int round = 0; round < last_rounds; ++round) {
    bool any = false;
    for (const Slot& slot : table.in_use()) {
      if (slot.ends.load() != unused) any |= kill_group_at(slot.cgroup);
    }
    if (!any) break;
    ::poll(nullptr, 0, last_interval_ms);
  }
  ::_exit(0);
}

// --- in the gateway

Result<std::unique_ptr<LeaseGuard>> LeaseGuard::start(std::size_t attempts_max,
                                                      std::vector<std::string> words) {
  const auto failed = [](std::string_view step, int number) {
    return fail(ErrorCode::unavailable, "lease guard",
                fmt::format("it cannot be started: {}: {}", step, std::strerror(number)),
                "let the gateway have memory and one process more");
  };
  static_assert(sizeof(Table) % alignof(Slot) == 0);
  void* const memory = ::mmap(nullptr, Table::bytes(attempts_max), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return failed("its table", errno);
  auto& table = *::new (memory) Table;
  std::unique_ptr<LeaseGuard> made(new LeaseGuard(table, attempts_max));
  Removal removal(std::move(words), attempts_max);
  const pid_t gateway = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return failed("fork", errno);
  if (child == 0) guard(table, removal, gateway);
  made->pid_ = child;
  return made;
}

LeaseGuard::LeaseGuard(Table& table, std::size_t count) : table_(table), count_(count) {
  for (std::size_t each = count; each > 0; --each) free_.push_back(each - 1);
}

LeaseGuard::~LeaseGuard() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::munmap(&table_, Table::bytes(count_));
}

Status LeaseGuard::working() const {
  siginfo_t state{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &state, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      state.si_pid == 0) {
    return ok();
  }
  return fail(ErrorCode::unavailable, "lease guard", fmt::format("process {} has ended", pid_),
              "start the gateway again");
}

std::unique_ptr<LeaseGuard::Watched> LeaseGuard::watch(const std::string& cgroup,
                                                       const std::string& container) {
  TRADEWIND_ASSERT(!free_.empty() && cgroup.size() < path_bytes_max &&
                   container.size() < path_bytes_max);
  const std::size_t place = free_.back();
  free_.pop_back();
  Slot& slot = table_.slots()[place];
  if (place == table_.begun.load()) {
    ::new (&slot) Slot;
    table_.begun.store(place + 1);
  }
  slot.cgroup.fill('\0');
  std::ranges::copy(cgroup, slot.cgroup.begin());
  slot.container.fill('\0');
  std::ranges::copy(container, slot.container.begin());
  slot.ends.store(no_lease);
  return std::make_unique<Watched>(*this, slot);
}

LeaseGuard::Watched::~Watched() {
  slot_.process.store(0);
  slot_.ends.store(unused);
  guard_.free_.push_back(static_cast<std::size_t>(&slot_ - guard_.table_.slots()));
}

void LeaseGuard::Watched::end_at(Mono::time_point at) {
  std::int64_t before = slot_.ends.load();
  if (before <= steady_now()) return;
  // When this fails, the guard has just ended it.
  slot_.ends.compare_exchange_strong(before, at.time_since_epoch().count());
}

bool LeaseGuard::Watched::over() const {
  return slot_.ends.load() <= steady_now();
}

std::optional<Mono::time_point> LeaseGuard::Watched::ended() const {
  const std::int64_t ends = slot_.ends.load();
  if (ends >= 0) return std::nullopt;
  return Mono::time_point(Mono::duration(-ends));
}

std::atomic<pid_t>& LeaseGuard::Watched::process() {
  return slot_.process;
}

}  // namespace tradewind
