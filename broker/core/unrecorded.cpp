#include "broker/core/unrecorded.h"

#include <utility>

namespace tradewind {
namespace {

std::size_t size_of(const SignedRecord& record) {
  return record.body.size() + record.signature.size();
}

}  // namespace

void Unrecorded::add(const RecordHeader& header, SignedRecord record) {
  const std::size_t size = size_of(record);
  if (header.kind == RecordKind::member) sheets_.erase(header.subject);
  if (header.kind == RecordKind::quote) {
    const auto before = sheets_.find(header.subject);
    if (before != sheets_.end()) {
      Sheet& older = before->second;
      if (header.version <= older.version) return;
      if (header.issued >= older.issued) {
        SignedRecord& told = std::get<MarketRecorded>(told_.at(older.place)).record;
        bytes_ += size;
        bytes_ -= size_of(told);
        told = std::move(record);
        older.version = header.version;
        older.issued = header.issued;
        return;
      }
    }
    sheets_[header.subject] = Sheet{next_, header.version, header.issued};
  }
  told_.emplace(next_++, MarketRecorded{std::move(record)});
  bytes_ += size;
}

void Unrecorded::add(const NodeId& subject, Equivocation proof) {
  sheets_.erase(subject);
  bytes_ += size_of(proof.first) + size_of(proof.second);
  told_.emplace(next_++, SiteQuarantined{std::move(proof)});
}

std::vector<decltype(Entry::body)> Unrecorded::take() {
  std::vector<decltype(Entry::body)> bodies;
  bodies.reserve(told_.size());
  for (auto& [order, body] : told_) bodies.push_back(std::move(body));
  told_.clear();
  sheets_.clear();
  bytes_ = 0;
  return bodies;
}

}  // namespace tradewind
