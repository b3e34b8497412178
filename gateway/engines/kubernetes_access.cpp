#include "gateway/engines/kubernetes_access.h"

#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "state/identity/encoding.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t file_bytes_max = 1 << 20;
const fs::path account_folder = "/var/run/secrets/kubernetes.io/serviceaccount";

Error wrong(std::string place, std::string message, std::string remedy) {
  return {ErrorCode::invalid, "kubeconfig." + std::move(place), std::move(message),
          std::move(remedy)};
}

std::string text_at(const YAML::Node& node, const char* key) {
  if (!node.IsMap()) return {};
  const YAML::Node value = node[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

// The entry of that name in a list of `{name, KIND: {…}}`.
YAML::Node named(const YAML::Node& list, const std::string& name, const char* kind) {
  if (list && list.IsSequence()) {
    for (const YAML::Node& each : list) {
      if (text_at(each, "name") == name && each[kind] && each[kind].IsMap()) return each[kind];
    }
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

// What stands at `KEY-data` in base64, or in the file that `KEY` names.
Result<std::string> bytes_of(const YAML::Node& node, const std::string& key,
                             const fs::path& beside) {
  if (const std::string data = text_at(node, (key + "-data").c_str()); !data.empty()) {
    return base64_decode(key + "-data", data);
  }
  const std::string file = text_at(node, key.c_str());
  if (file.empty()) return std::string();
  const auto bytes =
      load_file(fs::path(file).is_absolute() ? fs::path(file) : beside / file, file_bytes_max);
  if (!bytes) return fail(bytes.error());
  return *bytes;
}

}  // namespace

Result<KubernetesAccess> read_kubeconfig(std::string_view text, const std::string& path) {
  if (text.size() > file_bytes_max) {
    return fail(wrong("", fmt::format("has {} bytes", text.size()), "give a smaller one"));
  }
  YAML::Node config;
  try {
    config = YAML::Load(std::string(text));
    if (!config.IsMap()) return fail(wrong("", "is no table", "give a kubeconfig"));
    const fs::path beside = fs::path(path).parent_path();
    const YAML::Node context =
        named(config["contexts"], text_at(config, "current-context"), "context");
    if (!context) {
      return fail(wrong("current-context", "names no context", "choose one of its contexts"));
    }
    const YAML::Node cluster = named(config["clusters"], text_at(context, "cluster"), "cluster");
    const YAML::Node user = named(config["users"], text_at(context, "user"), "user");
    if (!cluster || !user) {
      return fail(wrong("contexts", "the current one names no cluster and user",
                        "complete the kubeconfig"));
    }
    KubernetesAccess access;
    access.url = text_at(cluster, "server");
    while (access.url.ends_with('/')) access.url.pop_back();
    if (!access.url.starts_with("https://")) {
      return fail(wrong("clusters.server", fmt::format("\"{}\" is no https URL", access.url),
                        "give the API server's"));
    }
    if (text_at(cluster, "insecure-skip-tls-verify") == "true") {
      return fail(wrong("clusters.insecure-skip-tls-verify", "is true",
                        "give certificate-authority instead"));
    }
    if (user["exec"] || user["auth-provider"]) {
      return fail(wrong("users", "has credentials that a program makes",
                        "give a token, a tokenFile or a client certificate"));
    }
    auto ca = bytes_of(cluster, "certificate-authority", beside);
    auto certificate = bytes_of(user, "client-certificate", beside);
    auto key = bytes_of(user, "client-key", beside);
    for (const auto* each : {&ca, &certificate, &key}) {
      if (!*each) return fail(each->error());
    }
    access.ca_pem = std::move(*ca);
    access.certificate_pem = std::move(*certificate);
    access.key_pem = std::move(*key);
    access.token = text_at(user, "token");
    access.token_file = text_at(user, "tokenFile");
    access.namespace_name = text_at(context, "namespace");
    if (access.certificate_pem.empty() != access.key_pem.empty() ||
        (access.certificate_pem.empty() && access.token.empty() && access.token_file.empty())) {
      return fail(wrong("users", "has no credentials",
                        "give a token, a tokenFile, or client-certificate and client-key"));
    }
    return access;
  } catch (const YAML::Exception& problem) {
    return fail(wrong("", problem.what(), "correct the YAML there"));
  }
}

Result<KubernetesAccess> access_of_pod() {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT_HTTPS");
  if (host == nullptr || !fs::exists(account_folder / "token")) {
    return fail(ErrorCode::not_found, "engine.kubernetes",
                "this is no pod with a service account, and no kubeconfig is given",
                "give kubeconfig, or url, token_file and ca_file");
  }
  KubernetesAccess access;
  const std::string name = host;
  access.url =
      fmt::format("https://{}:{}", name.find(':') != std::string::npos ? "[" + name + "]" : name,
                  port == nullptr ? "443" : port);
  access.ca_file = (account_folder / "ca.crt").string();
  access.token_file = (account_folder / "token").string();
  if (const auto name_space = load_file(account_folder / "namespace", 256)) {
    access.namespace_name = *name_space;
  }
  return access;
}

}  // namespace tradewind
