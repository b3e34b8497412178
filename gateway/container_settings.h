// The parts of the site file that say how executors run in containers, and which devices jobs get.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/engines/container_options.h"
#include "gateway/toml_table.h"
#include "schemas/site.h"

namespace tradewind {

// [engine.container]; nothing when it is not there.
std::optional<ContainerOptions> read_container(const TomlTable& engine);

// [engine.devices], by pools of the site.
std::map<PoolId, std::vector<std::string>> read_devices(const TomlTable& engine,
                                                        const SiteRecord& record);

}  // namespace tradewind
