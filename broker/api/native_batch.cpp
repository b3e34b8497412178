// Batches of jobs: NDJSON in, a line of it for each line out. Read, taken in and committed a group
// of lines at a time, so that a batch of any size takes the memory of one group and of its answer.
// Nothing is answered before all is read: most clients send a whole request before they read.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "broker/api/api.h"
#include "broker/api/job_json.h"
#include "broker/api/ndjson.h"
#include "broker/api/submission.h"
#include "broker/api/trace_context.h"

namespace tradewind {
namespace {

constexpr std::size_t kJobsMax = limits::array_tasks_max;  // of a batch, tasks of arrays one by one
constexpr std::size_t kGroupLines = 1'000;
constexpr std::size_t kGroupBytes = 1024 * 1024;
constexpr std::size_t kGroupTasks = 10'000;
constexpr std::size_t kGroupAfter = 4'096;

// Takes the members "@N" out of the document's `after`: lines of the batch.
Result<std::vector<std::uint64_t>> take_lines(json::value& document) {
  std::vector<std::uint64_t> lines;
  json::object* const object = document.if_object();
  json::value* const after = object == nullptr ? nullptr : object->if_contains("after");
  json::array* const names = after == nullptr ? nullptr : after->if_array();
  if (names == nullptr) return lines;
  for (auto each = names->begin(); each != names->end();) {
    const json::string* const name = each->if_string();
    if (name == nullptr || !name->starts_with('@')) {
      ++each;
      continue;
    }
    std::uint64_t line = 0;
    const auto [end, error] = std::from_chars(name->data() + 1, name->data() + name->size(), line);
    if (error != std::errc{} || end != name->data() + name->size()) {
      return fail(ErrorCode::invalid, "after",
                  "\"" + std::string(name->data(), std::min<std::size_t>(name->size(), 40)) +
                      "\" is no line of the batch",
                  "write @ and the number of an earlier line");
    }
    lines.push_back(line);
    each = names->erase(each);
  }
  return lines;
}

// One batch on its way. Each step is on an HTTP thread; only one is under way.
class JobBatch : public std::enable_shared_from_this<JobBatch> {
 public:
  JobBatch(std::shared_ptr<Api> api, Call call, std::string key, std::shared_ptr<void> slot)
      : api_(std::move(api)),
        call_(std::move(call)),
        key_(std::move(key)),
        traceparent_(trace_parent(call_.request.header("traceparent"))),
        slot_(std::move(slot)) {}

  void read() {
    call_.responder.read([self = shared_from_this()](const BodyPiece& piece) {
      self->lines_.add(piece.bytes);
      self->too_large_ = piece.too_large;
      if (piece.end) self->lines_.end();
      self->ended_ = piece.end || piece.too_large;
      self->go_on();
    });
  }

 private:
  // A line that has been read, and what came of it.
  struct Slot {
    std::uint64_t line = 0;
    std::optional<Error> error;  // nothing: it is the next of the group's submissions
  };

  void go_on() {
    while (!full_) {
      const auto line = lines_.next();
      if (!line) break;
      take(*line);
      if (slots_.size() >= kGroupLines || group_bytes_ >= kGroupBytes ||
          group_tasks_ >= kGroupTasks || group_after_ >= kGroupAfter) {
        return submit();
      }
    }
    if (!ended_ && !full_) return read();
    if (!slots_.empty()) return submit();
    finish();
  }

  void take(const NdjsonLines::Line& line) {
    Submission submission{call_.caller.tenant, call_.caller.principal, {}, {}, {}};
    Status good = ok();
    if (line.too_long) {
      good = fail(ErrorCode::too_large, "", "the line is too long",
                  fmt::format("write at most {} bytes a job", limits::job_document_bytes_max));
    } else {
      good = read_line(line, submission);
    }
    const std::uint64_t tasks = std::max<std::uint64_t>(submission.spec.array_count, 1);
    if (jobs_ + tasks > kJobsMax) {
      full_ = true;
      good = fail(ErrorCode::too_large, "",
                  fmt::format("there are more than {} jobs, tasks of arrays counted; neither this "
                              "line nor any after it was taken",
                              kJobsMax),
                  "send them in further requests, each with a key of its own");
    }
    jobs_ += tasks;
    last_line_ = line.number;
    if (!good) {
      slots_.push_back({line.number, good.error()});
      return;
    }
    slots_.push_back({line.number, std::nullopt});
    group_bytes_ += line.text.size();
    group_tasks_ += tasks;
    group_after_ += submission.spec.after.size() + submission.after_earlier.size();
    group_.push_back(std::move(submission));
  }

  Status read_line(const NdjsonLines::Line& line, Submission& submission) {
    auto document = parse_job_document(line.text);
    if (!document) return fail(std::move(document.error()));
    const auto lines = take_lines(*document);
    if (!lines) return fail(lines.error());
    if (auto good = read_submission(*document, submission); !good) return good;
    for (const std::uint64_t earlier : *lines) {
      if (auto good = come_after(earlier, line.number, submission); !good) return good;
    }
    if (!key_.empty()) submission.idempotency_key = fmt::format("{}/{}", key_, line.number);
    submission.traceparent = traceparent_;
    return ok();
  }

