#include "broker/audit/log_publisher.h"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace tradewind {

using Clock = std::chrono::steady_clock;

namespace {

// Entries are written more often than they are signed, so that few of them wait.
constexpr int kWritesACheckpoint = 4;

}  // namespace

LogPublisher::LogPublisher(LogPublisherOptions options, LogWriter writer, PublishedLog& shown,
                           Cosigners* cosigners)
    : options_(options), writer_(std::move(writer)), shown_(shown), cosigners_(cosigners) {}

LogPublisher::~LogPublisher() {
  stop();
}

std::unique_ptr<LogPublisher> LogPublisher::start(LogPublisherOptions options, LogWriter writer,
                                                  PublishedLog& shown, Cosigners* cosigners) {
  std::unique_ptr<LogPublisher> made(
      new LogPublisher(options, std::move(writer), shown, cosigners));
  made->thread_ = std::thread([raw = made.get()] { raw->run(); });
  ::pthread_setname_np(made->thread_.native_handle(), "log");
  return made;
}

void LogPublisher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_asked_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool LogPublisher::wait_until(Clock::time_point then) {
  std::unique_lock lock(mutex_);
  stop_asked_.wait_until(lock, then, [this] { return stopping_; });
  return stopping_;
}

void LogPublisher::run() {
  Status status = ok();
  // What was signed before is shown again at once, or, where a quorum is wanted, asked for again.
  if (writer_.checkpoint() && !(cosigners_ != nullptr && options_.require_quorum)) show();
  for (bool stopping = false; status && !stopping;) {
    stopping = wait_until(Clock::now() + options_.interval / kWritesACheckpoint);
    status = publish(stopping ? Clock::now() + options_.stop_timeout : Clock::time_point::max());
    if (!status || !stopping) continue;
    std::this_thread::sleep_until(signed_at_ + options_.interval);
    status = sign();
  }
  if (status) return;
  // What is stored stays as it is, and whatever was shown goes on being shown. An error of the
  // store stops the broker with its next commit.
  spdlog::critical("log.failed {}", describe(status.error()));
  shown_.fail_with(status.error());
}

Status LogPublisher::publish(Clock::time_point end) {
  do {
    if (const Status written = writer_.write(); !written) return written;
    shown_.count(writer_.size());
    if (Clock::now() >= signed_at_ + options_.interval) {
      if (const Status done = sign(); !done) return done;
    }
    const std::lock_guard lock(mutex_);
    if (stopping_) end = std::min(end, Clock::now() + options_.stop_timeout);
  } while (writer_.behind() && Clock::now() < end);
  return ok();
}

Status LogPublisher::sign() {
  const auto is_new = writer_.sign();
  if (!is_new) return fail(is_new.error());
  if (*is_new) {
    signed_at_ = Clock::now();
    gathered_ = false;
  }
  if (gathered_ || !writer_.checkpoint()) return ok();
  if (!*is_new && Clock::now() < gathered_at_ + options_.retry) return ok();
  if (const Status gathered = gather(); !gathered) return gathered;
  if (gathered_ || !options_.require_quorum) show();
  return ok();
}

Status LogPublisher::gather() {
  gathered_ = true;
  if (cosigners_ == nullptr) return ok();
  Cosigned cosigned =
      cosigners_->gather(*writer_.checkpoint(), writer_.signed_note(),
                         [this](std::uint64_t old_size) { return writer_.prove(old_size); });
  gathered_at_ = Clock::now();
  gathered_ = cosigned.quorum;
  missing_ = std::move(cosigned.missing);
  if (std::exchange(quorum_told_, gathered_) != gathered_) {
    if (gathered_) {
      spdlog::info("log.quorum size={}", writer_.checkpoint()->head.size);
    } else {
      spdlog::warn("log.quorum_missing size={} shown={} missing=\"{}\"",
                   writer_.checkpoint()->head.size, !options_.require_quorum,
                   fmt::join(missing_, "; "));
    }
  }
  shown_.count_gathered(cosigned.signatures.size(), gathered_, missing_);
  return writer_.add_cosignatures(cosigned.signatures);
}

void LogPublisher::show() {
  shown_.show(ShownCheckpoint{*writer_.checkpoint(), writer_.cosigned_note(), system_now().wall,
                              writer_.cosignatures()});
}

}  // namespace tradewind
