// Nodes that are to die with the next event of some name, just before it or just after.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ids.h"

namespace tradewind::simulation {

// What becomes of the disk of a node that is killed.
enum class Disk : std::uint8_t {
  kept,
  wiped,
  restored,  // as it was when it was last saved
};

enum class Side : std::uint8_t { before, after };

class Triggers {
 public:
  struct Trigger {
    std::string node;
    Side side = Side::before;
    std::string event;
    Disk disk = Disk::kept;
  };

  void arm(Trigger trigger) { armed_.push_back(std::move(trigger)); }
  // Whether the node dies here, and what its disk is then. Each fires once.
  std::optional<Disk> fire(std::string_view node, Side side, std::string_view event) {
    const auto found = std::find_if(armed_.begin(), armed_.end(), [&](const Trigger& each) {
      return each.side == side && each.node == node && each.event == event;
    });
    if (found == armed_.end()) return std::nullopt;
    const Disk disk = found->disk;
    armed_.erase(found);
    return disk;
  }
  void clear() { armed_.clear(); }

 private:
  std::vector<Trigger> armed_;
};

}  // namespace tradewind::simulation
