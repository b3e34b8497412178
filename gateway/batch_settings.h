// The site file's [engine.batch]: the queue that a site's jobs are given to, by its commands.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "gateway/engines/batch_commands.h"
#include "gateway/environment_values.h"
#include "gateway/toml_table.h"
#include "schemas/architecture.h"
#include "schemas/site.h"

namespace tradewind {

struct BatchSettings {
  BatchCommands commands;
  std::string directory;  // on the shared file system; empty: the gateway's own
  std::map<Architecture, std::string> programs;
  std::uint32_t staging_minutes = 10;
  std::uint32_t poll_seconds = 5;
  friend bool operator==(const BatchSettings&, const BatchSettings&) = default;
};

// Of the table [engine]; what is wrong is refused there.
BatchSettings read_batch(const TomlTable& engine, const SiteRecord& record,
                         const Environment& environment);

}  // namespace tradewind
