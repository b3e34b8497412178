#include "state/link/send_queue.h"

#include "schemas/assert.h"

namespace tradewind {

bool SendQueue::push(std::uint8_t channel, Bytes payload, Mono::time_point now) {
  if (messages_.size() >= bounds_.messages_max) return false;
  if (payload.size() > bounds_.bytes_max - bytes_) return false;
  bytes_ += payload.size();
  messages_.push_back(Message{channel, std::move(payload), now});
  return true;
}

std::size_t SendQueue::expire(Mono::time_point now) {
  std::size_t count = 0;
  while (!messages_.empty() && now - messages_.front().queued > bounds_.age_max) {
    pop();
    ++count;
  }
  return count;
}

std::size_t SendQueue::clear() {
  const std::size_t count = messages_.size();
  messages_.clear();
  bytes_ = 0;
  return count;
}

void SendQueue::pop() {
  TRADEWIND_ASSERT(!messages_.empty() && bytes_ >= messages_.front().payload.size());
  bytes_ -= messages_.front().payload.size();
  messages_.pop_front();
}

}  // namespace tradewind
