#include "gateway/engines/slurm_queue.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "gateway/engines/slurm_discovery.h"
#include "schemas/time.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

// Whatever "unchanged" means to Slurm, the whole list is asked for this often.
constexpr auto whole_list_interval = 60s;

EndCode code_of(SlurmState state) {
  switch (state) {
    case SlurmState::timed_out: return EndCode::time_limit;
    case SlurmState::out_of_memory: return EndCode::out_of_memory;
    case SlurmState::preempted:
    case SlurmState::canceled: return EndCode::preempted;  // by the centre: not on our word
    case SlurmState::node_failed: return EndCode::interrupted;
    default: return EndCode::engine_failed;
  }
}

QueueState state_of(SlurmState state) {
  if (state == SlurmState::waiting) return QueueState::waiting;
  return state == SlurmState::running ? QueueState::running : QueueState::over;
}

// 0 when it is none.
std::int64_t number_of(const std::string& text) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} ? number : 0;
}

}  // namespace

QueueJob queue_job(const SlurmJob& job, std::string_view attempt) {
  QueueJob made;
  made.number = std::to_string(job.id);
  made.attempt = attempt;
  made.state = state_of(job.state);
  made.submitted = job.submitted;
  if (in_queue(made.state)) return made;
  made.code = code_of(job.state);
  made.words = fmt::format("Slurm's job {} ended as {} ({})", job.id, job.word, job.reason);
  if (made.code == EndCode::engine_failed) {
    const std::int64_t code = job.wait_status >> 8 & 0xff;  // squeue does not tell it
    if (code != 0) made.words += fmt::format(" with exit code {}", code);
  }
  made.start = job.start;
  made.end = job.end;
  return made;
}

std::optional<QueueJob> accounted_job(const std::vector<SlurmRecord>& records, const QueueJob& seen,
                                      std::string_view user, std::string_view key) {
  const SlurmRecord* found = nullptr;
  for (const SlurmRecord& each : records) {
    const SlurmJob& job = each.job;
    if (std::to_string(job.id) != seen.number) continue;
    // slurmrestd does not know the user of every record.
    if (!each.user.empty() && each.user != user) continue;
    // While slurmctld has told of a job's step only, it is called "allocation".
    if (each.name != slurm_job_name(seen.attempt) || (!job.key.empty() && job.key != key)) continue;
    if (seen.submitted > 0 && job.submitted != seen.submitted) continue;
    if (found == nullptr || job.submitted > found->job.submitted) found = &each;
  }
  // The state may come before the end.
  if (found == nullptr || !is_over(found->job.state) || found->job.end <= 0) return std::nullopt;
  QueueJob made = queue_job(found->job, seen.attempt);
  if (seen.state == QueueState::over) {
    // Slurm's list tells more of why.
    made.code = seen.code;
    made.words = seen.words;
  }
  constexpr std::uint64_t mib = 1 << 20;
  made.usage = {found->cpu_milliseconds,
                found->memory_peak_bytes / mib + (found->memory_peak_bytes % mib != 0 ? 1 : 0)};
  return made;
}

SlurmQueue::SlurmQueue(SlurmQueueOptions options)
    : options_(std::move(options)),
      keys_{options_.key_prefix},
      client_(make_slurm_client(options_.access)),
      warnings_(options_.on_warning) {}

std::string SlurmQueue::name() const {
  const std::string& url = options_.access.url;
  return url.empty() ? "Slurm (by its commands)" : fmt::format("Slurm at {}", url);
}

const SlurmPool* SlurmQueue::pool_of(const PoolId& id) const {
  const auto found =
      std::ranges::find(options_.pools, id, [](const SlurmPool& each) { return each.pool.id; });
  return found == options_.pools.end() ? nullptr : &*found;
}

Result<std::string> SlurmQueue::submit(const QueueRequest& request) {
  const SlurmPool* const pool = pool_of(request.assignment->pool);
  if (pool == nullptr) return fail(ErrorCode::refused, "pool", "is none of Slurm's", "");
  const auto listed = options_.accounts.find(request.assignment->tenant);
  const SlurmAccount& account =
      listed == options_.accounts.end() ? options_.account : listed->second;
  std::string command;
  for (const std::string& each : request.command) {
    command += (command.empty() ? "" : " ") + shell_word(each);
  }
  const auto job =
      client_->submit(slurm_submission({keys_.of(request.attempt), request.attempt,
                                        request.directory.string(), command, request.seconds_max},
                                       *request.assignment, *pool, account));
  if (!job) return fail(job.error());
  return std::to_string(*job);
}

Status SlurmQueue::cancel(const std::string& number, const std::string& attempt) {
  const std::int64_t job = number_of(number);
  return job == 0 ? ok() : client_->cancel(job, keys_.of(attempt));
}

Result<std::optional<QueueJob>> SlurmQueue::ended(const QueueJob& seen) {
  const std::int64_t job = number_of(seen.number);
  if (job == 0) return std::optional<QueueJob>{};
  const auto records = client_->records(job);
  if (!records) return fail(records.error());
  if (!*records) return std::optional<QueueJob>{};
  auto told = accounted_job(**records, seen, options_.access.user, keys_.of(seen.attempt));
  if (told) return told;
  return fail(ErrorCode::unavailable, "engine.slurm",
              fmt::format("accounting does not know the end of job {} yet", job), "ask again");
}

Result<std::optional<std::vector<QueueJob>>> SlurmQueue::jobs(bool again) {
  const Now now = system_now();
  const std::int64_t known =
      again || now.mono - whole_list_at_ > whole_list_interval ? 0 : std::exchange(known_, 0);
  if (known == 0) whole_list_at_ = now.mono;
  if (again) {
    if (const Status answers = client_->open(); !answers) return fail(answers.error());
  }
  auto jobs = client_->jobs(known);
  if (!jobs) return fail(jobs.error());
  auto nodes = client_->nodes();
  if (!nodes) return fail(nodes.error());
  // Changes of the second in which the list was made may be missing in it.
  known_ = to_ms(now.wall) / 1'000 - 2;
  nodes_ = std::move(*nodes);
  if (!*jobs) return std::optional<std::vector<QueueJob>>{};
  jobs_ = std::move(**jobs);
  std::vector<QueueJob> own;
  for (const SlurmJob& each : jobs_) {
    const std::string_view attempt = keys_.attempt_name(each.key);
    if (!attempt.empty()) own.push_back(queue_job(each, attempt));
  }
  return std::optional(std::move(own));
}

std::optional<EngineCapacity> SlurmQueue::capacity(const PoolId& id,
                                                   const QueueUnstarted& unstarted) {
  const SlurmPool* const pool = pool_of(id);
  if (pool == nullptr) return EngineCapacity{};
  const auto nodes = static_cast<std::size_t>(std::ranges::count_if(
      nodes_, [pool](const SlurmNode& each) { return belongs(each, *pool); }));
  if (nodes < pool->pool.nodes) {
    warnings_.tell(id.value,
                   fmt::format("the pool {} has {} nodes in the site file, and {} in Slurm's "
                               "partition {}",
                               id.value, pool->pool.nodes, nodes, pool->partition));
  }
  return slurm_capacity(*pool, nodes_, jobs_, unstarted.units, to_ms(system_now().wall) / 1'000);
}

}  // namespace tradewind
