// TES task documents into jobs.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "broker/api/job_check.h"
#include "broker/api/json_reader.h"
#include "broker/api/tes_task.h"
#include "schemas/ascii.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

// TES allows a bare path where a URL is meant.
std::string as_url(std::string url) {
  return url.starts_with('/') ? "file://" + url : url;
}

FileType file_type(ObjectReader& in) {
  std::size_t type = 0;
  in.word("type", {"FILE", "DIRECTORY"}, type);
  return static_cast<FileType>(type);
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
    std::string url;
    if (each.text("url", url) && !url.empty()) {
      input.replicas.push_back(Replica{as_url(std::move(url)), "", ""});
    }
    each.boolean("streamable", input.streamable);
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
    output.url = as_url(std::move(output.url));
    output.type = file_type(each);
    if (output.url.empty()) {
      each.refuse("url", "it is missing",
                  "say where the output goes, a file:, http:, https: or s3: URL");
    }
    each.keep(check_output(path + ".", output));
    spec.outputs.push_back(std::move(output));
  });
}

void executors(Reading& reading, ObjectReader& in, std::vector<Executor>& out) {
  in.each("executors", limits::executors_max,
          [&](const json::value& value, const std::string& path) {
            ObjectReader each(reading, value, path);
            Executor executor;
            each.text("image", executor.image);
            if (executor.image.empty()) {
              each.refuse("image", "it is missing", "name a container image, such as debian:12");
            }
            each.texts("command", executor.command, arguments_max, argument_bytes_max);
            each.text("workdir", executor.workdir);
            each.text("stdin", executor.stdin_path);
            each.text("stdout", executor.stdout_path);
            each.text("stderr", executor.stderr_path);
            each.text_map("env", executor.env, env_value_bytes_max);
            each.boolean("ignore_error", executor.ignore_error);
            each.keep(check_executor(path + ".", executor));
            out.push_back(std::move(executor));
          });
  if (out.empty()) {
    in.refuse("executors", "there is nothing to run",
              "give at least one executor with image and command");
  }
}

void zones(ObjectReader& in, const std::vector<std::string>& zones, Constraints& out) {
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const std::string field = fmt::format("{}[{}]", in.path_of("zones"), i);
    const bool site = zones[i].starts_with("site:");
    const std::string name = site ? zones[i].substr(5) : zones[i];
    in.keep(check_name(field, name));
    (site ? out.sites_allowed : out.regions_allowed).push_back(name);
  }
  if (!out.sites_allowed.empty() && !out.regions_allowed.empty()) {
    in.refuse("zones", "it names regions and sites together",
              "name regions (\"eu-west\") or sites (\"site:alpha\")");
  }
}

Status whole_number(const std::string& field, const std::string& text, std::int64_t min,
                    std::int64_t max, std::int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc{} && end == text.data() + text.size() && out >= min && out <= max) {
    return ok();
  }
  return fail(ErrorCode::invalid, field, "\"" + brief(text) + "\" is no whole number in range",
              fmt::format("give a whole number from {} to {}", min, max));
}

Status architectures(const std::string& field, std::string_view text,
                     std::vector<Architecture>& out) {
  out.clear();
  while (true) {
    const auto comma = text.find(',');
    std::string_view each = text.substr(0, comma);
    while (each.starts_with(' ')) each.remove_prefix(1);
    while (each.ends_with(' ')) each.remove_suffix(1);
    const auto parsed = parse_architecture(field, each);
    if (!parsed) return fail(parsed.error());
    if (std::find(out.begin(), out.end(), *parsed) == out.end()) out.push_back(*parsed);
    if (comma == std::string_view::npos) return ok();
    text.remove_prefix(comma + 1);
  }
}

// "cuda" or "cuda:2": the family, and how many on each node.
Status accelerator(const std::string& field, std::string_view text, JobSpec& out) {
  const auto colon = text.find(':');
  const std::string family = ascii_lower(text.substr(0, colon));
  std::int64_t count = 1;
  if (colon != std::string_view::npos) {
    const Status whole =
        whole_number(field, std::string(text.substr(colon + 1)), 1, accelerators_max, count);
    if (!whole) return whole;
  }
  if (const Status good = check_name(field, family); !good) return good;
  out.variants[0].accelerator.family = family;
  out.resources.accelerators = static_cast<std::uint32_t>(count);
  return ok();
}

// What one supported backend parameter sets.
Status apply_parameter(const std::string& field, std::string_view key, const std::string& value,
                       TesSubmission& out) {
  JobSpec& spec = out.spec;
  if (key == "max_cost") {
    const auto micros = parse_micros(field, value);
    if (!micros) return fail(micros.error());
    if (*micros < 0) {
      return fail(ErrorCode::invalid, field, "\"" + brief(value) + "\" is negative",
                  "give an amount of 0 or more");
    }
    spec.constraints.cost_max = Money{*micros};
    return ok();
  }
  if (key == "deadline") {
    const auto at = parse_rfc3339(field, value);
    if (!at) return fail(at.error());
    spec.constraints.deadline = *at;
    return ok();
  }
  std::int64_t number = 0;
  if (key == "max_runtime_s") {
    const auto max = static_cast<std::int64_t>(limits::seconds_max);
    if (const Status good = whole_number(field, value, 1, max, number); !good) return good;
    spec.run_seconds_max = static_cast<std::uint64_t>(number);
    return ok();
  }
  if (key == "priority") {
    if (const Status good = whole_number(field, value, -100, 100, number); !good) return good;
    spec.priority = static_cast<std::int32_t>(number);
    return ok();
  }
  if (key == "architecture") return architectures(field, value, spec.variants[0].architectures);
  if (key == "data_region") {
    spec.home_region = value;
    return check_name(field, value);
  }
  if (key == "network") {
    spec.network = value == "true";
    if (value == "true" || value == "false") return ok();
    return fail(ErrorCode::invalid, field, "\"" + brief(value) + "\" is neither true nor false",
                "give \"true\" or \"false\"");
  }
  if (key == "accelerator") return accelerator(field, value, spec);
  if (key == "currency") {
    out.currency = value;
    return ok();
  }
  // What is left is the idempotency key.
  if (value.empty() || value.size() > 255) {
    return fail(ErrorCode::invalid, field, fmt::format("it has {} bytes", value.size()),
                "give 1 to 255 bytes");
  }
  out.idempotency_key = value;
  return ok();
}

