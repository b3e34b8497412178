#include "gateway/engines/executor_run.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include <fmt/format.h>

#include "gateway/engines/process_tree.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t status_bytes_max = 4096;
// How long processes may take to vanish after the first of them has ended: they have been sent
// SIGKILL, only the kernel can hold them.
constexpr auto settle_time = 5s;
constexpr auto sample_interval = 500ms;

struct Pipe {
  UniqueFd reading;
  UniqueFd writing;
};
Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorCode::unavailable, "",
                fmt::format("a pipe cannot be made: {}", std::strerror(errno)),
                "raise the gateway's limit of open files");
  }
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

int open_pidfd(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

std::uint64_t milliseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1000 +
         static_cast<std::uint64_t>(time.tv_usec) / 1000;
}

}  // namespace

ExecutorRun::ExecutorRun(boost::asio::io_context& io, ExecutorTask task, OnEnd on_end)
    : io_(io),
      task_(std::move(task)),
      on_end_(std::move(on_end)),
      process_(io),
      init_(io),
      status_(io),
      grace_timer_(io),
      settle_timer_(io),
      sample_timer_(io) {}

Result<std::shared_ptr<ExecutorRun>> ExecutorRun::start(boost::asio::io_context& io,
                                                        ExecutorTask task, OnEnd on_end) {
  const std::shared_ptr<ExecutorRun> run(new ExecutorRun(io, std::move(task), std::move(on_end)));
  if (const Status started = run->launch_process(std::move(run->task_.spec)); !started) {
    run->finished_ = true;
    return fail(started.error());
  }
  return run;
}

ExecutorRun::~ExecutorRun() {
  abandon();
}

Status ExecutorRun::launch_process(LaunchSpec spec) {
  auto out = make_pipe();
  auto err = make_pipe();
  auto status = make_pipe();
  for (const auto* each : {&out, &err, &status}) {
    if (!*each) return fail(each->error());
  }
  spec.standard_output = out->writing.get();
  spec.standard_error = err->writing.get();
  if (task_.arguments) spec.descriptors.push_back(task_.arguments.get());
  if (task_.sandboxed) {
    spec.descriptors.push_back(status->writing.get());
    static_assert(Sandbox::arguments_descriptor == 3 && Sandbox::status_descriptor == 4);
  }
  spec.number = task_.process;
  outcome_.started = system_now().wall;
  const auto pid = launch(spec);
  if (!pid) return fail(pid.error());
  pid_ = *pid;
  const int pidfd = open_pidfd(pid_);
  if (pidfd < 0) {
    const int number = errno;
    ::kill(pid_, SIGKILL);
    reap();
    pid_ = -1;
    return fail(ErrorCode::unavailable, "",
                fmt::format("the process cannot be watched: {}", std::strerror(number)),
                "raise the gateway's limit of open files");
  }
  process_.assign(pidfd);
  task_.arguments.reset();
  const auto ended = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->settle();
  };
  out_ = LogCapture::start(io_, std::move(out->reading), *task_.log_out, std::move(task_.copy_out),
                           ended);
  err_ = LogCapture::start(io_, std::move(err->reading), *task_.log_err, std::move(task_.copy_err),
                           ended);
  status_.assign(status->reading.release());
  status_.non_blocking(true);
  status->writing.reset();
  if (task_.sandboxed) read_status();
  watch_process();
  if (task_.sampled) sample();
  return ok();
}

void ExecutorRun::reap(rusage* usage) {
  task_.process->store(0);
  ::wait4(pid_, &wait_status_, 0, usage);
}

void ExecutorRun::watch_process() {
  process_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [weak = weak_from_this()](const boost::system::error_code& problem) {
                        const auto self = weak.lock();
                        if (!problem && self && !self->finished_) self->on_exit();
                      });
}

// Waits and then reads, instead of asking for an asynchronous read: that would take bytes out of
// the pipe some time before its handler runs, and on_exit would miss them if it ran in between.
void ExecutorRun::read_status() {
  status_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [weak = weak_from_this()](const boost::system::error_code& problem) {
                       const auto self = weak.lock();
                       if (problem || !self || self->finished_ || self->exited_) return;
                       if (self->drain_status()) self->read_status();
                     });
}

bool ExecutorRun::drain_status() {
  boost::system::error_code problem;
  while (!problem) {
    const std::size_t size = status_.read_some(boost::asio::buffer(status_chunk_), problem);
    on_status({status_chunk_.data(), size});
  }
  return problem == boost::asio::error::would_block;
}

void ExecutorRun::on_status(std::string_view bytes) {
  if (status_text_.size() + bytes.size() > status_bytes_max) return;
  status_text_ += bytes;
  const pid_t init = parse_sandbox_status(status_text_).init;
  if (init == 0 || init_.is_open()) return;
  const int pidfd = open_pidfd(init);
  if (pidfd < 0) return;  // it is gone already
  init_.assign(pidfd);
  init_gone_ = false;
  init_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                   [weak = weak_from_this()](const boost::system::error_code& problem) {
                     const auto self = weak.lock();
                     if (problem || !self) return;
                     self->init_gone_ = true;
                     self->settle();
                   });
}

