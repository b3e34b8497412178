#include "broker/cli/job_document.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <fstream>
#include <iostream>
#include <utility>

#include "schemas/limits.h"

namespace tradewind::cli {
namespace {

constexpr int kNestingMax = 32;

boost::json::value scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return boost::json::string(text);  // it was quoted
  if (text.empty() || text == "~" || text == "null") return nullptr;
  if (text == "true") return true;
  if (text == "false") return false;
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error == std::errc{} && end == text.data() + text.size()) return whole;
  return boost::json::string(text);
}

Result<boost::json::value> convert(const YAML::Node& node, int depth, const std::string& name) {
  if (depth > kNestingMax) {
    return fail(ErrorCode::too_large, name, "nested more than 32 deep", "flatten the document");
  }
  switch (node.Type()) {
    case YAML::NodeType::Scalar: return scalar(node);
    case YAML::NodeType::Sequence: {
      boost::json::array array;
      for (const auto& each : node) {
        auto value = convert(each, depth + 1, name);
        if (!value) return value;
        array.push_back(std::move(*value));
      }
      return boost::json::value(std::move(array));
    }
    case YAML::NodeType::Map: {
      boost::json::object object;
      for (const auto& each : node) {
        const std::string key = each.first.Scalar();
        if (object.contains(key)) {
          return fail(ErrorCode::invalid, key, "stands twice in " + name, "keep one of them");
        }
        auto value = convert(each.second, depth + 1, name);
        if (!value) return value;
        object.emplace(key, std::move(*value));
      }
      return boost::json::value(std::move(object));
    }
    default: return boost::json::value(nullptr);
  }
}

Result<std::string> read_all(const std::string& file) {
  std::string text;
  bool whole = true;
  const auto read = [&](std::istream& stream) {
    text.resize(limits::job_document_bytes_max + 1);
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    whole = !stream.bad();
  };
  if (file == "-") {
    read(std::cin);
  } else {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
      return fail(ErrorCode::invalid, "file", "\"" + file + "\" cannot be read",
                  "give a readable file, or -");
    }
    read(stream);
  }
  if (!whole) {
    return fail(ErrorCode::invalid, "file", "\"" + file + "\" cannot be read to its end",
                "give a readable file, or -");
  }
  if (text.size() > limits::job_document_bytes_max) {
    return fail(ErrorCode::too_large, "file", "\"" + file + "\" is larger than 256 KiB",
                "put large data into inputs by url");
  }
  return text;
}

// Splits "NAME=VALUE"; `value_needed` refuses a name alone.
Result<std::pair<std::string, std::string>> split(const std::string& option,
                                                  const std::string& text, bool value_needed) {
  const auto equals = text.find('=');
  if (equals == 0 || (equals == std::string::npos && value_needed)) {
    return fail(ErrorCode::invalid, option, "\"" + text + "\" has no name or no '='",
                "write NAME=VALUE");
  }
  if (equals == std::string::npos) return std::pair{text, std::string()};
  return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

boost::json::array texts(const std::vector<std::string>& list) {
  boost::json::array array;
  for (const auto& each : list) array.emplace_back(each);
  return array;
}

boost::json::object& object_at(boost::json::object& document, std::string_view key) {
  auto& value = document[key];
  if (!value.is_object()) value = boost::json::object();
  return value.as_object();
}

boost::json::array& array_at(boost::json::object& document, std::string_view key) {
  auto& value = document[key];
  if (!value.is_array()) value = boost::json::array();
  return value.as_array();
}

Status add_data(boost::json::object& document, const JobOptions& options) {
  for (const auto& each : options.inputs) {
    auto parts = split("--input", each, true);
    if (!parts) return fail(std::move(parts.error()));
    array_at(document, "inputs").push_back({{"path", parts->first}, {"url", parts->second}});
  }
  for (const auto& each : options.datasets) {
    auto parts = split("--dataset", each, true);
    if (!parts) return fail(std::move(parts.error()));
    array_at(document, "inputs").push_back({{"path", parts->first}, {"dataset", parts->second}});
  }
  for (const auto& each : options.outputs) {
    auto parts = split("--output-file", each, false);
    if (!parts) return fail(std::move(parts.error()));
    boost::json::object output{{"path", parts->first}};
    if (!parts->second.empty()) output["url"] = parts->second;
    array_at(document, "outputs").push_back(std::move(output));
  }
  for (const auto& [option, list, key] :
       {std::tuple("--env", &options.env, "env"), std::tuple("--tag", &options.tags, "tags")}) {
    for (const auto& each : *list) {
      auto parts = split(option, each, true);
      if (!parts) return fail(std::move(parts.error()));
      object_at(document, key)[parts->first] = parts->second;
    }
  }
  return ok();
}

}  // namespace

