#include "gateway/container_settings.h"

#include <algorithm>

#include <fmt/format.h>

namespace tradewind {

std::optional<ContainerOptions> read_container(const TomlTable& engine) {
  if (!engine.has("container")) return std::nullopt;
  const TomlTable table = engine.table(
      "container", {"runtime", "program", "options", "run", "images", "pull", "network", "user"});
  ContainerOptions options;
  if (const auto runtime = parse_container_runtime("runtime", table.text("runtime", "podman"))) {
    options.runtime = *runtime;
  } else {
    table.refuse("runtime", runtime.error());
  }
  options.program = table.text("program", "");
  options.options = table.texts("options");
  options.run = table.texts("run");
  if (!options.run.empty()) {
    if (const Status good = check_run_words("run", options.run); !good) {
      table.refuse("run", good.error());
    }
  }
  options.images = table.texts("images");
  if (options.images.empty()) {
    table.refuse("images", "names no image that jobs may use",
                 "list registries, or paths in them, such as \"docker.io/library\"");
  }
  if (const auto pull = parse_image_pull("pull", table.text("pull", "missing"))) {
    options.pull = *pull;
  } else {
    table.refuse("pull", pull.error());
  }
  options.network = table.text("network", options.network);
  options.user = table.text("user", options.user);
  return options;
}

std::map<PoolId, std::vector<std::string>> read_devices(const TomlTable& engine,
                                                        const SiteRecord& record) {
  std::map<PoolId, std::vector<std::string>> devices;
  const TomlTable table = engine.open_table("devices");
  for (const std::string& pool : table.keys()) {
    if (std::ranges::none_of(record.pools,
                             [&](const Pool& each) { return each.id.value == pool; })) {
      table.refuse(pool, "is no pool of this site", "name one of [[pool]]");
    }
    devices[PoolId{pool}] = table.texts(pool);
    for (const std::string& each : devices[PoolId{pool}]) {
      if (each.starts_with("/dev/")) continue;
      table.refuse(pool, fmt::format("\"{}\" is no device node", each),
                   "give paths such as /dev/nvidia0");
    }
  }
  return devices;
}

}  // namespace tradewind