void ExecutorRun::sample() {
  std::uint64_t resident = 0;
  std::uint64_t cpu = 0;
  pid_t root = pid_;
  if (!task_.process_file.empty()) {
    root = 0;
    std::ifstream(task_.process_file) >> root;
  }
  for (const auto& each : root > 0 ? descendants(root) : std::vector<TreeProcess>{}) {
    resident += each.resident_bytes;
    cpu += each.cpu_milliseconds;
  }
  outcome_.memory_peak_bytes = std::max(outcome_.memory_peak_bytes, resident);
  outcome_.cpu_milliseconds = std::max(outcome_.cpu_milliseconds, cpu);
  sample_timer_.expires_after(sample_interval);
  sample_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& problem) {
    const auto self = weak.lock();
    if (!problem && self && !self->exited_) self->sample();
  });
}

void ExecutorRun::stop() {
  if (stopping_ || exited_ || finished_) return;
  stopping_ = true;
  // In a sandbox our child is bubblewrap and its child the sandbox's process 1: both must live to
  // see the job end by itself.
  if (task_.sandboxed) {
    signal_descendants(pid_, 2, SIGTERM);
  } else {
    ::kill(-pid_, SIGTERM);
    signal_descendants(pid_, 1, SIGTERM);
  }
  grace_timer_.expires_after(task_.stop_grace);
  grace_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& problem) {
    const auto self = weak.lock();
    if (!problem && self && !self->exited_) self->kill();
  });
}

void ExecutorRun::kill() {
  if (!task_.kill_apart || exited_) return kill_started();
  task_.kill_apart([weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && !self->finished_) self->kill_started();
  });
}

void ExecutorRun::kill_started() {
  // Process 1 of the sandbox dies with bubblewrap, and everything in the sandbox with process 1.
  if (!task_.sandboxed) {
    signal_descendants(pid_, 1, SIGKILL);
    ::kill(-pid_, SIGKILL);
  }
  if (init_.is_open() && !init_gone_) {
    ::syscall(SYS_pidfd_send_signal, init_.native_handle(), SIGKILL, nullptr, 0);
  }
  if (!exited_) ::syscall(SYS_pidfd_send_signal, process_.native_handle(), SIGKILL, nullptr, 0);
  if (task_.cgroup != nullptr) task_.cgroup->kill();
}

void ExecutorRun::on_exit() {
  struct rusage usage{};
  siginfo_t state{};
  const int waited = ::waitid(P_PID, static_cast<id_t>(pid_), &state, WEXITED | WNOHANG | WNOWAIT);
  if (waited != 0 || state.si_pid != pid_) return watch_process();
  reap(&usage);
  exited_ = true;
  grace_timer_.cancel();
  sample_timer_.cancel();
  outcome_.cpu_milliseconds = std::max(outcome_.cpu_milliseconds,
                                       milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime));
  outcome_.memory_peak_bytes =
      std::max(outcome_.memory_peak_bytes, static_cast<std::uint64_t>(usage.ru_maxrss) * 1024);
  if (task_.sandboxed) drain_status();
  // Whatever the command left behind in the background ends with it.
  kill();
  settle_timer_.expires_after(settle_time);
  settle_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& problem) {
    const auto self = weak.lock();
    if (!problem && self) self->finish();
  });
  settle();
}

void ExecutorRun::settle() {
  if (exited_ && init_gone_ && out_->ended() && err_->ended()) finish();
}

void ExecutorRun::finish() {
  if (finished_) return;
  finished_ = true;
  settle_timer_.cancel();
  out_->close();
  err_->close();
  boost::system::error_code ignored;
  process_.close(ignored);
  init_.close(ignored);
  status_.close(ignored);

  outcome_.ended = std::max(system_now().wall, outcome_.started);
  outcome_.stdout_tail = out_->tail();
  outcome_.stderr_tail = err_->tail();
  outcome_.stdout_problem = out_->copy().problem;
  outcome_.stderr_problem = err_->copy().problem;
  outcome_.exit_code =
      WIFSIGNALED(wait_status_) ? 128 + WTERMSIG(wait_status_) : WEXITSTATUS(wait_status_);
  if (task_.sandboxed && WIFEXITED(wait_status_)) {
    const SandboxStatus status = parse_sandbox_status(status_text_);
    if (status.exit_code >= 0) {
      outcome_.exit_code = status.exit_code;
    } else {
      // The command never ran, so all of standard error is bubblewrap's own.
      const std::string& said = outcome_.stderr_tail;
      if (said.find("bwrap: execvp ") != std::string::npos) {
        outcome_.exit_code = said.find(std::strerror(ENOENT)) != std::string::npos ? 127 : 126;
      } else {
        outcome_.problem = said.empty() ? "the sandbox ended without a word" : said;
      }
    }
  }
  const OnEnd on_end = std::move(on_end_);
  on_end(std::move(outcome_));
}

void ExecutorRun::abandon() {
  if (finished_ || pid_ < 0) return;
  finished_ = true;
  kill_started();
  if (!exited_) reap();
  out_->close();
  err_->close();
}

}  // namespace tradewind
