#include "broker/jobs/shape.h"

#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tradewind {
namespace {

// Two products of 128 bits a word, each folded into 64 bits.
class Hasher {
 public:
  void text(std::string_view value) {
    number(value.size());
    for (; value.size() >= sizeof(std::uint64_t); value.remove_prefix(sizeof(std::uint64_t))) {
      number(word(value.substr(0, sizeof(std::uint64_t))));
    }
    if (!value.empty()) number(word(value));
  }
  void number(std::uint64_t value) {
    high_ = folded(high_ ^ value, 0x9e3779b97f4a7c15ULL);
    low_ = folded(low_ ^ value, 0xd6e8feb86659fd93ULL);
  }
  void signed_number(std::int64_t value) { number(static_cast<std::uint64_t>(value)); }
  void texts(const std::vector<std::string>& values) {
    number(values.size());
    for (const std::string& each : values) text(each);
  }
  Shape shape() const { return {high_, low_}; }

 private:
  static std::uint64_t word(std::string_view bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), bytes.size());
    return word;
  }
  static std::uint64_t folded(std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  }
  std::uint64_t high_ = 0xcbf29ce484222325ULL;
  std::uint64_t low_ = 0x84222325cbf29ce4ULL;
};

void add(Hasher& hash, const Resources& resources) {
  hash.number(resources.cpus);
  hash.number(resources.memory_mib);
  hash.number(resources.disk_mib);
  hash.number(resources.accelerators);
}

void add_machine(Hasher& hash, const Variant& variant) {
  hash.number(variant.architectures.size());
  for (const Architecture each : variant.architectures) {
    hash.number(static_cast<std::uint64_t>(each));
  }
  hash.text(variant.accelerator.family);
  hash.texts(variant.accelerator.models);
  hash.number(variant.accelerator.memory_gib_min);
  hash.number(static_cast<std::uint64_t>(variant.accelerator.interconnect_min));
}

void add(Hasher& hash, const Variant& variant) {
  add_machine(hash, variant);
  hash.text(variant.workload_class);
  hash.number(variant.work_seconds);
  hash.number(variant.duration_seconds);
}

void add_residency(Hasher& hash, const Input& input) {
  hash.number(input.residency.size());
  for (const Jurisdiction& each : input.residency) hash.text(each.value);
}

void add(Hasher& hash, const Input& input) {
  hash.number(input.content.size());
  hash.number(input.size_bytes);
  hash.number(input.replicas.size());
  for (const Replica& each : input.replicas) {
    hash.text(each.url);
    hash.text(each.site);
    hash.text(each.region);
  }
  hash.number(input.holding.high);
  hash.number(input.holding.low);
  add_residency(hash, input);
}

void add_place(Hasher& hash, const Constraints& constraints) {
  hash.texts(constraints.sites_allowed);
  hash.texts(constraints.sites_denied);
  hash.texts(constraints.regions_allowed);
  hash.texts(constraints.regions_denied);
  hash.texts(constraints.jurisdictions_allowed);
  hash.texts(constraints.jurisdictions_denied);
  hash.texts(constraints.providers_allowed);
  hash.texts(constraints.providers_denied);
  for (const auto* labels : {&constraints.labels, &constraints.labels_denied}) {
    hash.number(labels->size());
    for (const auto& [key, value] : *labels) {
      hash.text(key);
      hash.text(value);
    }
  }
  hash.text(constraints.latency_region);
  hash.number(constraints.latency_ms_max);
  hash.number(constraints.carbon_g_kwh_max);
}

void add(Hasher& hash, const Constraints& constraints) {
  add_place(hash, constraints);
  hash.signed_number(constraints.deadline ? constraints.deadline->time_since_epoch().count() : -1);
  hash.signed_number(constraints.cost_max ? constraints.cost_max->micros : -1);
  hash.signed_number(constraints.rate_max ? constraints.rate_max->micros : -1);
  hash.number(constraints.preemptible_allowed ? 1 : 0);
  hash.number(constraints.wait_seconds_max);
}

}  // namespace

Shape shape_of(const TenantId& tenant, const JobSpec& spec) {
  Hasher hash;
  hash.text(tenant.value);
  add(hash, spec.resources);
  hash.number(spec.nodes);
  hash.number(spec.variants.size());
  for (const Variant& each : spec.variants) add(hash, each);
  hash.number(spec.inputs.size());
  for (const Input& each : spec.inputs) add(hash, each);
  hash.number(spec.outputs.size());
  for (const Output& each : spec.outputs) {
    hash.text(each.url);
    hash.number(each.size_bytes);
    hash.text(each.region);
  }
  add(hash, spec.constraints);
  hash.number(static_cast<std::uint64_t>(spec.objective));
  hash.signed_number(spec.value_per_hour.micros);
  hash.text(spec.home_region);
  hash.number(spec.run_seconds_max);
  return hash.shape();
}

Shape demand_of(const JobSpec& spec) {
  Hasher hash;
  add(hash, spec.resources);
  hash.number(spec.nodes);
  hash.number(spec.variants.size());
  for (const Variant& each : spec.variants) add_machine(hash, each);
  for (const Input& each : spec.inputs) {
    if (!each.residency.empty()) add_residency(hash, each);
  }
  add_place(hash, spec.constraints);
  // The client's region, where the constraints name none.
  if (spec.constraints.latency_ms_max != 0) hash.text(spec.home_region);
  return hash.shape();
}

Shape shape_alone(const Shape& shape, const JobId& job) {
  Hasher hash;
  hash.number(shape.high);
  hash.number(shape.low);
  hash.text(job.value);
  return hash.shape();
}

}  // namespace tradewind
