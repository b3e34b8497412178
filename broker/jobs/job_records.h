// The records of live jobs, in little memory: those touched lately as they are, the others as the
// bytes of their encoding, compressed. Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>

#include "broker/jobs/record_compressor.h"
#include "schemas/changed_job.h"
#include "schemas/journal.h"
#include "schemas/result.h"

namespace tradewind {

class JobRecords {
  struct Open;

 public:
  // Where one job's record is kept. Stays at its place, and empty once the record was taken.
  class Slot {
   public:
    Slot() = default;
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

   private:
    friend class JobRecords;
    std::unique_ptr<char[]> closed_;  // null: what is open has been changed
    std::uint32_t closed_bytes_ = 0;
    bool is_open_ = false;
    std::list<Open>::iterator open_;
  };

  // `open_max`: how many records are open after `close_surplus`; at least one.
  explicit JobRecords(std::size_t open_max);

  void put(Slot& slot, JobRecord record);
  // What decode_job_record reads, of this program or of one before.
  void put(Slot& slot, BytesView row);
  // The record is valid until `close_surplus` or `take`.
  const JobRecord& read(Slot& slot);
  JobRecord& change(Slot& slot);
  // The record for a table; it stays as it is whatever happens to the slot. `lasts`: it will not
  // change soon, so that what it is packed from is at hand now.
  ChangedJob show(Slot& slot, bool lasts);
  ChangedJob take(Slot& slot);

  // Packs those untouched for longest, down to the bound.
  void close_surplus();

 private:
  struct Open {
    std::shared_ptr<JobRecord> record;
    Slot* slot = nullptr;
  };

  void close(Slot& slot, BytesView row);

  const std::size_t open_max_;
  RecordCompressor compressor_;
  std::list<Open> open_;  // the one touched last first
};

}  // namespace tradewind
