// Records that the market view has taken and that no entry of the journal tells of yet. Pure.
#pragma once

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
  void add(const RecordHeader& header, const SignedRecord& record);
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
};

}  // namespace tradewind
