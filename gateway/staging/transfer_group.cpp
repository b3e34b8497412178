#include "gateway/staging/transfer_group.h"

#include <algorithm>
#include <utility>

namespace tradewind {

TransferGroup::TransferGroup(boost::asio::any_io_executor executor, std::size_t count,
                             std::function<bool(std::size_t)> work, std::function<void()> done)
    : executor_(std::move(executor)),
      count_(count),
      work_(std::move(work)),
      done_(std::move(done)) {}

Result<std::shared_ptr<TransferGroup>> TransferGroup::start(boost::asio::any_io_executor executor,
                                                            WorkerPool& pool, std::size_t count,
                                                            std::size_t lanes,
                                                            std::function<bool(std::size_t)> work,
                                                            std::function<void()> done) {
  const std::shared_ptr<TransferGroup> group(
      new TransferGroup(std::move(executor), count, std::move(work), std::move(done)));
  if (count == 0) {
    group->stop();
    return group;
  }
  for (std::size_t lane = 0; lane < std::min(lanes, count); ++lane) {
    const Status taken = pool.run([group] { group->run_lane(); });
    // One lane does all of it as well, only later.
    if (!taken && lane == 0) return fail(taken.error());
    if (!taken) break;
  }
  return group;
}

void TransferGroup::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  finish_if_over();
}

void TransferGroup::run_lane() {
  while (true) {
    std::size_t index = 0;
    {
      const std::lock_guard lock(mutex_);
      if (stopped_ || next_ == count_) return;
      index = next_++;
      ++active_;
    }
    const bool go_on = work_(index);
    const std::lock_guard lock(mutex_);
    --active_;
    stopped_ = stopped_ || !go_on;
    finish_if_over();
  }
}

void TransferGroup::finish_if_over() {
  if (finished_ || active_ > 0 || (!stopped_ && next_ < count_)) return;
  finished_ = true;
  boost::asio::post(executor_, std::move(done_));
}

}  // namespace tradewind
