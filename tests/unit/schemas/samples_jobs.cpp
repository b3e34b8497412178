// Jobs, where they go, and how they end.
#include "tests/unit/schemas/samples.h"

#include <algorithm>

#include "schemas/limits.h"

namespace tradewind::testing {

void Sampler::fill(Executor& to) {
  to.image = text();
  to.command = texts();
  to.workdir = text();
  to.stdin_path = text();
  to.stdout_path = text();
  to.stderr_path = text();
  to.env = map(false);
  to.ignore_error = flag();
}
void Sampler::fill(Replica& to) {
  to.url = text();
  to.site = text();
  to.region = text();
}
void Sampler::fill(Input& to) {
  to.name = text();
  to.description = text();
  to.path = text();
  to.type = member_of<FileType>(2);
  to.content = bytes(number(0, 100));
  fill_list(to.replicas);
  to.size_bytes = any();
  to.sha256 = sha256();
  for (std::size_t i = count(); i > 0; --i) to.residency.push_back(Jurisdiction{"JP"});
  to.executable = flag();
  to.streamable = flag();
  to.dataset = text();
  to.residency_bound = flag();
  to.holding = HoldingLabel{any(), any()};
}
void Sampler::fill(Dataset& to) {
  to.name = name();
  to.owner.value = name();
  fill_list(to.replicas);
  to.size_bytes = any();
  to.sha256 = sha256();
  for (std::size_t i = count(); i > 0; --i) to.residency.push_back(Jurisdiction{"JP"});
  for (std::size_t i = count(); i > 0; --i) to.shared_with.push_back(TenantId{name()});
  to.shared_with_all = flag();
}
void Sampler::fill(Output& to) {
  to.name = text();
  to.description = text();
  to.path = text();
  to.path_prefix = text();
  to.url = text();
  to.type = member_of<FileType>(2);
  to.size_bytes = any();
  to.region = text();
}
void Sampler::fill(Variant& to) {
  to.name = text();
  to.architectures.resize(count());
  for (Architecture& each : to.architectures) each = member_of<Architecture>(architectures_count);
  fill(to.accelerator);
  to.workload_class = text();
  to.work_seconds = any();
  to.duration_seconds = any();
  fill_list(to.executors);
}
void Sampler::fill(JobSpec& to) {
  to.name = text();
  to.description = text();
  to.tags = map(false);
  fill(to.resources);
  to.nodes = small();
  fill_list(to.variants);
  fill_list(to.inputs);
  fill_list(to.outputs);
  to.volumes = texts();
  Constraints& constraints = to.constraints;
  constraints.sites_allowed = texts();
  constraints.sites_denied = texts();
  constraints.regions_allowed = texts();
  constraints.regions_denied = texts();
  constraints.jurisdictions_allowed = texts();
  constraints.jurisdictions_denied = texts();
  constraints.providers_allowed = texts();
  constraints.providers_denied = texts();
  constraints.labels = map(false);
  constraints.latency_region = text();
  constraints.latency_ms_max = small();
  if (flag()) constraints.deadline = time();
  if (flag()) constraints.cost_max = Money{amount()};
  if (flag()) constraints.rate_max = MoneyPerHour{amount()};
  constraints.preemptible_allowed = flag();
  constraints.carbon_g_kwh_max = small();
  constraints.wait_seconds_max = small();
  constraints.labels_denied = map(false);
  to.objective = member_of<Objective>(3);
  to.value_per_hour.micros = amount();
  to.home_region = text();
  to.network = flag();
  to.restartable = flag();
  to.attempts_max = small();
  to.on_disconnect = member_of<OnDisconnect>(2);
  to.priority = static_cast<std::int32_t>(small(200)) - 100;
  to.queue_seconds_max = any();
  to.run_seconds_max = any();
  to.array_count = small();
  to.tes_resources = text();
  to.total_seconds_max = any();
  for (std::uint32_t i = small(3); i > 0; --i) to.after.push_back(JobId{name()});
}

void Sampler::fill(Candidate& to) {
  to.site.value = name();
  to.pool.value = name();
  to.variant = small(limits::variants_max - 1);
  to.preemptible = flag();
  to.nodes = small();
  to.units = small();
  to.rate.micros = amount();
  to.billed_seconds = any();
  to.cost = CostBreakdown{{amount()}, {amount()}, {amount()}, {amount()}, {amount()}, {amount()}};
  to.finish = FinishEstimate{any(), any(), any(), any(), any()};
  to.replicas.resize(count());
  for (std::uint32_t& each : to.replicas) each = small();
  for (std::uint32_t i = small(3); i > 0; --i) to.held.push_back(4 - i);
  if (to.nodes == 0 || to.units == 0 || !flag()) return;
  to.contract.value = name();
  to.contract_units = small(std::min(to.nodes, to.units), 1);
}
void Sampler::fill(Rejection& to) {
  to.site.value = name();
  to.pool.value = flag() ? name() : "";
  to.variant = small(limits::variants_max - 1);
  to.reason = member_of<ReasonCode>(reason_codes_count);
  to.wanted = static_cast<std::int64_t>(any());
  to.offered = static_cast<std::int64_t>(any());
  to.detail = text();
}
void Sampler::fill(ReliedOn& to) {
  to.site.value = name();
  fill(to.site_version);
  fill(to.quote_version);
  to.quote_valid_until = time();
}
void Sampler::fill(QuoteTerms& to) {
  to.id = name();
  to.total.micros = amount();
  to.pool.value = name();
  to.price_ppm = amount();
  fill(to.relied_on);
}
std::vector<SiteId> Sampler::sites() {
  std::vector<SiteId> some = {SiteId{"aa-north-1"}, SiteId{"bb-south-1"}, SiteId{"cc-west-1"}};
  some.erase(some.begin(),
             some.end() - static_cast<std::ptrdiff_t>(std::min(count(), some.size())));
  return some;
}

void Sampler::fill(Decision& to) {
  to.outcome = full_ ? Outcome::placed : member_of<Outcome>(3);
  to.decided_at = time();
  if (to.outcome == Outcome::placed) {
    fill(to.chosen.emplace());
    fill(to.relied_on);
  }
  fill_list(to.runners_up);
  fill_list(to.rejections);
  to.pools_considered = small();
  to.pools_adequate = small();
  to.tolerance_ppm = amount();
  to.spare_units = small();
  to.rates_version = any();
  if (to.outcome == Outcome::placed && (full_ || flag())) {
    to.clearing = ClearedWith{std::max(1U, small()), amount()};
  }
  to.excluded = sites();
}

void Sampler::fill(Assignment& to) {
  to.tenant.value = name();
  to.job_name = text();
  to.pool.value = name();
  to.nodes = small();
  to.units = small();
  to.preemptible = flag();
  fill(to.resources);
  fill_list(to.executors);
  fill_list(to.inputs);
  fill_list(to.outputs);
  to.volumes = texts();
  to.env = map(false);
  to.network = flag();
  to.on_disconnect = member_of<OnDisconnect>(2);
  to.run_seconds_max = any();
  to.price_ppm = amount(limits::price_ppm_max, 1);
  to.rate.micros = amount();
  fill(to.quote_version);
  to.conversion_ppm = amount(limits::rate_ppm_max, 1);
  if (flag()) {
    to.workload_class = name();
    to.work_seconds = any();
  }
  if (to.nodes == 0 || to.units == 0 || !flag()) return;
  to.contract.value = name();
  to.contract_units = small(std::min(to.nodes, to.units), 1);
}
void Sampler::fill(ExecutorEnd& to) {
  to.exit_code = static_cast<std::int32_t>(small(255));
  to.started = time();
  to.ended = time();
  to.stdout_tail = bytes(number(0, 100));
  to.stderr_tail = bytes(number(0, 100));
  to.image = text();
}
void Sampler::fill(StagedInput& to) {
  to.path = text();
  to.url = text();
  to.size_bytes = any();
  to.sha256 = sha256();
  to.milliseconds = any();
}
void Sampler::fill(OutputFile& to) {
  to.path = text();
  to.url = text();
  to.size_bytes = any();
  to.sha256 = sha256();
}
void Sampler::fill(EndReport& to) {
  to.code = member_of<EndCode>(end_codes_count);
  to.detail = text();
  to.started = flag();
  fill_list(to.executors);
  fill_list(to.inputs);
  fill_list(to.outputs);
  to.usage = Usage{time(), time(), any(), any(), any()};
  to.charge.micros = amount();
  to.system_log = texts();
}
void Sampler::fill(HeldAttempt& to) {
  fill(to.attempt);
  to.broker = broker_node(name());
  fill(to.assignment);
  to.nodes.resize(count());
  for (std::uint32_t& each : to.nodes) each = small();
  to.granted = time();
  to.lease_seconds = small();
  to.increment_seconds = small(86'400, 1);
  to.minimum_seconds = small();
  to.fixed_fee.micros = amount();
  if (flag()) fill(to.report.emplace());
}

}  // namespace tradewind::testing
