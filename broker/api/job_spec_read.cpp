// Job documents into JobSpec.
#include <fmt/format.h>

#include <algorithm>

#include "broker/api/job_check.h"
#include "broker/api/job_json.h"
#include "broker/api/json_reader.h"
#include "schemas/ascii.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

using limits::seconds_max;

void seconds(ObjectReader& in, std::string_view name, std::uint64_t& out) {
  in.whole(name, out, 1, static_cast<std::int64_t>(seconds_max));
}

void optional_name(ObjectReader& in, std::string_view name, std::string& out) {
  if (in.text(name, out)) in.keep(check_name(in.path_of(name), out));
}

void names(ObjectReader& in, std::string_view name, std::vector<std::string>& out) {
  if (!in.texts(name, out, limits::list_entries_max)) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    in.keep(check_name(fmt::format("{}[{}]", in.path_of(name), i), out[i]));
  }
}

void executor_members(ObjectReader& in, Executor& out) {
  in.text("image", out.image);
  in.texts("command", out.command, arguments_max, argument_bytes_max);
  in.text("workdir", out.workdir);
  in.text("stdin", out.stdin_path);
  in.text("stdout", out.stdout_path);
  in.text("stderr", out.stderr_path);
  in.text_map("env", out.env, env_value_bytes_max);
}

bool executor_list(Reading& reading, ObjectReader& in, std::vector<Executor>& out) {
  return in.each("executors", limits::executors_max,
                 [&](const json::value& value, const std::string& path) {
                   ObjectReader each(reading, value, path);
                   Executor executor;
                   executor_members(each, executor);
                   each.boolean("ignore_error", executor.ignore_error);
                   each.finish();
                   each.keep(check_executor(path + ".", executor));
                   out.push_back(std::move(executor));
                 });
}

void accelerator(ObjectReader& in, AcceleratorNeed& out) {
  in.object("accelerator", [&](ObjectReader& need) {
    need.text("family", out.family);
    out.family = ascii_lower(out.family);
    need.texts("models", out.models, limits::list_entries_max);
    for (std::string& each : out.models) each = ascii_lower(each);
    need.whole("memory_gib_min", out.memory_gib_min, 0, accelerator_memory_gib_max);
    std::string interconnect;
    if (need.text("interconnect_min", interconnect)) {
      const auto parsed = parse_interconnect(need.path_of("interconnect_min"), interconnect);
      if (parsed) {
        out.interconnect_min = *parsed;
      } else {
        need.keep(fail(parsed.error()));
      }
    }
  });
}

// What a variant says besides its executors.
void variant_members(ObjectReader& in, Variant& out) {
  std::vector<std::string> architectures;
  if (in.texts("architectures", architectures, architectures_count)) {
    for (std::size_t i = 0; i < architectures.size(); ++i) {
      auto parsed = parse_architecture("", architectures[i]);
      if (!parsed) {
        parsed.error().field = fmt::format("{}[{}]", in.path_of("architectures"), i);
        in.keep(fail(std::move(parsed.error())));
        return;
      }
      out.architectures.push_back(*parsed);
    }
    if (architectures.empty()) {
      in.refuse("architectures", "it is empty", "name at least one, such as amd64");
    }
  } else {
    out.architectures = {Architecture::amd64};
  }
  accelerator(in, out.accelerator);
  if (in.text("workload_class", out.workload_class)) {
    in.keep(check_name(in.path_of("workload_class"), out.workload_class));
  }
  seconds(in, "work_seconds", out.work_seconds);
  seconds(in, "duration_seconds", out.duration_seconds);
}

// The short form: the members of the only variant, and of its only executor, stand in the job.
void only_variant(Reading& reading, ObjectReader& in, JobSpec& spec) {
  Variant variant;
  variant.name = "default";
  variant_members(in, variant);
  Executor executor;
  executor_members(in, executor);
  if (in.has("executors")) {
    for (const auto* each : {"command", "image", "env", "workdir", "stdin", "stdout", "stderr"}) {
      if (in.has(each)) {
        in.refuse(each, "it is given beside executors", "put it into the executors, or drop those");
      }
    }
    executor_list(reading, in, variant.executors);
  } else if (in.has("command")) {
    in.keep(check_executor("", executor));
    variant.executors.push_back(std::move(executor));
  } else {
    in.refuse("command", "there is nothing to run",
              "give command as a list such as [\"echo\", \"hello\"], or executors, or variants");
  }
  spec.variants.push_back(std::move(variant));
}

