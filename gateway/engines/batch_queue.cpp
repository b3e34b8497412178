#include "gateway/engines/batch_queue.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "gateway/engines/shell_word.h"
#include "schemas/time.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

constexpr auto command_time_max = 60s;
constexpr std::size_t list_bytes_max = 64 << 20;
constexpr std::size_t answer_bytes_max = 1 << 20;
// A scheduler may take that long to start what there is room for.
constexpr std::uint32_t wait_seconds_fine = 30;
constexpr std::size_t unknown_words_max = 8;

}  // namespace

BatchQueue::BatchQueue(BatchQueueOptions options, BatchReader reader)
    : options_(std::move(options)), reader_(std::move(reader)), warnings_(options_.on_warning) {}

Result<ToolAnswer> BatchQueue::run(std::vector<std::string> command, std::size_t bytes_max) const {
  if (command.front().find('/') == std::string::npos) {
    const char* const path = std::getenv("PATH");
    const auto found = find_tool(command.front(), path == nullptr ? "/usr/bin:/bin" : path);
    if (!found) {
      return fail(ErrorCode::unavailable, command.front(), "there is no such program",
                  "install the queue's commands, or see to the gateway's PATH");
    }
    command.front() = *found;
  }
  // Where the queue is found ($SGE_ROOT and its like) stands in the gateway's own environment.
  return ask_tool(command, whole_environment(), command_time_max, bytes_max, stop_.get_token());
}

Result<std::string> BatchQueue::submit(const QueueRequest& request) {
  const Assignment& assignment = *request.assignment;
  const auto pool = options_.pools.find(assignment.pool);
  if (pool == options_.pools.end()) {
    return fail(ErrorCode::refused, "pool", "is none of the queue's", "");
  }
  std::string line;
  for (const std::string& each : request.command) line += " " + shell_word(each);
  const std::string script = (request.directory / "job").string();
  // As the gateway's own account, which jobs run as.
  const Status stored = store_file(script, fmt::format("#!/bin/sh\nexec{}\n", line), 0700);
  if (!stored) return fail(stored.error());

  const Resources& unit = pool->second.unit;
  const std::uint64_t cpus = std::uint64_t{assignment.units} * unit.cpus;
  const std::uint64_t memory_mib = assignment.units * unit.memory_mib;
  const std::uint64_t seconds = request.seconds_max;
  const BatchValues values{
      {"key", key_of(request.attempt)},
      {"script", script},
      {"directory", request.directory.string()},
      {"seconds", std::to_string(seconds)},
      {"minutes", std::to_string((seconds + 59) / 60)},
      {"hms", fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)},
      {"nodes", std::to_string(assignment.nodes)},
      {"cpus", std::to_string(cpus)},
      {"slots", std::to_string(cpus * assignment.nodes)},
      {"memory_mib", std::to_string(memory_mib)},
      {"memory_mib_cpu",
       std::to_string((memory_mib + cpus - 1) / std::max<std::uint64_t>(cpus, 1))},
      {"accelerators", std::to_string(std::uint64_t{assignment.units} * unit.accelerators)},
      {"user", options_.user},
  };
  const BatchCommands& commands = options_.commands;
  const auto pool_options = commands.pool_options.find(assignment.pool);
  const auto tenant_options = commands.tenant_options.find(assignment.tenant);
  const auto answer = run(
      fill_in(
          commands.submit.command, values,
          {{"pool_options", pool_options == commands.pool_options.end() ? std::vector<std::string>{}
                                                                        : pool_options->second},
           {"tenant_options", tenant_options == commands.tenant_options.end()
                                  ? commands.options
                                  : tenant_options->second}}),
      answer_bytes_max);
  if (!answer) return fail(answer.error());
  if (answer->succeeded()) {
    if (const auto number = reader_.submitted(answer->text)) return *number;
    return fail(ErrorCode::maybe_delivered, "engine.batch.submit",
                fmt::format("no job's number is in its answer, {}", answer->words()),
                "compare submit.job with what the command prints");
  }
  const bool refused = reader_.refused(answer->text) || reader_.refused(answer->errors);
  return fail(refused ? ErrorCode::refused : ErrorCode::maybe_delivered, "engine.batch.submit",
              "the command ended with " + answer->words(), "run it by hand and see what it says");
}

