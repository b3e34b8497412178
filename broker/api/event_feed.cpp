#include "broker/api/event_feed.h"

#include <fmt/format.h>

#include <algorithm>

namespace tradewind {
namespace {

constexpr std::size_t kBatchRows = 1'000;

}  // namespace

std::string event_text(std::uint64_t index, std::string_view event) {
  return fmt::format("id: {}\ndata: {}\n\n", index, event);
}

std::string EventBatch::text_for(const LogFilter& filter, std::uint64_t next) const {
  if (filter.empty() && next <= first) return text;
  std::string some;
  for (const EventRow& each : rows) {
    if (each.index < next) continue;
    if (!filter.empty() && !wanted(filter, each.keys, each.tenant, {})) continue;
    some.append(text, each.begin, each.size);
  }
  return some;
}

std::shared_ptr<void> EventFeed::enter() {
  const std::lock_guard lock(mutex_);
  if (stopping_ || followers_ == limits_.followers_max) return nullptr;
  if (followers_++ == 0) {  // nobody has had it read on
    batches_.clear();
    bytes_ = 0;
    const auto at = log_->shown();
    end_ = at == nullptr ? 0 : at->checkpoint.head.size;
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
  auto batch = std::make_shared<EventBatch>();
  batch->first = end_;
  batch->end = page->next.value_or(size);
  for (const LogRow& each : page->rows) {
    auto tenant = log_->tenant_of(each.keys);
    if (!tenant) return fail(tenant.error());
    const std::size_t begin = batch->text.size();
    batch->text += event_text(each.index, each.event);
    batch->rows.push_back(
        {each.index, each.keys, std::move(*tenant), begin, batch->text.size() - begin});
  }
  end_ = batch->end;
  bytes_ += batch->text.size();
  batches_.push_back(std::move(batch));
  while (bytes_ > limits_.kept_bytes_max && batches_.size() > 1) {
    bytes_ -= batches_.front()->text.size();
    batches_.pop_front();
  }
  return ok();
}

Result<std::shared_ptr<const EventBatch>> EventFeed::batch_with(std::uint64_t index) {
  const std::lock_guard lock(mutex_);
  const auto at = log_->shown();
  const std::uint64_t size = at == nullptr ? 0 : at->checkpoint.head.size;
  while (end_ <= index && end_ < size) {
    if (auto read = read_on(size); !read) return fail(std::move(read.error()));
  }
  if (index >= end_) return std::shared_ptr<const EventBatch>();
  const auto found =
      std::ranges::find_if(batches_, [&](const auto& each) { return each->end > index; });
  if (found == batches_.end() || (*found)->first > index) {
    return fail(ErrorCode::exhausted, "", "it fell too far behind the newest event",
                "go on from the id of the last event that came");
  }
  return *found;
}

void EventFeed::stop(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
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
