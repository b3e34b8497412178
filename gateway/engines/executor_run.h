// One executor's processes, from start to the end of the last of them. One thread, the event
// loop's.
#pragma once

#include <sys/resource.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "gateway/engines/cgroup.h"
#include "gateway/engines/launch.h"
#include "gateway/engines/log_capture.h"
#include "gateway/engines/sandbox.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

struct ExecutorOutcome {
  std::int32_t exit_code = 0;  // 128 + signal when killed; 126, 127 when the program cannot be run
  std::string problem;         // the sandbox could not be set up: why
  bool out_of_memory = false;  // a container's runtime says so
  Wall::time_point started{};
  Wall::time_point ended{};
  std::string stdout_tail;
  std::string stderr_tail;
  std::string stdout_problem;  // of the copies to the job's own files
  std::string stderr_problem;
  // As the kernel accounts it to the processes, or as seen in samples, whichever is more; a
  // control group knows better.
  std::uint64_t cpu_milliseconds = 0;
  std::uint64_t memory_peak_bytes = 0;
};

// What to run, and where its streams go.
struct ExecutorTask {
  LaunchSpec spec;     // without output streams and, in a sandbox, descriptors
  UniqueFd arguments;  // the sandbox's or the container's; may be none
  UniqueFd input;      // what spec.standard_input is; none for /dev/null
  bool sandboxed = true;
  bool sampled = false;  // look at the processes' memory and CPU time twice a second
  LogFile* log_out = nullptr;
  LogFile* log_err = nullptr;
  StreamCopy copy_out;
  StreamCopy copy_err;
  const Cgroup* cgroup = nullptr;  // may be null
  std::atomic<pid_t>* process =
      nullptr;  // LeaseGuard::Watched::process(); lives as long as the run
  std::chrono::milliseconds stop_grace{2'000};
  // Of a container that lives apart from the process that is started: kills it and calls `done`.
  std::function<void(std::function<void()> done)> kill_apart;
  // And the file with the number of the process above its own; empty: the started one.
  std::filesystem::path process_file;
};

class ExecutorRun : public std::enable_shared_from_this<ExecutorRun> {
 public:
  using OnEnd = std::function<void(ExecutorOutcome)>;

  // Starts the process. `on_end` is called once, when all processes have ended, unless the run is
  // dropped before by abandon(). Logs and cgroup must live until then.
  static Result<std::shared_ptr<ExecutorRun>> start(boost::asio::io_context& io, ExecutorTask task,
                                                    OnEnd on_end);
  ~ExecutorRun();

  // SIGTERM to all processes, and after the grace SIGKILL.
  void stop();
  // SIGKILL now, and waits for the process that was started; on_end is not called any more.
  void abandon();

 private:
  ExecutorRun(boost::asio::io_context& io, ExecutorTask task, OnEnd on_end);
  Status launch_process(LaunchSpec spec);
  void watch_process();
  // Of a process that has ended or been killed; waits for it.
  void reap(rusage* usage = nullptr);
  void read_status();
  // Reads what is there; false when nothing more will come.
  bool drain_status();
  void on_status(std::string_view bytes);
  void sample();
  void kill();
  void kill_started();
  void on_exit();
  void settle();
  void finish();

  boost::asio::io_context& io_;
  ExecutorTask task_;
  OnEnd on_end_;
  ExecutorOutcome outcome_;
  pid_t pid_ = -1;
  boost::asio::posix::stream_descriptor process_;  // pidfd of what we started
  boost::asio::posix::stream_descriptor init_;     // pidfd of the sandbox's process 1
  boost::asio::posix::stream_descriptor status_;   // of the sandbox
  std::array<char, 512> status_chunk_{};
  std::string status_text_;
  std::shared_ptr<LogCapture> out_;
  std::shared_ptr<LogCapture> err_;
  boost::asio::steady_timer grace_timer_;
  boost::asio::steady_timer settle_timer_;
  boost::asio::steady_timer sample_timer_;
  bool stopping_ = false;
  bool exited_ = false;
  bool init_gone_ = true;  // until it is seen
  bool finished_ = false;
  int wait_status_ = 0;
};

}  // namespace tradewind