Result<boost::json::value> json_from_yaml(const std::string& text, const std::string& name) {
  try {
    return convert(YAML::Load(text), 0, name);
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::invalid, name,
                "line " + std::to_string(error.mark.line + 1) + ": " + error.msg,
                "correct the document");
  }
}

namespace {

// One value each time: what follows is the command's, also where it looks like an option of ours.
CLI::Option* add_list(CLI::App& command, const std::string& name, std::vector<std::string>& into,
                      const std::string& about) {
  return command.add_option(name, into, about)->allow_extra_args(false)->take_all();
}
CLI::Option* add_words(CLI::App& command, const std::string& name, std::vector<std::string>& into,
                       const std::string& about) {
  return command.add_option(name, into, about)->allow_extra_args(false)->delimiter(',');
}

void add_needs(CLI::App& command, JobOptions& options) {
  command.add_option("--cpus", options.cpus, "CPUs per node");
  command.add_option("--memory-gib", options.memory_gib, "memory per node in GiB");
  command.add_option("--disk-gib", options.disk_gib, "scratch space per node in GiB");
  command.add_option("--accelerators", options.accelerators, "accelerators per node");
  command.add_option("--accelerator-family", options.accelerator_family,
                     "such as cuda, rocm or ascend");
  add_words(command, "--accelerator-model", options.accelerator_models,
            "any of these models, such as a100");
  command.add_option("--accelerator-memory-gib", options.accelerator_memory_gib,
                     "at least so much memory on each accelerator");
  command.add_option("--nodes", options.nodes, "nodes");
  add_words(command, "--arch", options.architectures,
            "architectures that can run it (amd64, arm64, …)");
}

void add_times(CLI::App& command, JobOptions& options) {
  command.add_option("--work-seconds", options.work_seconds, "expected work on a reference node");
  command.add_option("--duration-seconds", options.duration_seconds,
                     "expected run time wherever it runs");
  command.add_option("--workload-class", options.workload_class,
                     "which performance figure of a pool divides --work-seconds");
  command.add_option("--time-limit-seconds", options.run_seconds_max, "stop it after this long");
  command.add_option("--queue-limit-seconds", options.queue_seconds_max,
                     "the longest wait for a place");
  command.add_option("--total-limit-seconds", options.total_seconds_max,
                     "from its submission to its end, waiting included");
  command.add_option("--deadline", options.deadline, "RFC 3339 time by which it must have ended");
}

void add_execution(CLI::App& command, JobOptions& options) {
  command.add_option("--image", options.image, "OCI image, for sites with containers");
  command.add_option("--workdir", options.workdir, "its folder inside the sandbox; else /work");
  command.add_option("--stdin", options.stdin_path, "absolute path inside that it reads");
  command.add_option("--stdout", options.stdout_path, "absolute path inside that it writes");
  command.add_option("--stderr", options.stderr_path, "the same of its errors");
  add_list(command, "--env", options.env, "NAME=VALUE");
  command.add_flag("--network", options.network, "the command may use the network");
  command.add_flag("--no-restart", options.no_restart, "never start it again elsewhere");
  command.add_option("--attempts-max", options.attempts_max, "so many starts at most");
  command
      .add_option("--on-disconnect", options.on_disconnect,
                  "when its site is cut off: stop it there and start elsewhere, or continue")
      ->check(CLI::IsMember({"stop", "continue"}));
}

void add_data_options(CLI::App& command, JobOptions& options) {
  add_list(command, "--input", options.inputs, "PATH=URL: put the file at URL to PATH");
  add_list(command, "--dataset", options.datasets, "PATH=NAME: put the data set NAME to PATH");
  add_list(command, "--output-file", options.outputs, "PATH[=URL]: record PATH, and put it to URL");
}

void add_constraints(CLI::App& command, JobOptions& options) {
  const auto places = [&](const std::string& option, const std::string& what) {
    add_words(command, "--" + option, options.places[what + "_allowed"], what + " it may run in");
    add_words(command, "--" + option + "-denied", options.places[what + "_denied"],
              what + " it may not run in");
  };
  places("region", "regions");
  places("site", "sites");
  places("jurisdiction", "jurisdictions");
  places("provider", "providers");
  add_list(command, "--label", options.labels, "NAME=VALUE that the pool or site must have");
  add_list(command, "--label-denied", options.labels_denied, "NAME=VALUE that it must not have");
  command.add_option("--latency", options.latency, "REGION=MS: at most so far from that region");
  command.add_option("--cost-max", options.cost_max, "the most it may cost, such as 2.50");
  command.add_option("--rate-max", options.rate_max, "the most that an hour may cost");
  command.add_option("--wait-seconds-max", options.wait_seconds_max,
                     "only where the expected wait is no longer");
  command.add_option("--carbon-max", options.carbon_max, "only where a kWh costs no more g of CO2");
  command.add_flag("--preemptible", options.preemptible, "may run on preemptible capacity");
}

Status add_constraint_members(boost::json::object& document, const JobOptions& options) {
  const auto member = [&](const char* name) -> boost::json::value& {
    return object_at(document, "constraints")[name];
  };
  for (const auto& [name, list] : options.places) {
    if (!list.empty()) member(name.c_str()) = texts(list);
  }
  for (const auto& [option, list, name] :
       {std::tuple("--label", &options.labels, "labels"),
        std::tuple("--label-denied", &options.labels_denied, "labels_denied")}) {
    for (const auto& each : *list) {
      auto parts = split(option, each, true);
      if (!parts) return fail(std::move(parts.error()));
      object_at(object_at(document, "constraints"), name)[parts->first] = parts->second;
    }
  }
  if (!options.latency.empty()) {
    auto parts = split("--latency", options.latency, true);
    if (!parts) return fail(std::move(parts.error()));
    std::uint32_t milliseconds = 0;
    const std::string& number = parts->second;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), milliseconds);
    if (error != std::errc{} || end != number.data() + number.size()) {
      return fail(ErrorCode::invalid, "--latency", "\"" + number + "\" is no whole number",
                  "write REGION=MILLISECONDS, such as eu-zurich=20");
    }
    member("latency") = {{"region", parts->first}, {"ms_max", milliseconds}};
  }
  if (!options.cost_max.empty()) member("cost_max") = options.cost_max;
  if (!options.rate_max.empty()) member("rate_max") = options.rate_max;
  if (!options.deadline.empty()) member("deadline") = options.deadline;
  if (options.wait_seconds_max != 0) member("wait_seconds_max") = options.wait_seconds_max;
  if (options.carbon_max != 0) member("carbon_g_kwh_max") = options.carbon_max;
  if (options.preemptible) member("preemptible_allowed") = true;
  return ok();
}

