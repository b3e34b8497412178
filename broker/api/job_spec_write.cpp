// JobSpec into job documents: only what differs from the defaults.
#include <utility>

#include "broker/api/job_json.h"

namespace tradewind {
namespace {

void put(json::object& out, std::string_view name, const std::string& text) {
  if (!text.empty()) out[json::string_view(name.data(), name.size())] = text;
}

void put(json::object& out, std::string_view name, std::uint64_t number) {
  if (number != 0) out[json::string_view(name.data(), name.size())] = number;
}

void put(json::object& out, std::string_view name, const std::vector<std::string>& list) {
  if (list.empty()) return;
  json::array array;
  for (const std::string& each : list) array.emplace_back(each);
  out[json::string_view(name.data(), name.size())] = std::move(array);
}

void put(json::object& out, std::string_view name, const std::map<std::string, std::string>& map) {
  if (map.empty()) return;
  json::object object;
  for (const auto& [key, value] : map) object[key] = value;
  out[json::string_view(name.data(), name.size())] = std::move(object);
}

json::object executor_to_json(const Executor& executor) {
  json::object out;
  put(out, "image", executor.image);
  put(out, "command", executor.command);
  put(out, "workdir", executor.workdir);
  put(out, "stdin", executor.stdin_path);
  put(out, "stdout", executor.stdout_path);
  put(out, "stderr", executor.stderr_path);
  put(out, "env", executor.env);
  if (executor.ignore_error) out["ignore_error"] = true;
  return out;
}

json::object variant_to_json(const Variant& variant) {
  json::object out{{"name", variant.name}};
  json::array architectures;
  for (const Architecture each : variant.architectures)
    architectures.push_back(json::string(to_string(each)));
  out["architectures"] = std::move(architectures);
  if (variant.accelerator != AcceleratorNeed{}) {
    json::object need;
    put(need, "family", variant.accelerator.family);
    put(need, "models", variant.accelerator.models);
    put(need, "memory_gib_min", variant.accelerator.memory_gib_min);
    if (variant.accelerator.interconnect_min != Interconnect::none) {
      need["interconnect_min"] = json::string(to_string(variant.accelerator.interconnect_min));
    }
    out["accelerator"] = std::move(need);
  }
  out["workload_class"] = variant.workload_class;
  put(out, "work_seconds", variant.work_seconds);
  put(out, "duration_seconds", variant.duration_seconds);
  json::array executors;
  for (const Executor& each : variant.executors) executors.push_back(executor_to_json(each));
  out["executors"] = std::move(executors);
  return out;
}

std::string_view type_word(FileType type) {
  return type == FileType::directory ? "directory" : "file";
}

json::object input_to_json(const Input& input) {
  json::object out;
  put(out, "name", input.name);
  put(out, "description", input.description);
  put(out, "path", input.path);
  out["type"] = json::string(type_word(input.type));
  put(out, "dataset", input.dataset);
  put(out, "content", input.content);
  if (input.dataset.empty()) {
    if (input.content.empty()) out["replicas"] = replicas_to_json(input.replicas);
    put(out, "size_bytes", input.size_bytes);
    put(out, "sha256", input.sha256);
  }
  if (!input.residency.empty()) out["residency"] = ids_to_json(input.residency);
  if (input.executable) out["executable"] = true;
  if (input.streamable) out["streamable"] = true;
  return out;
}

json::object output_to_json(const Output& output) {
  json::object out;
  put(out, "name", output.name);
  put(out, "description", output.description);
  put(out, "path", output.path);
  put(out, "path_prefix", output.path_prefix);
  put(out, "url", output.url);
  out["type"] = json::string(type_word(output.type));
  put(out, "size_bytes", output.size_bytes);
  put(out, "region", output.region);
  return out;
}

json::object constraints_to_json(const Constraints& constraints) {
  json::object out;
  put(out, "sites_allowed", constraints.sites_allowed);
  put(out, "sites_denied", constraints.sites_denied);
  put(out, "regions_allowed", constraints.regions_allowed);
  put(out, "regions_denied", constraints.regions_denied);
  put(out, "jurisdictions_allowed", constraints.jurisdictions_allowed);
  put(out, "jurisdictions_denied", constraints.jurisdictions_denied);
  put(out, "providers_allowed", constraints.providers_allowed);
  put(out, "providers_denied", constraints.providers_denied);
  put(out, "labels", constraints.labels);
  put(out, "labels_denied", constraints.labels_denied);
  if (constraints.latency_ms_max != 0) {
    out["latency"] = json::object{{"region", constraints.latency_region},
                                  {"ms_max", constraints.latency_ms_max}};
  }
  if (constraints.deadline) out["deadline"] = to_rfc3339(*constraints.deadline);
  if (constraints.cost_max) out["cost_max"] = to_decimal(constraints.cost_max->micros);
  if (constraints.rate_max) out["rate_max"] = to_decimal(constraints.rate_max->micros);
  if (constraints.preemptible_allowed) out["preemptible_allowed"] = true;
  put(out, "carbon_g_kwh_max", constraints.carbon_g_kwh_max);
  put(out, "wait_seconds_max", constraints.wait_seconds_max);
  return out;
}

template <class List, class Write>
void put_each(json::object& out, const char* name, const List& list, Write write) {
  if (list.empty()) return;
  json::array array;
  for (const auto& each : list) array.push_back(write(each));
  out[name] = std::move(array);
}

}  // namespace

json::array replicas_to_json(const std::vector<Replica>& replicas) {
  json::array out;
  for (const Replica& each : replicas) {
    json::object replica{{"url", each.url}};
    put(replica, "site", each.site);
    put(replica, "region", each.region);
    out.push_back(std::move(replica));
  }
  return out;
}

JobSpec as_submitted(JobSpec spec) {
  for (Input& each : spec.inputs) {
    if (!each.dataset.empty()) {
      each.replicas.clear();
      each.size_bytes = 0;
      each.sha256.clear();
    }
    if (std::exchange(each.residency_bound, false)) each.residency.clear();
    each.holding = {};
  }
  return spec;
}

json::array bound_inputs_to_json(const JobSpec& spec) {
  json::array out;
  for (const Input& each : spec.inputs) {
    if (each.dataset.empty() && !each.residency_bound) continue;
    json::object input{{"path", each.path}, {"replicas", replicas_to_json(each.replicas)}};
    put(input, "dataset", each.dataset);
    put(input, "size_bytes", each.size_bytes);
    put(input, "sha256", each.sha256);
    if (!each.residency.empty()) input["residency"] = ids_to_json(each.residency);
    out.push_back(std::move(input));
  }
  return out;
}

json::object job_spec_to_json(const JobSpec& spec) {
  json::object out;
  put(out, "name", spec.name);
  put(out, "description", spec.description);
  put(out, "tags", spec.tags);
  out["resources"] = json::object{{"cpus", spec.resources.cpus},
                                  {"memory_mib", spec.resources.memory_mib},
                                  {"disk_mib", spec.resources.disk_mib},
                                  {"accelerators", spec.resources.accelerators}};
  out["nodes"] = spec.nodes;
  put_each(out, "variants", spec.variants, variant_to_json);
  put_each(out, "inputs", spec.inputs, input_to_json);
  put_each(out, "outputs", spec.outputs, output_to_json);
  put(out, "volumes", spec.volumes);
  json::object constraints = constraints_to_json(spec.constraints);
  if (!constraints.empty()) out["constraints"] = std::move(constraints);
  switch (spec.objective) {
    case Objective::cheapest: out["objective"] = "cheapest"; break;
    case Objective::fastest: out["objective"] = "fastest"; break;
    case Objective::balanced:
      out["objective"] = "balanced";
      out["value_per_hour"] = to_decimal(spec.value_per_hour.micros);
      break;
  }
  put(out, "home_region", spec.home_region);
  out["network"] = spec.network;
  out["restartable"] = spec.restartable;
  out["attempts_max"] = spec.attempts_max;
  out["on_disconnect"] = spec.on_disconnect == OnDisconnect::resume ? "continue" : "stop";
  out["priority"] = spec.priority;
  put(out, "queue_seconds_max", spec.queue_seconds_max);
  put(out, "run_seconds_max", spec.run_seconds_max);
  put(out, "total_seconds_max", spec.total_seconds_max);
  if (!spec.after.empty()) out["after"] = ids_to_json(spec.after);
  if (spec.array_count > 0) out["array"] = json::object{{"count", spec.array_count}};
  return out;
}

}  // namespace tradewind
