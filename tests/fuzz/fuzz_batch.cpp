// What a queue's commands print, read as the sample site files say: no bytes may crash a reader,
// and what is taken is within its bounds.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "gateway/engines/batch_reader.h"
#include "gateway/site_file.h"
#include "schemas/assert.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

std::vector<BatchReader> readers() {
  std::vector<BatchReader> all;
  for (const char* each : {"gridengine", "pbs", "lsf", "htcondor"}) {
    const auto site = load_site_file(fmt::format("{}/{}.toml", TRADEWIND_QUEUE_SITES, each));
    TRADEWIND_ASSERT(site && site->engine.batch);
    auto reader = BatchReader::make(site->engine.batch->commands);
    TRADEWIND_ASSERT(reader);
    all.push_back(std::move(*reader));
  }
  return all;
}

// One argument of a command, and nothing else.
bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() != '-' &&
         text.find_first_not_of(
             "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-") ==
             std::string_view::npos;
}

void fuzz(std::string_view text) {
  static const std::vector<BatchReader> all = readers();
  for (const BatchReader& each : all) {
    if (const auto number = each.submitted(text)) TRADEWIND_ASSERT(is_number(*number));
    static_cast<void>(each.refused(text));
    const auto jobs = each.listed(text);
    TRADEWIND_ASSERT(jobs || !jobs.error().message.empty());
    if (!jobs) continue;
    TRADEWIND_ASSERT(jobs->size() <= BatchReader::jobs_max);
    for (const BatchJob& job : *jobs) {
      TRADEWIND_ASSERT(is_number(job.number) && job.key.size() <= 256 && job.word.size() <= 256);
      if (const auto usage = each.used(text, job.key)) {
        TRADEWIND_ASSERT(usage->exit_code >= 0 && usage->exit_code <= 255);
        TRADEWIND_ASSERT(usage->seconds <= limits::seconds_max);
      }
    }
  }
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzz(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
