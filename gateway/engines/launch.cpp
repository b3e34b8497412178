#include "gateway/engines/launch.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "gateway/staging/unique_fd.h"

namespace tradewind {
namespace {

// What the child tells before it gives up. Only async-signal-safe calls happen in the child: the
// gateway has other threads, whose locks it would inherit.
enum class Step : int { descriptors, cgroup, limits, directory, program };
struct Report {
  Step step;
  int number;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const auto& each : texts) result.push_back(const_cast<char*>(each.c_str()));
  result.push_back(nullptr);
  return result;
}

bool set_limit(decltype(RLIMIT_CORE) which, std::uint64_t value) {
  struct rlimit limit{};
  if (::getrlimit(which, &limit) != 0) return false;
  // Never above the hard limit, which only the kernel's owner may raise.
  if (limit.rlim_max != RLIM_INFINITY && value > limit.rlim_max) value = limit.rlim_max;
  limit.rlim_cur = value;
  limit.rlim_max = value;
  return ::setrlimit(which, &limit) == 0;
}

[[noreturn]] void run_child(const LaunchSpec& spec, char* const* argv, char* const* env,
                            pid_t parent, const std::vector<int>& raised, int report_fd) {
  const auto give_up = [report_fd](Step step) {
    const Report report{step, errno};
    static_cast<void>(!::write(report_fd, &report, sizeof report));
    ::_exit(127);
  };
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it ended before the line above took effect
  ::setsid();
  if (spec.number != nullptr) spec.number->store(::getpid());

  for (const int entrance : spec.cgroup_entrances) {
    if (::write(entrance, "0", 1) != 1) give_up(Step::cgroup);
  }
  if (!set_limit(RLIMIT_CORE, 0) ||
      (spec.file_bytes_max > 0 && !set_limit(RLIMIT_FSIZE, spec.file_bytes_max)) ||
      (spec.data_bytes_max > 0 && !set_limit(RLIMIT_DATA, spec.data_bytes_max)) ||
      (spec.processes_max > 0 && !set_limit(RLIMIT_NPROC, spec.processes_max))) {
    give_up(Step::limits);
  }
  for (int each = 0; each < 3; ++each) {
    if (::dup2(raised[static_cast<std::size_t>(each)], each) < 0) give_up(Step::descriptors);
  }
  int next = 3;
  for (std::size_t each = 3; each < raised.size(); ++each, ++next) {
    if (::dup2(raised[each], next) < 0) give_up(Step::descriptors);
  }
  // The report's pipe stays open until exec succeeds; all others go.
  if (::dup2(report_fd, next) < 0) give_up(Step::descriptors);
  ::fcntl(next, F_SETFD, FD_CLOEXEC);
  ::syscall(SYS_close_range, next + 1, ~0U, 0);
  report_fd = next;
  const auto give_up_late = [report_fd](Step step) {
    const Report report{step, errno};
    static_cast<void>(!::write(report_fd, &report, sizeof report));
    ::_exit(127);
  };
  if (!spec.directory.empty() && ::chdir(spec.directory.c_str()) != 0) {
    give_up_late(Step::directory);
  }
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal != SIGKILL && signal != SIGSTOP) ::signal(signal, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(argv[0], argv, env);
  give_up_late(Step::program);
  ::_exit(127);
}

std::string_view name_of(Step step) {
  switch (step) {
    case Step::descriptors: return "its descriptors";
    case Step::cgroup: return "its control group";
    case Step::limits: return "its limits";
    case Step::directory: return "its directory";
    case Step::program: return "the program";
  }
  return "it";
}

}  // namespace

Result<pid_t> launch(const LaunchSpec& spec) {
  const auto failed = [&spec](std::string_view step, int number) {
    return fail(
        ErrorCode::unavailable, "",
        fmt::format("{} cannot be started: {}: {}", spec.argv.front(), step, std::strerror(number)),
        "");
  };
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return failed("/dev/null", errno);
  std::vector<int> wanted{spec.standard_input, spec.standard_output, spec.standard_error};
  wanted.insert(wanted.end(), spec.descriptors.begin(), spec.descriptors.end());
  // Copies above all targets, so that no dup2 in the child overwrites one that is still needed.
  std::vector<UniqueFd> copies;
  std::vector<int> raised;
  for (const int each : wanted) {
    copies.emplace_back(::fcntl(each < 0 ? null.get() : each, F_DUPFD_CLOEXEC, 64));
    if (!copies.back()) return failed("its descriptors", errno);
    raised.push_back(copies.back().get());
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed("its pipe", errno);
  const UniqueFd reading(ends[0]);
  UniqueFd writing(::fcntl(ends[1], F_DUPFD_CLOEXEC, 64));
  ::close(ends[1]);
  if (!writing) return failed("its pipe", errno);

  const auto argv = pointers(spec.argv);
  const auto env = pointers(spec.env);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return failed("fork", errno);
  if (child == 0) run_child(spec, argv.data(), env.data(), parent, raised, writing.get());
  writing.reset();
  Report report{};
  ssize_t got = 0;
  do {
    got = ::read(reading.get(), &report, sizeof report);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return child;  // exec closed the pipe
  if (spec.number != nullptr) spec.number->store(0);
  ::waitpid(child, nullptr, 0);
  return failed(name_of(report.step), report.number);
}

}  // namespace tradewind
