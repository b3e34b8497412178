#include "gateway/engines/kubernetes_job.h"

#include <algorithm>
#include <boost/json.hpp>

#include <fmt/format.h>

#include "gateway/engines/containers.h"
#include "gateway/engines/image_reference.h"
#include "gateway/engines/job_paths.h"
#include "gateway/engines/kubernetes_records.h"
#include "schemas/limits.h"
#include "state/identity/encoding.h"

namespace tradewind {
namespace {

namespace json = boost::json;

constexpr std::size_t secret_bytes_max = 900 * 1024;  // Kubernetes keeps 1 MiB at most
constexpr std::uint64_t seconds_max = 1'000'000'000;  // more than limits::seconds_max

// Of a command, an argument or a variable, in which Kubernetes puts $(NAME)'s value otherwise.
std::string taken_as_it_is(std::string_view text) {
  std::string result;
  for (const char each : text) {
    if (each == '$') result += '$';
    result += each;
  }
  return result;
}

json::object resources_of(const Assignment& assignment, const KubernetesPool& pool) {
  const std::uint64_t units = assignment.units;
  const Resources& unit = pool.pool.unit;
  json::object amounts{{"cpu", std::to_string(units * unit.cpus)},
                       {"memory", fmt::format("{}Mi", units * unit.memory_mib)}};
  if (unit.disk_mib > 0) amounts["ephemeral-storage"] = fmt::format("{}Mi", units * unit.disk_mib);
  if (unit.accelerators > 0) {
    amounts[pool.accelerator] = std::to_string(units * unit.accelerators);
  }
  return {{"requests", amounts}, {"limits", amounts}};
}

json::array mounts_of(const Assignment& assignment) {
  json::array mounts;
  for (const std::string& name : visible_names(assignment)) {
    // A file directly in "/" is an input and comes with the secret.
    const bool file = std::ranges::any_of(
        assignment.inputs, [&name](const Input& each) { return each.path == "/" + name; });
    if (!file) {
      mounts.push_back({{"name", "files"}, {"mountPath", "/" + name}, {"subPath", name}});
    }
  }
  for (std::size_t index = 0; index < assignment.inputs.size(); ++index) {
    const Input& input = assignment.inputs[index];
    mounts.push_back({{"name", input.executable ? "programs" : "inputs"},
                      {"mountPath", input.path},
                      {"subPath", fmt::format("input-{}", index)},
                      {"readOnly", true}});
  }
  return mounts;
}

json::object container_of(std::size_t index, const Assignment& assignment,
                          const KubernetesPool& pool, const KubernetesJobOptions& options) {
  const Executor& executor = assignment.executors[index];
  json::array command;
  for (const std::string& each : executor.command) command.emplace_back(taken_as_it_is(each));
  std::map<std::string, std::string> env{{"HOME", std::string(default_workdir)},
                                         {"TMPDIR", "/tmp"},
                                         {"TRADEWIND_ROOT", ""},
                                         {"TRADEWIND_NODES", "1"}};
  for (const auto& [name, value] : assignment.env) env[name] = value;
  for (const auto& [name, value] : executor.env) env[name] = value;
  json::array variables;
  for (const auto& [name, value] : env) {
    variables.push_back({{"name", name}, {"value", taken_as_it_is(value)}});
  }
  const std::string& named = executor.image.empty() ? options.image : executor.image;
  const auto image = parse_image_reference("image", named);
  return {
      {"name", fmt::format("executor-{}", index)},
      {"image", image ? image->text() : named},
      {"command", std::move(command)},
      {"workingDir", executor.workdir.empty() ? std::string(default_workdir) : executor.workdir},
      {"env", std::move(variables)},
      {"resources", resources_of(assignment, pool)},
      {"volumeMounts", mounts_of(assignment)},
      {"securityContext",
       {{"allowPrivilegeEscalation", false}, {"capabilities", {{"drop", json::array{"ALL"}}}}}}};
}

}  // namespace

std::string kubernetes_name(std::string_view gateway, const AttemptId& attempt) {
  return fmt::format("tradewind-{}-{:016x}-{}", gateway, stable_hash(attempt.job.value),
                     attempt.number);
}

Status check_kubernetes(const Assignment& assignment, const KubernetesJobOptions& options,
                        const std::vector<KubernetesPool>& pools) {
  const auto refused = [](std::string field, std::string message, std::string remedy) {
    return Status(
        fail(ErrorCode::invalid, std::move(field), std::move(message), std::move(remedy)));
  };
  if (std::ranges::none_of(pools,
                           [&](const auto& each) { return each.pool.id == assignment.pool; })) {
    return refused("pool", fmt::format("\"{}\" is no pool of this engine", assignment.pool.value),
                   "assign one that the site publishes");
  }
  if (assignment.nodes != 1) {
    return refused("nodes", "this site runs jobs of one node", "ask for one node");
  }
  ContainerOptions allowed;
  allowed.images = options.images;
  for (std::size_t index = 0; index < assignment.executors.size(); ++index) {
    const Executor& each = assignment.executors[index];
    const std::string field = fmt::format("executors[{}]", index);
    if (each.image.empty() && options.image.empty()) {
      return refused(field + ".image", "this site runs images only", "name one");
    }
    if (!each.image.empty()) {
      const Status right = check_container(field, each.image, each.env, allowed);
      if (!right) return right;
    }
    if (!each.stdin_path.empty() || !each.stdout_path.empty() || !each.stderr_path.empty()) {
      return refused(field + ".stdout", "this site joins no streams with files",
                     "let the command read and write them itself");
    }
    if (each.ignore_error && index + 1 < assignment.executors.size()) {
      return refused(field + ".ignore_error", "this site goes on after success only",
                     "let the command itself end with 0");
    }
  }
  std::size_t bytes = 0;
  for (std::size_t index = 0; index < assignment.inputs.size(); ++index) {
    const Input& each = assignment.inputs[index];
    if (each.content.empty() && !each.replicas.empty()) {
      return refused(fmt::format("inputs[{}].url", index), "this site stages no data in",
                     "give the content in the job, or let the job fetch it");
    }
    bytes += each.content.size();
  }
  if (bytes > secret_bytes_max) {
    return refused("inputs", fmt::format("their content has {} bytes", bytes),
                   fmt::format("this site takes at most {}", secret_bytes_max));
  }
  if (!assignment.outputs.empty()) {
    return refused("outputs", "this site stages no data out", "let the job store it");
  }
  return ok();
}

std::string kubernetes_job_document(const std::string& name, const std::string& attempt,
                                    const Assignment& assignment, const KubernetesPool& pool,
                                    const KubernetesJobOptions& options,
                                    std::optional<std::int64_t> deadline_seconds) {
  const json::object labels{{std::string(kubernetes_gateway_key), options.gateway},
                            {"tradewind/network", assignment.network ? "any" : "none"}};
  const json::object annotations{{std::string(kubernetes_attempt_key), attempt}};
  json::array first;
  json::array last;
  for (std::size_t index = 0; index < assignment.executors.size(); ++index) {
    const bool is_last = index + 1 == assignment.executors.size();
    (is_last ? last : first).push_back(container_of(index, assignment, pool, options));
  }
  json::object files{{"name", "files"}, {"emptyDir", json::object{}}};
  if (assignment.resources.disk_mib > 0) {
    files["emptyDir"] = {{"sizeLimit", fmt::format("{}Mi", assignment.resources.disk_mib)}};
  }
  json::array volumes{std::move(files)};
  if (!assignment.inputs.empty()) {
    volumes.push_back(
        {{"name", "inputs"}, {"secret", {{"secretName", name}, {"defaultMode", 0444}}}});
    volumes.push_back(
        {{"name", "programs"}, {"secret", {{"secretName", name}, {"defaultMode", 0555}}}});
  }
  json::object selector;
  for (const auto& [key, value] : pool.selector) selector[key] = value;
  json::array tolerations;
  for (const std::string& key : pool.tolerations) {
    tolerations.push_back({{"key", key}, {"operator", "Exists"}});
  }
  const std::uint64_t seconds =
      std::min(seconds_max,
               assignment.run_seconds_max + static_cast<std::uint64_t>(options.image_time.count()));
  json::object pod{{"restartPolicy", "Never"},
                   {"activeDeadlineSeconds", seconds},
                   {"terminationGracePeriodSeconds",
                    std::chrono::ceil<std::chrono::seconds>(options.stop_grace).count()},
                   {"automountServiceAccountToken", false},
                   {"enableServiceLinks", false},
                   {"nodeSelector", std::move(selector)},
                   {"securityContext", {{"seccompProfile", {{"type", "RuntimeDefault"}}}}},
                   {"volumes", std::move(volumes)},
                   {"containers", std::move(last)}};
  if (!first.empty()) pod["initContainers"] = std::move(first);
  if (!tolerations.empty()) pod["tolerations"] = std::move(tolerations);
  json::object spec{{"backoffLimit", 0},
                    {"parallelism", 1},
                    {"completions", 1},
                    {"ttlSecondsAfterFinished", options.kept.count()},
                    {"template",
                     {{"metadata", {{"labels", labels}, {"annotations", annotations}}},
                      {"spec", std::move(pod)}}}};
  if (deadline_seconds) spec["activeDeadlineSeconds"] = *deadline_seconds;
  return json::serialize(
      json::object{{"apiVersion", "batch/v1"},
                   {"kind", "Job"},
                   {"metadata", {{"name", name}, {"labels", labels}, {"annotations", annotations}}},
                   {"spec", std::move(spec)}});
}

std::string kubernetes_secret_document(const std::string& name, const std::string& job_uid,
                                       const Assignment& assignment,
                                       const KubernetesJobOptions& options) {
  if (assignment.inputs.empty()) return {};
  json::object data;
  for (std::size_t index = 0; index < assignment.inputs.size(); ++index) {
    data[fmt::format("input-{}", index)] = base64_encode(assignment.inputs[index].content);
  }
  return json::serialize(json::object{
      {"apiVersion", "v1"},
      {"kind", "Secret"},
      {"metadata",
       {{"name", name},
        {"labels", {{std::string(kubernetes_gateway_key), options.gateway}}},
        {"ownerReferences",
         json::array{
             {{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"name", name}, {"uid", job_uid}}}}}},
      {"data", std::move(data)}});
}

}  // namespace tradewind
