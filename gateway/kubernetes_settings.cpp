#include "gateway/kubernetes_settings.h"

#include <fmt/format.h>

namespace tradewind {
namespace {

// What the makers' device plugins call them; others are to be named.
std::string default_accelerator(const std::string& family) {
  if (family == "cuda") return "nvidia.com/gpu";
  if (family == "rocm") return "amd.com/gpu";
  return {};
}

std::string file_at(const TomlTable& table, std::string_view key) {
  const std::string path = table.text(key, "");
  if (!path.empty() && path.front() != '/') {
    table.refuse(key, fmt::format("\"{}\" is not an absolute path", path), "start it with /");
  }
  return path;
}

}  // namespace

KubernetesSettings read_kubernetes(const TomlTable& engine, const SiteRecord& record) {
  KubernetesSettings settings;
  const TomlTable table =
      engine.table("kubernetes", {"kubeconfig", "url", "token_file", "ca_file", "namespace",
                                  "image", "images", "image_minutes", "pools"});
  settings.kubeconfig = file_at(table, "kubeconfig");
  settings.url = table.text("url", "");
  settings.token_file = file_at(table, "token_file");
  settings.ca_file = file_at(table, "ca_file");
  if (!settings.url.empty() && !settings.url.starts_with("https://")) {
    table.refuse("url", fmt::format("\"{}\" is no https URL", settings.url),
                 "write https://HOST:PORT");
  }
  if (!settings.kubeconfig.empty() && !settings.url.empty()) {
    table.refuse("url", "is given besides kubeconfig", "give one of them");
  }
  if (settings.url.empty() != settings.token_file.empty()) {
    table.refuse("token_file", "goes with url", "give both, or a kubeconfig, or neither in a pod");
  }
  settings.name_space = table.text("namespace", "");
  settings.image = table.text("image", "");
  settings.images = table.texts("images");
  settings.image_minutes =
      static_cast<std::uint32_t>(table.whole("image_minutes", 1, 24 * 60, settings.image_minutes));
  for (const Pool& each : record.pools) {
    settings.pools[each.id].accelerator = default_accelerator(each.accelerator.family);
  }
  const TomlTable pools = table.open_table("pools");
  for (const std::string& each : pools.keys()) {
    const auto known = settings.pools.find(PoolId{each});
    if (known == settings.pools.end()) {
      pools.refuse(each, "is no pool of this site", "name one of [[pool]]");
      continue;
    }
    const TomlTable pool = pools.table(each, {"selector", "accelerator", "tolerations"});
    known->second.selector = pool.open_table("selector").text_map();
    known->second.accelerator = pool.text("accelerator", known->second.accelerator);
    known->second.tolerations = pool.texts("tolerations");
  }
  for (const Pool& each : record.pools) {
    if (each.unit.accelerators == 0 || !settings.pools[each.id].accelerator.empty()) continue;
    table.refuse("pools",
                 fmt::format("does not say what accelerators of {} are called", each.id.value),
                 "give accelerator, as the device plugin calls it");
  }
  return settings;
}

}  // namespace tradewind
