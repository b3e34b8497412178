// The core's figures, and how Prometheus is told of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "broker/jobs/event.h"
#include "broker/jobs/lifecycle.h"
#include "schemas/time.h"

namespace tradewind {

struct DiskFigures {
  std::uint64_t reserve = 0;  // bytes
  std::uint64_t free = 0;     // bytes, as of the last look
  std::uint64_t refused = 0;  // requests
};

struct CoreFigures {
  // As of the last batch.
  LifecycleCounters lifecycle;
  std::size_t live = 0;
  std::size_t waiting = 0;
  std::size_t unanswered = 0;
  std::size_t budgets = 0;
  std::size_t waiting_for_budget = 0;
  std::uint64_t entries = 0;
  std::size_t distrusted = 0;
  std::size_t locked = 0;                                  // members
  std::array<std::uint64_t, event_names.size()> events{};  // by kind, since the start
  Wall::time_point trust_expires{};
  std::optional<DiskFigures> disk;  // none: no reserve is kept
};

// Prometheus text.
std::string metrics_text(const CoreFigures& figures);

}  // namespace tradewind