// Applies the supported ones and gives them back as they came; names the others in `dropped`.
json::object parameters(ObjectReader& in, bool strict, TesSubmission& out, json::array& dropped) {
  std::map<std::string, std::string> given;
  json::object kept;
  in.text_map("backend_parameters", given);
  std::map<std::string, std::string> seen;  // by lower-case key
  for (const auto& [key, value] : given) {
    const std::string known = ascii_lower(key);
    const std::string field = in.path_of("backend_parameters") + "." + brief(key);
    const auto& supported = tes_backend_parameters();
    if (std::find(supported.begin(), supported.end(), known) == supported.end()) {
      if (strict) {
        in.keep(fail(ErrorCode::invalid, field, "no site supports this key",
                     fmt::format("use {}, or leave backend_parameters_strict out",
                                 fmt::join(supported, ", "))));
      }
      if (dropped.size() < 16) {
        dropped.push_back(json::string("backend parameter \"" + brief(key) +
                                       "\" is not supported and was dropped"));
      }
      continue;
    }
    if (!seen.emplace(known, value).second) {
      in.keep(fail(ErrorCode::invalid, field, "it is given twice", "keys count without case"));
    }
    in.keep(apply_parameter(field, known, value, out));
    kept[key] = value;
  }
  return kept;
}

// The resources, and what of them is echoed in answers.
void resources(ObjectReader& in, TesSubmission& out) {
  JobSpec& spec = out.spec;
  spec.resources.cpus = cpus_default;
  spec.resources.memory_mib = memory_mib_default;
  in.object("resources", [&](ObjectReader& each) {
    json::object echo;
    std::int64_t cpus = 0;
    if (each.number("cpu_cores", cpus, 0, cpus_max)) {
      echo["cpu_cores"] = cpus;
      if (cpus > 0) spec.resources.cpus = static_cast<std::uint32_t>(cpus);
    }
    const auto gigabytes = [&](const char* name, std::uint64_t& mib) {
      double amount = 0;
      if (!each.real(name, amount, 0, static_cast<double>(gib_max))) return;
      echo[name] = amount;
      // Clients disagree on the unit by up to 7 %; the larger reading never starves a task.
      if (amount > 0) mib = static_cast<std::uint64_t>(std::ceil(amount * 1024 - 1e-6));
    };
    gigabytes("ram_gb", spec.resources.memory_mib);
    gigabytes("disk_gb", spec.resources.disk_mib);
    bool preemptible = false;
    if (each.boolean("preemptible", preemptible)) {
      echo["preemptible"] = preemptible;
      spec.constraints.preemptible_allowed = preemptible;
    }
    std::vector<std::string> names;
    if (each.texts("zones", names, limits::list_entries_max)) {
      json::array list;
      for (const std::string& name : names) list.emplace_back(name);
      echo["zones"] = std::move(list);
      zones(each, names, spec.constraints);
    }
    bool strict = false;
    if (each.boolean("backend_parameters_strict", strict)) {
      echo["backend_parameters_strict"] = strict;
    }
    if (each.has("backend_parameters")) {
      json::array dropped;
      echo["backend_parameters"] = parameters(each, strict, out, dropped);
      if (!dropped.empty()) echo[tes_warnings_member] = std::move(dropped);
    }
    spec.tes_resources = to_text(echo);
    if (spec.tes_resources.size() > limits::text_bytes_max) {
      each.refuse("", fmt::format("it has {} bytes", spec.tes_resources.size()),
                  fmt::format("give at most {} bytes", limits::text_bytes_max),
                  ErrorCode::too_large);
    }
  });
}

}  // namespace

const std::vector<std::string_view>& tes_backend_parameters() {
  static const std::vector<std::string_view> keys = {
      "accelerator",     "architecture", "currency",      "data_region", "deadline",
      "idempotency_key", "max_cost",     "max_runtime_s", "network",     "priority"};
  return keys;
}

Result<TesSubmission> parse_tes_task(std::string_view text) {
  if (text.size() > limits::job_document_bytes_max) {
    return fail(ErrorCode::too_large, "body", fmt::format("it has {} bytes", text.size()),
                fmt::format("send at most {} bytes", limits::job_document_bytes_max));
  }
  const auto document = parse_json("body", text);
  if (!document) return fail(document.error());
  Reading reading;
  reading.strictness = Strictness::lenient;
  ObjectReader in(reading, *document, "");
  TesSubmission out;
  JobSpec& spec = out.spec;
  in.text("name", spec.name);
  in.text("description", spec.description);
  in.text_map("tags", spec.tags);
  Variant variant;
  variant.name = "default";
  variant.architectures = {Architecture::amd64};
  executors(reading, in, variant.executors);
  spec.variants.push_back(std::move(variant));
  resources(in, out);
  inputs(reading, in, spec);
  outputs(reading, in, spec);
  in.texts("volumes", spec.volumes, limits::list_entries_max);
  if (!reading.error) in.keep(check_whole(spec));
  if (reading.error) return fail(*reading.error);
  return out;
}

}  // namespace tradewind
