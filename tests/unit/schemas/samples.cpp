#include "tests/unit/schemas/samples.h"

#include <algorithm>
#include <set>
#include <type_traits>
#include <utility>

#include "schemas/limits.h"

namespace tradewind::testing {

std::uint64_t Sampler::number(std::uint64_t low, std::uint64_t high) {
  if (full_)
    return low == high ? low : low + 1 + counter_++ % std::min<std::uint64_t>(high - low, 97);
  switch (random_() % 4) {
    case 0: return low;
    case 1: return high;
    case 2: return low + random_() % (std::min<std::uint64_t>(high - low, 1'000) + 1);
    default: return std::uniform_int_distribution<std::uint64_t>(low, high)(random_);
  }
}
std::int64_t Sampler::amount(std::int64_t high, std::int64_t low) {
  return static_cast<std::int64_t>(
      number(static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high)));
}
Wall::time_point Sampler::time() {
  return Wall::time_point(Wall::duration(amount(253'402'300'799'999'999)));
}

std::string Sampler::text() {
  if (full_) return "text " + std::to_string(++counter_);
  return bytes(number(0, 40));
}
std::string Sampler::clean_text() {
  static const std::vector<std::string> parts = {"a",    "Z", " ",   "\"",    "é",
                                                 "東京", "𝄞", "<b>", "\u00a0"};
  if (full_) return "clean " + std::to_string(++counter_);
  std::string value;
  for (std::size_t i = count(8); i > 0; --i) value += parts[random_() % parts.size()];
  return value;
}
std::string Sampler::name() {
  if (full_) return "name-" + std::to_string(++counter_);
  // The number makes names that must differ differ.
  return std::string(number(1, 40), 'x') + "-" + std::to_string(++counter_);
}
Bytes Sampler::bytes(std::size_t size) {
  Bytes value(size, '\0');
  for (char& each : value) each = static_cast<char>(random_());
  return value;
}
std::string Sampler::sha256() {
  if (!full_ && flag()) return {};
  std::string digits(64, '0');
  for (char& each : digits) each = "0123456789abcdef"[random_() % 16];
  return digits;
}
JobId Sampler::job() {
  const std::uint64_t bits = any();
  const JobId array = job_id(Sequence{bits & job_sequence_max.value},
                             BrokerTag{static_cast<std::uint32_t>(bits >> 45U)});
  return full_ || flag() ? array_task_id(array, small(limits::array_tasks_max - 1)) : array;
}
NodeId Sampler::node() {
  return flag() ? broker_node(name()) : site_node(SiteId{name()});
}
std::vector<std::string> Sampler::texts() {
  std::vector<std::string> values(count());
  for (std::string& each : values) each = text();
  return values;
}
std::map<std::string, std::string> Sampler::map(bool clean) {
  std::map<std::string, std::string> values;
  for (std::size_t i = count(); i > 0; --i) {
    std::string key = clean ? clean_text() : text();
    values.emplace(std::move(key), clean ? clean_text() : text());
  }
  return values;
}

void Sampler::fill(Resources& to) {
  to.cpus = small();
  to.memory_mib = any();
  to.disk_mib = any();
  to.accelerators = small();
}
void Sampler::fill(Accelerator& to) {
  to.family = clean_text();
  to.model = clean_text();
  to.memory_gib = small();
  to.interconnect = member_of<Interconnect>(interconnects_count);
}
void Sampler::fill(AcceleratorNeed& to) {
  to.family = text();
  to.models = texts();
  to.memory_gib_min = small();
  to.interconnect_min = member_of<Interconnect>(interconnects_count);
}
void Sampler::fill(AttemptId& to) {
  to.job = job();
  to.number = small(UINT32_MAX, 1);
}
void Sampler::fill(RecordVersion& to) {
  to.epoch = any();
  to.version = any();
}
void Sampler::fill(SignedRecord& to) {
  to.body = bytes(number(1, 300));
  to.signature = bytes(64);
}
void Sampler::fill(Equivocation& to) {
  fill(to.first);
  fill(to.second);
}

void Sampler::fill(Member& to) {
  to.node = node();
  to.number.value = small();
  to.state = member_of<MemberState>(member_states_count);
  to.identity_key = bytes(32);
  to.curve_key = bytes(32);
  to.endpoint = flag() ? "tcp://" + name() + ":7500" : "";
  to.units_max = small();
  to.log_key = flag() ? clean_text() : "";
  to.renewals = any();
  if (flag()) to.former_curve_key = bytes(32);
  to.trust_version = any();
  to.locked = to.state != MemberState::active && flag();
}
void Sampler::fill(Pool& to) {
  to.id.value = name();
  to.architecture = member_of<Architecture>(architectures_count);
  fill(to.accelerator);
  to.node = Resources{small(limits::node_cpus_max, 1), number(1, limits::node_mib_max),
                      number(0, limits::node_mib_max), small(limits::node_accelerators_max)};
  to.unit = Resources{small(to.node.cpus, 1), number(1, to.node.memory_mib),
                      number(0, to.node.disk_mib), small(to.node.accelerators)};
  to.nodes = small(std::min(UINT32_MAX / std::max(units_per_node(to), 1U), limits::pool_nodes_max));
  to.performance_ppm = {{"default", amount(limits::performance_ppm_max, 1)}};
  for (std::size_t i = count(); i > 0; --i) {
    std::string workload_class = clean_text();  // first: arguments are evaluated in any order
    to.performance_ppm.emplace(std::move(workload_class), amount(limits::performance_ppm_max, 1));
  }
  const auto price = [&] { return amount(limits::price_micros_max); };
  to.tariff = Tariff{"JPY",
                     {price()},
                     {price()},
                     {price()},
                     {price()},
                     amount(ppm_one),
                     amount(1000 * ppm_one),
                     small(86'400, 1),
                     small(limits::seconds_max),
                     {price()},
                     flag()};
  if (to.tariff.preemptible_ppm == 0) to.tariff.preemptible_only = false;
  to.price_curve = PriceCurve{amount(limits::price_ppm_max - ppm_one), small(16, 1)};
  to.labels = map(true);
  to.unit_watts = small(limits::unit_watts_max);
}
void Sampler::fill(NetworkTariff& to) {
  switch (full_ ? 0 : number(0, 3)) {
    case 0: to.peer = "site:" + name(); break;
    case 1: to.peer = "region:" + name(); break;
    // One row of a site record at most can have these.
    case 2: to.peer = "jurisdiction:JP"; break;
    default: to.peer = "default";
  }
  to.egress.micros = amount(limits::price_micros_max);
  to.ingress.micros = amount(limits::price_micros_max);
  to.bandwidth_mbit = number(0, limits::bandwidth_mbit_max);
  to.rtt_ms = small(limits::rtt_ms_max);
}
void Sampler::fill(SiteRecord& to) {
  to.site.value = name();
  to.region.value = name();
  to.jurisdiction.value = "JP";
  to.provider = clean_text();
  to.state = member_of<SiteState>(site_states_count);
  to.endpoint = flag() ? "tcp://[::1]:7500" : "";
  fill_list(to.pools);
  fill_list(to.network);
  std::sort(to.network.begin(), to.network.end(),
            [](const auto& a, const auto& b) { return a.peer < b.peer; });
  to.network.erase(std::unique(to.network.begin(), to.network.end(),
                               [](const auto& a, const auto& b) { return a.peer == b.peer; }),
                   to.network.end());
  to.labels = map(true);
  for (std::size_t i = count(); i > 0; --i) {
    to.policy.tenants_allowed.push_back(TenantId{name()});
    to.policy.tenants_denied.push_back(TenantId{name()});
  }
  to.policy.run_seconds_max = small();
  to.carbon_g_kwh = small(limits::carbon_g_kwh_max);
  // One after the other, so that even a pool of one unit holds them all.
  for (const Pool& each : to.pools) {
    if (each.nodes == 0) continue;
    const auto from =
        Wall::time_point(std::chrono::hours(24 * (1 + static_cast<int>(to.contracts.size()))));
    to.contracts.push_back({ContractId{name()}, TenantId{name()}, each.id,
                            small(each.nodes * units_per_node(each), 1), from,
                            from + std::chrono::hours(24)});
  }
  std::set<RegionId> measured;
  for (std::uint64_t i = number(0, 3); i > 0; --i) measured.insert(RegionId{name()});
  for (const RegionId& each : measured) {
    to.round_trips.push_back(RoundTrip{each, static_cast<std::uint8_t>(number(1, 255))});
    to.bandwidths.push_back(Bandwidth{each, small(limits::bandwidth_mbit_max, 1),
                                      small(limits::bandwidth_mbit_max), time()});
  }
  std::set<HoldingLabel> held;
  for (std::uint64_t i = number(0, 3); i > 0; --i) held.insert(HoldingLabel{any(), number(1, 9)});
  to.holdings.assign(held.begin(), held.end());
}
void Sampler::fill(PoolQuote& to) {
  to.pool.value = name();
  to.units_free = small(UINT32_MAX, full_ ? 1'000 : 0);
  to.units_free_node = small(to.units_free);
  to.nodes_free = small(to.units_free);
  to.wait_seconds = small(limits::seconds_max);
  to.price_ppm = amount(limits::price_ppm_max, 1);
}
void Sampler::fill(ContractQuote& to) {
  to.contract.value = name();
  to.units_idle = small();
}
void Sampler::fill(QuoteSheet& to) {
  to.site.value = name();
  fill_list(to.pools);
  to.energy_left_wh = flag() ? amount() : -1;
  fill_list(to.contracts);
}

template <class Body>
Record Sampler::record() {
  Record to;
  Body body;
  fill(body);
  if constexpr (std::is_same_v<Body, Member>) {
    to.header.kind = RecordKind::member;
    to.header.subject = body.node;
    to.header.member = body.number;
  } else {
    to.header.kind = std::is_same_v<Body, SiteRecord> ? RecordKind::site : RecordKind::quote;
    to.header.subject = site_node(body.site);
    to.header.member.value = small();
  }
  fill(to.header.version);
  to.header.issued = Wall::time_point(Wall::duration(amount(200'000'000'000'000'000)));
  to.header.valid_until = to.header.issued + Wall::duration(amount(60'000'000, 1));
  to.body = std::move(body);
  return to;
}

template Record Sampler::record<Member>();
template Record Sampler::record<SiteRecord>();
template Record Sampler::record<QuoteSheet>();

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

void Sampler::fill(Dispatch& to) {
  fill(to.attempt);
  fill(to.assignment);
  to.lease_seconds = small();
}
void Sampler::fill(RenewLeases& to) {
  fill_list(to.attempts);
  to.lease_seconds = small();
}
void Sampler::fill(ReadLog& to) {
  to.request = any();
  fill(to.attempt);
  to.stream = member_of<LogStream>(2);
  to.offset = any();
  to.bytes_max = small();
}
void Sampler::fill(Refused& to) {
  fill(to.attempt);
  to.code = member_of<RefusalCode>(refusal_codes_count);
  to.detail = text();
  if (flag()) fill(to.quote);
}
void Sampler::fill(AttemptStatus& to) {
  fill(to.attempt);
  to.phase = member_of<AttemptPhase>(6);
  to.since = time();
}
void Sampler::fill(AttemptEnded& to) {
  fill(to.attempt);
  fill(to.report);
}
void Sampler::fill(LogChunk& to) {
  to.request = any();
  fill(to.attempt);
  to.offset = any();
  to.data = bytes(number(0, 1'000));
  to.end = flag();
  to.known = flag();
}
void Sampler::fill(CosignCheckpoint& to) {
  to.request = any();
  to.body = bytes(number(0, 1'000));
}
void Sampler::fill(CosignAnswer& to) {
  to.request = any();
  to.status = static_cast<std::uint16_t>(number(200, 599));
  to.content_type = clean_text();
  to.body = bytes(number(0, 1'000));
}

void Sampler::fill(Digest& to) {
  to.member.value = small();
  to.kind = member_of<RecordKind>(record_kinds_count);
  fill(to.version);
}
void Sampler::fill(GossipSyn& to) {
  fill_list(to.digests);
  for (std::uint64_t i = number(0, fingerprints_count); i > 0; --i) {
    to.fingerprints.push_back(any());
  }
  to.quarantined = members();
}
void Sampler::fill(GossipSynAck& to) {
  fill_list(to.records);
  fill_list(to.digests);
  fill_list(to.wants);
  to.differing = any();
  fill_list(to.proofs);
  to.quarantined = members();
}
void Sampler::fill(GossipAck& to) {
  fill_list(to.records);
  fill_list(to.wants);
  fill_list(to.proofs);
}
std::vector<MemberNumber> Sampler::members() {
  std::set<MemberNumber> numbers;
  for (std::size_t i = count(); i > 0; --i) numbers.insert(MemberNumber{small()});
  return {numbers.begin(), numbers.end()};
}

void Sampler::fill(JobSubmitted& to) {
  to.job = job();
  to.tenant.value = name();
  to.principal = text();
  to.idempotency_key = text();
  fill(to.spec);
  if (flag()) fill(to.quote.emplace());
  if (flag()) to.traceparent = name();
}
void Sampler::fill(JobDecided& to) {
  fill(to.attempt);
  fill(to.decision);
}
void Sampler::fill(JobsCleared::Job& to) {
  to.job = job();
  to.excluded = sites();
}
void Sampler::fill(JobUnroutable& to) {
  to.job = job();
  fill(to.decision);
}
void Sampler::fill(CancelRequested& to) {
  to.job = job();
  to.principal = text();
}
void Sampler::fill(JobExpired& to) {
  to.job = job();
  to.reason = text();
}
void Sampler::fill(AttemptRefused& to) {
  fill(to.attempt);
  to.code = member_of<RefusalCode>(refusal_codes_count);
  to.detail = text();
}
void Sampler::fill(AttemptAdvanced& to) {
  fill(to.attempt);
  to.phase = member_of<AttemptPhase>(6);
}
void Sampler::fill(AttemptFinished& to) {
  fill(to.attempt);
  fill(to.report);
}
void Sampler::fill(AttemptLost& to) {
  fill(to.attempt);
  to.reason = text();
}
void Sampler::fill(InviteIssued& to) {
  to.token_sha256 = sha256();
  to.site.value = name();
  to.units_max = small();
  to.expires = time();
}
void Sampler::fill(MemberChanged& to) {
  fill(to.record);
  to.token_sha256 = sha256();
  to.cause = member_of<MemberCause>(member_causes_count);
  if (flag()) to.renewal = bytes(limits::renewal_id_bytes);
  for (std::size_t i = count(); i > 0; --i) to.recoveries.push_back(time());
  to.recovery_allowed = flag();
  to.principal = text();
}
void Sampler::fill(TrustChanged& to) {
  to.record = text();
}
void Sampler::fill(DatasetChanged& to) {
  if (flag()) fill(to.dataset.emplace());
  to.name = to.dataset ? to.dataset->name : name();
}
void Sampler::fill(RatesChanged& to) {
  to.table.version = any();
  to.table.accounting_currency = "CHF";
  const std::vector<std::string> currencies = {"EUR", "JPY", "USD"};
  for (std::size_t i = count(); i > 0; --i) {
    to.table.rates_ppm[currencies[i - 1]] = amount(limits::rate_ppm_max, 1);
  }
  to.principal = text();
}

void Sampler::fill(BudgetChanged& to) {
  to.tenant.value = name();
  to.principal = text();
  if (!flag()) return;
  to.budget = Budget{Money{amount()}, member_of<BudgetPeriod>(budget_periods_count), any()};
}

void Sampler::fill(AttemptRecord& to) {
  to.number = small();
  to.state = member_of<AttemptState>(attempt_states_count);
  fill(to.decision);
  to.decided = time();
  to.granted = time();
  to.started = time();
  to.over = time();
  to.refusal = member_of<RefusalCode>(refusal_codes_count);
  to.detail = text();
  if (flag()) fill(to.report.emplace());
}
void Sampler::fill(JobRecord& to) {
  to.job = job();
  if (flag()) to.array = job();
  to.array_index = small();
  to.array_count = small();
  to.tenant.value = name();
  to.principal = text();
  fill(to.spec);
  to.state = member_of<JobState>(job_states_count);
  to.submitted = time();
  to.ended = time();
  to.cancel_requested = flag();
  to.attempts_count = small();
  to.attempts_granted = small();
  fill_list(to.attempts);
  if (flag()) fill(to.unplaced.emplace());
  to.end_reason = text();
  to.charged.micros = amount();
  if (flag()) fill(to.quote.emplace());
}

}  // namespace tradewind::testing
