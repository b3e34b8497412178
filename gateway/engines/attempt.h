// One attempt at the process engine, from staging to its recorded end. One thread, the event
// loop's; what blocks is given to the worker pools.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "gateway/engines/attempt_directory.h"
#include "gateway/engines/cgroup.h"
#include "gateway/engines/containers.h"
#include "gateway/engines/executor_run.h"
#include "gateway/engines/lease_guard.h"
#include "gateway/engines/process_engine.h"
#include "gateway/engines/sandbox.h"
#include "gateway/staging/budget.h"
#include "gateway/staging/fetch.h"
#include "gateway/staging/rooted_directory.h"
#include "gateway/staging/store.h"
#include "gateway/staging/transfer_group.h"
#include "gateway/staging/worker_pool.h"

namespace tradewind {

// What all attempts of an engine share. Outlives them and the tasks in the pools.
struct EngineContext {
  boost::asio::io_context& io;
  const ProcessEngineOptions options;
  std::optional<Sandbox> sandbox;  // none: SandboxMode::none
  std::optional<Cgroups> cgroups;
  std::optional<Containers> containers;  // none: images are not used
  std::unique_ptr<LeaseGuard> guard;
  WorkerPool* transfers = nullptr;  // may be busy for long
  WorkerPool* chores = nullptr;     // directories, records, removals
  WorkerPool* runtime = nullptr;    // what is asked of the containers' runtime
  bool begun = false;               // whoever starts attempts has made their directories
  // Set once the machine is taken back and its processes are being ended by others: what ends then
  // is preempted. May be null.
  const std::atomic<bool>* preempted = nullptr;
  // Called from the event loop, never inside a call of an attempt.
  std::function<void(EngineEvent)> on_event;
};

// Bytes in what jobs and nodes are measured in.
inline constexpr std::uint64_t mib = 1024 * 1024;

class Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(const EngineContext& context, AttemptId id, Assignment assignment,
          AttemptDirectory directory);

  void start();
  void set_lease(Mono::time_point at);
  void stop(EndCode code);
  // The engine goes: kills the processes, tells nobody.
  void abandon();

  const AttemptDirectory& directory() const { return directory_; }

 private:
  // What the first chore makes.
  struct Prepared {
    std::optional<RootedDirectory> files;
    std::optional<RootedDirectory> kept;
    std::optional<LogFile> out;
    std::optional<LogFile> err;
    std::shared_ptr<Cgroup> cgroup;
    std::optional<EndReport> ended_before;  // the directory was there, from before a restart
  };
  // Written by transfers, each at its own place; read when all have ended.
  struct Transfers {
    StagingPolicy policy;  // as it is for the tenant
    std::vector<std::optional<Result<Fetched>>> fetched;
    std::vector<std::optional<Result<Stored>>> stored;
    std::vector<std::uint64_t> stored_in;  // milliseconds
    std::optional<StagingBudget> budget;
    std::atomic<std::size_t> first_failed{SIZE_MAX};  // the one that made the others stop
    void failed(std::size_t index) {
      std::size_t none = SIZE_MAX;
      first_failed.compare_exchange_strong(none, index);
    }
  };

  static Result<Prepared> prepare(const EngineContext& context, const AttemptDirectory& directory,
                                  const Assignment& assignment);
  void on_prepared(Result<Prepared> prepared);
  void stage_in();
  void on_staged_in();
  void run_next();
  // Nothing when the executor was refused and `outcome` filled in instead.
  std::optional<ExecutorTask> task_for(const Executor& executor, Result<ExecutorOutcome>& outcome);
  std::vector<std::string> devices() const;
  Result<StreamCopy> open_copy(const std::string& path, const std::string& field) const;
  std::map<std::string, std::string> environment(const Executor& executor) const;
  void on_executor_ended(ExecutorOutcome outcome);
  void stage_out();
  void on_staged_out();
  // No more steps: records the end and tells it.
  void end(EndCode code, std::string detail);
  // Whether stop() was called or the lease is over; then the end is on its way.
  bool ended_by_stop();
  void count_usage();

  void enter(AttemptPhase phase);
  void emit(EngineEvent event);
  void note(std::string line);

  // attempt_container.cpp
  void find_images();
  void on_images(Result<std::vector<std::optional<ContainerImage>>> images);
  Status fill_container(const Executor& executor, const std::string& workdir, ExecutorTask& task);
  bool in_container() const { return executor_ < images_.size() && images_[executor_]; }
  std::string container_name() const { return context_.containers->name_of(directory_.name()); }
  void on_run_ended(ExecutorOutcome outcome);

  const EngineContext& context_;
  const AttemptId id_;
  const std::shared_ptr<const Assignment> assignment_;
  const AttemptDirectory directory_;
  const std::set<std::string> visible_;
  const Mono::time_point granted_ = system_now().mono;

  std::unique_ptr<LeaseGuard::Watched> watched_;  // until the end is told
  std::shared_ptr<Prepared> prepared_;
  std::shared_ptr<Transfers> transfers_;
  std::shared_ptr<TransferGroup> group_;
  std::stop_source stop_transfers_;
  std::shared_ptr<ExecutorRun> run_;
  boost::asio::steady_timer limit_timer_;
  std::size_t executor_ = 0;
  std::vector<std::optional<ContainerImage>> images_;  // of the executors
  bool container_ending_ = false;                      // its end is being asked for
  std::uint64_t oom_kills_ = 0;
  EndReport report_;
  std::vector<StagedFile> staged_;  // over the network
  std::optional<EndCode> stop_code_;
  bool ending_ = false;
};

}  // namespace tradewind
