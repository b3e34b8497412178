// Records that the market view has taken and that no entry of the journal tells of yet. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "schemas/journal.h"
#include "schemas/record.h"

namespace tradewind {

// Keeps the order in which they came: it numbers sites and pools. Of a site's quote sheets only the
// newest matters, unless its clock was set back: grants are measured against when sheets were
// issued.
class Unrecorded {
 public:
  static constexpr std::size_t bytes_max = 16 * 1024 * 1024;

  void add(const RecordHeader& header, SignedRecord record);
  // Whether they are so many that they must not wait for a decision.
  bool full() const { return bytes_ >= bytes_max; }
  // All of them; none is left.
  std::vector<MarketRecorded> take();

 private:
  struct Held {
    RecordVersion version;
    Wall::time_point issued{};
    SignedRecord record;
  };
  std::map<std::uint64_t, Held> held_;  // by when they came
  std::map<NodeId, std::uint64_t> sheets_;
  std::uint64_t next_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tradewind
