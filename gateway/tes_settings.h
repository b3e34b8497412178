// The site file's [engine.tes]: the TES server that a site's jobs are given to.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gateway/environment_values.h"
#include "gateway/toml_table.h"
#include "schemas/site.h"

namespace tradewind {

// What a pool is at the server.
struct TesPoolSettings {
  std::vector<std::string> zones;
  std::map<std::string, std::string> backend_parameters;
  friend bool operator==(const TesPoolSettings&, const TesPoolSettings&) = default;
};

struct TesSettings {
  std::string url;          // the base path
  std::string token_file;   // empty: no credentials
  std::string user;         // empty: a Bearer token
  std::string ca_file;      // empty: the system's
  std::string image;        // empty: executors must name one
  std::string outputs_url;  // empty: outputs must have a URL
  std::map<PoolId, TesPoolSettings> pools;
  friend bool operator==(const TesSettings&, const TesSettings&) = default;
};

// Of the table [engine]; what is wrong is refused there.
TesSettings read_tes(const TomlTable& engine, const SiteRecord& record,
                     const Environment& environment);

}  // namespace tradewind
