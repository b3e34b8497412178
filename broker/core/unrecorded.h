// What the market view has taken and no entry of the journal tells of yet: records, and proofs that
// a site is quarantined by. Pure.
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
// newest matters, unless its clock was set back, since grants are measured against when sheets were
// issued, or its member record or a quarantine came between them.
class Unrecorded {
 public:
  static constexpr std::size_t bytes_max = 16 * 1024 * 1024;

  void add(const RecordHeader& header, SignedRecord record);
  void add(const NodeId& subject, Equivocation proof);
  // Whether they are so many that they must not wait for a decision.
  bool full() const { return bytes_ >= bytes_max; }
  // The bodies of their entries; none is left.
  std::vector<decltype(Entry::body)> take();

 private:
  struct Sheet {
    std::uint64_t place = 0;  // in told_
    RecordVersion version;
    Wall::time_point issued{};
  };
  std::map<std::uint64_t, decltype(Entry::body)> told_;  // by when they came
  std::map<NodeId, Sheet> sheets_;                       // which a newer one may replace
  std::uint64_t next_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tradewind
