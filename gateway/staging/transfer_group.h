// Several independent transfers of one attempt, a few at once.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>

#include "gateway/staging/worker_pool.h"

namespace tradewind {

class TransferGroup : public std::enable_shared_from_this<TransferGroup> {
 public:
  // Calls `work(0)` to `work(count - 1)` on the pool, at most `lanes` at once, and when all that
  // began have ended, `done()` once on the executor. No more begin after a `work` that returns
  // false, or after stop(). Fails with ErrorCode::exhausted when the pool takes no task; then
  // `done` is not called.
  static Result<std::shared_ptr<TransferGroup>> start(boost::asio::any_io_executor executor,
                                                      WorkerPool& pool, std::size_t count,
                                                      std::size_t lanes,
                                                      std::function<bool(std::size_t)> work,
                                                      std::function<void()> done);

  // Begins no more: `done` comes as soon as nothing is on its way, without waiting for the pool to
  // get to those that never began. Whoever wants those on their way cut tells them by a stop_token.
  void stop();

 private:
  TransferGroup(boost::asio::any_io_executor executor, std::size_t count,
                std::function<bool(std::size_t)> work, std::function<void()> done);
  void run_lane();
  void finish_if_over();  // with the mutex held

  boost::asio::any_io_executor executor_;
  const std::size_t count_;
  std::function<bool(std::size_t)> work_;
  std::function<void()> done_;

  std::mutex mutex_;
  std::size_t next_ = 0;
  std::size_t active_ = 0;
  bool stopped_ = false;
  bool finished_ = false;
};

}  // namespace tradewind
