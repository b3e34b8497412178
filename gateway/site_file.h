// The site file: everything a centre says about its site, in one TOML document (docs/site-file.md
// lists every key). Read strictly: a key that is not known, a value out of range or a price that
// is not exact refuses the whole file, naming the file, the line, the field and the remedy. Pure
// but for the environment that the caller hands in.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/batch_settings.h"
#include "gateway/engines/container_options.h"
#include "gateway/engines/sandbox_mode.h"
#include "gateway/environment_values.h"
#include "gateway/kubernetes_settings.h"
#include "gateway/performance/learnt_performance.h"
#include "gateway/slurm_settings.h"
#include "gateway/staging/policy.h"
#include "gateway/tes_settings.h"
#include "schemas/architecture.h"
#include "schemas/result.h"
#include "schemas/site.h"

namespace tradewind {

// How other nodes reach this one.
struct LinkSettings {
  std::string listen;     // "tcp://host:port", port 0 for any free one; empty: outbound only
  std::string advertise;  // what others connect to; empty: as bound
  friend bool operator==(const LinkSettings&, const LinkSettings&) = default;
};

struct EngineSettings {
  std::optional<SlurmSettings> slurm;
  std::optional<BatchSettings> batch;
  std::optional<KubernetesSettings> kubernetes;
  std::optional<TesSettings> tes;  // none of them: processes of the gateway's machine
  SandboxMode sandbox = SandboxMode::bubblewrap;
  std::map<Architecture, std::string> emulators;  // user-mode emulator for a foreign architecture
  std::vector<std::string> read_only;  // host folders that every sandbox sees, besides the system's
  std::optional<ContainerOptions> containers;          // nothing: images are not used
  std::map<PoolId, std::vector<std::string>> devices;  // of jobs with accelerators
  friend bool operator==(const EngineSettings&, const EngineSettings&) = default;
};

struct SiteFile {
  SiteRecord record;  // `endpoint` is empty: the daemon fills it in once it has bound
  LinkSettings link;
  std::string metrics_listen;  // "HOST:PORT" where /metrics is answered; empty: nowhere
  EngineSettings engine;
  StagingPolicy staging;
  std::optional<std::int64_t> energy_quota_wh;  // nothing: no quota
  // Which of the record's factors are not the operator's last word: they are learnt, and start so.
  std::map<LearntClass, std::int64_t> learnt;
};

// `filename` is for messages only. Fails with ErrorCode::invalid, or too_large over
// `site_file_bytes_max`.
inline constexpr std::size_t site_file_bytes_max = 256 * 1024;
Result<SiteFile> parse_site_file(std::string_view text, std::string_view filename,
                                 const Environment& environment = process_environment);

// Reads and parses; not_found or unavailable when it cannot be read.
Result<SiteFile> load_site_file(const std::string& path,
                                const Environment& environment = process_environment);

// What a centre wants to see before it joins: pools, units, prices, neighbours.
std::string summary(const SiteFile& file);

}  // namespace tradewind
