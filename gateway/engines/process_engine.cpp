#include "gateway/engines/process_engine.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/engines/assignment_check.h"
#include "gateway/engines/attempt.h"
#include "gateway/engines/job_paths.h"
#include "schemas/assert.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t chore_threads = 2;
constexpr std::size_t runtime_threads = 4;        // images may take long to come
constexpr std::size_t spare_chores_max = 32'768;  // of those that may be left out

class ProcessEngine : public Engine {
 public:
  ProcessEngine(boost::asio::io_context& io, ProcessEngineOptions options, OnEvent on_event,
                UniqueFd lock, std::optional<Sandbox> sandbox, std::optional<Cgroups> cgroups,
                std::optional<Containers> containers, std::unique_ptr<LeaseGuard> guard)
      : lock_(std::move(lock)),
        on_event_(std::move(on_event)),
        context_{.io = io,
                 .options = std::move(options),
                 .sandbox = std::move(sandbox),
                 .cgroups = std::move(cgroups),
                 .containers = std::move(containers),
                 .guard = std::move(guard),
                 .on_event = {}},
        sweep_timer_(io),
        // Each attempt has at most one chore waiting and, for each worker, one transfer.
        transfers_(context_.options.staging_workers,
                   std::size_t{context_.options.attempts_max} * context_.options.staging_workers),
        chores_(chore_threads, context_.options.attempts_max + spare_chores_max),
        runtime_(runtime_threads, std::size_t{context_.options.attempts_max} * 2) {
    context_.transfers = &transfers_;
    context_.chores = &chores_;
    context_.runtime = &runtime_;
    context_.on_event = [this](EngineEvent event) { on_attempt_event(std::move(event)); };
    schedule_sweep();
  }

  ~ProcessEngine() override {
    for (auto& [id, attempt] : live_) attempt->abandon();
    if (context_.containers) context_.containers->remove_left([](const auto&) { return true; });
  }

  Status check(const Assignment& assignment) const override {
    if (const Status guarded = context_.guard->working(); !guarded) return guarded;
    if (live_.size() >= context_.options.attempts_max) {
      return fail(ErrorCode::exhausted, "attempts_max",
                  fmt::format("{} attempts run already", live_.size()),
                  "wait for one to end, or raise the limit");
    }
    return check_assignment(assignment, context_.options, Programs::here);
  }

  // All is this gateway's own: its book of what it has granted is the whole truth.
  std::optional<EngineCapacity> capacity(const PoolId&) const override { return std::nullopt; }

  void start(const AttemptId& id, const Assignment& assignment) override {
    if (live_.contains(id) || ended_.contains(id)) return;
    auto directory = AttemptDirectory::of(context_.options.attempts_directory, id);
    Status runnable = directory ? check(assignment) : Status(fail(directory.error()));
    if (!runnable) {
      EndReport report;
      report.code = EndCode::engine_failed;
      report.detail = describe(runnable.error());
      report.usage.started = report.usage.ended = system_now().wall;
      ended_.insert(id);
      return post_end(id, std::move(report));
    }
    const auto attempt = std::make_shared<Attempt>(context_, id, assignment, *directory);
    live_.emplace(id, attempt);
    attempt->start();
  }

  void set_lease(const AttemptId& id, Mono::time_point at) override {
    if (const auto found = live_.find(id); found != live_.end()) found->second->set_lease(at);
  }

  void stop(const AttemptId& id, EndCode code) override {
    if (const auto at = live_.find(id); at != live_.end()) at->second->stop(code);
  }

  Result<LogChunk> read_log(const AttemptId& id, LogStream stream, std::uint64_t offset,
                            std::uint32_t bytes_max) override {
    const auto directory = AttemptDirectory::of(context_.options.attempts_directory, id);
    if (!directory) return fail(directory.error());
    return directory->read_log(id, live_.contains(id), stream, offset, bytes_max);
  }

  std::vector<AttemptId> adopt(const std::vector<AttemptId>& attempts) override {
    std::vector<AttemptId> adopted;
    for (const auto& id : attempts) {
      if (live_.contains(id)) {
        adopted.push_back(id);
        continue;
      }
      const auto directory = AttemptDirectory::of(context_.options.attempts_directory, id);
      if (!directory || !directory->exists()) continue;
      auto end = directory->read_end();
      ended_.insert(id);
      if (end && *end) {
        adopted.push_back(id);
        post_end(id, std::move(**end));
      }
      chore([directory = *directory] { directory.remove_files(); });
    }
    return adopted;
  }

  void forget(const AttemptId& id) override {
    if (live_.contains(id)) return;
    ended_.erase(id);
    const auto directory = AttemptDirectory::of(context_.options.attempts_directory, id);
    if (!directory) return;
    chore([directory = *directory] { directory.mark_forgotten(); });
  }

