// The thread that publishes: follows the journal, has leaves written and checkpoints signed,
// gathers cosignatures and shows what came of it. It takes nothing from the broker's one path but
// what is durable there.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "broker/audit/cosigners.h"
#include "broker/audit/log_writer.h"
#include "broker/audit/published_log.h"
#include "schemas/result.h"

namespace tradewind {

struct LogPublisherOptions {
  // Between two checkpoints at least, and from an entry to its checkpoint about that much.
  std::chrono::milliseconds interval{200};
  // Between two askings for cosignatures on a checkpoint that lacks its quorum.
  std::chrono::milliseconds retry{1'000};
  // A checkpoint without its quorum is not shown.
  bool require_quorum = false;
  // For entries that are there already when it stops; those left over are published next time.
  std::chrono::milliseconds stop_timeout{5'000};
};

class LogPublisher {
 public:
  // Publishes from then on. `shown` and `cosigners`, if there are any, outlive it.
  static std::unique_ptr<LogPublisher> start(LogPublisherOptions options, LogWriter writer,
                                             PublishedLog& shown, Cosigners* cosigners = nullptr);
  ~LogPublisher();  // stops

  // Publishes what is durable by now, and ends. Idempotent.
  void stop();

 private:
  LogPublisher(LogPublisherOptions options, LogWriter writer, PublishedLog& shown,
               Cosigners* cosigners);
  void run();
  // Writes and signs until nothing is left or `end` has come.
  Status publish(std::chrono::steady_clock::time_point end);
  Status sign();
  Status gather();
  void show();
  // Sleeps until then; whether it is to stop.
  bool wait_until(std::chrono::steady_clock::time_point then);

  const LogPublisherOptions options_;
  LogWriter writer_;
  PublishedLog& shown_;
  Cosigners* const cosigners_;
  // Of its thread.
  std::chrono::steady_clock::time_point signed_at_{};
  std::chrono::steady_clock::time_point gathered_at_{};
  bool gathered_ = false;  // whether the newest checkpoint has its quorum, or none is asked for
  bool quorum_told_ = true;
  std::vector<std::string> missing_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable stop_asked_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace tradewind
