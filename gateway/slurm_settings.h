// The site file's [engine.slurm]: the cluster that a site's jobs are given to.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "gateway/environment_values.h"
#include "gateway/toml_table.h"
#include "schemas/architecture.h"
#include "schemas/ids.h"
#include "schemas/site.h"

namespace tradewind {

// Where a pool's nodes are in Slurm.
struct SlurmPoolSettings {
  std::string partition;  // default: the pool's id
  std::string features;
  std::string gres = "gpu";
  friend bool operator==(const SlurmPoolSettings&, const SlurmPoolSettings&) = default;
};

struct SlurmAccountSettings {
  std::string account;
  std::string qos;
  friend bool operator==(const SlurmAccountSettings&, const SlurmAccountSettings&) = default;
};

struct SlurmSettings {
  std::string url;       // of slurmrestd; empty: by Slurm's commands
  std::string commands;  // their folder; empty: as PATH has them
  std::string user;      // empty: the account that the gateway runs as
  std::string token_file;
  std::string token_command;
  std::string directory;  // on the shared file system; empty: the gateway's own
  std::map<Architecture, std::string> programs;
  std::uint32_t staging_minutes = 10;
  std::map<PoolId, SlurmPoolSettings> pools;
  SlurmAccountSettings account;
  std::map<TenantId, SlurmAccountSettings> tenants;
  friend bool operator==(const SlurmSettings&, const SlurmSettings&) = default;
};

// Of the table [engine]; what is wrong is refused there.
SlurmSettings read_slurm(const TomlTable& engine, const SiteRecord& record,
                         const Environment& environment);

}  // namespace tradewind
