// Cancels many jobs on behalf of one request.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "broker/api/api.h"

namespace tradewind {

// One after the other, so many at a time: each is an entry of its own in the journal, and those
// that are under way together share a commit.
class CancelEach : public std::enable_shared_from_this<CancelEach> {
 public:
  // The next job; nothing when there is none left. Called by one thread at a time.
  using Next = std::function<std::optional<JobId>()>;
  // How many were canceled. Not called when one could not be: the call is answered with that.
  using Done = std::function<void(std::uint32_t canceled)>;

  // On an HTTP thread.
  static void start(std::shared_ptr<Api> api, Call call, Next next, Done done);

  CancelEach(std::shared_ptr<Api> api, Call call, Next next, Done done);

 private:
  static constexpr std::size_t kAtOnce = 64;

  void run();
  void ask_next();
  void finished(const Result<std::monostate>& result, bool was_job);

  const std::shared_ptr<Api> api_;
  const Call call_;
  const Next next_;
  const Done done_;
  std::mutex mutex_;  // guards what follows, and is held while next_ is called
  std::size_t under_way_ = 0;
  std::uint32_t canceled_ = 0;
  bool over_ = false;
  std::optional<Error> error_;
};

}  // namespace tradewind
