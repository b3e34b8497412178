// Messages that wait to be sent to one peer: bounded in number, bytes and age. No clock, no lock.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

class SendQueue {
 public:
  struct Bounds {
    std::size_t messages_max = 0;
    std::size_t bytes_max = 0;
    std::chrono::milliseconds age_max{0};
  };
  struct Message {
    std::uint8_t channel = 0;
    Bytes payload;
    Mono::time_point queued{};
  };

  explicit SendQueue(Bounds bounds) : bounds_(bounds) {}

  // False when there is no room for it.
  bool push(std::uint8_t channel, Bytes payload, Mono::time_point now);
  // Removes what has waited for longer than the age bound; tells how many.
  std::size_t expire(Mono::time_point now);
  // Removes everything; tells how many.
  std::size_t clear();

  bool empty() const { return messages_.empty(); }
  const Message& front() const { return messages_.front(); }  // not when empty
  void pop();                                                 // not when empty

 private:
  Bounds bounds_;
  std::deque<Message> messages_;
  std::size_t bytes_ = 0;
};

}  // namespace tradewind
