#include "broker/cli/job_document.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>
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
  const auto read = [&text](std::istream& stream) {
    text.assign(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
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

void add_job_options(CLI::App& command, JobOptions& options) {
  // An option that may come several times takes one value each time: what follows is the command's,
  // also where it looks like an option of ours.
  command.add_option("-f,--file", options.file,
                     "job document, YAML or JSON; - reads standard input");
  command.add_option("--name", options.name, "a name for people");
  command.add_option("--cpus", options.cpus, "CPUs per node");
  command.add_option("--memory-gib", options.memory_gib, "memory per node in GiB");
  command.add_option("--disk-gib", options.disk_gib, "scratch space per node in GiB");
  command.add_option("--accelerators", options.accelerators, "accelerators per node");
  command.add_option("--accelerator-family", options.accelerator_family,
                     "such as cuda, rocm or ascend");
  command.add_option("--nodes", options.nodes, "nodes");
  command
      .add_option("--arch", options.architectures,
                  "architectures that can run it (amd64, arm64, …)")
      ->allow_extra_args(false)
      ->delimiter(',');
  command.add_option("--image", options.image, "OCI image, for sites with containers");
  command.add_option("--work-seconds", options.work_seconds, "expected work on a reference node");
  command.add_option("--duration-seconds", options.duration_seconds,
                     "expected run time wherever it runs");
  command.add_option("--time-limit-seconds", options.run_seconds_max, "stop it after this long");
  command.add_option("--total-limit-seconds", options.total_seconds_max,
                     "from its submission to its end, waiting included");
  command.add_option("--after", options.after, "jobs or arrays that must have succeeded before")
      ->allow_extra_args(false)
      ->delimiter(',');
  command.add_option("--input", options.inputs, "PATH=URL: put the file at URL to PATH")
      ->allow_extra_args(false)
      ->take_all();
  command.add_option("--dataset", options.datasets, "PATH=NAME: put the data set NAME to PATH")
      ->allow_extra_args(false)
      ->take_all();
  command
      .add_option("--output-file", options.outputs, "PATH[=URL]: record PATH, and put it to URL")
      ->allow_extra_args(false)
      ->take_all();
  command.add_option("--env", options.env, "NAME=VALUE")->allow_extra_args(false)->take_all();
  command.add_option("--tag", options.tags, "NAME=VALUE")->allow_extra_args(false)->take_all();
  command.add_option("--region", options.regions, "regions it may run in")
      ->allow_extra_args(false)
      ->delimiter(',');
  command.add_option("--site", options.sites, "sites it may run at")
      ->allow_extra_args(false)
      ->delimiter(',');
  command.add_option("--cost-max", options.cost_max, "the most it may cost, such as 2.50");
  command.add_option("--deadline", options.deadline, "RFC 3339 time by which it must have ended");
  command.add_option("--objective", options.objective, "cheapest, fastest or balanced")
      ->check(CLI::IsMember({"cheapest", "fastest", "balanced"}));
  command.add_option("--home-region", options.home_region, "where you are: data goes there");
  command.add_option("--priority", options.priority, "-100 to 100; higher goes first");
  command.add_flag("--preemptible", options.preemptible, "may run on preemptible capacity");
  command.add_flag("--network", options.network, "the command may use the network");
  command.add_option("--array", options.array_count,
                     "run this many tasks; each sees TRADEWIND_ARRAY_INDEX");
  command.add_option("command", options.command, "the command, after --");
}

Result<boost::json::object> job_document(const JobOptions& options) {
  boost::json::object document;
  if (!options.file.empty()) {
    auto text = read_all(options.file);
    if (!text) return fail(std::move(text.error()));
    auto value = json_from_yaml(*text, options.file);
    if (!value) return fail(std::move(value.error()));
    if (!value->is_object()) {
      return fail(ErrorCode::invalid, options.file, "is no job document", "write a map of fields");
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
  set_number(document, "nodes", options.nodes);
  if (!options.architectures.empty()) document["architectures"] = texts(options.architectures);
  set_text(document, "image", options.image);
  set_number(document, "work_seconds", options.work_seconds);
  set_number(document, "duration_seconds", options.duration_seconds);
  set_number(document, "run_seconds_max", options.run_seconds_max);
  set_number(document, "total_seconds_max", options.total_seconds_max);
  if (!options.after.empty()) document["after"] = texts(options.after);
  if (!options.regions.empty()) {
    object_at(document, "constraints")["regions_allowed"] = texts(options.regions);
  }
  if (!options.sites.empty())
    object_at(document, "constraints")["sites_allowed"] = texts(options.sites);
  if (!options.cost_max.empty()) object_at(document, "constraints")["cost_max"] = options.cost_max;
  if (!options.deadline.empty()) object_at(document, "constraints")["deadline"] = options.deadline;
  if (options.preemptible) object_at(document, "constraints")["preemptible_allowed"] = true;
  set_text(document, "objective", options.objective);
  set_text(document, "home_region", options.home_region);
  if (options.priority != 0) document["priority"] = options.priority;
  if (options.network) document["network"] = true;
  if (options.array_count != 0) object_at(document, "array")["count"] = options.array_count;
  if (!options.command.empty()) document["command"] = texts(options.command);
  if (auto added = add_data(document, options); !added) return fail(std::move(added.error()));
  return document;
}

}  // namespace tradewind::cli
