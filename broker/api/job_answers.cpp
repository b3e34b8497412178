#include "broker/api/job_answers.h"

namespace tradewind {
namespace {

constexpr std::size_t kRowBytes = 256;  // of an answer beside its texts

std::string key_of(JobAnswers::Kind kind, const JobId& job) {
  return static_cast<char>(kind) + job.value;
}

}  // namespace

std::shared_ptr<const JobAnswers::Answer> JobAnswers::find(Kind kind, const JobId& job,
                                                           std::uint32_t changes,
                                                           Clock::time_point now) {
  std::string key = key_of(kind, job);
  const std::lock_guard lock(mutex_);
  auto found = newer_.find(key);
  const bool is_older = found == newer_.end();
  if (is_older) found = older_.find(key);
  if (found == (is_older ? older_ : newer_).end()) return nullptr;
  std::shared_ptr<const Answer> answer = found->second;
  if (answer->changes != changes || now >= answer->good_until) return nullptr;
  if (is_older) put(std::move(key), answer);
  return answer;
}

void JobAnswers::keep(Kind kind, const JobId& job, std::shared_ptr<const Answer> answer) {
  const std::lock_guard lock(mutex_);
  put(key_of(kind, job), std::move(answer));
}

void JobAnswers::put(std::string key, std::shared_ptr<const Answer> answer) {
  const std::size_t bytes = kRowBytes + key.size() + answer->body.size();
  newer_.insert_or_assign(std::move(key), std::move(answer));
  newer_bytes_ += bytes;  // what was replaced counts on, until all of this half is the older one
  if (newer_bytes_ * 2 <= bytes_max_) return;
  older_ = std::exchange(newer_, {});
  newer_bytes_ = 0;
}

}  // namespace tradewind
