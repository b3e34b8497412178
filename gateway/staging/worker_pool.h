// A few threads for work that would block an event loop: file copies, transfers, syncs.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

class WorkerPool {
 public:
  // 1 to 64 threads; at most `waiting_max` tasks wait for one.
  WorkerPool(std::size_t threads, std::size_t waiting_max);
  // Waits for the tasks that run and drops those that wait; whoever wants it quick stops the tasks
  // by a stop_token of their own first.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs the task on one of the threads, first come, first served. Fails with ErrorCode::exhausted.
  // Any thread may call it.
  Status run(std::function<void()> task);

  // Runs `work()` on one of the threads and then `done(result)` on the executor.
  template <class Work, class Done>
  Status run(boost::asio::any_io_executor executor, Work work, Done done) {
    return run(
        [executor = std::move(executor), work = std::move(work), done = std::move(done)]() mutable {
          boost::asio::post(executor, [done = std::move(done), result = work()]() mutable {
            done(std::move(result));
          });
        });
  }

 private:
  void serve(const std::stop_token& stop);

  const std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::jthread> threads_;  // last: they use the others
};

}  // namespace tradewind
