// Randomness of the simulator: the same seed gives the same run on every machine.
#pragma once

#include <cstdint>
#include <string_view>

#include "schemas/assert.h"
#include "schemas/ids.h"

namespace tradewind::simulation {

// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15ULL;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return mixed ^ (mixed >> 31);
  }
  // 0 to count - 1.
  std::uint64_t below(std::uint64_t count) {
    TRADEWIND_ASSERT(count > 0);
    return next() % count;
  }
  // Both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  bool chance(std::uint32_t ppm) { return below(1'000'000) < ppm; }

 private:
  std::uint64_t state_;
};

// The dice for one thing: what becomes of it depends on its name and on how often that came before,
// and on nothing else that happens. So a run with one fault less goes the same way everywhere else.
inline Random dice(std::uint64_t seed, std::string_view name, std::uint64_t count = 0) {
  return Random(stable_hash(name, 0xcbf29ce484222325ULL ^ (seed * 0x2545f4914f6cdd1dULL)) +
                count * 0xd1342543de82ef95ULL);
}

}  // namespace tradewind::simulation
