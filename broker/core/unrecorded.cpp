#include "broker/core/unrecorded.h"

#include <utility>

namespace tradewind {

void Unrecorded::add(const RecordHeader& header, const SignedRecord& record) {
  if (header.kind != RecordKind::quote) {
    held_.emplace(next_++, Held{header.version, record});
    return;
  }
  const auto [sheet, is_new] = sheets_.try_emplace(header.subject, next_);
  if (is_new) {
    held_.emplace(next_++, Held{header.version, record});
  } else if (Held& held = held_.at(sheet->second); held.version < header.version) {
    held = Held{header.version, record};
  }
}

std::vector<MarketRecorded> Unrecorded::take() {
  std::vector<MarketRecorded> records;
  records.reserve(held_.size());
  for (auto& [order, held] : held_) records.push_back(MarketRecorded{std::move(held.record)});
  held_.clear();
  sheets_.clear();
  return records;
}

}  // namespace tradewind
