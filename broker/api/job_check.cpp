#include "broker/api/job_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "broker/api/json_reader.h"
#include "schemas/ascii.h"
#include "schemas/limits.h"
#include "schemas/url.h"

namespace tradewind {
namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool has_wildcard(std::string_view path) {
  return path.find_first_of("*?[") != std::string_view::npos;
}

std::string in_quotes(std::string_view text) {
  return "\"" + brief(text) + "\"";
}

}  // namespace

Status check_path(const std::string& field, std::string_view path) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::invalid, field, in_quotes(path) + std::string(why),
                "give an absolute path without . and .. parts, such as /data/input");
  };
  if (path.empty() || path.front() != '/') return bad(" is no absolute path");
  if (path == "/") return bad(" is the root itself");
  if (std::any_of(path.begin(), path.end(), is_control)) {
    return bad(" contains a control character");
  }
  std::string_view rest = path;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view part = rest.substr(0, rest.find('/'));
    if (part == "." || part == "..") return bad(" has a . or .. part");
    rest.remove_prefix(part.size());
  }
  return ok();
}

Status check_url(const std::string& field, std::string_view url) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::invalid, field, in_quotes(url) + std::string(why),
                "give a file:, http:, https: or s3: URL, such as file:///data/input, "
                "https://example.org/input or s3://bucket/input");
  };
  if (url.empty()) return bad(" is no URL");
  if (std::any_of(url.begin(), url.end(), [](char c) { return is_control(c) || c == ' '; })) {
    return bad(" contains a space or a control character");
  }
  if (url.starts_with("file:///")) {
    return url.size() > 8 ? ok() : Status(bad(" names no file"));
  }
  if (url.starts_with("s3://")) {
    const std::string_view named = url.substr(5);
    const std::size_t slash = named.find('/');
    const bool good = slash != 0 && slash != std::string_view::npos && slash + 1 < named.size();
    return good ? ok() : Status(bad(" does not name a bucket and a key"));
  }
  if (const auto rest = behind_http(url)) {
    return rest->substr(0, rest->find_first_of("/?#")).empty() ? Status(bad(" has no host")) : ok();
  }
  return bad(" has a scheme that no site can stage");
}

Status check_sha256(const std::string& field, std::string_view digest) {
  if (digest.size() == 64 && is_lower_hex(digest)) return ok();
  return fail(ErrorCode::invalid, field, in_quotes(digest) + " is no SHA-256 digest",
              "give 64 lower-case hexadecimal digits, as sha256sum prints them");
}

Status check_executor(const std::string& path, const Executor& executor) {
  if (executor.command.empty() || executor.command.front().empty()) {
    return fail(ErrorCode::invalid, path + "command",
                executor.command.empty() ? "it is missing or empty" : "its first word is empty",
                "give the program and its arguments as a list, such as [\"echo\", \"hello\"]");
  }
  const std::pair<std::string_view, const std::string*> paths[] = {
      {"workdir", &executor.workdir},
      {"stdin", &executor.stdin_path},
      {"stdout", &executor.stdout_path},
      {"stderr", &executor.stderr_path}};
  for (const auto& [name, value] : paths) {
    if (value->empty()) continue;
    if (name == "workdir" && *value == "/") continue;
    if (const Status good = check_path(path + std::string(name), *value); !good) return good;
  }
  for (const auto& [name, value] : executor.env) {
    if (name.find('=') != std::string::npos) {
      return fail(ErrorCode::invalid, path + "env." + brief(name), "its name contains '='",
                  "name environment variables without '='");
    }
  }
  return ok();
}

Status check_replica(const std::string& path, const Replica& replica) {
  if (const Status good = check_url(path + "url", replica.url); !good) return good;
  if (!replica.site.empty()) {
    if (const Status good = check_name(path + "site", replica.site); !good) return good;
  }
  if (!replica.region.empty()) {
    if (const Status good = check_name(path + "region", replica.region); !good) return good;
  }
  return ok();
}

