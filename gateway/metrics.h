// What a gateway tells of itself, in Prometheus' text format and the broker's words.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "gateway/admission/admission.h"
#include "gateway/performance/learnt_performance.h"
#include "schemas/dispatch.h"
#include "schemas/site.h"
#include "state/disk/disk_reserve.h"

namespace tradewind {

// Since the start.
struct GatewayEvents {
  std::uint64_t granted = 0;
  std::uint64_t refused = 0;
  std::uint64_t advanced = 0;
  std::uint64_t ended = 0;
};

struct GatewayFigures {
  SiteState state = SiteState::active;           // as published
  std::map<AttemptPhase, std::size_t> attempts;  // that are held, by what they do
  GatewayEvents events;
  std::map<LearntClass, LearntPerformance::Factor> performance;  // that is learnt
  std::uint64_t disk_free = 0;
  std::uint64_t disk_reserve = 0;
  std::uint64_t inbox_shed = 0;  // messages that found no room
};

std::string metrics_text(const GatewayFigures& figures);

}  // namespace tradewind