Status BatchQueue::cancel(const std::string& number, const std::string& attempt) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = attempts_.find(number);
    if (found == attempts_.end() || found->second != attempt) return ok();
  }
  const auto answer =
      run(fill_in(options_.commands.cancel,
                  {{"job", number}, {"key", key_of(attempt)}, {"user", options_.user}}),
          answer_bytes_max);
  // Whether it is gone, the next list tells.
  return answer ? ok() : Status(fail(answer.error()));
}

Result<std::optional<QueueJob>> BatchQueue::ended(const QueueJob& seen) {
  const BatchCommands::Usage& usage = options_.commands.usage;
  const std::string& number = seen.number;
  if (usage.command.empty() || number.empty()) return std::optional<QueueJob>{};
  const std::string key = key_of(seen.attempt);
  const auto answer =
      run(fill_in(usage.command, {{"job", number}, {"key", key}, {"user", options_.user}}),
          answer_bytes_max);
  const auto used = answer ? reader_.used(answer->text, key) : std::nullopt;
  if (!used) return std::optional<QueueJob>{};
  QueueJob job;
  job.number = number;
  job.attempt = seen.attempt;
  job.state = QueueState::over;
  // By a signal: of the kernel, the queue or somebody.
  const bool killed = used->exit_code >= 128 || used->exit_code == 0;
  job.code = killed ? EndCode::interrupted : EndCode::engine_failed;
  job.words = fmt::format("the queue's job {} ended with exit code {}", number, used->exit_code);
  if (used->seconds > 0) {
    job.end = to_ms(system_now().wall) / 1'000;
    job.start = job.end - static_cast<std::int64_t>(used->seconds);
  }
  return std::optional(std::move(job));
}

Result<std::optional<std::vector<QueueJob>>> BatchQueue::jobs(bool) {
  const auto answer =
      run(fill_in(options_.commands.status.command, {{"user", options_.user}}), list_bytes_max);
  if (!answer) return fail(answer.error());
  if (!answer->succeeded()) {
    return fail(ErrorCode::unavailable, "engine.batch.status",
                "the command ended with " + answer->words(), "run it by hand and see what it says");
  }
  const auto listed = reader_.listed(answer->text);
  if (!listed) return fail(listed.error());
  std::vector<QueueJob> jobs;
  std::map<std::string, std::string> attempts;
  unknown_words_.clear();
  for (const BatchJob& each : *listed) {
    if (!each.key.starts_with(options_.key_prefix)) continue;
    QueueJob job;
    job.number = each.number;
    job.attempt = each.key.substr(options_.key_prefix.size());
    const auto state = options_.commands.status.states.find(each.word);
    if (state != options_.commands.status.states.end()) {
      job.state = state->second;
    } else if (unknown_words_.size() < unknown_words_max) {
      unknown_words_.insert(each.word);
    }
    job.code = job.state == QueueState::held ? EndCode::engine_failed : EndCode::interrupted;
    job.words = fmt::format("the queue's job {} is \"{}\"", each.number, each.word);
    // As if it were not there: what has become of it, its attempt's directory tells, or the usage.
    if (!in_queue(job.state)) continue;
    attempts[job.number] = job.attempt;
    jobs.push_back(std::move(job));
  }
  const std::lock_guard lock(mutex_);
  attempts_ = std::move(attempts);
  return std::optional(std::move(jobs));
}

std::optional<EngineCapacity> BatchQueue::capacity(const PoolId&, const QueueUnstarted& unstarted) {
  for (const std::string& each : unknown_words_) {
    warnings_.tell(each, fmt::format("the queue says \"{}\" of a job, and status.waiting, running, "
                                     "held and ended do not: it counts as running",
                                     each));
  }
  if (unstarted.wait_seconds_max < wait_seconds_fine) return std::nullopt;
  // It may take as long again.
  EngineCapacity full;
  full.wait_seconds = unstarted.wait_seconds_max;
  return full;
}

}  // namespace tradewind