 private:
  void on_attempt_event(EngineEvent event) {
    if (event.phase == AttemptPhase::ended) {
      live_.erase(event.attempt);
      ended_.insert(event.attempt);
    }
    on_event_(std::move(event));
  }

  void post_end(const AttemptId& id, EndReport report) {
    boost::asio::post(context_.io, [weak = std::weak_ptr(alive_), this, id,
                                    report = std::move(report)]() mutable {
      if (weak.expired()) return;
      on_event_({.attempt = id, .phase = AttemptPhase::ended, .report = std::move(report)});
    });
  }

  // Work that may be left out when there is too much of it: the sweep comes by in the end. It must
  // not take the places of the attempts' own chores.
  void chore(std::function<void()> work) {
    if (spare_chores_ >= spare_chores_max) return;
    ++spare_chores_;
    const Status taken = chores_.run([this, work = std::move(work)] {
      work();
      --spare_chores_;
    });
    TRADEWIND_ASSERT(taken);
  }

  void schedule_sweep() {
    const auto interval = std::clamp<std::chrono::seconds>(context_.options.retention / 4, 1s, 60s);
    sweep_timer_.expires_after(interval);
    sweep_timer_.async_wait(
        [weak = std::weak_ptr(alive_), this](const boost::system::error_code& problem) {
          if (problem || weak.expired()) return;
          std::set<std::string> live;
          for (const auto& [id, attempt] : live_) live.insert(attempt->directory().name());
          chore([&options = context_.options, live = std::move(live)] {
            sweep_attempts(options.attempts_directory, live, options.retention,
                           options.abandoned_retention);
          });
          schedule_sweep();
        });
  }

  UniqueFd lock_;
  OnEvent on_event_;
  EngineContext context_;
  std::map<AttemptId, std::shared_ptr<Attempt>> live_;
  std::set<AttemptId> ended_;  // until forgotten
  boost::asio::steady_timer sweep_timer_;
  std::atomic<std::size_t> spare_chores_{0};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  // Last, so that they end first: their tasks use what is above.
  WorkerPool transfers_;
  WorkerPool chores_;
  WorkerPool runtime_;
};

Status check_options(const ProcessEngineOptions& options) {
  const auto wrong = [](std::string field, std::string message, std::string remedy) {
    return fail(ErrorCode::invalid, std::move(field), std::move(message), std::move(remedy));
  };
  if (!options.attempts_directory.is_absolute()) {
    return wrong("attempts_directory",
                 fmt::format("\"{}\" is not an absolute path", options.attempts_directory.string()),
                 "give a directory on a disk with room for the jobs' files");
  }
  if (options.staging_workers < 1 || options.staging_workers > 64) {
    return wrong("staging_workers", fmt::format("{} is out of range", options.staging_workers),
                 "give 1 to 64");
  }
  if (options.attempts_max < 1 || options.attempts_max > 65'536) {
    return wrong("attempts_max", fmt::format("{} is out of range", options.attempts_max),
                 "give 1 to 65536");
  }
  if (options.retention < 0s || options.abandoned_retention < options.retention) {
    return wrong("retention",
                 fmt::format("{} s and, of abandoned directories, {} s", options.retention.count(),
                             options.abandoned_retention.count()),
                 "give 0 or more, and for the second at least as much");
  }
  for (const auto& [architecture, path] : options.emulators) {
    if (!path.starts_with('/') || ::access(path.c_str(), X_OK) != 0) {
      return wrong(fmt::format("emulators.{}", to_string(architecture)),
                   fmt::format("\"{}\" is not the absolute path of a program", path),
                   "install qemu-user-static and name its program");
    }
  }
  for (const auto& [pool, architecture] : options.pools) {
    if (architecture == options.host || options.emulators.contains(architecture)) continue;
    return wrong(
        fmt::format("pools.{}.architecture", pool.value),
        fmt::format("this machine is {} and cannot run {}", to_string(options.host),
                    to_string(architecture)),
        fmt::format("set emulators.{} to a static user-mode emulator", to_string(architecture)));
  }
  for (const auto& [pool, devices] : options.devices) {
    for (const auto& each : devices) {
      if (each.starts_with("/dev/") && fs::path(each).lexically_normal() == each &&
          each.find(':') == std::string::npos) {
        continue;
      }
      return wrong(fmt::format("devices.{}", pool.value),
                   fmt::format("\"{}\" is no device node's path", each),
                   "give one such as /dev/nvidia0");
    }
  }
  if (options.containers) {
    if (!options.containers->run.empty()) {
      const Status right = check_run_words("engine.container.run", options.containers->run);
      if (!right) return right;
    }
    for (const auto& each : options.read_only_binds) {
      if (const Status right = check_mount("read_only_binds", each.string()); !right) return right;
    }
    const Status right = check_mount("attempts_directory", options.attempts_directory.string());
    if (!right) return right;
  }
  for (const auto& each : options.read_only_binds) {
    std::error_code ignored;
    const std::string top = top_level(each.string());
    if (!each.is_absolute() || each.lexically_normal() != each || !fs::exists(each, ignored)) {
      return wrong("read_only_binds",
                   fmt::format("\"{}\" is not the absolute, plain path of something that exists",
                               each.string()),
                   "give the path of a file or directory");
    }
    if (top == "tmp" || top == "work" || top == "proc" || top == "dev") {
      return wrong("read_only_binds", fmt::format("{} is in a job's own /{}", each.string(), top),
                   "bind something elsewhere");
    }
  }
  return ok();
}

}  // namespace

