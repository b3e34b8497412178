#include "gateway/engines/tes_document.h"

#include <boost/json.hpp>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace tradewind {
namespace {

namespace json = boost::json;

Status no(std::string field, std::string message, std::string remedy) {
  return fail(ErrorCode::invalid, std::move(field), std::move(message), std::move(remedy));
}

// JSON has room for nothing else.
bool is_utf8(std::string_view text) {
  boost::system::error_code bad;
  json::parse(json::serialize(json::string(text)), bad);
  return !bad;
}

json::object texts(const std::map<std::string, std::string>& from) {
  json::object object;
  for (const auto& [name, value] : from) object[name] = value;
  return object;
}

json::array texts(const std::vector<std::string>& from) {
  json::array list;
  for (const std::string& each : from) list.emplace_back(each);
  return list;
}

void put(json::object& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}

const char* type_word(FileType type) {
  return type == FileType::directory ? "DIRECTORY" : "FILE";
}

json::object input_object(const Input& input) {
  json::object object{{"path", input.path}, {"type", type_word(input.type)}};
  put(object, "name", input.name);
  put(object, "description", input.description);
  if (!input.content.empty() || input.replicas.empty()) {
    object["content"] = input.content;
  } else {
    object["url"] = input.replicas.front().url;
  }
  if (input.streamable) object["streamable"] = true;
  return object;
}

json::object output_object(const Output& output, const std::string& key, const TesForm& form) {
  json::object object{{"path", output.path}, {"type", type_word(output.type)}};
  put(object, "name", output.name);
  put(object, "description", output.description);
  put(object, "path_prefix", output.path_prefix);
  object["url"] = !output.url.empty()          ? output.url
                  : output.path_prefix.empty() ? form.outputs_url + "/" + key + output.path
                                               : form.outputs_url + "/" + key + output.path_prefix;
  return object;
}

json::object executor_object(const Executor& executor, const Assignment& assignment,
                             const TesForm& form) {
  json::object object{{"image", executor.image.empty() ? form.image : executor.image},
                      {"command", texts(executor.command)}};
  put(object, "workdir", executor.workdir);
  put(object, "stdin", executor.stdin_path);
  put(object, "stdout", executor.stdout_path);
  put(object, "stderr", executor.stderr_path);
  std::map<std::string, std::string> env = assignment.env;
  for (const auto& [name, value] : executor.env) env[name] = value;
  if (!env.empty()) object["env"] = texts(env);
  if (executor.ignore_error) object["ignore_error"] = true;
  return object;
}

double gib(std::uint64_t mib) {
  return static_cast<double>(mib) / 1024;
}

// What our own kind of server understands besides; a site's own parameters come last.
json::object parameters_object(const std::string& key, const Assignment& assignment,
                               const TesPool& pool, const std::set<std::string>& known) {
  std::map<std::string, std::string> said;
  const auto say = [&](const char* name, std::string value) {
    if (known.contains(name)) said[name] = std::move(value);
  };
  say("idempotency_key", key);
  say("max_runtime_s", fmt::format("{}", assignment.run_seconds_max));
  say("network", assignment.network ? "true" : "false");
  say("architecture", std::string(to_string(pool.pool.architecture)));
  if (assignment.resources.accelerators > 0) {
    say("accelerator",
        fmt::format("{}:{}", pool.pool.accelerator.family, assignment.resources.accelerators));
  }
  for (const auto& [name, value] : pool.backend_parameters) said[name] = value;
  return texts(said);
}

}  // namespace

Status check_tes(const Assignment& assignment, const TesForm& form) {
  if (assignment.nodes != 1) {
    return no("nodes", fmt::format("TES has no job of {} nodes", assignment.nodes), "ask for one");
  }
  for (std::size_t i = 0; i < assignment.executors.size(); ++i) {
    const Executor& executor = assignment.executors[i];
    const std::string field = fmt::format("executors[{}]", i);
    if (executor.command.empty() || executor.command.front().empty()) {
      return no(field + ".command", "there is no command",
                "give the program and its arguments as a list");
    }
    if (executor.image.empty() && form.image.empty()) {
      return no(field + ".image", "TES runs images only",
                "name one, such as debian:12, or let the site set engine.tes.image");
    }
  }
  for (std::size_t i = 0; i < assignment.inputs.size(); ++i) {
    const Input& input = assignment.inputs[i];
    const std::string field = fmt::format("inputs[{}]", i);
    if (input.executable) {
      return no(field + ".executable", "TES cannot make a file executable",
                "call it by its interpreter, or let the command make it executable");
    }
    if (!is_utf8(input.content)) {
      return no(field + ".content", "it is not UTF-8, as TES wants it", "give a URL");
    }
  }
  for (std::size_t i = 0; i < assignment.outputs.size(); ++i) {
    if (!assignment.outputs[i].url.empty() || !form.outputs_url.empty()) continue;
    return no(fmt::format("outputs[{}].url", i), "TES keeps nothing at the site",
              "say where the output goes, or let the site set engine.tes.outputs_url");
  }
  return ok();
}

std::string tes_document(const std::string& key, const Assignment& assignment, const TesPool& pool,
                         const TesForm& form, const std::set<std::string>& parameters) {
  json::object resources{{"cpu_cores", assignment.resources.cpus},
                         {"ram_gb", gib(assignment.resources.memory_mib)}};
  if (assignment.resources.disk_mib > 0) resources["disk_gb"] = gib(assignment.resources.disk_mib);
  if (assignment.preemptible) resources["preemptible"] = true;
  if (!pool.zones.empty()) resources["zones"] = texts(pool.zones);
  json::object backend = parameters_object(key, assignment, pool, parameters);
  if (!backend.empty()) resources["backend_parameters"] = std::move(backend);

  json::array executors;
  for (const Executor& each : assignment.executors) {
    executors.push_back(executor_object(each, assignment, form));
  }
  json::object task{{"name", "tradewind." + key},
                    {"tags", {{tes_tag, key}}},
                    {"resources", std::move(resources)},
                    {"executors", std::move(executors)}};
  put(task, "description", assignment.job_name);
  if (!assignment.inputs.empty()) {
    json::array inputs;
    for (const Input& each : assignment.inputs) inputs.push_back(input_object(each));
    task["inputs"] = std::move(inputs);
  }
  if (!assignment.outputs.empty()) {
    json::array outputs;
    for (const Output& each : assignment.outputs) outputs.push_back(output_object(each, key, form));
    task["outputs"] = std::move(outputs);
  }
  if (!assignment.volumes.empty()) task["volumes"] = texts(assignment.volumes);
  return json::serialize(task);
}

}  // namespace tradewind
