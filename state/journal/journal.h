// The broker's ordered, durable log of entries, and the tables that go with it, in RocksDB.
//
// Durable: what `commit` was given when it returns ok. Trusted with: everything; who can write this
// store can rewrite the broker's memory, and only checkpoints that others keep would show it. One
// writer thread calls commit; reads may come from any thread at any time. The transparency log's
// tables are in the same store (log_store.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/changed_job.h"
#include "schemas/ids.h"
#include "schemas/journal.h"
#include "schemas/result.h"
#include "state/journal/log_store.h"

namespace tradewind {

// The named value with the broker's term, in decimal digits.
inline constexpr std::string_view journal_term_key = "term";

// A small named value beside the entries: members, invitations, the broker's term. No value: erase
// it. Those that begin with "log/" are the transparency log's.
struct JournalValue {
  std::string key;
  std::optional<Bytes> value;
};

// What one commit makes durable, all of it or nothing.
struct JournalBatch {
  std::vector<Entry> entries;    // get the next sequence numbers, in order
  std::vector<ChangedJob> jobs;  // the jobs that these entries changed, as they are after them
  std::vector<JournalValue> values;
  bool empty() const { return entries.empty() && jobs.empty() && values.empty(); }
};

// Newest first. `after` is `next` of the page before; empty for the first page.
struct JobQuery {
  std::optional<TenantId> tenant;  // absent: all tenants
  std::string after;
  std::size_t limit = 256;
  // Filters applied before the page is cut; keep returns whether the record belongs. Where few do,
  // a page ends after limits::jobs_examined_max others, with fewer jobs than `limit`, or none.
  std::function<bool(const JobRecord&)> keep;
};
struct JobPage {
  std::vector<JobRecord> jobs;
  std::string next;  // a job id, where the page that follows begins; empty: none follows
};

class Journal {
 public:
  // Opens or makes the store. Refuses, rather than goes on, when the store is damaged or shorter
  // than it ever acknowledged. `sync` off is for benchmarks only.
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& directory,
                                               bool sync = true);
  virtual ~Journal() = default;
  Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // One write batch, one sync. After an error the process must stop: the store is in doubt.
  virtual Status commit(const JournalBatch& batch) = 0;
  // The sequence of the newest entry; 0 for none.
  virtual Sequence last() const = 0;

  // Calls `each` for the entries from `first` on, in order, until it returns false.
  virtual Status read(Sequence first,
                      const std::function<bool(Sequence, const Entry&)>& each) const = 0;
  // The named values whose keys begin with `prefix`, in order of key.
  virtual Status values(
      std::string_view prefix,
      const std::function<void(std::string_view key, BytesView value)>& each) const = 0;
  // The record of every job that is not in a final state, in order of id, as decode_job_record
  // wrote it.
  virtual Status live_jobs(const std::function<void(Bytes)>& each) const = 0;
  virtual Result<JobRecord> job(const JobId& id) const = 0;  // not_found when there is none
  virtual Result<JobPage> jobs(const JobQuery& query) const = 0;
  // The submission with this key of this tenant, if any; kept for at least a day.
  virtual std::optional<JobId> by_idempotency_key(const TenantId& tenant,
                                                  std::string_view key) const = 0;
  // What is published of the entries. Lives as long as the journal.
  virtual LogStore& log() = 0;
};

}  // namespace tradewind