Result<SandboxMode> parse_sandbox_mode(std::string_view field, std::string_view text) {
  if (text == "bubblewrap") return SandboxMode::bubblewrap;
  if (text == "none") return SandboxMode::none;
  return fail(ErrorCode::invalid, std::string(field),
              fmt::format("\"{}\" is no sandbox", text.substr(0, 64)),
              "give \"bubblewrap\" or, where every tenant is trusted, \"none\"");
}

Result<CgroupUse> parse_cgroup_use(std::string_view field, std::string_view text) {
  if (text == "auto") return CgroupUse::automatic;
  if (text == "off") return CgroupUse::off;
  return fail(ErrorCode::invalid, std::string(field),
              fmt::format("\"{}\" is no way to use cgroups", text.substr(0, 64)),
              "give \"auto\" or \"off\"");
}

Architecture host_architecture() {
#if defined(__x86_64__)
  return Architecture::amd64;
#elif defined(__aarch64__)
  return Architecture::arm64;
#elif defined(__riscv) && __riscv_xlen == 64
  return Architecture::riscv64;
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
  return Architecture::ppc64le;
#elif defined(__s390x__)
  return Architecture::s390x;
#elif defined(__loongarch64)
  return Architecture::loong64;
#else
#error "Tradewind has no word for this machine's architecture"
#endif
}

Result<std::unique_ptr<Engine>> make_process_engine(boost::asio::io_context& io,
                                                    ProcessEngineOptions options,
                                                    Engine::OnEvent on_event) {
  if (const Status right = check_options(options); !right) return fail(right.error());
  std::error_code problem;
  fs::create_directories(options.attempts_directory, problem);
  if (!problem) options.attempts_directory = fs::canonical(options.attempts_directory, problem);
  if (problem) {
    return fail(ErrorCode::unavailable, "attempts_directory",
                fmt::format("{} cannot be made: {}", options.attempts_directory.string(),
                            problem.message()),
                "give a directory that the gateway may write to");
  }
  auto lock = lock_attempts(options.attempts_directory);
  if (!lock) return fail(lock.error());
  const auto warn = [&options](const std::string& text) {
    if (options.on_warning) options.on_warning(text);
  };
  std::optional<Sandbox> sandbox;
  if (options.sandbox == SandboxMode::bubblewrap) {
    auto probed = Sandbox::probe(options);
    if (!probed) return fail(probed.error());
    sandbox = std::move(*probed);
  }
  std::optional<Cgroups> cgroups;
  std::string missing = "they are switched off";
  if (options.cgroups == CgroupUse::automatic) {
    auto opened = Cgroups::open(
        fmt::format("tradewind-{:016x}", stable_hash(options.attempts_directory.string())));
    if (opened) {
      cgroups = std::move(*opened);
    } else {
      missing = describe(opened.error());
    }
  }
  if (!cgroups) {
    warn(
        fmt::format("no control groups ({}): memory is limited for each process only, CPUs are not "
                    "limited, and usage is sampled",
                    missing));
  } else if (!cgroups->limits_memory() || !cgroups->limits_cpus()) {
    warn(
        fmt::format("control groups here limit no {}", cgroups->limits_cpus() ? "memory" : "CPUs"));
  }
  std::optional<Containers> containers;
  if (options.containers) {
    auto probed = Containers::probe(options);
    if (!probed) return fail(probed.error());
    containers = std::move(*probed);
    // Of a gateway that has died with its guard.
    containers->remove_left([](const std::string&) { return true; });
  }
  // After Cgroups::open, which may move this process.
  auto guard = LeaseGuard::start(options.attempts_max,
                                 containers ? containers->removal() : std::vector<std::string>{});
  if (!guard) return fail(guard.error());
  return std::make_unique<ProcessEngine>(io, std::move(options), std::move(on_event),
                                         std::move(*lock), std::move(sandbox), std::move(cgroups),
                                         std::move(containers), std::move(*guard));
}

}  // namespace tradewind
