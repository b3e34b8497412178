#include "gateway/staging/worker_pool.h"

#include <csignal>

#include <fmt/format.h>

#include "schemas/assert.h"

namespace tradewind {

WorkerPool::WorkerPool(std::size_t threads, std::size_t waiting_max) : waiting_max_(waiting_max) {
  TRADEWIND_ASSERT(threads >= 1 && threads <= 64);
  // Signals are for the event loop's thread: the workers inherit a mask that blocks them all.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (std::size_t each = 0; each < threads; ++each) {
    threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

WorkerPool::~WorkerPool() {
  for (auto& each : threads_) each.request_stop();
  changed_.notify_all();
}

Status WorkerPool::run(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= waiting_max_) {
      return fail(ErrorCode::exhausted, "", fmt::format("{} transfers wait already", waiting_max_),
                  "try again later, or give the site more staging workers");
    }
    waiting_.push_back(std::move(task));
  }
  changed_.notify_one();
  return ok();
}

void WorkerPool::serve(const std::stop_token& stop) {
  while (true) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      if (stop.stop_requested()) return;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    task();
  }
}

}  // namespace tradewind
