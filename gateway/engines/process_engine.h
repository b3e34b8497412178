// The process engine: runs attempts as processes of this machine, each in a sandbox of its own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/engines/container_options.h"
#include "gateway/engines/engine.h"
#include "gateway/engines/sandbox_mode.h"
#include "gateway/staging/policy.h"
#include "schemas/architecture.h"
#include "schemas/ids.h"

namespace tradewind {

enum class CgroupUse {
  automatic,  // when a cgroup (v1 or v2) can be made; else rlimits, with one warning
  off,        // rlimits only
};

// "bubblewrap" or "none"; "auto" or "off". Fail with ErrorCode::invalid naming `field`.
Result<SandboxMode> parse_sandbox_mode(std::string_view field, std::string_view text);
Result<CgroupUse> parse_cgroup_use(std::string_view field, std::string_view text);

// What this machine's kernel runs natively.
Architecture host_architecture();

struct ProcessEngineOptions {
  // One directory for each attempt is made here; must be on a disk with room for inputs and
  // outputs. Owned by one engine at a time.
  std::filesystem::path attempts_directory;

  SandboxMode sandbox = SandboxMode::bubblewrap;
  std::string bubblewrap = "bwrap";  // looked up in PATH unless absolute
  // More files or directories of the machine that every job sees, read-only, at their own path
  // (such as
  // "/opt/models"). Jobs then cannot have paths of their own in the same top-level directory.
  std::vector<std::filesystem::path> read_only_binds;
  CgroupUse cgroups = CgroupUse::automatic;

  // The architecture of each pool that this engine serves. An assignment to another pool is
  // refused.
  std::map<PoolId, Architecture> pools;
  Architecture host = host_architecture();
  // For pools of another architecture than the host's: a static user-mode emulator, such as
  // arm64 -> "/usr/bin/qemu-aarch64-static". It runs a command whose executable is a program of
  // that architecture; the system's own programs stay the host's.
  std::map<Architecture, std::string> emulators;

  // Where executors that name an image run; nothing: on the host's system, which is noted.
  std::optional<ContainerOptions> containers;
  // Device nodes that jobs with accelerators are given, by pool; the sandbox hides all others. One
  // that is not there fails the job.
  std::map<PoolId, std::vector<std::string>> devices;

  StagingPolicy staging;
  std::uint32_t staging_workers = 4;  // files on their way at once, over all attempts; 1 to 64

  std::uint64_t log_bytes_max = 64ULL << 20;  // kept of each stream of an attempt; the rest is
                                              // dropped with a note, the job goes on
  std::uint32_t processes_max = 4'096;        // of one attempt at once, where a cgroup counts them
  std::uint32_t attempts_max = 4'096;         // at once
  std::chrono::milliseconds stop_grace{2'000};  // between SIGTERM and SIGKILL
  std::chrono::seconds retention{3'600};        // of logs and kept outputs after forget()
  // Of directories that nobody asked to forget, such as those of a lost database.
  std::chrono::seconds abandoned_retention{7 * 24 * 3'600};

  // Told once of each thing that makes the engine do less than asked (no cgroups), on the
  // engine's thread. May be empty.
  std::function<void(const std::string&)> on_warning;
};

// The engine runs on `io`, which one thread runs; all calls and events are on that thread. Its
// processes end with that thread, so it must be one that lasts as long as the gateway. `on_event`
// is never called from inside a call of the engine. The engine must be destroyed before `io`, on
// its thread or after it has stopped: then it kills what still runs.
//
// Fails with ErrorCode::invalid for wrong options, and ErrorCode::unavailable when the sandbox does
// not work on this machine, naming the remedy.
//
// Notes for those who write jobs: a job of several nodes runs once, with TRADEWIND_NODES set;
// without `containers`, an executor's image is noted in the system log and the command runs on the
// host's system.
Result<std::unique_ptr<Engine>> make_process_engine(boost::asio::io_context& io,
                                                    ProcessEngineOptions options,
                                                    Engine::OnEvent on_event);

}  // namespace tradewind
