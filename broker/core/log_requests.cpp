#include "broker/core/log_requests.h"

#include <utility>

#include "broker/jobs/fold.h"

namespace tradewind {
namespace {

constexpr std::size_t kOpenMax = 1'024;

}  // namespace

std::optional<LogRequests::Question> LogRequests::ask(ReadLog wanted, Reply<LogChunk> reply,
                                                      Mono::time_point now) {
  const auto record = journal_.job(wanted.attempt.job);
  const AttemptRecord* const held = record ? find_attempt(*record, wanted.attempt.number) : nullptr;
  if (held == nullptr || !held->decision.chosen) {
    reply(
        fail(ErrorCode::not_found, "attempt", "there is no attempt " + to_string(wanted.attempt)));
    return std::nullopt;
  }
  if (open_.size() >= kOpenMax) {
    reply(fail(ErrorCode::exhausted, "", "1,024 log requests are under way",
               "try again in a moment"));
    return std::nullopt;
  }
  wanted.request = ++last_;
  open_.emplace(wanted.request, Open{wanted, now + timeout_, std::move(reply)});
  return Question{held->decision.chosen->site, wanted};
}

void LogRequests::answer(LogChunk chunk) {
  const auto found = open_.find(chunk.request);
  if (found == open_.end() || found->second.wanted.attempt != chunk.attempt) return;
  const Open open = std::move(found->second);
  open_.erase(found);
  if (chunk.known) {
    open.reply(std::move(chunk));
  } else {
    open.reply(tail(open.wanted));
  }
}

void LogRequests::expire(Mono::time_point now) {
  for (auto each = open_.begin(); each != open_.end();) {
    if (each->second.deadline > now) {
      ++each;
      continue;
    }
    const Open open = std::move(each->second);
    each = open_.erase(each);
    open.reply(tail(open.wanted));
  }
}

void LogRequests::end() {
  for (auto& [request, open] : open_) {
    open.reply(fail(ErrorCode::unavailable, "", "the broker is stopping", "try again later"));
  }
  open_.clear();
}

Result<LogChunk> LogRequests::tail(const ReadLog& wanted) const {
  const auto record = journal_.job(wanted.attempt.job);
  const AttemptRecord* const attempt =
      record ? find_attempt(*record, wanted.attempt.number) : nullptr;
  if (attempt == nullptr || !attempt->report) {
    return fail(ErrorCode::unavailable, "", "the site does not answer now",
                "try again; the job is not affected");
  }
  Bytes text;
  for (const ExecutorEnd& each : attempt->report->executors) {
    text += wanted.stream == LogStream::out ? each.stdout_tail : each.stderr_tail;
  }
  LogChunk chunk{0, wanted.attempt, wanted.offset, {}, true, true};
  if (wanted.offset < text.size()) chunk.data = text.substr(wanted.offset, wanted.bytes_max);
  chunk.end = wanted.offset + chunk.data.size() >= text.size();
  return chunk;
}

}  // namespace tradewind
