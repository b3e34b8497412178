// The journal in RocksDB: one column family a table, one write batch and one sync a commit.
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "state/journal/guard.h"
#include "state/journal/journal.h"
#include "state/journal/rocks_log_store.h"

namespace tradewind {

class RocksJournal final : public Journal {
 public:
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& directory, bool sync);
  ~RocksJournal() override;

  Status commit(const JournalBatch& batch) override;
  Sequence last() const override;
  Status read(Sequence first,
              const std::function<bool(Sequence, const Entry&)>& each) const override;
  Status values(
      std::string_view prefix,
      const std::function<void(std::string_view key, BytesView value)>& each) const override;
  Status live_jobs(const std::function<void(Bytes)>& each) const override;
  Result<JobRecord> job(const JobId& id) const override;
  Result<JobPage> jobs(const JobQuery& query) const override;
  std::optional<JobId> by_idempotency_key(const TenantId& tenant,
                                          std::string_view key) const override;
  LogStore& log() override { return *log_; }

 private:
  // README.md says what each holds. The order is that of opening and nothing more.
  enum class Table : std::size_t {
    meta,
    entries,
    jobs,
    live,
    tenants,
    idempotency,
    values,
    log_tiles,
    log_bundles,
    log_data,
    log_index
  };
  static constexpr std::size_t tables_count = 11;

  RocksJournal(bool sync, std::unique_ptr<DirectoryLock> lock);
  Status open_store(const std::filesystem::path& directory);
  Status check_format(const std::filesystem::path& directory);
  // From a format before this one.
  Status bring_up_to_date(std::string_view format);
  // Whether the newest entries are there without a gap, and the last is what was acknowledged.
  // Those before them are looked at behind.
  Status check_end(const std::filesystem::path& directory);
  // Whether the entries after `after` to `last` are there without a gap; with `newest`, which gets
  // the bytes of the last one, whether none follows.
  Status check_entries(Sequence after, Sequence last, std::string* newest) const;
  rocksdb::ColumnFamilyHandle* table(Table table) const;
  Result<JobRecord> load(const rocksdb::ReadOptions& options, std::string_view id) const;
  // The jobs of the tenant, or all, that are older than the one with the id `after` (empty: all of
  // them), newest first, until `each` returns false.
  using EachRecord = std::function<bool(Result<JobRecord>)>;
  Status read_back(const StoreSnapshot& snapshot, const TenantId& tenant, std::string_view after,
                   const EachRecord& each) const;
  Status read_back(const StoreSnapshot& snapshot, std::string_view after,
                   const EachRecord& each) const;

  const bool sync_;
  // Released last: the store must be closed before anybody else may open it.
  std::unique_ptr<DirectoryLock> lock_;
  std::unique_ptr<LastNumber> last_sequence_;
  std::shared_ptr<StoreWatch> watch_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, tables_count> handles_{};
  std::atomic<std::uint64_t> last_{0};
  Wall::time_point last_at_{};  // the writer's
  std::mutex values_mutex_;     // of whoever changes named values
  std::unique_ptr<RocksLogStore> log_;
  std::atomic<bool> closing_{false};
  std::thread check_behind_;
};

}  // namespace tradewind
