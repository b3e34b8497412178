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
  Status live_jobs(const std::function<void(JobRecord)>& each) const override;
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
  // Whether the entries are 1 to the last without a gap, and the last is what was acknowledged.
  Status check_entries(const std::filesystem::path& directory);
  rocksdb::ColumnFamilyHandle* table(Table table) const;
  Result<JobRecord> load(const rocksdb::ReadOptions& options, std::string_view id) const;

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
};

}  // namespace tradewind
