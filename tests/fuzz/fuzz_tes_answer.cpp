// What a TES server answers, whatever it was asked: no bytes may crash a reader, a refusal says
// why, and what is taken is within its bounds, also as an attempt's end.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/engines/tes_records.h"
#include "gateway/engines/tes_report.h"
#include "schemas/assert.h"
#include "schemas/codec.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

void check(const TesTask& task) {
  TRADEWIND_ASSERT(!task.id.empty() && task.id.size() <= tes_id_bytes_max);
  const EndReport report = tes_end(task, {}, 60, Wall::time_point(std::chrono::seconds(1)));
  TRADEWIND_ASSERT(report.usage.started <= report.usage.ended && report.usage.wall_seconds <= 60);
  TRADEWIND_ASSERT(report.outputs.size() <= limits::report_files_max);
  const auto again = decode_end_report(encode(report));
  TRADEWIND_ASSERT(again && *again == report);
  if (!task.log) return;
  const std::string shown = tes_stream(*task.log, LogStream::out);
  TRADEWIND_ASSERT(shown_before(tes_stream(*task.log, LogStream::err), shown) <= shown.size());
}

void fuzz(std::string_view text) {
  const auto task = read_tes_task(text);
  TRADEWIND_ASSERT(task || !task.error().message.empty());
  if (task) check(*task);
  if (const auto page = read_tes_page(text)) {
    for (const TesTask& each : page->tasks) check(each);
  }
  static_cast<void>(read_tes_created(text));
  static_cast<void>(read_tes_parameters(text));
  TRADEWIND_ASSERT(read_tes_problem(text).find('\n') == std::string::npos);
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzz(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
