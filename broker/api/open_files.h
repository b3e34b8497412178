// How many files and connections this process may have open.
#pragma once

#include <cstdint>

namespace tradewind {

// Raises the limit to `wanted`, or as far as this process may; never lowers it. The limit in force.
std::uint64_t raise_open_files(std::uint64_t wanted);

}  // namespace tradewind
