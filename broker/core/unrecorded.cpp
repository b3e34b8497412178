#include "broker/core/unrecorded.h"

#include <utility>

namespace tradewind {

void Unrecorded::add(const RecordHeader& header, SignedRecord record) {
  const std::size_t size = record.body.size() + record.signature.size();
  Held held{header.version, header.issued, std::move(record)};
  if (header.kind == RecordKind::quote) {
    const auto before = sheets_.find(header.subject);
    if (before != sheets_.end()) {
      Held& older = held_.at(before->second);
      if (held.version <= older.version) return;
      if (held.issued >= older.issued) {
        bytes_ += size;
        bytes_ -= older.record.body.size() + older.record.signature.size();
        older = std::move(held);
        return;
      }
    }
    sheets_[header.subject] = next_;
  }
  held_.emplace(next_++, std::move(held));
  bytes_ += size;
}

std::vector<MarketRecorded> Unrecorded::take() {
  std::vector<MarketRecorded> records;
  records.reserve(held_.size());
  for (auto& [order, held] : held_) records.push_back(MarketRecorded{std::move(held.record)});
  held_.clear();
  sheets_.clear();
  bytes_ = 0;
  return records;
}

}  // namespace tradewind
