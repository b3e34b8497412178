// Logs of the native API: what an attempt has written, and what it goes on writing.
#include <fmt/format.h>

#include "broker/api/api.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(200);
// An attempt that is over sends nothing more; so often its log is asked for once more, because the
// last bytes may come after the report of its end.
constexpr int kPollsAfterEnd = 10;

struct LogRequest {
  JobId job;
  LogStream stream = LogStream::out;
  std::uint32_t attempt = 0;  // 0: the newest, and the next ones when it follows
  std::uint64_t offset = 0;
  std::uint64_t limit = 0;  // 0: all there is
  bool follow = false;
};

// The newest attempt with a number over `after` that a site has taken; null when there is none.
const AttemptRecord* taken_attempt(const JobRecord& job, std::uint32_t after) {
  for (auto each = job.attempts.rbegin(); each != job.attempts.rend(); ++each) {
    if (each->number <= after) return nullptr;
    if (each->state != AttemptState::refused && each->state != AttemptState::dispatching) {
      return &*each;
    }
  }
  return nullptr;
}

const AttemptRecord* attempt_with(const JobRecord& job, std::uint32_t number) {
  for (const AttemptRecord& each : job.attempts) {
    if (each.number == number) return &each;
  }
  return nullptr;
}

// Copies a log into a stream, one piece after the other. Each step runs alone: the next begins only
// when the client has taken the last piece, or on a timer.
class LogCopy : public std::enable_shared_from_this<LogCopy> {
 public:
  LogCopy(std::shared_ptr<Api> api, Caller caller, LogRequest request, HttpStream stream)
      : api_(std::move(api)),
        caller_(std::move(caller)),
        request_(std::move(request)),
        stream_(std::move(stream)) {
    attempt_ = request_.attempt;
  }

  void step() {
    const auto job = api_->service.find(request_.job);
    if (job == nullptr) return stream_.end();
    // It is cut short, so that the client does not take it for the whole.
    if (!api_->authenticator->still(caller_, system_now())) return;
    if (attempt_ == 0 || over_) {
      const AttemptRecord* next = taken_attempt(*job, attempt_);
      if (next == nullptr) {
        if (!request_.follow || is_final(job->state)) return stream_.end();
        return wait();
      }
      if (over_) request_.offset = 0;
      attempt_ = next->number;
      over_ = false;
      polls_after_end_ = 0;
    }
    const auto bytes = static_cast<std::uint32_t>(
        request_.limit == 0
            ? limits::log_chunk_bytes_max
            : std::min<std::uint64_t>(request_.limit - copied_, limits::log_chunk_bytes_max));
    api_->service.read_log(
        AttemptId{request_.job, attempt_}, request_.stream, request_.offset, bytes,
        [self = shared_from_this()](Result<LogChunk> chunk) { self->take(std::move(chunk)); });
  }

 private:
  // On a broker thread: only hands over.
  void take(Result<LogChunk> chunk) {
    if (!chunk) {  // the site is away for now; its attempt may go on
      stream_.after(std::chrono::milliseconds(0), [self = shared_from_this()] { self->nothing(); });
      return;
    }
    const bool end = chunk->end;
    std::string data = std::move(chunk->data);
    if (data.empty()) {
      stream_.after(std::chrono::milliseconds(0), [self = shared_from_this(), end] {
        if (end) {
          self->attempt_ended();
        } else {
          self->nothing();
        }
      });
      return;
    }
    request_.offset = chunk->offset + data.size();
    copied_ += data.size();
    const bool full = request_.limit != 0 && copied_ >= request_.limit;
    stream_.write(std::move(data), [self = shared_from_this(), end, full](bool taken) {
      if (!taken) return;
      if (full) return self->stream_.end();
      if (end) return self->attempt_ended();
      self->step();
    });
  }

  // The log has nothing more now.
  void nothing() {
    const auto job = api_->service.find(request_.job);
    if (job == nullptr || !request_.follow) return stream_.end();
    const AttemptRecord* attempt = attempt_with(*job, attempt_);
    if (attempt == nullptr || is_over(attempt->state)) {
      if (++polls_after_end_ > kPollsAfterEnd) return attempt_ended();
    }
    wait();
  }

  void attempt_ended() {
    if (!request_.follow || request_.attempt != 0) return stream_.end();
    over_ = true;
    step();
  }

  void wait() {
    stream_.write("", [self = shared_from_this()](bool there) {
      if (there) self->stream_.after(kPoll, [self] { self->step(); });
    });
  }

  const std::shared_ptr<Api> api_;
  const Caller caller_;
  LogRequest request_;
  const HttpStream stream_;
  std::uint32_t attempt_ = 0;  // 0: none has been taken yet
  bool over_ = false;          // `attempt_` has nothing more
  int polls_after_end_ = 0;
  std::uint64_t copied_ = 0;
};

Result<LogRequest> read_request(const Call& call) {
  LogRequest request;
  const std::string stream = call.request.parameter("stream").value_or("stdout");
  if (stream == "stderr") {
    request.stream = LogStream::err;
  } else if (stream != "stdout") {
    return fail(ErrorCode::invalid, "stream", "\"" + stream.substr(0, 40) + "\" is no stream",
                "use stdout or stderr");
  }
  const std::string follow = call.request.parameter("follow").value_or("false");
  if (follow != "true" && follow != "false") {
    return fail(ErrorCode::invalid, "follow",
                "\"" + follow.substr(0, 40) + "\" is neither true nor false",
                "use follow=true or follow=false");
  }
  request.follow = follow == "true";
  const auto attempt = query_number(call.request, "attempt", 0, 1, UINT32_MAX);
  if (!attempt) return fail(attempt.error());
  const auto offset = query_number(call.request, "offset", 0, 0, INT64_MAX);
  if (!offset) return fail(offset.error());
  const auto limit = query_number(call.request, "limit", 0, 1, INT64_MAX);
  if (!limit) return fail(limit.error());
  request.attempt = static_cast<std::uint32_t>(*attempt);
  request.offset = static_cast<std::uint64_t>(*offset);
  request.limit = static_cast<std::uint64_t>(*limit);
  return request;
}

void logs(const std::shared_ptr<Api>& api, Call call) {
  const auto job = api->job(call, call.captures[0], Verb::read_job);
  if (job == nullptr) return;
  auto request = read_request(call);
  if (!request) return call.reject(request.error());
  request->job = job->job;
  if (request->attempt != 0 && attempt_with(*job, request->attempt) == nullptr) {
    return call.reject(Error{ErrorCode::not_found, "attempt",
                             fmt::format("there is no attempt {}", request->attempt),
                             "GET the job to see its attempts"});
  }
  HttpResponse head;
  head.content_type = "text/plain; charset=utf-8";
  const AttemptRecord* first = taken_attempt(*job, 0);
  const std::uint32_t number = request->attempt != 0 ? request->attempt
                               : first != nullptr    ? first->number
                                                     : 0;
  if (number != 0) head.headers.emplace_back("Tradewind-Attempt", std::to_string(number));
  std::make_shared<LogCopy>(api, call.caller, std::move(*request),
                            call.responder.stream(std::move(head)))
      ->step();
}

}  // namespace

void add_log_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/jobs/{id}/logs", Verb::read_job, logs});
}

}  // namespace tradewind
