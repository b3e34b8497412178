#include "gateway/engines/slurm_commands.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>

#include <fmt/format.h>

#include "gateway/engines/slurm_listing.h"
#include "state/identity/encoding.h"
#include "state/identity/random.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 4> programs{"sbatch", "squeue", "scontrol", "scancel"};
// A job takes about 150 bytes in a list, a node about 1 KiB.
constexpr std::size_t answer_bytes_max = 64UL << 20;
// The commands themselves wait for a slurmctld that does not answer, and try again.
constexpr auto answer_time_max = 45s;

std::string folders_of(const SlurmAccess& access) {
  if (!access.commands.empty()) return access.commands;
  const char* const path = std::getenv("PATH");
  return path == nullptr ? "" : path;
}

// The gateway's own settings for Slurm's commands (SQUEUE_FORMAT, SBATCH_…) change nothing here,
// and of its environment jobs get no more than this.
std::vector<std::string> environment() {
  std::vector<std::string> all = tool_environment();
  all.emplace_back("SLURM_TIME_FORMAT=%s");
  if (const char* const conf = std::getenv("SLURM_CONF")) {
    all.push_back(fmt::format("SLURM_CONF={}", conf));
  }
  return all;
}

// The last line of what it complained of: what comes before only leads there.
Error failed(ErrorCode code, std::string_view name, const ToolAnswer& answer) {
  ToolAnswer last = answer;
  while (!last.errors.empty() && last.errors.back() == '\n') last.errors.pop_back();
  last.errors.erase(0, last.errors.rfind('\n') + 1);
  return {code, "engine.slurm.commands", fmt::format("{} ended with {}", name, last.words()),
          "see whether slurmctld runs, and run it by hand"};
}

}  // namespace

SlurmCommands::SlurmCommands(const SlurmAccess& access)
    : folders_(folders_of(access)), user_(access.user) {}

Result<ToolAnswer> SlurmCommands::run(std::string_view name,
                                      const std::vector<std::string>& words) const {
  const auto program = find_tool(name, folders_);
  if (!program) {
    return fail(ErrorCode::unavailable, "engine.slurm.commands",
                fmt::format("there is no {} in {}", name, folders_),
                "install Slurm's client commands, or name their folder");
  }
  std::vector<std::string> argv{*program};
  argv.insert(argv.end(), words.begin(), words.end());
  return ask_tool(argv, environment(), answer_time_max, answer_bytes_max, stopping_.get_token());
}

Status SlurmCommands::open() {
  for (const std::string_view each : programs) {
    if (!find_tool(each, folders_)) {
      return fail(ErrorCode::invalid, "engine.slurm.commands",
                  fmt::format("there is no {} in {}", each, folders_),
                  "install Slurm's client commands, or name their folder, or slurmrestd's url");
    }
  }
  return ok();
}

Result<std::int64_t> SlurmCommands::submit(const SlurmSubmission& submission) {
  const auto answer = run("sbatch", sbatch_options(submission));
  if (!answer) {
    Error error = answer.error();
    error.code = ErrorCode::maybe_delivered;
    return fail(std::move(error));
  }
  if (!answer->succeeded()) {
    const bool never = parse_slurm_message(answer->errors) == SlurmError::never;
    return fail(failed(never ? ErrorCode::refused : ErrorCode::maybe_delivered, "sbatch", *answer));
  }
  // "7", or "7;cluster".
  std::int64_t job = 0;
  const std::string& text = answer->text;
  std::from_chars(text.data(), text.data() + text.size(), job);
  if (job <= 0) return fail(failed(ErrorCode::maybe_delivered, "sbatch", *answer));
  // sbatch says nothing of a job that is accepted and can never start; the reason that it waits for
  // does. Where that cannot be had now, the job counts as accepted.
  const auto listed = list(job);
  if (!listed) return job;
  for (const SlurmJob& each : *listed) {
    if (each.id != job || each.state != SlurmState::waiting || !is_too_large(each.reason)) continue;
    if (const Status gone = cancel(job); !gone) return fail(gone.error());
    return fail(ErrorCode::refused, "engine.slurm.pools",
                fmt::format("Slurm would keep it waiting for ever: {}", each.reason),
                "compare the pool with its partition's limits");
  }
  return job;
}

Result<std::vector<SlurmJob>> SlurmCommands::list(std::int64_t job) const {
  const std::string mark = hex(random_bytes(8));
  std::vector<std::string> words{"--noheader", "--all", "--states=all",
                                 "--format=" + squeue_format(mark)};
  if (job > 0) words.push_back(fmt::format("--jobs={}", job));
  const auto answer = run("squeue", words);
  if (!answer) return fail(answer.error());
  if (!answer->succeeded()) {
    if (job > 0 && parse_slurm_message(answer->errors) == SlurmError::no_such_job) {
      return std::vector<SlurmJob>{};
    }
    return fail(failed(ErrorCode::unavailable, "squeue", *answer));
  }
  return read_squeue(answer->text, mark, user_);
}

Result<std::optional<std::vector<SlurmJob>>> SlurmCommands::jobs(std::int64_t) {
  auto all = list(0);
  if (!all) return fail(all.error());
  return std::optional(std::move(*all));
}

Result<std::vector<SlurmNode>> SlurmCommands::nodes() {
  const auto answer = run("scontrol", {"--all", "--detail", "--oneliner", "show", "nodes"});
  if (!answer) return fail(answer.error());
  if (!answer->succeeded()) return fail(failed(ErrorCode::unavailable, "scontrol", *answer));
  return read_scontrol_nodes(answer->text);
}

Result<std::optional<std::vector<SlurmRecord>>> SlurmCommands::records(std::int64_t job) {
  using Records = std::optional<std::vector<SlurmRecord>>;
  if (!find_tool("sacct", folders_)) return Records{};
  const auto answer =
      run("sacct", {"--noheader", "--parsable2", "--noconvert", "--duplicates", "--user=" + user_,
                    fmt::format("--jobs={}", job), "--format=" + std::string(sacct_format)});
  if (!answer) return fail(answer.error());
  if (answer->succeeded()) return Records(read_sacct(answer->text));
  if (answer->errors.find("accounting storage is disabled") != std::string::npos) return Records{};
  return fail(failed(ErrorCode::unavailable, "sacct", *answer));
}

Status SlurmCommands::cancel(std::int64_t job, const std::string& key) {
  const auto listed = list(job);
  if (!listed) return fail(listed.error());
  const bool ours = std::ranges::any_of(
      *listed, [&](const SlurmJob& each) { return each.id == job && each.key == key; });
  return ours ? cancel(job) : ok();
}

Status SlurmCommands::cancel(std::int64_t job) const {
  const auto answer = run("scancel", {std::to_string(job)});
  if (!answer) return fail(answer.error());
  if (answer->succeeded() || parse_slurm_message(answer->errors) == SlurmError::no_such_job) {
    return ok();
  }
  return fail(failed(ErrorCode::unavailable, "scancel", *answer));
}

}  // namespace tradewind