void variants(Reading& reading, ObjectReader& in, JobSpec& spec) {
  if (!in.has("variants")) {
    only_variant(reading, in, spec);
    return;
  }
  for (const auto* each :
       {"command", "image", "env", "workdir", "stdin", "stdout", "stderr", "executors",
        "architectures", "accelerator", "workload_class", "work_seconds", "duration_seconds"}) {
    if (in.has(each)) {
      in.refuse(each, "it is given beside variants", "put it into the variants");
    }
  }
  const bool there = in.each("variants", limits::variants_max,
                             [&](const json::value& value, const std::string& path) {
                               ObjectReader each(reading, value, path);
                               Variant variant;
                               variant.name = fmt::format("variant-{}", spec.variants.size());
                               if (each.text("name", variant.name) && variant.name.empty()) {
                                 each.refuse("name", "it is empty", "give a name, or leave it out");
                               }
                               variant_members(each, variant);
                               executor_list(reading, each, variant.executors);
                               each.finish();
                               spec.variants.push_back(std::move(variant));
                             });
  if (there && spec.variants.empty()) {
    in.refuse("variants", "it is empty", "give at least one way to run the job");
  }
}

void resources(ObjectReader& in, JobSpec& spec) {
  Resources& out = spec.resources;
  out.cpus = cpus_default;
  out.memory_mib = memory_mib_default;
  bool counted = false;
  in.object("resources", [&](ObjectReader& each) {
    const auto amount = [&](std::string_view gib, std::string_view mib, std::uint64_t& value) {
      std::uint64_t thousandths = 0;
      if (each.has(gib) && each.has(mib)) {
        each.refuse(mib, "it is given beside " + std::string(gib), "give one of the two");
      }
      if (each.thousandths(gib, thousandths, gib_max)) value = (thousandths * 1024 + 999) / 1000;
      each.whole(mib, value, 0, static_cast<std::int64_t>(gib_max) * 1024);
    };
    each.whole("cpus", out.cpus, 1, cpus_max);
    amount("memory_gib", "memory_mib", out.memory_mib);
    amount("disk_gib", "disk_mib", out.disk_mib);
    counted = each.whole("accelerators", out.accelerators, 0, accelerators_max);
  });
  const bool wanted =
      std::any_of(spec.variants.begin(), spec.variants.end(),
                  [](const Variant& each) { return each.accelerator != AcceleratorNeed{}; });
  if (wanted && !counted) out.accelerators = 1;
}

FileType file_type(ObjectReader& in) {
  std::size_t type = 0;
  in.word("type", {"file", "directory"}, type);
  return static_cast<FileType>(type);
}

// An input that names a data set says nothing of what that one says.
void dataset(ObjectReader& in, Input& out) {
  if (!in.text("dataset", out.dataset)) return;
  in.keep(check_name(in.path_of("dataset"), out.dataset));
  for (const auto* each : {"url", "replicas", "content", "size_bytes", "sha256"}) {
    if (in.has(each)) {
      in.refuse(each, "it is given beside dataset", "leave it out: the data set says it");
    }
  }
}

