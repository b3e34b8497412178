// Where two JSON documents differ. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tradewind {

struct Difference {
  std::string where;  // "decision.runners_up[2].cost.total"; empty: not inside, or none
  std::string left;   // what stands there, as JSON; empty: nothing
  std::string right;
};

// The first in the order of the left one's members. Whatever is no JSON differs as a whole.
Difference first_difference(std::string_view left, std::string_view right);

}  // namespace tradewind