Status check_input(const std::string& path, const Input& input) {
  if (const Status good = check_path(path + "path", input.path); !good) return good;
  if (input.content.empty() && input.replicas.empty() && input.dataset.empty()) {
    return fail(ErrorCode::invalid, path + "url", "there is neither a URL nor content",
                "say where the input comes from: url, replicas, dataset or content");
  }
  if (!input.content.empty() && input.type == FileType::directory) {
    return fail(ErrorCode::invalid, path + "type", "a directory cannot have inline content",
                "use type file, or give a URL");
  }
  for (std::size_t i = 0; i < input.replicas.size() && input.content.empty(); ++i) {
    const Replica& replica = input.replicas[i];
    const bool plain = input.replicas.size() == 1 && replica.site.empty() && replica.region.empty();
    const std::string at = plain ? path : fmt::format("{}replicas[{}].", path, i);
    if (const Status good = check_replica(at, replica); !good) return good;
  }
  if (!input.sha256.empty()) {
    if (const Status good = check_sha256(path + "sha256", input.sha256); !good) return good;
  }
  for (std::size_t i = 0; i < input.residency.size(); ++i) {
    const std::string at = fmt::format("{}residency[{}]", path, i);
    if (const Status good = check_jurisdiction(at, input.residency[i].value); !good) return good;
  }
  return ok();
}

Status check_output(const std::string& path, const Output& output) {
  if (const Status good = check_path(path + "path", output.path); !good) return good;
  if (has_wildcard(output.path)) {
    if (output.path_prefix.empty()) {
      return fail(ErrorCode::invalid, path + "path_prefix",
                  "it is missing, though " + in_quotes(output.path) + " has wildcards",
                  "give the leading part of the path that is not to be in the URLs");
    }
    if (!output.path.starts_with(output.path_prefix) || output.path_prefix.front() != '/' ||
        has_wildcard(output.path_prefix)) {
      return fail(ErrorCode::invalid, path + "path_prefix",
                  in_quotes(output.path_prefix) + " is no leading part of " +
                      in_quotes(output.path) + " without wildcards",
                  "give an absolute path with which every match begins");
    }
  }
  if (!output.url.empty()) {
    if (const Status good = check_url(path + "url", output.url); !good) return good;
  }
  if (!output.region.empty()) {
    if (const Status good = check_name(path + "region", output.region); !good) return good;
  }
  return ok();
}

Status check_whole(const JobSpec& spec) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < spec.variants.size(); ++i) {
    const Variant& variant = spec.variants[i];
    const std::string path = fmt::format("variants[{}].", i);
    if (!names.insert(variant.name).second) {
      return fail(ErrorCode::invalid, path + "name",
                  in_quotes(variant.name) + " is the name of an earlier variant",
                  "give every variant a name of its own");
    }
    if (variant.executors.empty()) {
      return fail(ErrorCode::invalid, path + "executors", "there is nothing to run",
                  "give at least one executor with a command");
    }
    if (variant.accelerator != AcceleratorNeed{} && spec.resources.accelerators == 0) {
      return fail(ErrorCode::invalid, "resources.accelerators",
                  "it is 0, though " + path + "accelerator asks for devices",
                  "give the number of accelerators per node, or leave the accelerator out");
    }
  }
  std::set<std::string_view> paths;
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
    if (!paths.insert(spec.inputs[i].path).second) {
      return fail(ErrorCode::invalid, fmt::format("inputs[{}].path", i),
                  in_quotes(spec.inputs[i].path) + " is the path of an earlier input",
                  "give every input a path of its own");
    }
  }
  for (std::size_t i = 0; i < spec.volumes.size(); ++i) {
    const std::string field = fmt::format("volumes[{}]", i);
    if (const Status good = check_path(field, spec.volumes[i]); !good) return good;
  }
  return ok();
}

}  // namespace tradewind
