// What an object of an event loop has others do for it: questions that block go to worker threads,
// and what comes of them is taken up on the loop, unless the object is gone by then. All calls but
// guarded() on the loop's thread, on which the object also ends; it must outlive its pools'
// threads.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <utility>

#include "gateway/staging/worker_pool.h"
#include "schemas/assert.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

class LoopTasks {
 protected:
  explicit LoopTasks(boost::asio::io_context& io) : io_(io) {}
  ~LoopTasks() = default;
  LoopTasks(const LoopTasks&) = delete;
  LoopTasks& operator=(const LoopTasks&) = delete;

  // `work` on the loop, unless this is gone by then.
  template <class Work>
  auto guarded(Work work) {
    return [weak = std::weak_ptr(alive_), work = std::move(work)](auto&&... values) mutable {
      if (!weak.expired()) work(std::forward<decltype(values)>(values)...);
    };
  }
  // `work` on a thread of the pool, which outlives neither this nor what `work` uses; then `done`
  // on the loop.
  template <class Work, class Done>
  void run(WorkerPool& pool, Work work, Done done) {
    const Status taken = pool.run(io_.get_executor(), std::move(work), guarded(std::move(done)));
    TRADEWIND_ASSERT(taken);  // pools have room for all that is asked at once
  }
  template <class Work>
  void after(boost::asio::steady_timer& timer, Mono::duration pause, Work work) {
    timer.expires_after(pause);
    timer.async_wait(
        guarded([work = std::move(work)](const boost::system::error_code& problem) mutable {
          if (!problem) work();
        }));
  }

  boost::asio::io_context& io_;

 private:
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tradewind
