// One fuzzer for each thing that Slurm's commands print: the build names it in FUZZED. No bytes may
// crash a reader, and what it takes is of the shape that the engine counts on.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/engines/slurm_listing.h"
#include "schemas/assert.h"

namespace tradewind::fuzzed {
namespace {

[[maybe_unused]] void parse_slurm_jobs(std::string_view text) {
  for (const SlurmJob& each : read_squeue(text, "mark", "fed")) {
    TRADEWIND_ASSERT(each.id > 0 && each.submitted >= 0 && each.start >= 0 && each.end >= 0);
    TRADEWIND_ASSERT(each.key.find('\n') == std::string::npos);
    TRADEWIND_ASSERT(each.key.find('|') == std::string::npos);
  }
}

[[maybe_unused]] void parse_slurm_nodes(std::string_view text) {
  for (const SlurmNode& each : read_scontrol_nodes(text)) {
    TRADEWIND_ASSERT(!each.name.empty());
    TRADEWIND_ASSERT(each.cpus_idle <= each.cpus && each.memory_idle_mib <= each.memory_mib);
    static_cast<void>(gres_count(each.gres, "gpu"));
    static_cast<void>(gres_count(each.gres_used, "gpu:a100"));
  }
}

}  // namespace
}  // namespace tradewind::fuzzed

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzzed::FUZZED(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
