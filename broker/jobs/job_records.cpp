#include "broker/jobs/job_records.h"

#include <algorithm>
#include <utility>

#include "schemas/assert.h"
#include "schemas/codec.h"

namespace tradewind {

JobRecords::JobRecords(std::size_t open_max) : open_max_(open_max) {
  TRADEWIND_ASSERT(open_max > 0);
}

void JobRecords::put(Slot& slot, JobRecord record) {
  TRADEWIND_ASSERT(!slot.is_open_ && !slot.closed_);
  open_.push_front(Open{std::make_shared<JobRecord>(std::move(record)), &slot});
  slot.open_ = open_.begin();
  slot.is_open_ = true;
}

void JobRecords::put(Slot& slot, BytesView row) {
  TRADEWIND_ASSERT(!slot.is_open_ && !slot.closed_);
  close(slot, row);
}

void JobRecords::close(Slot& slot, BytesView row) {
  const Bytes closed = compressor_.compress(row);
  slot.closed_ = std::make_unique_for_overwrite<char[]>(closed.size());
  slot.closed_bytes_ = static_cast<std::uint32_t>(closed.size());
  std::ranges::copy(closed, slot.closed_.get());
}

const JobRecord& JobRecords::read(Slot& slot) {
  if (slot.is_open_) {
    open_.splice(open_.begin(), open_, slot.open_);
    return *slot.open_->record;
  }
  auto record = decode_job_record(compressor_.expand({slot.closed_.get(), slot.closed_bytes_}));
  TRADEWIND_ASSERT(record);
  open_.push_front(Open{std::make_shared<JobRecord>(std::move(*record)), &slot});
  slot.open_ = open_.begin();
  slot.is_open_ = true;
  return *slot.open_->record;
}

JobRecord& JobRecords::change(Slot& slot) {
  read(slot);
  slot.closed_.reset();
  std::shared_ptr<JobRecord>& record = slot.open_->record;
  if (record.use_count() > 1) record = std::make_shared<JobRecord>(*record);
  return *record;
}

ChangedJob JobRecords::show(Slot& slot, bool lasts) {
  read(slot);
  ChangedJob shown(slot.open_->record);
  if (lasts && !slot.closed_) close(slot, shown.row);
  return shown;
}

ChangedJob JobRecords::take(Slot& slot) {
  ChangedJob taken = show(slot, false);
  open_.erase(slot.open_);
  slot.is_open_ = false;
  slot.closed_.reset();
  return taken;
}

void JobRecords::close_surplus() {
  while (open_.size() > open_max_) {
    Open& oldest = open_.back();
    Slot& slot = *oldest.slot;
    if (!slot.closed_) close(slot, encode(*oldest.record));
    slot.is_open_ = false;
    open_.pop_back();
  }
}

}  // namespace tradewind
