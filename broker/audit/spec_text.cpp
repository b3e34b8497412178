#include "broker/audit/spec_text.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/routing/transfer.h"

namespace tradewind {
namespace {

template <class Number>
void put(JsonText& out, std::string_view name, Number value, Number otherwise = 0) {
  if (value != otherwise) out.add(name, value);
}

void put(JsonText& out, std::string_view name, const std::string& value) {
  if (!value.empty()) out.add(name, std::string_view(value));
}

void put(JsonText& out, std::string_view name, const std::vector<std::string>& values) {
  if (values.empty()) return;
  out.open_list(name);
  for (const std::string& each : values) out.element(each);
  out.close_list();
}

void put(JsonText& out, std::string_view name, const std::map<std::string, std::string>& values) {
  if (values.empty()) return;
  out.open_list(name);
  for (const auto& [key, value] : values) {
    out.open();
    out.add("key", key);
    out.add("value", value);
    out.close();
  }
  out.close_list();
}

std::map<std::string, std::string> read_pairs(const JsonMembers& in, std::string_view name) {
  std::map<std::string, std::string> pairs;
  for (const JsonMembers& each : in.objects(name)) pairs[each.text("key")] = each.text("value");
  return pairs;
}

std::string_view word(Scheme scheme) {
  switch (scheme) {
    case Scheme::none: break;
    case Scheme::file: return "file";
    case Scheme::web: return "web";
  }
  return "none";
}

// An address of that scheme.
std::string address(const JsonMembers& in) {
  const std::string scheme = in.text("scheme");
  if (scheme == "web") return "https:";
  if (scheme == "file") return "file:";
  if (scheme != "none" && !scheme.empty()) in.fault("scheme", "is none of web, file and none");
  return {};
}

std::string_view word(Objective objective) {
  switch (objective) {
    case Objective::cheapest: break;
    case Objective::fastest: return "fastest";
    case Objective::balanced: return "balanced";
  }
  return "cheapest";
}

void write_variant(JsonText& out, const Variant& variant) {
  out.open();
  out.open_list("architectures");
  for (const Architecture each : variant.architectures) out.element(to_string(each));
  out.close_list();
  const AcceleratorNeed& need = variant.accelerator;
  if (need != AcceleratorNeed{}) {
    out.open("accelerator");
    put(out, "family", need.family);
    put(out, "models", need.models);
    put(out, "memory_gib_min", need.memory_gib_min);
    if (need.interconnect_min != Interconnect::none) {
      out.add("interconnect_min", to_string(need.interconnect_min));
    }
    out.close();
  }
  out.add("workload_class", variant.workload_class);
  put(out, "work_seconds", variant.work_seconds);
  put(out, "duration_seconds", variant.duration_seconds);
  out.close();
}

Variant read_variant(const JsonMembers& in) {
  Variant variant;
  for (const std::string& each : in.texts("architectures")) {
    const Result<Architecture> known = parse_architecture("architectures", each);
    if (known) {
      variant.architectures.push_back(*known);
    } else {
      in.fault("architectures", known.error().message);
    }
  }
  if (const auto need = in.object("accelerator")) {
    variant.accelerator.family = need->text("family");
    variant.accelerator.models = need->texts("models");
    variant.accelerator.memory_gib_min = need->number<std::uint32_t>("memory_gib_min");
    if (const std::string least = need->text("interconnect_min"); !least.empty()) {
      const Result<Interconnect> known = parse_interconnect("interconnect_min", least);
      if (known) {
        variant.accelerator.interconnect_min = *known;
      } else {
        in.fault("interconnect_min", known.error().message);
      }
    }
  }
  variant.workload_class = in.text("workload_class");
  variant.work_seconds = in.number<std::uint64_t>("work_seconds");
  variant.duration_seconds = in.number<std::uint64_t>("duration_seconds");
  return variant;
}

void write_residency(JsonText& out, const std::vector<Jurisdiction>& residency) {
  if (residency.empty()) return;
  out.open_list("residency");
  for (const Jurisdiction& each : residency) out.element(each.value);
  out.close_list();
}

void write_input(JsonText& out, const Input& input) {
  out.open();
  if (!input.content.empty()) out.add("inline", true);
  put(out, "size_bytes", input.size_bytes);
  write_residency(out, input.residency);
  if (input.residency_bound) out.add("residency_bound", true);
  if (!input.replicas.empty()) write_replicas(out, input.replicas);
  if (!input.holding.none()) out.add("holding", to_string(input.holding));
  out.close();
}

Input read_input(const JsonMembers& in) {
  Input input;
  if (in.flag("inline")) input.content = "-";
  input.size_bytes = in.number<std::uint64_t>("size_bytes");
  for (std::string& each : in.texts("residency")) input.residency.push_back({std::move(each)});
  input.residency_bound = in.flag("residency_bound");
  if (const std::string label = in.text("holding"); !label.empty()) {
    if (const auto known = parse_holding_label(label)) {
      input.holding = *known;
    } else {
      in.fault("holding", "is no label of 32 hexadecimal digits");
    }
  }
  for (const JsonMembers& each : in.objects("replicas")) {
    input.replicas.push_back({address(each), each.text("site"), each.text("region")});
  }
  return input;
}

void write_output(JsonText& out, const Output& output) {
  out.open();
  out.add("scheme", word(scheme_of(output.url)));
  put(out, "size_bytes", output.size_bytes);
  put(out, "region", output.region);
  out.close();
}

Output read_output(const JsonMembers& in) {
  Output output;
  output.url = address(in);
  output.size_bytes = in.number<std::uint64_t>("size_bytes");
  output.region = in.text("region");
  return output;
}

// Both lists of sites, and so on.
template <class Spec, class Visit>
void each_list(Spec& constraints, Visit visit) {
  visit("sites_allowed", constraints.sites_allowed);
  visit("sites_denied", constraints.sites_denied);
  visit("regions_allowed", constraints.regions_allowed);
  visit("regions_denied", constraints.regions_denied);
  visit("jurisdictions_allowed", constraints.jurisdictions_allowed);
  visit("jurisdictions_denied", constraints.jurisdictions_denied);
  visit("providers_allowed", constraints.providers_allowed);
  visit("providers_denied", constraints.providers_denied);
}

void write_constraints(JsonText& out, const Constraints& constraints) {
  if (constraints == Constraints{}) return;
  out.open("constraints");
  each_list(constraints, [&](std::string_view name, const auto& list) { put(out, name, list); });
  put(out, "labels", constraints.labels);
  put(out, "labels_denied", constraints.labels_denied);
  put(out, "latency_region", constraints.latency_region);
  put(out, "latency_ms_max", constraints.latency_ms_max);
  if (constraints.deadline) out.add("deadline", *constraints.deadline);
  if (constraints.cost_max) out.add("cost_max", *constraints.cost_max);
  if (constraints.rate_max) out.add("rate_max", *constraints.rate_max);
  if (constraints.preemptible_allowed) out.add("preemptible_allowed", true);
  put(out, "carbon_g_kwh_max", constraints.carbon_g_kwh_max);
  put(out, "wait_seconds_max", constraints.wait_seconds_max);
  out.close();
}

Constraints read_constraints(const JsonMembers& in) {
  Constraints constraints;
  each_list(constraints, [&](std::string_view name, auto& list) { list = in.texts(name); });
  constraints.labels = read_pairs(in, "labels");
  constraints.labels_denied = read_pairs(in, "labels_denied");
  constraints.latency_region = in.text("latency_region");
  constraints.latency_ms_max = in.number<std::uint32_t>("latency_ms_max");
  constraints.deadline = in.time("deadline");
  if (in.has("cost_max")) constraints.cost_max = Money{in.micros("cost_max")};
  if (in.has("rate_max")) constraints.rate_max = MoneyPerHour{in.micros("rate_max")};
  constraints.preemptible_allowed = in.flag("preemptible_allowed");
  constraints.carbon_g_kwh_max = in.number<std::uint32_t>("carbon_g_kwh_max");
  constraints.wait_seconds_max = in.number<std::uint32_t>("wait_seconds_max");
  return constraints;
}

void write_executor(JsonText& out, const Executor& executor) {
  out.open();
  put(out, "image", executor.image);
  put(out, "command", executor.command);
  put(out, "workdir", executor.workdir);
  put(out, "stdin", executor.stdin_path);
  put(out, "stdout", executor.stdout_path);
  put(out, "stderr", executor.stderr_path);
  put(out, "env", executor.env);
  if (executor.ignore_error) out.add("ignore_error", true);
  out.close();
}

}  // namespace

void write_replicas(JsonText& out, const std::vector<Replica>& replicas) {
  out.open_list("replicas");
  for (const Replica& each : replicas) {
    out.open();
    out.add("scheme", word(scheme_of(each.url)));
    put(out, "site", each.site);
    put(out, "region", each.region);
    out.close();
  }
  out.close_list();
}

void write_private_replicas(JsonText& out, const std::vector<Replica>& replicas) {
  out.open_list("urls");
  for (const Replica& each : replicas) out.element(each.url);
  out.close_list();
}

void write(JsonText& out, std::string_view name, const JobSpec& spec) {
  out.open(name);
  out.open("resources");
  out.add("cpus", spec.resources.cpus);
  out.add("memory_mib", spec.resources.memory_mib);
  out.add("disk_mib", spec.resources.disk_mib);
  out.add("accelerators", spec.resources.accelerators);
  out.close();
  out.add("nodes", spec.nodes);
  out.open_list("variants");
  for (const Variant& each : spec.variants) write_variant(out, each);
  out.close_list();
  if (!spec.inputs.empty()) {
    out.open_list("inputs");
    for (const Input& each : spec.inputs) write_input(out, each);
    out.close_list();
  }
  if (!spec.outputs.empty()) {
    out.open_list("outputs");
    for (const Output& each : spec.outputs) write_output(out, each);
    out.close_list();
  }
  write_constraints(out, spec.constraints);
  out.add("objective", word(spec.objective));
  if (spec.value_per_hour.micros != 0) out.add("value_per_hour", spec.value_per_hour);
  put(out, "home_region", spec.home_region);
  out.add("network", spec.network);
  out.add("restartable", spec.restartable);
  out.add("attempts_max", spec.attempts_max);
  out.add("on_disconnect", spec.on_disconnect == OnDisconnect::resume ? "continue" : "stop");
  put(out, "priority", spec.priority);
  put(out, "queue_seconds_max", spec.queue_seconds_max);
  put(out, "run_seconds_max", spec.run_seconds_max);
  put(out, "total_seconds_max", spec.total_seconds_max);
  std::vector<std::string> after;
  for (const JobId& each : spec.after) after.push_back(each.value);
  put(out, "after", after);
  put(out, "array_count", spec.array_count);
  out.close();
}

JobSpec read_spec(const JsonMembers& in) {
  JobSpec spec;
  if (const auto resources = in.object("resources")) {
    spec.resources.cpus = resources->number<std::uint32_t>("cpus");
    spec.resources.memory_mib = resources->number<std::uint64_t>("memory_mib");
    spec.resources.disk_mib = resources->number<std::uint64_t>("disk_mib");
    spec.resources.accelerators = resources->number<std::uint32_t>("accelerators");
  }
  spec.nodes = in.number<std::uint32_t>("nodes", 1);
  for (const JsonMembers& each : in.objects("variants")) {
    spec.variants.push_back(read_variant(each));
  }
  if (spec.variants.empty()) in.fault("variants", "is empty");
  for (const JsonMembers& each : in.objects("inputs")) spec.inputs.push_back(read_input(each));
  for (const JsonMembers& each : in.objects("outputs")) spec.outputs.push_back(read_output(each));
  if (const auto constraints = in.object("constraints")) {
    spec.constraints = read_constraints(*constraints);
  }
  const std::string objective = in.text("objective");
  if (objective == "fastest") {
    spec.objective = Objective::fastest;
  } else if (objective == "balanced") {
    spec.objective = Objective::balanced;
  } else if (objective != "cheapest") {
    in.fault("objective", "is none of cheapest, fastest and balanced");
  }
  spec.value_per_hour = MoneyPerHour{in.micros("value_per_hour")};
  spec.home_region = in.text("home_region");
  spec.network = in.flag("network");
  spec.restartable = in.flag("restartable", true);
  spec.attempts_max = in.number<std::uint32_t>("attempts_max");
  spec.on_disconnect =
      in.text("on_disconnect") == "continue" ? OnDisconnect::resume : OnDisconnect::stop;
  spec.priority = in.number<std::int32_t>("priority");
  spec.queue_seconds_max = in.number<std::uint64_t>("queue_seconds_max");
  spec.run_seconds_max = in.number<std::uint64_t>("run_seconds_max");
  spec.total_seconds_max = in.number<std::uint64_t>("total_seconds_max");
  for (std::string& each : in.texts("after")) spec.after.push_back(JobId{std::move(each)});
  spec.array_count = in.number<std::uint32_t>("array_count");
  return spec;
}

void write_private(JsonText& out, const JobSpec& spec) {
  put(out, "name", spec.name);
  put(out, "description", spec.description);
  put(out, "tags", spec.tags);
  put(out, "volumes", spec.volumes);
  out.open_list("variants");
  for (const Variant& each : spec.variants) {
    out.open();
    put(out, "name", each.name);
    out.open_list("executors");
    for (const Executor& executor : each.executors) write_executor(out, executor);
    out.close_list();
    out.close();
  }
  out.close_list();
  out.open_list("inputs");
  for (const Input& each : spec.inputs) {
    out.open();
    put(out, "name", each.name);
    put(out, "description", each.description);
    put(out, "path", each.path);
    put(out, "dataset", each.dataset);
    put(out, "sha256", each.sha256);
    put(out, "content", each.content);
    write_private_replicas(out, each.replicas);
    out.close();
  }
  out.close_list();
  out.open_list("outputs");
  for (const Output& each : spec.outputs) {
    out.open();
    put(out, "name", each.name);
    put(out, "description", each.description);
    put(out, "path", each.path);
    put(out, "path_prefix", each.path_prefix);
    put(out, "url", each.url);
    out.close();
  }
  out.close_list();
}

}  // namespace tradewind
