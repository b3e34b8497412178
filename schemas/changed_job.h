// A job that entries changed, as it is after them: its record, and what a table keeps of that.
#pragma once

#include <memory>
#include <utility>

#include "schemas/codec.h"
#include "schemas/journal.h"

namespace tradewind {

struct ChangedJob {
  ChangedJob(JobRecord changed)  // NOLINT: a record is one
      : ChangedJob(std::make_shared<const JobRecord>(std::move(changed))) {}
  explicit ChangedJob(std::shared_ptr<const JobRecord> changed)
      : record(std::move(changed)), row(encode(*record)) {}

  const JobRecord& operator*() const { return *record; }
  const JobRecord* operator->() const { return record.get(); }

  std::shared_ptr<const JobRecord> record;
  Bytes row;  // encode(*record)
};

}  // namespace tradewind
