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
  std::int64_t job = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), job);
  if (read.ec != std::errc{}) return ok();
  return client_->cancel(job, keys_.of(attempt));
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