bool is_document_name(std::string_view name) {
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

void put_defaults(boost::json::object& document, const JobDefaults& defaults) {
  if (!defaults.home_region.empty() && !document.contains("home_region")) {
    document["home_region"] = defaults.home_region;
  }
  for (const auto& [name, value] : defaults.tags) {
    object_at(document, "tags").emplace(name, value);
  }
}

}  // namespace

void add_job_options(CLI::App& command, JobOptions& options) {
  command
      .add_option("-f,--file", options.file, "job document, YAML or JSON; - reads standard input")
      ->type_name("FILE");
  command.add_option("--name", options.name, "a name for people");
  command.add_option("--description", options.description, "more for people");
  add_list(command, "--tag", options.tags, "NAME=VALUE");
  add_needs(command, options);
  add_times(command, options);
  add_execution(command, options);
  add_data_options(command, options);
  add_constraints(command, options);
  add_words(command, "--after", options.after, "jobs or arrays that must have succeeded before");
  command.add_option("--objective", options.objective, "cheapest, fastest or balanced")
      ->check(CLI::IsMember({"cheapest", "fastest", "balanced"}));
  command.add_option("--value-per-hour", options.value_per_hour,
                     "for balanced: what an hour sooner is worth");
  command.add_option("--home-region", options.home_region, "where you are: data goes there");
  command.add_option("--priority", options.priority, "-100 to 100; higher goes first");
  command.add_option("--array", options.array_count,
                     "run this many tasks; each sees TRADEWIND_ARRAY_INDEX");
  command.add_option("command", options.command,
                     "the command, after --; or the name of a job document, *.yaml or *.json");
}

