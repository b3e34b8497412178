#include "broker/api/event_feed.h"

#include <fmt/format.h>

#include <algorithm>

namespace tradewind {
namespace {

constexpr std::size_t kBatchRows = 1'000;
constexpr std::size_t kWokenAtOnce = 64;

}  // namespace

std::string event_text(std::uint64_t index, std::string_view event) {
  return fmt::format("id: {}\ndata: {}\n\n", index, event);
}

EventBatch::EventBatch(std::uint64_t first, std::uint64_t end, std::string text,
                       std::vector<EventRow> rows)
    : first_(first),
      end_(end),
      text_(std::make_shared<const std::string>(std::move(text))),
      rows_(std::move(rows)) {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const std::string& job = rows_[i].keys.job;
    by_job_[job.substr(0, job.find('-'))].push_back(i);
    by_tenant_[rows_[i].tenant].push_back(i);
  }
}

HttpStream::Piece EventBatch::text_for(const LogFilter& filter, std::uint64_t next) const {
  static const HttpStream::Piece nothing = std::make_shared<const std::string>();
  if (filter.job.empty() && filter.tenant.empty()) {
    if (next <= first_) return text_;
    std::size_t begin = text_->size();
    for (const EventRow& each : rows_) {
      if (each.index >= next) begin = std::min(begin, each.begin);
    }
    return std::make_shared<const std::string>(*text_, begin);
  }
  if (!filter.job.empty()) {
    const auto found = by_job_.find(filter.job.substr(0, filter.job.find('-')));
    return found == by_job_.end() ? nothing : join(filter, next, found->second);
  }
  const auto found = by_tenant_.find(filter.tenant);
  if (found == by_tenant_.end()) return nothing;
  if (next > first_) return join(filter, next, found->second);
  const std::lock_guard lock(mutex_);
  HttpStream::Piece& all = of_tenants_[filter.tenant];
  if (all == nullptr) all = join(filter, next, found->second);
  return all;
}

HttpStream::Piece EventBatch::join(const LogFilter& filter, std::uint64_t next,
                                   const std::vector<std::size_t>& rows) const {
  std::string some;
  for (const std::size_t i : rows) {
    const EventRow& row = rows_[i];
    if (row.index < next || !wanted(filter, row.keys, row.tenant, {})) continue;
    some.append(*text_, row.begin, row.size);
  }
  return std::make_shared<const std::string>(std::move(some));
}

EventFeed::EventFeed(PublishedLog* log, EventLimits limits) : log_(log), limits_(limits) {
  if (log_ != nullptr) log_->on_shown([this] { wake_all(); });
}

EventFeed::~EventFeed() {
  // Once it was stopped the log may be gone before it.
  if (log_ != nullptr && !stopping_) log_->on_shown({});
}

std::uint64_t EventFeed::published() const {
  const auto at = log_->shown();
  return at == nullptr ? 0 : at->checkpoint.head.size;
}

std::shared_ptr<void> EventFeed::enter() {
  const std::lock_guard lock(mutex_);
  if (stopping_ || followers_ == limits_.followers_max) return nullptr;
  if (followers_++ == 0) {  // nobody has had it read on
    batches_.clear();
    bytes_ = 0;
    end_ = published();
  }
  return {this, [](EventFeed* feed) {
            const std::lock_guard left(feed->mutex_);
            --feed->followers_;
            feed->left_.notify_all();
          }};
}

Status EventFeed::read_on(std::uint64_t size) {
  const auto page = log_->query({}, LogRange{end_, size}, kBatchRows);
  if (!page) return fail(page.error());
  const std::uint64_t end = page->next.value_or(size);
  std::string text;
  std::vector<EventRow> rows;
  for (const LogRow& each : page->rows) {
    auto tenant = log_->tenant_of(each.keys);
    if (!tenant) return fail(tenant.error());
    const std::size_t begin = text.size();
    text += event_text(each.index, each.event);
    rows.push_back({each.index, each.keys, std::move(*tenant), begin, text.size() - begin});
  }
  batches_.push_back(
      std::make_shared<const EventBatch>(end_, end, std::move(text), std::move(rows)));
  end_ = end;
  bytes_ += batches_.back()->bytes();
  while (bytes_ > limits_.kept_bytes_max && batches_.size() > 1) {
    bytes_ -= batches_.front()->bytes();
    batches_.pop_front();
  }
  return ok();
}

Result<std::shared_ptr<const EventBatch>> EventFeed::batch_with(std::uint64_t index) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t size = published();
  while (end_ <= index && end_ < size) {
    if (auto read = read_on(size); !read) return fail(std::move(read.error()));
  }
  if (index >= end_) return std::shared_ptr<const EventBatch>();
  const auto found =
      std::ranges::upper_bound(batches_, index, {}, [](const auto& each) { return each->end(); });
  if (found == batches_.end() || (*found)->first() > index) {
    return fail(ErrorCode::exhausted, "", "it fell too far behind the newest event",
                "go on from the id of the last event that came");
  }
  return *found;
}

bool EventFeed::wait(std::uint64_t index, const void* who, HttpStream stream,
                     std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || published() > index) return false;
  waiting_.insert_or_assign(who, Waiting{std::move(stream), std::move(wake)});
  return true;
}

void EventFeed::stop_waiting(const void* who) {
  Waiting forgotten;  // destroyed outside of the lock
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(who);
  if (found == waiting_.end()) return;
  forgotten = std::move(found->second);
  waiting_.erase(found);
}

void EventFeed::wake_all() {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return;
    const bool on_its_way = !waking_.empty();
    for (auto& each : waiting_) waking_.push_back(std::move(each.second));
    waiting_.clear();
    if (on_its_way) return;
  }
  wake_some();
}

void EventFeed::wake_some() {
  std::vector<Waiting> some;
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    while (!waking_.empty() && some.size() < kWokenAtOnce) {
      some.push_back(std::move(waking_.front()));
      waking_.pop_front();
    }
    more = !waking_.empty();
  }
  for (const Waiting& each : some) each.stream.soon(each.wake);
  if (more) some.back().stream.soon([this] { wake_some(); });
}

void EventFeed::stop(std::chrono::milliseconds timeout) {
  if (log_ != nullptr && !stopping_) log_->on_shown({});
  stopping_ = true;
  wake_all();
  std::unique_lock lock(mutex_);
  left_.wait_for(lock, timeout, [&] { return followers_ == 0; });
}

std::string EventFeed::metrics() const {
  const std::lock_guard lock(mutex_);
  return fmt::format(
      "# HELP tradewind_event_followers Requests that follow events now.\n"
      "# TYPE tradewind_event_followers gauge\n"
      "tradewind_event_followers {}\n"
      "# HELP tradewind_event_followers_cut_total Followers cut because they fell behind.\n"
      "# TYPE tradewind_event_followers_cut_total counter\n"
      "tradewind_event_followers_cut_total {}\n",
      followers_, cut_.load(std::memory_order_relaxed));
}

}  // namespace tradewind
