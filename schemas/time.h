// Two clocks, two types. `Mono` never jumps: leases, timeouts and round trips use it. `Wall` may
// jump: quotes, certificates and people use it. Subtracting one from the other does not compile,
// and that is the point.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/result.h"

namespace tradewind {

struct Mono {
  using duration = std::chrono::microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Mono>;
  static constexpr bool is_steady = true;
};

struct Wall {
  using duration = std::chrono::microseconds;  // since 1970-01-01T00:00:00Z
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Wall>;
  static constexpr bool is_steady = false;
};

// What a core is told of the time. Only a shell (or the simulator) makes one.
struct Now {
  Mono::time_point mono{};
  Wall::time_point wall{};
};

// The system's clocks, for shells.
Now system_now();

// RFC 3339 in UTC with milliseconds: "2026-11-22T02:30:00.123Z".
std::string to_rfc3339(Wall::time_point at);
// Any RFC 3339 time with a zone, of the years 1970 to 9999; fails with ErrorCode::invalid naming
// `field`.
Result<Wall::time_point> parse_rfc3339(std::string_view field, std::string_view text);

constexpr std::int64_t to_ms(Wall::time_point at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}
constexpr Wall::time_point wall_from_ms(std::int64_t ms) {
  return Wall::time_point(
      std::chrono::duration_cast<Wall::duration>(std::chrono::milliseconds(ms)));
}

}  // namespace tradewind