void inputs(Reading& reading, ObjectReader& in, JobSpec& spec) {
  in.each("inputs", limits::inputs_max, [&](const json::value& value, const std::string& path) {
    ObjectReader each(reading, value, path);
    Input input;
    each.text("name", input.name);
    each.text("description", input.description);
    each.text("path", input.path);
    input.type = file_type(each);
    each.text("content", input.content, limits::input_content_bytes_max);
    dataset(each, input);
    read_replicas(reading, each, input.replicas);
    if (!input.content.empty() && !input.replicas.empty()) {
      each.refuse("content", "it is given beside a URL", "give one of the two");
    }
    each.whole("size_bytes", input.size_bytes, 0, static_cast<std::int64_t>(size_bytes_max));
    if (each.text("sha256", input.sha256)) input.sha256 = ascii_lower(input.sha256);
    read_ids(each, "residency", input.residency);
    each.boolean("executable", input.executable);
    each.boolean("streamable", input.streamable);
    each.finish();
    each.keep(check_input(path + ".", input));
    spec.inputs.push_back(std::move(input));
  });
}

void outputs(Reading& reading, ObjectReader& in, JobSpec& spec) {
  in.each("outputs", limits::outputs_max, [&](const json::value& value, const std::string& path) {
    ObjectReader each(reading, value, path);
    Output output;
    each.text("name", output.name);
    each.text("description", output.description);
    each.text("path", output.path);
    each.text("path_prefix", output.path_prefix);
    each.text("url", output.url);
    output.type = file_type(each);
    each.whole("size_bytes", output.size_bytes, 0, static_cast<std::int64_t>(size_bytes_max));
    each.text("region", output.region);
    each.finish();
    each.keep(check_output(path + ".", output));
    spec.outputs.push_back(std::move(output));
  });
}

void constraints(ObjectReader& in, Constraints& out) {
  in.object("constraints", [&](ObjectReader& each) {
    names(each, "sites_allowed", out.sites_allowed);
    names(each, "sites_denied", out.sites_denied);
    names(each, "regions_allowed", out.regions_allowed);
    names(each, "regions_denied", out.regions_denied);
    const auto jurisdictions = [&](std::string_view name, std::vector<std::string>& list) {
      if (!each.texts(name, list, limits::list_entries_max)) return;
      for (std::size_t i = 0; i < list.size(); ++i) {
        each.keep(check_jurisdiction(fmt::format("{}[{}]", each.path_of(name), i), list[i]));
      }
    };
    jurisdictions("jurisdictions_allowed", out.jurisdictions_allowed);
    jurisdictions("jurisdictions_denied", out.jurisdictions_denied);
    each.texts("providers_allowed", out.providers_allowed, limits::list_entries_max);
    each.texts("providers_denied", out.providers_denied, limits::list_entries_max);
    each.text_map("labels", out.labels);
    each.text_map("labels_denied", out.labels_denied);
    each.object("latency", [&](ObjectReader& latency) {
      const bool region = latency.text("region", out.latency_region);
      const bool bound = latency.whole("ms_max", out.latency_ms_max, 1, 60'000);
      if (!region) latency.refuse("region", "it is missing", "name the region of the clients");
      if (!bound) latency.refuse("ms_max", "it is missing", "give the longest round trip in ms");
      latency.keep(check_name(latency.path_of("region"), out.latency_region));
    });
    std::string deadline;
    if (each.text("deadline", deadline)) {
      const auto parsed = parse_rfc3339(each.path_of("deadline"), deadline);
      if (parsed) {
        out.deadline = *parsed;
      } else {
        each.keep(fail(parsed.error()));
      }
    }
    Money cost;
    if (each.micros("cost_max", cost.micros)) out.cost_max = cost;
    MoneyPerHour rate;
    if (each.micros("rate_max", rate.micros)) out.rate_max = rate;
    each.boolean("preemptible_allowed", out.preemptible_allowed);
    each.whole("carbon_g_kwh_max", out.carbon_g_kwh_max, 1, 1'000'000);
    each.whole("wait_seconds_max", out.wait_seconds_max, 1, static_cast<std::int64_t>(seconds_max));
  });
}

void objective(ObjectReader& in, JobSpec& spec) {
  std::size_t objective = 0;
  in.word("objective", {"cheapest", "fastest", "balanced"}, objective);
  spec.objective = static_cast<Objective>(objective);
  const bool valued = in.micros("value_per_hour", spec.value_per_hour.micros);
  if (spec.objective == Objective::balanced && spec.value_per_hour.micros == 0) {
    in.refuse("value_per_hour", "it is missing or 0, though the objective is balanced",
              "say what finishing an hour sooner is worth, such as \"2.50\"");
  }
  if (spec.objective != Objective::balanced && valued) {
    in.refuse("value_per_hour", "it means something only with the objective balanced",
              "leave it out, or set objective to balanced");
  }
}

void after(ObjectReader& in, std::vector<JobId>& out) {
  std::vector<std::string> ids;
  if (!in.texts("after", ids, limits::after_max)) return;
  for (std::string& each : ids) {
    JobId id{std::move(each)};
    if (!is_job_id(id.value)) {
      in.refuse("after", "\"" + brief(id.value) + "\" is no id of a job",
                "give ids that submissions answered, of jobs or arrays");
    } else if (std::find(out.begin(), out.end(), id) != out.end()) {
      in.refuse("after", "it names " + id.value + " twice", "name each once");
    }
    out.push_back(std::move(id));
  }
}

void life(ObjectReader& in, JobSpec& spec) {
  in.boolean("network", spec.network);
  in.boolean("restartable", spec.restartable);
  in.whole("attempts_max", spec.attempts_max, 1, limits::attempts_per_job_max);
  std::size_t on_disconnect = 0;
  in.word("on_disconnect", {"stop", "continue"}, on_disconnect);
  spec.on_disconnect = static_cast<OnDisconnect>(on_disconnect);
  in.whole("priority", spec.priority, -100, 100);
  seconds(in, "queue_seconds_max", spec.queue_seconds_max);
  seconds(in, "run_seconds_max", spec.run_seconds_max);
  seconds(in, "total_seconds_max", spec.total_seconds_max);
  after(in, spec.after);
  in.object("array", [&](ObjectReader& array) {
    if (!array.whole("count", spec.array_count, 1, limits::array_tasks_max)) {
      array.refuse("count", "it is missing", "give the number of tasks");
    }
  });
}

}  // namespace

