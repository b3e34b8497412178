#include "broker/jobs/assignment.h"

#include <algorithm>
#include <string>
#include <utility>

#include "schemas/assert.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

constexpr std::uint64_t kRunFactor = 4;

}  // namespace

std::uint64_t run_limit(const JobSpec& spec, const Candidate& chosen, std::uint64_t site_max) {
  if (spec.run_seconds_max != 0) return spec.run_seconds_max;
  const std::uint64_t expected = std::min(chosen.finish.run_seconds, limits::seconds_max);
  std::uint64_t limit = std::max(kRunFactor * expected, limits::run_seconds_default);
  if (site_max != 0) limit = std::min(limit, site_max);
  return std::clamp<std::uint64_t>(limit, 1, limits::seconds_max);
}

Assignment make_assignment(const JobRecord& job, std::uint32_t attempt, const Decision& decision,
                           const AssignmentTerms& terms) {
  TRADEWIND_ASSERT(decision.chosen.has_value());
  const Candidate& chosen = *decision.chosen;
  const JobSpec& spec = job.spec;
  TRADEWIND_ASSERT(chosen.variant < spec.variants.size());

  Assignment assignment;
  assignment.tenant = job.tenant;
  assignment.job_name = spec.name;
  assignment.pool = chosen.pool;
  assignment.nodes = chosen.nodes;
  assignment.units = chosen.units;
  assignment.preemptible = chosen.preemptible;
  assignment.resources = spec.resources;
  const Variant& variant = spec.variants[chosen.variant];
  assignment.executors = variant.executors;
  assignment.work_seconds = variant.work_seconds;
  if (variant.work_seconds != 0) assignment.workload_class = variant.workload_class;
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
    Input input = spec.inputs[i];
    const std::size_t replica = i < chosen.replicas.size() ? chosen.replicas[i] : 0;
    if (!input.content.empty() || input.replicas.empty()) {
      input.replicas.clear();
    } else {
      TRADEWIND_ASSERT(replica < input.replicas.size());
      Replica kept = std::move(input.replicas[replica]);
      input.replicas.assign(1, std::move(kept));
    }
    assignment.inputs.push_back(std::move(input));
  }
  assignment.outputs = spec.outputs;
  assignment.volumes = spec.volumes;
  assignment.env = {{"TRADEWIND_JOB_ID", job.job.value},
                    {"TRADEWIND_ATTEMPT", std::to_string(attempt)},
                    {"TRADEWIND_SITE", chosen.site.value},
                    {"TRADEWIND_POOL", chosen.pool.value},
                    {"TRADEWIND_NODES", std::to_string(chosen.nodes)}};
  if (job.array) {
    assignment.env["TRADEWIND_ARRAY_ID"] = job.array->value;
    assignment.env["TRADEWIND_ARRAY_INDEX"] = std::to_string(job.array_index);
    assignment.env["TRADEWIND_ARRAY_COUNT"] = std::to_string(job.array_count);
  }
  assignment.network = spec.network;
  assignment.on_disconnect = spec.on_disconnect;
  assignment.run_seconds_max = run_limit(spec, chosen, terms.run_seconds_max);
  assignment.price_ppm = terms.price_ppm;
  assignment.conversion_ppm = terms.conversion_ppm;
  assignment.contract = chosen.contract;
  assignment.contract_units = chosen.contract_units;
  assignment.rate = chosen.rate;
  assignment.quote_version = decision.relied_on.quote_version;
  return assignment;
}

}  // namespace tradewind