  Status come_after(std::uint64_t earlier, std::uint64_t line, Submission& submission) const {
    const auto known = std::lower_bound(
        ids_.begin(), ids_.end(), earlier,
        [](const auto& each, std::uint64_t wanted) { return each.first < wanted; });
    if (known != ids_.end() && known->first == earlier) {
      submission.spec.after.push_back(known->second);
      return ok();
    }
    std::size_t place = 0;
    for (const Slot& each : slots_) {
      if (each.line == earlier && !each.error) {
        submission.after_earlier.push_back(place);
        return ok();
      }
      if (!each.error) ++place;
    }
    return fail(ErrorCode::conflict, "after",
                earlier >= line ? fmt::format("@{} is no earlier line", earlier)
                                : fmt::format("line {} was not taken itself", earlier),
                "name earlier lines of jobs that are taken");
  }

  void submit() {
    const auto group = std::make_shared<std::vector<Submission>>(std::exchange(group_, {}));
    // The request itself has been charged as one job.
    api_->charge_jobs(call_, group_tasks_ + (charged_ ? 1 : 0));
    charged_ = true;
    const std::size_t tasks = std::exchange(group_tasks_, 0);
    group_bytes_ = group_after_ = 0;
    if (group->empty()) return taken(*group, {});
    api_->submit_queue.enter_group(
        call_.caller.tenant, tasks,
        [self = shared_from_this(), group](const SubmitQueue::Turn& turn) {
          self->api_->service.submit_batch(
              group, [self, group, turn](Result<BatchReceipts> receipts) {
                self->call_.responder.soon([self, group, receipts = std::move(receipts)]() mutable {
                  self->received(*group, std::move(receipts));
                });
              });
        });
  }

  void received(const std::vector<Submission>& group, Result<BatchReceipts> receipts) {
    if (receipts) return taken(group, *receipts);
    taken(group, BatchReceipts(group.size(), Result<SubmitReceipt>(fail(receipts.error()))));
  }

  void taken(const std::vector<Submission>& group, const BatchReceipts& receipts) {
    std::size_t next = 0;
    for (const Slot& each : slots_) {
      if (each.error) {
        refused(each.line, *each.error);
        continue;
      }
      answer(each.line, group.at(next), receipts.at(next));
      ++next;
    }
    slots_.clear();
    go_on();
  }

  void answer(std::uint64_t line, const Submission& asked, const Result<SubmitReceipt>& receipt) {
    if (!receipt) return refused(line, receipt.error());
    if (receipt->not_kept) {
      return refused(line, quote_not_kept(*receipt->not_kept, api_->accounting_currency()));
    }
    if (receipt->replayed && asks_for_another_job(api_->service, *receipt, asked)) {
      return refused(line, key_was_used(receipt->job));
    }
    ids_.emplace_back(line, receipt->job);
    // An id has nothing to be escaped.
    fmt::format_to(std::back_inserter(answer_), "{{\"line\":{},\"id\":\"{}\"{}}}\n", line,
                   receipt->job.value, receipt->replayed ? ",\"repeated\":true" : "");
  }

  void refused(std::uint64_t line, const Error& error) {
    answer_ += to_text(json::object{{"line", line}, {"error", problem_details(error)}}) + "\n";
  }

  void finish() {
    // Before the answer: who has that may send the next.
    slot_.reset();
    if (too_large_) {
      refused(last_line_ + 1,
              Error{ErrorCode::too_large, "body",
                    fmt::format("the batch is larger than {} bytes; neither this line nor any "
                                "after it was taken",
                                job_batch_bytes_max),
                    "send the rest in further requests, each with a key of its own"});
    }
    if (answer_.empty()) {
      return call_.reject(Error{ErrorCode::invalid, "body", "there is no line in it",
                                "write one job document a line"});
    }
    HttpResponse response;
    response.content_type = std::string(ndjson_type);
    response.body = std::move(answer_);
    call_.responder.send(std::move(response));
  }

  const std::shared_ptr<Api> api_;
  const Call call_;
  const std::string key_;
  const std::string traceparent_;
  std::shared_ptr<void> slot_;
  NdjsonLines lines_{limits::job_document_bytes_max};
  bool ended_ = false;      // nothing more comes
  bool too_large_ = false;  // since more is not read
  bool full_ = false;       // there are as many jobs as may be
  bool charged_ = false;    // a group of it
  std::size_t jobs_ = 0;
  std::uint64_t last_line_ = 0;
  std::vector<std::pair<std::uint64_t, JobId>> ids_;  // by line, of those that were taken
  std::vector<Slot> slots_;
  std::vector<Submission> group_;
  std::size_t group_bytes_ = 0;
  std::size_t group_tasks_ = 0;
  std::size_t group_after_ = 0;
  std::string answer_;
};

}  // namespace

void submit_batch(const std::shared_ptr<Api>& api, Call call) {
  auto key = read_idempotency_key(call.request);
  if (!key) return call.reject(key.error());
  auto slot = api->batch_slots.take(call.caller.tenant);
  if (slot == nullptr) {
    return call.reject(Error{ErrorCode::exhausted, "", "too many batches are under way",
                             "send it again when another has ended"});
  }
  std::make_shared<JobBatch>(api, std::move(call), std::move(*key), std::move(slot))->read();
}

}  // namespace tradewind
