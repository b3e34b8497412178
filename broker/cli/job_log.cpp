#include "broker/cli/job_log.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <utility>

namespace tradewind::cli {
namespace {

constexpr std::chrono::milliseconds kRetry{500};
constexpr int kBrokenInARowMax = 60;  // about half a minute of an endpoint that restarts

}  // namespace

void AttemptsSeen::tell(const boost::json::value& job) {
  const std::lock_guard lock(mutex_);
  for (const auto& each : items(job, "attempts")) {
    const std::string state = text(each, "state");
    if (state == "refused" || state == "dispatching") continue;
    attempts_.insert(static_cast<std::uint32_t>(number(each, "number")));
  }
  over_ = over_ || is_over(text(job, "state"));
  changed_.notify_all();
}

void AttemptsSeen::give_up() {
  const std::lock_guard lock(mutex_);
  over_ = true;
  changed_.notify_all();
}

std::optional<std::uint32_t> AttemptsSeen::next(std::uint32_t after) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto found = attempts_.upper_bound(after);
    if (found != attempts_.end()) return *found;
    if (over_) return std::nullopt;
    changed_.wait(lock);
  }
}

LogReader::LogReader(const Context& context, std::string job, std::string stream,
                     AttemptsSeen& attempts, Write write)
    : client_(context.client()),
      path_("/v1/jobs/" + url_escape(job) + "/logs?stream=" + stream),
      attempts_(attempts),
      write_(std::move(write)),
      thread_([this] { run(); }) {}

LogReader::~LogReader() {
  thread_.join();
}

void LogReader::run() {
  std::uint32_t attempt = 0;
  while (const auto next = attempts_.next(attempt)) {
    attempt = *next;
    copy(attempt);
  }
}

void LogReader::copy(std::uint32_t attempt) {
  std::uint64_t offset = 0;
  for (int broken = 0; broken <= kBrokenInARowMax;) {
    const Status done =
        client_.stream(fmt::format("{}&attempt={}&offset={}&follow=true", path_, attempt, offset),
                       [&](std::string_view data) {
                         broken = 0;
                         offset += data.size();
                         write_(data);
                         return true;
                       });
    if (done || done.error().code != ErrorCode::unavailable) return;
    ++broken;
    std::this_thread::sleep_for(kRetry);
  }
}

}  // namespace tradewind::cli
