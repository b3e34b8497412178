// One fuzzer for each thing that Slurm's commands print, and one for what slurmrestd answers: the
// build names it in FUZZED. No bytes may crash a reader, and what it takes is of the shape that the
// engine counts on.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/engines/queue_settling.h"
#include "gateway/engines/slurm_discovery.h"
#include "gateway/engines/slurm_listing.h"
#include "gateway/engines/slurm_queue.h"
#include "gateway/engines/slurm_rest.h"
#include "gateway/engines/slurm_token.h"
#include "schemas/assert.h"

namespace tradewind::fuzzed {
namespace {

[[maybe_unused]] void parse_slurm_jobs(std::string_view text) {
  for (const SlurmJob& each : read_squeue(text, "mark", "fed")) {
    TRADEWIND_ASSERT(each.id > 0 && each.submitted >= 0 && each.start >= 0 && each.end >= 0);
    TRADEWIND_ASSERT(each.key.find('\n') == std::string::npos);
    TRADEWIND_ASSERT(each.key.find('|') == std::string::npos);
  }
}

void check_capacity(const std::vector<SlurmNode>& nodes, const std::vector<SlurmJob>& jobs) {
  SlurmPool pool;
  pool.partition = "all";
  pool.gres = "gpu:a100";
  pool.pool.nodes = 2;
  pool.pool.node = Resources{8, 1'024, 0, 2};
  pool.pool.unit = Resources{1, 128, 0, 1};
  const EngineCapacity capacity = slurm_capacity(pool, nodes, jobs, 3, 1'700'000'000);
  TRADEWIND_ASSERT(capacity.units_free_node <= units_per_node(pool.pool));
  TRADEWIND_ASSERT(capacity.units_free_node <= capacity.units_free);
  TRADEWIND_ASSERT(capacity.wait_seconds == 0 || capacity.units_free == 0);
}

[[maybe_unused]] void parse_slurm_nodes(std::string_view text) {
  const std::vector<SlurmNode> nodes = read_scontrol_nodes(text);
  for (const SlurmNode& each : nodes) {
    TRADEWIND_ASSERT(!each.name.empty());
    TRADEWIND_ASSERT(each.cpus_idle <= each.cpus && each.memory_idle_mib <= each.memory_mib);
  }
  check_capacity(nodes, {});
}

void check_records(const std::vector<SlurmRecord>& records) {
  for (const SlurmRecord& each : records) {
    TRADEWIND_ASSERT(each.job.id > 0);
    QueueJob seen;
    seen.number = std::to_string(each.job.id);
    seen.attempt = "j1.1";
    const auto told = accounted_job(records, seen, "fed", "tradewind/1/j1.1");
    if (!told) continue;
    TRADEWIND_ASSERT(told->state == QueueState::over && told->usage && told->end > 0);
    const EndReport report = queue_end({.job = &*told, .begun = true}, {});
    TRADEWIND_ASSERT(report.usage.ended >= report.usage.started);
    TRADEWIND_ASSERT(report.usage.cpu_milliseconds == told->usage->cpu_milliseconds);
  }
}

[[maybe_unused]] void parse_slurm_accounting(std::string_view text) {
  const std::vector<SlurmRecord> records = read_sacct(text);
  for (const SlurmRecord& each : records) {
    TRADEWIND_ASSERT(each.name.find('|') == std::string::npos);
    TRADEWIND_ASSERT(each.job.submitted >= 0 && each.job.end >= 0);
  }
  check_records(records);
}

[[maybe_unused]] void parse_slurm_rest(std::string_view text) {
  static_cast<void>(token_expiry(std::string(text)));
  const auto answer = read_slurm_answer(text);
  if (!answer) return;
  TRADEWIND_ASSERT(!answer->unchanged);
  static_cast<void>(parse_slurm_error(answer->number));
  const auto jobs = read_slurm_jobs(answer->body);
  TRADEWIND_ASSERT(jobs || !jobs.error().message.empty());
  const auto nodes = read_slurm_nodes(answer->body);
  TRADEWIND_ASSERT(nodes || !nodes.error().message.empty());
  if (jobs) {
    for (const SlurmJob& each : *jobs) TRADEWIND_ASSERT(each.id > 0);
  }
  if (nodes) {
    for (const SlurmNode& each : *nodes) {
      TRADEWIND_ASSERT(each.cpus_idle <= each.cpus && each.memory_idle_mib <= each.memory_mib);
    }
    static_cast<void>(discovered_pools(*nodes));
  }
  const auto records = read_slurm_records(answer->body);
  TRADEWIND_ASSERT(records || !records.error().message.empty());
  if (records) check_records(*records);
  check_capacity(nodes.value_or(std::vector<SlurmNode>{}), jobs.value_or(std::vector<SlurmJob>{}));
}

}  // namespace
}  // namespace tradewind::fuzzed

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzzed::FUZZED(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
