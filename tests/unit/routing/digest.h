// A hash over the encoded decisions of many random cases, to be the same with every compiler and
// at every optimisation.
#pragma once

#include <cstdint>

namespace tradewind::digest {

inline constexpr std::uint64_t cases = 3'000;
// What `of_decisions(cases)` is. It changes only with the cases, the model or the encoding.
inline constexpr std::uint64_t golden = 0x4b9a7d84665a90bf;

// Of cases 1 to `count`: the decision of the plain scan and that of the chooser, each as encoded.
std::uint64_t of_decisions(std::uint64_t count);

// The same of clearings: all their decisions in order, and what they come to.
inline constexpr std::uint64_t contests = 1'000;
inline constexpr std::uint64_t golden_clearings = 0x4deda760891047d9;
std::uint64_t of_clearings(std::uint64_t count);

}  // namespace tradewind::digest
