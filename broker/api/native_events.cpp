// Events as they are published, as server-sent events (WHATWG HTML, 9.2).
#include <fmt/format.h>

#include "broker/api/api.h"
#include "state/transparency/line.h"

namespace tradewind {
namespace {

using Steady = std::chrono::steady_clock;

constexpr auto kJobPoll = std::chrono::seconds(1);
constexpr std::size_t kCatchUpRows = 256;

struct EventRequest {
  LogFilter filter;
  std::uint64_t next = 0;  // the entry to go on with
  // Of an array any task: the stream ends when the job, or all of the array, has ended.
  std::shared_ptr<const JobRecord> job;
};

// One who follows. Each step runs alone on an HTTP thread: the next begins only when the client has
// taken the last piece, or, once all was told, when more is published or on a timer.
class EventFollower : public std::enable_shared_from_this<EventFollower> {
 public:
  EventFollower(std::shared_ptr<Api> api, Caller caller, EventRequest request,
                std::shared_ptr<void> place, HttpStream stream)
      : api_(std::move(api)),
        caller_(std::move(caller)),
        request_(std::move(request)),
        place_(std::move(place)),
        stream_(std::move(stream)) {}

  void begin() {
    step();
    look_again();
  }

 private:
  void step() {
    waits_ = false;
    EventFeed& feed = api_->event_feed;
    if (feed.stopping()) return end("stopping", "the broker stops; go on in a moment");
    if (!live_ && !caught_up()) return;
    for (;;) {
      auto batch = feed.batch_with(request_.next);
      if (!batch && batch.error().code == ErrorCode::exhausted) {
        if (!live_) return again();  // it went on while this one caught up
        feed.count_cut();
        return end("behind", describe(batch.error()));
      }
      if (!batch) return end("failed", describe(batch.error()));
      live_ = true;
      if (*batch != nullptr) {
        HttpStream::Piece text = (*batch)->text_for(request_.filter, request_.next);
        request_.next = (*batch)->end();
        if (!text->empty()) return write(std::move(text));
      } else if (nothing()) {
        return;
      }
    }
  }

  // Whether all that had been published is told; else the next step is on its way.
  bool caught_up() {
    const auto at = api_->log->shown();
    if (request_.next >= at->checkpoint.head.size) return true;
    const LogRange range{request_.next, at->checkpoint.head.size};
    const auto page = api_->log->query(request_.filter, range, kCatchUpRows);
    if (!page) return end("failed", describe(page.error())), false;
    request_.next = page->next.value_or(range.end);
    std::string text;
    for (const LogRow& each : page->rows) text += event_text(each.index, each.event);
    if (text.empty()) {
      again();
    } else {
      write(std::make_shared<const std::string>(std::move(text)));
    }
    return false;
  }

  // All was told. False when there is more to tell meanwhile.
  bool nothing() {
    const auto now = Steady::now();
    if (request_.job != nullptr && now >= job_asked_ + kJobPoll) {
      job_asked_ = now;
      if (!ended_at_ && may_have_ended() && has_ended()) ended_at_ = api_->log->durable();
    }
    if (ended_at_ && request_.next >= *ended_at_) return end("ended", "nothing follows"), true;
    if (now >= written_ + api_->event_feed.limits().heartbeat) {
      static const HttpStream::Piece comment = std::make_shared<const std::string>(":\n\n");
      return write(comment), true;
    }
    waits_ = api_->event_feed.wait(request_.next, this, stream_,
                                   [self = shared_from_this()] { self->go_on(); });
    return waits_;
  }

  void go_on() {
    if (waits_) step();
  }

  // Time passes: a comment may be due, or the job may have ended. The feed holds who waits.
  void look_again() {
    const auto now = Steady::now();
    const auto heartbeat = api_->event_feed.limits().heartbeat;
    auto due = written_ + heartbeat;
    if (due <= now) due = now + heartbeat;  // the client has yet to take the last piece
    if (request_.job != nullptr) due = std::min(due, now + kJobPoll);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(due - now);
    stream_.after(wait, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self == nullptr) return;
      self->api_->event_feed.stop_waiting(self.get());
      self->go_on();
      self->look_again();
    });
  }

  // Not when it is one job that has not changed since it was asked last.
  bool may_have_ended() {
    if (request_.job->array) return true;
    const std::uint32_t changes = api_->service.changes(request_.job->job);
    return std::exchange(job_changes_, changes) != changes;
  }

  bool has_ended() const {
    const JobRecord& asked = *request_.job;
    if (asked.array && asked.array->value == request_.filter.job) {
      const ArrayCounts counts = api_->array_tally.count(api_->service, asked);
      return counts.ended() == counts.tasks;
    }
    const auto job = api_->service.find(asked.job);
    return job == nullptr || is_final(job->state);
  }