void read_replicas(Reading& reading, ObjectReader& in, std::vector<Replica>& out) {
  std::string url;
  if (in.text("url", url)) {
    if (in.has("replicas")) {
      in.refuse("replicas", "they are given beside url", "put the URL into the replicas");
    }
    out.push_back(Replica{url, "", ""});
    return;
  }
  in.each("replicas", limits::replicas_max, [&](const json::value& value, const std::string& path) {
    ObjectReader each(reading, value, path);
    Replica replica;
    each.text("url", replica.url);
    each.text("site", replica.site);
    each.text("region", replica.region);
    each.finish();
    each.keep(check_url(path + ".url", replica.url));
    out.push_back(std::move(replica));
  });
}

Result<JobSpec> read_job_spec(const json::value& document) {
  Reading reading;
  JobSpec spec;
  ObjectReader in(reading, document, "");
  in.text("name", spec.name);
  in.text("description", spec.description);
  in.text_map("tags", spec.tags);
  variants(reading, in, spec);
  resources(in, spec);
  in.whole("nodes", spec.nodes, 1, limits::nodes_per_job_max);
  inputs(reading, in, spec);
  outputs(reading, in, spec);
  in.texts("volumes", spec.volumes, limits::list_entries_max);
  constraints(in, spec.constraints);
  objective(in, spec);
  optional_name(in, "home_region", spec.home_region);
  life(in, spec);
  in.finish();
  if (!reading.error) in.keep(check_whole(spec));
  if (reading.error) return fail(*reading.error);
  return spec;
}

Result<json::value> parse_job_document(std::string_view text) {
  if (text.size() > limits::job_document_bytes_max) {
    return fail(ErrorCode::too_large, "body", fmt::format("it has {} bytes", text.size()),
                fmt::format("send at most {} bytes", limits::job_document_bytes_max));
  }
  return parse_json("body", text);
}

Result<JobSpec> parse_job_spec(std::string_view text) {
  const auto document = parse_job_document(text);
  if (!document) return fail(document.error());
  return read_job_spec(*document);
}

}  // namespace tradewind