Result<boost::json::object> job_document(const JobOptions& options, const JobDefaults& defaults) {
  boost::json::object document;
  // A command alone with such a name is a document.
  const bool named = options.file.empty() && options.command.size() == 1 &&
                     is_document_name(options.command.front());
  const std::string& file = named ? options.command.front() : options.file;
  if (!file.empty()) {
    auto text = read_all(file);
    if (!text) return fail(std::move(text.error()));
    auto value = json_from_yaml(*text, file);
    if (!value) return fail(std::move(value.error()));
    if (!value->is_object()) {
      return fail(ErrorCode::invalid, file, "is no job document", "write a map of fields");
    }
    document = std::move(value->as_object());
  } else if (options.command.empty()) {
    return fail(ErrorCode::invalid, "command", "is missing", "give --file, or a command after --");
  }
  const auto set_text = [](boost::json::object& object, std::string_view key,
                           const std::string& value) {
    if (!value.empty()) object[key] = value;
  };
  const auto set_number = [](boost::json::object& object, std::string_view key,
                             std::uint64_t value) {
    if (value != 0) object[key] = value;
  };
  set_text(document, "name", options.name);
  set_text(document, "description", options.description);
  if (options.cpus != 0 || !options.memory_gib.empty() || !options.disk_gib.empty() ||
      options.accelerators != 0) {
    auto& resources = object_at(document, "resources");
    set_number(resources, "cpus", options.cpus);
    set_text(resources, "memory_gib", options.memory_gib);
    set_text(resources, "disk_gib", options.disk_gib);
    set_number(resources, "accelerators", options.accelerators);
  }
  if (!options.accelerator_family.empty()) {
    object_at(document, "accelerator")["family"] = options.accelerator_family;
  }
  if (!options.accelerator_models.empty()) {
    object_at(document, "accelerator")["models"] = texts(options.accelerator_models);
  }
  if (options.accelerator_memory_gib != 0) {
    object_at(document, "accelerator")["memory_gib_min"] = options.accelerator_memory_gib;
  }
  set_number(document, "nodes", options.nodes);
  if (!options.architectures.empty()) document["architectures"] = texts(options.architectures);
  set_text(document, "image", options.image);
  set_text(document, "workdir", options.workdir);
  set_text(document, "stdin", options.stdin_path);
  set_text(document, "stdout", options.stdout_path);
  set_text(document, "stderr", options.stderr_path);
  set_text(document, "workload_class", options.workload_class);
  set_number(document, "work_seconds", options.work_seconds);
  set_number(document, "duration_seconds", options.duration_seconds);
  set_number(document, "run_seconds_max", options.run_seconds_max);
  set_number(document, "queue_seconds_max", options.queue_seconds_max);
  set_number(document, "total_seconds_max", options.total_seconds_max);
  if (!options.after.empty()) document["after"] = texts(options.after);
  if (auto added = add_constraint_members(document, options); !added) {
    return fail(std::move(added.error()));
  }
  set_text(document, "objective", options.objective);
  set_text(document, "value_per_hour", options.value_per_hour);
  set_text(document, "home_region", options.home_region);
  if (options.priority != 0) document["priority"] = options.priority;
  if (options.network) document["network"] = true;
  if (options.no_restart) document["restartable"] = false;
  set_number(document, "attempts_max", options.attempts_max);
  set_text(document, "on_disconnect", options.on_disconnect);
  if (options.array_count != 0) object_at(document, "array")["count"] = options.array_count;
  if (!options.command.empty() && !named) document["command"] = texts(options.command);
  if (auto added = add_data(document, options); !added) return fail(std::move(added.error()));
  put_defaults(document, defaults);
  return document;
}

}  // namespace tradewind::cli