  void again() {
    stream_.after(std::chrono::milliseconds(0), [self = shared_from_this()] { self->step(); });
  }

  void write(HttpStream::Piece text) {
    if (!api_->authenticator->still(caller_, system_now())) {
      return end("revoked", "the token that the events were asked with is valid no more");
    }
    written_ = Steady::now();
    stream_.write(std::move(text), [self = shared_from_this()](bool taken) {
      if (taken) self->step();
    });
  }

  // The last event says why it is the last.
  void end(std::string_view reason, std::string_view detail) {
    stream_.write(fmt::format("event: end\ndata: {}\n\n",
                              to_text(json::object{{"reason", json::string(reason)},
                                                   {"detail", json::string(detail)}})),
                  [self = shared_from_this()](bool taken) {
                    if (taken) self->stream_.end();
                  });
  }

  const std::shared_ptr<Api> api_;
  const Caller caller_;
  EventRequest request_;
  const std::shared_ptr<void> place_;
  const HttpStream stream_;
  bool live_ = false;   // it has caught up, and must keep up
  bool waits_ = false;  // for what is not published yet
  Steady::time_point written_ = Steady::now();
  Steady::time_point job_asked_{};
  std::optional<std::uint32_t> job_changes_;
  std::optional<std::uint64_t> ended_at_;  // after that entry nothing of the job follows
};

bool takes_events(std::string_view accept) {
  if (accept.empty()) return true;
  for (const std::string_view each : {"text/event-stream", "text/*", "*/*"}) {
    if (accept.find(each) != std::string_view::npos) return true;
  }
  return false;
}

// Where to begin: after the event that came last, at the time asked for, with the job, or now.
Result<std::uint64_t> first_entry(const Api& api, const HttpRequest& request,
                                  const JobRecord* job) {
  const auto at = api.log->shown();
  const std::uint64_t size = at->checkpoint.head.size;
  if (const auto text = request.header("last-event-id"); !text.empty()) {
    const auto last = parse_decimal(text, INT64_MAX);
    if (last && *last < size) return *last + 1;
    return fail(ErrorCode::invalid, "Last-Event-ID",
                "\"" + std::string(text.substr(0, 40)) + "\" is the id of no event",
                "give that of the last event that came, or leave it out");
  }
  const auto text = request.parameter("after");
  if (!text || text->empty()) return job == nullptr ? size : 0;
  const auto after = parse_rfc3339("after", *text);
  if (!after) return fail(after.error());
  const auto range = api.log->range(*at, *after, std::nullopt);
  if (!range) return fail(range.error());
  return range->first;
}

void events(const std::shared_ptr<Api>& api, Call call) {
  for (const auto& [name, value] : call.request.query) {
    if (name != "job" && name != "after") {
      return call.reject(Error{ErrorCode::invalid, name.substr(0, 64), "there is no such filter",
                               "use job and after"});
    }
  }
  if (!takes_events(call.request.header("accept"))) {
    return call.reject(Error{ErrorCode::invalid, "Accept", "events come as text/event-stream only",
                             "accept that, or ask /v1/audit/entries"});
  }
  EventRequest request;
  request.filter.job = call.request.parameter("job").value_or("");
  if (!request.filter.job.empty()) {
    const std::string& id = request.filter.job;
    const bool array = is_job_id(id) && id.find('-') == std::string::npos &&
                       api->service.find(JobId{id}) == nullptr;
    request.job = api->job(call, array ? array_task_id(JobId{id}, 0).value : id, Verb::read_job);
    if (request.job == nullptr) return;
  }
  if (api->log == nullptr || api->log->shown() == nullptr) {
    return call.reject(Error{ErrorCode::unavailable, "log", "no checkpoint is published yet",
                             "ask again in a moment; /v1/audit/status tells why when it stays so"});
  }
  if (may(call.caller, Verb::read_log) != Access::allowed) {
    request.filter.tenant = api->log->pseudonym(call.caller.tenant);
  }
  if (api->event_feed.stopping()) {
    return call.reject(
        Error{ErrorCode::unavailable, "", "the broker is stopping", "ask again in a moment"});
  }
  auto place = api->event_feed.enter();
  if (place == nullptr) {
    return call.reject(Error{ErrorCode::exhausted, "", "as many as may follow events already do",
                             "try again later"});
  }
  const auto first = first_entry(*api, call.request, request.job.get());
  if (!first) return call.reject(first.error());
  request.next = *first;
  HttpResponse head;
  head.content_type = "text/event-stream";
  head.headers.emplace_back("Cache-Control", "no-store");
  std::make_shared<EventFollower>(api, call.caller, std::move(request), std::move(place),
                                  call.responder.stream(std::move(head)))
      ->begin();
}

}  // namespace

void add_event_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/events", Verb::query_log, events});
}

}  // namespace tradewind
