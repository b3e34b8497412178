// What to do about an attempt whose task at the TES server is not known by its id. Pure.
//
// A create that was not answered may have made a task, now or a little later, so another one is
// sent only after the server's list has shown that there is none. Where the server knows
// idempotency keys a create that comes late makes no second task, and one look is enough; elsewhere
// the list must have been asked for when the create was over for sure.
#pragma once

#include <chrono>
#include <optional>

#include "schemas/time.h"

namespace tradewind {

struct TesStanding {
  bool known = false;                        // the task's id at the server
  bool calling = false;                      // a create or a search is on its way
  bool heard = false;                        // a create may have reached the server
  Mono::time_point unanswered{};             // when the last create was given up
  std::optional<Mono::time_point> absent{};  // when a list was asked for that has no such task
  bool stopping = false;                     // it shall not run any more
};

// How long after its connection was lost a create may still make a task.
inline constexpr std::chrono::seconds tes_settle_time{30};

enum class TesStep {
  wait,     // nothing is to be done now
  create,   // there is no task: make one
  search,   // see whether there is one
  give_up,  // there is none, and none is wanted
};

// `keyed`: whether the server knows idempotency keys.
TesStep next_step(const TesStanding& standing, bool keyed, std::chrono::seconds settle_time);

}  // namespace tradewind
