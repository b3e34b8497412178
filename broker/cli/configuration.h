// The settings file of `tradewind`: ~/.config/tradewind/config.toml.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "schemas/result.h"

namespace tradewind::cli {

// What submissions have that say nothing else.
struct JobDefaults {
  std::string home_region;
  std::map<std::string, std::string> tags;
  friend bool operator==(const JobDefaults&, const JobDefaults&) = default;
};

// What a file says; empty: nothing. Options and the environment go before.
struct Settings {
  std::string url;
  std::string token;  // from `token`, or read from `token_file`
  std::string ca_file;
  std::string output;
  std::string tenant;  // that auditors and operators list
  JobDefaults job;
  friend bool operator==(const Settings&, const Settings&) = default;
};

// Reads the file of that name. What stands at the top holds, but for what the profile says: the one
// named here, else the one that the file names as `profile`. A profile with a `url` of its own has
// no token but its own. Paths are relative to the file; "~/" is the home folder. Fails naming what
// is no setting, a profile that is not there, and a file with a secret that others may read.
Result<Settings> load_settings(const std::filesystem::path& file, const std::string& profile);

// $XDG_CONFIG_HOME/tradewind/config.toml, else that under ~/.config; empty without a home.
std::filesystem::path default_settings_file();

}  // namespace tradewind::cli
