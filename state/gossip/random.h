// Draws that come out the same with every standard library, unlike those of
// std::uniform_int_distribution: a failing seed repeats anywhere.
#pragma once

#include <cstdint>
#include <random>

#include "schemas/assert.h"

namespace tradewind {

class Random {
 public:
  explicit Random(std::uint64_t seed) : generator_(seed) {}

  std::uint64_t bits() { return generator_(); }
  // Uniform in [0, bound); bound must not be 0. Rejects the draws that would favour small values.
  std::uint64_t below(std::uint64_t bound) {
    TRADEWIND_ASSERT(bound > 0);
    const std::uint64_t unfair = (UINT64_MAX - bound + 1) % bound;
    std::uint64_t draw = bits();
    while (draw < unfair) draw = bits();
    return draw % bound;
  }

 private:
  std::mt19937_64 generator_;
};

}  // namespace tradewind
