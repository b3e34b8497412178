#include "gateway/engines/tool_run.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>

#include "gateway/engines/launch.h"
#include "gateway/staging/unique_fd.h"

namespace tradewind {
namespace {

constexpr std::size_t words_shown_max = 200;
constexpr std::size_t errors_kept_max = 4'096;
// How often it is seen whether a stop was requested.
constexpr int look_interval_ms = 100;

// The beginning of the first line, without what a terminal would obey.
std::string first_words(std::string_view text) {
  std::string words;
  for (const char each : text.substr(0, std::min(text.find('\n'), words_shown_max))) {
    words += each >= ' ' && each <= '~' ? each : '?';
  }
  return words;
}

// Kills the tool's session and reaps the tool, unless that has been done.
class RunningTool {
 public:
  explicit RunningTool(pid_t pid) : pid_(pid) {}
  ~RunningTool() {
    if (pid_ > 0) end();
  }
  RunningTool(const RunningTool&) = delete;
  RunningTool& operator=(const RunningTool&) = delete;

  // Its status as of waitpid().
  int end() {
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

}  // namespace

std::optional<std::string> find_tool(std::string_view name, std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find(':'), path.size());
    const std::string file = fmt::format("{}/{}", path.substr(0, end), name);
    path.remove_prefix(std::min(end + 1, path.size()));
    struct stat status{};
    if (file.front() == '/' && ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        ::access(file.c_str(), X_OK) == 0) {
      return file;
    }
  }
  return std::nullopt;
}

std::vector<std::string> tool_environment() {
  std::vector<std::string> environment{"LC_ALL=C"};
  for (const char* name : {"PATH", "HOME", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR"}) {
    if (const char* value = std::getenv(name)) {
      environment.push_back(fmt::format("{}={}", name, value));
    }
  }
  return environment;
}

std::vector<std::string> whole_environment() {
  std::vector<std::string> environment{"LC_ALL=C"};
  for (char** each = ::environ; *each != nullptr; ++each) {
    if (!std::string_view(*each).starts_with("LC_ALL=")) environment.emplace_back(*each);
  }
  return environment;
}

std::string ToolAnswer::words() const {
  const std::string how = WIFEXITED(status) ? fmt::format("code {}", WEXITSTATUS(status))
                                            : fmt::format("signal {}", WTERMSIG(status));
  return fmt::format("{}: \"{}\"", how, first_words(errors.empty() ? text : errors));
}

Result<ToolAnswer> ask_tool(const std::vector<std::string>& argv,
                            const std::vector<std::string>& environment,
                            std::chrono::milliseconds time_max, std::size_t bytes_max,
                            const std::stop_token& stop) {
  const std::string name = std::filesystem::path(argv.front()).filename().string();
  const auto failed = [&](ErrorCode code, std::string_view what) {
    return fail(code, name, std::string(what), "run it by hand and see what it says");
  };
  std::array<int, 2> ends{};
  std::array<int, 2> error_ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return failed(ErrorCode::unavailable, std::strerror(errno));
  }
  const UniqueFd output(ends[0]);
  UniqueFd written(ends[1]);
  if (::pipe2(error_ends.data(), O_CLOEXEC) != 0) {
    return failed(ErrorCode::unavailable, std::strerror(errno));
  }
  const UniqueFd errors(error_ends[0]);
  UniqueFd errors_written(error_ends[1]);
  LaunchSpec spec;
  spec.argv = argv;
  spec.env = environment;
  spec.standard_output = written.get();
  spec.standard_error = errors_written.get();
  const auto pid = launch(spec);
  if (!pid) return fail(pid.error());
  RunningTool tool(*pid);
  written.reset();
  errors_written.reset();
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
  if (!process) return failed(ErrorCode::unavailable, std::strerror(errno));

  const auto end = std::chrono::steady_clock::now() + time_max;
  std::string text;
  std::string said;
  std::array<pollfd, 3> waited{
      {{output.get(), POLLIN, 0}, {process.get(), POLLIN, 0}, {errors.get(), POLLIN, 0}}};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return failed(ErrorCode::unavailable,
                    fmt::format("has not ended within {} ms", time_max.count()));
    }
    if (stop.stop_requested()) return failed(ErrorCode::unavailable, "was stopped");
    const auto look = stop.stop_possible() ? std::min<std::int64_t>(left.count(), look_interval_ms)
                                           : left.count();
    if (::poll(waited.data(), waited.size(), static_cast<int>(look)) < 0) {
      if (errno == EINTR) continue;
      return failed(ErrorCode::unavailable, std::strerror(errno));
    }
    if (waited[0].revents != 0) {
      std::array<char, 16 * 1024> part{};
      const ssize_t got = ::read(output.get(), part.data(), part.size());
      if (got > 0) {
        text.append(part.data(), static_cast<std::size_t>(got));
        if (text.size() > bytes_max) {
          return failed(ErrorCode::too_large, fmt::format("prints more than {} bytes", bytes_max));
        }
        continue;  // all that it wrote is read before its end counts
      }
      waited[0].fd = -1;
    }
    if (waited[2].revents != 0) {
      std::array<char, 4 * 1024> part{};
      const ssize_t got = ::read(errors.get(), part.data(), part.size());
      if (got > 0) {
        said.append(part.data(),
                    std::min(static_cast<std::size_t>(got),
                             errors_kept_max - std::min(said.size(), errors_kept_max)));
        continue;
      }
      waited[2].fd = -1;
    }
    if (waited[1].revents != 0) break;
  }
  return ToolAnswer{tool.end(), std::move(text), std::move(said)};
}

Result<std::string> run_tool(const std::vector<std::string>& argv,
                             std::chrono::milliseconds time_max, std::size_t bytes_max,
                             const std::stop_token& stop) {
  auto answer = ask_tool(argv, tool_environment(), time_max, bytes_max, stop);
  if (!answer) return fail(answer.error());
  if (answer->succeeded()) return std::move(answer->text);
  return fail(ErrorCode::unavailable, std::filesystem::path(argv.front()).filename().string(),
              "ended with " + answer->words(), "run it by hand and see what it says");
}

}  // namespace tradewind
