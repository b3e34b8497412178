#include "gateway/engines/tes_reconcile.h"

namespace tradewind {

TesStep next_step(const TesStanding& standing, bool keyed, std::chrono::seconds settle_time) {
  if (standing.known || standing.calling) return TesStep::wait;
  const TesStep unless_there = standing.stopping ? TesStep::give_up : TesStep::create;
  if (!standing.heard) return unless_there;
  // A late create of an attempt that is over would be a task that nobody wants.
  const bool at_once = keyed && !standing.stopping;
  const Mono::duration settled = at_once ? Mono::duration::zero() : Mono::duration(settle_time);
  if (standing.absent && *standing.absent - standing.unanswered >= settled) return unless_there;
  return TesStep::search;
}

}  // namespace tradewind
