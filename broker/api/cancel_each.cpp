#include "broker/api/cancel_each.h"

#include <utility>

namespace tradewind {

void CancelEach::start(std::shared_ptr<Api> api, Call call, Next next, Done done) {
  std::make_shared<CancelEach>(std::move(api), std::move(call), std::move(next), std::move(done))
      ->run();
}

CancelEach::CancelEach(std::shared_ptr<Api> api, Call call, Next next, Done done)
    : api_(std::move(api)),
      call_(std::move(call)),
      next_(std::move(next)),
      done_(std::move(done)) {}

void CancelEach::run() {
  {
    const std::lock_guard lock(mutex_);
    under_way_ = 1;  // this function
  }
  for (std::size_t i = 0; i < kAtOnce; ++i) ask_next();
  finished(Result<std::monostate>(std::monostate{}), false);
}

void CancelEach::ask_next() {
  std::optional<JobId> job;
  {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    job = next_();
    if (!job) {
      over_ = true;
      return;
    }
    ++under_way_;
  }
  api_->service.cancel(
      *job, call_.caller.principal, [self = shared_from_this()](Result<std::monostate> result) {
        // Not within the callback: the service may call it at once, and a
        // hundred thousand of them would nest.
        self->call_.responder.soon([self, result] { self->finished(result, true); });
      });
}

void CancelEach::finished(const Result<std::monostate>& result, bool was_job) {
  if (was_job && result) ask_next();
  const std::lock_guard lock(mutex_);
  if (was_job && result) ++canceled_;
  if (!result && !error_) error_ = result.error();
  if (!result) over_ = true;
  if (--under_way_ > 0) return;
  if (error_) return call_.reject(*error_);
  done_(canceled_);
}

}  // namespace tradewind
