#include "gateway/admission/end_report.h"

#include <algorithm>
#include <string>

#include "schemas/codec.h"

namespace tradewind {
namespace {

constexpr std::size_t kLineBytesMax = 1'024;
constexpr std::size_t kLinesKept = 64;
constexpr std::size_t kExecutorsKept = 64;

void keep_end(Bytes& text, std::size_t bytes) {
  if (text.size() > bytes) text.erase(0, text.size() - bytes);
}

void cut_tails(EndReport& report, std::size_t bytes) {
  for (ExecutorEnd& each : report.executors) {
    keep_end(each.stdout_tail, bytes);
    keep_end(each.stderr_tail, bytes);
  }
}

bool fits(const EndReport& report, std::size_t bytes_max) {
  return encode(report).size() <= bytes_max;
}

}  // namespace

void shorten(EndReport& report, std::size_t bytes_max) {
  if (fits(report, bytes_max)) return;
  report.system_log.push_back("the report was too large: its stream tails were shortened");
  for (const std::size_t tail : {4'096U, 512U, 0U}) {
    cut_tails(report, tail);
    if (fits(report, bytes_max)) return;
  }
  report.system_log.push_back(
      "the report was still too large: " + std::to_string(report.inputs.size()) + " inputs and " +
      std::to_string(report.outputs.size()) + " outputs were left out");
  report.inputs.clear();
  report.outputs.clear();
  if (fits(report, bytes_max)) return;
  // What is left are texts of the engine itself.
  report.detail.resize(std::min(report.detail.size(), kLineBytesMax));
  if (report.system_log.size() > kLinesKept) {
    report.system_log.erase(report.system_log.begin(), report.system_log.end() - kLinesKept);
  }
  for (std::string& line : report.system_log) line.resize(std::min(line.size(), kLineBytesMax));
  if (report.executors.size() > kExecutorsKept) report.executors.resize(kExecutorsKept);
}

}  // namespace tradewind
