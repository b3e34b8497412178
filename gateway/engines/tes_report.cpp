#include "gateway/engines/tes_report.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "schemas/limits.h"

namespace tradewind {
namespace {

Bytes tail(const std::string& text) {
  return text.substr(text.size() - std::min(text.size(), limits::log_tail_bytes_max));
}

ExecutorEnd executor_end(const TesExecutorLog& log) {
  ExecutorEnd end;
  end.exit_code = log.exit_code;
  end.started = log.started;
  end.ended = std::max(log.started, log.ended);
  end.stdout_tail = tail(log.out);
  end.stderr_tail = tail(log.err);
  return end;
}

}  // namespace

EndReport tes_end(const TesTask& task, std::optional<EndCode> stopped,
                  std::uint64_t run_seconds_max, Wall::time_point now) {
  EndReport report;
  report.usage.started = report.usage.ended = now;
  std::uint64_t seconds = 0;
  if (task.log) {
    const TesLog& log = *task.log;
    for (const TesExecutorLog& each : log.executors) {
      report.executors.push_back(executor_end(each));
    }
    for (const TesOutputLog& each : log.outputs) {
      report.outputs.push_back({each.path, each.url, each.size_bytes, {}});
    }
    report.system_log = log.system_log;
    report.started = !log.executors.empty() || log.started != Wall::time_point{};
    if (log.started != Wall::time_point{}) {
      report.usage.started = log.started;
      report.usage.ended = std::max(log.started, log.ended != Wall::time_point{} ? log.ended : now);
      seconds = static_cast<std::uint64_t>(
          std::chrono::ceil<std::chrono::seconds>(report.usage.ended - report.usage.started)
              .count());
    }
    if (report.started) seconds = std::max<std::uint64_t>(seconds, 1);
  }
  report.usage.wall_seconds = std::min(seconds, run_seconds_max);

  const std::string last = report.system_log.empty() ? "" : report.system_log.back();
  switch (task.state) {
    case TesState::complete: report.code = EndCode::succeeded; return report;
    case TesState::executor_error: report.code = EndCode::failed; break;
    // Whose word it was at the server: ours, or the centre's.
    case TesState::canceled: report.code = stopped.value_or(EndCode::preempted); break;
    case TesState::preempted: report.code = stopped.value_or(EndCode::preempted); break;
    // TES has no state for a time limit: a task that ran as long as it may has met its own.
    default:
      report.code = seconds >= run_seconds_max ? EndCode::time_limit : EndCode::engine_failed;
      report.code = stopped.value_or(report.code);
  }
  report.detail = last.empty() ? "the TES server says no more" : last;
  return report;
}

std::string tes_stream(const TesLog& log, LogStream stream) {
  std::string all;
  for (const TesExecutorLog& each : log.executors) {
    all += stream == LogStream::out ? each.out : each.err;
  }
  return all;
}

std::size_t shown_before(std::string_view known, std::string_view shown) {
  if (shown.starts_with(known)) return known.size();
  if (known.starts_with(shown)) return shown.size();
  // Knuth, Morris and Pratt: the longest beginning of `shown` that `known` ends with.
  std::vector<std::size_t> fallback(shown.size() + 1, 0);
  for (std::size_t i = 1, length = 0; i < shown.size(); ++i) {
    while (length > 0 && shown[i] != shown[length]) length = fallback[length];
    if (shown[i] == shown[length]) ++length;
    fallback[i + 1] = length;
  }
  std::size_t length = 0;
  for (const char each : known.substr(known.size() - std::min(known.size(), shown.size()))) {
    while (length > 0 && (length == shown.size() || shown[length] != each)) {
      length = fallback[length];
    }
    if (shown[length] == each) ++length;
  }
  return length;
}

}  // namespace tradewind
