#include "broker/routing/job_class.h"

#include <algorithm>
#include <string_view>

#include "broker/routing/adequacy.h"
#include "broker/routing/memo.h"
#include "broker/routing/transfer.h"

namespace tradewind {
namespace {

// But for the times.
bool same(const Variant& a, const Variant& b) {
  return a.architectures == b.architectures && a.accelerator == b.accelerator &&
         a.workload_class == b.workload_class;
}

bool same_times(const Variant& a, const Variant& b) {
  return a.work_seconds == b.work_seconds && a.duration_seconds == b.duration_seconds;
}

// Of an address, only how it is reached matters.
bool same(const Replica& a, const Replica& b) {
  return scheme_of(a.url) == scheme_of(b.url) && a.site == b.site && a.region == b.region;
}

constexpr auto kSameReplica = [](const Replica& a, const Replica& b) { return same(a, b); };

bool same(const Input& a, const Input& b) {
  return a.content.empty() == b.content.empty() && a.size_bytes == b.size_bytes &&
         a.residency == b.residency && a.holding == b.holding &&
         std::ranges::equal(a.replicas, b.replicas, kSameReplica);
}

bool same(const Output& a, const Output& b) {
  return scheme_of(a.url) == scheme_of(b.url) && a.size_bytes == b.size_bytes &&
         a.region == b.region;
}

constexpr auto kSame = [](const auto& a, const auto& b) { return same(a, b); };

std::uint64_t fold_signed(std::uint64_t hash, std::int64_t value) {
  return fold(hash, static_cast<std::uint64_t>(value));
}

}  // namespace

bool same_kind(const RouteRequest& a, const RouteRequest& b) {
  const JobSpec& left = a.spec;
  const JobSpec& right = b.spec;
  return left.priority == right.priority && left.resources == right.resources &&
         nodes_wanted(left) == nodes_wanted(right) && left.objective == right.objective &&
         left.value_per_hour == right.value_per_hour && left.home_region == right.home_region &&
         left.run_seconds_max == right.run_seconds_max && a.tenant == b.tenant &&
         std::ranges::equal(left.variants, right.variants, kSame) &&
         std::ranges::equal(left.inputs, right.inputs, kSame) &&
         std::ranges::equal(left.outputs, right.outputs, kSame) &&
         left.constraints == right.constraints && a.excluded == b.excluded;
}

bool same_class(const RouteRequest& a, const RouteRequest& b) {
  return std::ranges::equal(a.spec.variants, b.spec.variants, same_times) && same_kind(a, b);
}

std::uint64_t kind_hash(const RouteRequest& request) {
  const JobSpec& spec = request.spec;
  std::uint64_t hash = fold(spec.resources.cpus, spec.resources.memory_mib);
  hash = fold(fold(hash, spec.resources.disk_mib), spec.resources.accelerators);
  hash = fold(fold(hash, nodes_wanted(spec)), static_cast<std::uint64_t>(spec.objective));
  hash = fold_signed(fold_signed(hash, spec.priority), spec.value_per_hour.micros);
  hash = fold(fold(hash, spec.home_region), spec.run_seconds_max);
  hash = fold(hash, request.tenant.value);
  for (const Variant& each : spec.variants) hash = fold(hash, each.workload_class);
  for (const Input& each : spec.inputs) {
    hash = fold(fold(hash, each.size_bytes), each.holding.low);
    for (const Replica& replica : each.replicas)
      hash = fold(fold(hash, replica.site), replica.region);
  }
  for (const Output& each : spec.outputs) hash = fold(fold(hash, each.size_bytes), each.region);
  for (const SiteId& each : request.excluded) hash = fold(hash, each.value);
  const Constraints& constraints = spec.constraints;
  if (constraints.deadline)
    hash = fold_signed(hash, constraints.deadline->time_since_epoch().count());
  if (constraints.cost_max) hash = fold_signed(hash, constraints.cost_max->micros);
  if (constraints.rate_max) hash = fold_signed(hash, constraints.rate_max->micros);
  return hash;
}

std::uint64_t class_hash(const RouteRequest& request) {
  std::uint64_t hash = kind_hash(request);
  for (const Variant& each : request.spec.variants) {
    hash = fold(fold(hash, each.work_seconds), each.duration_seconds);
  }
  return hash;
}

}  // namespace tradewind
