// How an attempt is settled whose job will not run any more and that left no end behind: what the
// queue's accounting is asked, and which end it is given. Pure.
#pragma once

#include <chrono>
#include <optional>

#include "gateway/engines/queue.h"
#include "schemas/dispatch.h"
#include "schemas/time.h"

namespace tradewind {

// The accounting knows more than a list does, a little later.
struct QueueInquiry {
  bool asking = false;                          // a question is on its way
  Mono::time_point ask_at{};                    // no sooner again
  std::optional<Mono::time_point> ask_until{};  // what is known by then counts; nothing: not asked

  // The question is answered, or has failed: the next one is a while later.
  void answered(Mono::time_point now);
};

enum class SettleStep {
  wait,        // nothing is to be done now
  ask,         // the accounting; `asking` is set
  end,         // by what is known
  end_untold,  // likewise, as the accounting has not told in its time
};

// `job` is the attempt's as it was listed last, or nothing; `begun` whether a node began it.
SettleStep settle(QueueInquiry& inquiry, const QueueJob* job, bool begun, Mono::time_point now,
                  std::chrono::seconds accounting_time);

// What is known of an attempt at its end.
struct QueueEnding {
  const QueueJob* job = nullptr;  // null: the queue does not know it
  bool begun = false;
  std::optional<EndCode> stop{};  // the gateway wanted it to end
  bool untold = false;            // as SettleStep::end_untold
};
EndReport queue_end(const QueueEnding& ending, Wall::time_point now);

}  // namespace tradewind
