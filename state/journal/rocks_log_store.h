// The transparency log's tables in the journal's RocksDB store.
#pragma once

#include <mutex>
#include <string_view>

#include "state/journal/guard.h"
#include "state/journal/log_store.h"
#include "state/journal/store_access.h"

namespace tradewind {

class RocksLogStore final : public LogStore {
 public:
  struct Tables {
    rocksdb::ColumnFamilyHandle* tiles = nullptr;
    rocksdb::ColumnFamilyHandle* bundles = nullptr;
    rocksdb::ColumnFamilyHandle* data = nullptr;
    rocksdb::ColumnFamilyHandle* index = nullptr;
    rocksdb::ColumnFamilyHandle* values = nullptr;
  };

  // `values_mutex` is held by whoever changes named values; all are the journal's, which outlives
  // this. Refuses a store whose signed checkpoint is older than one that was signed.
  static Result<std::unique_ptr<RocksLogStore>> open(const std::filesystem::path& directory,
                                                     bool sync, rocksdb::DB& db, Tables tables,
                                                     StoreWatch& watch, std::mutex& values_mutex);

  Status write(const LogBatch& batch) override;
  Status drop_index() override;
  Status swap_checkpoint(const std::optional<Bytes>& before, const Bytes& next, Term term) override;
  Result<Term> term() const override;
  Result<TreeHead> head() const override;
  Result<std::optional<Bytes>> checkpoint() const override;
  Result<Bytes> read(const TileId& id) const override;
  Result<Bytes> read(const BundleId& id) const override;
  Result<Bytes> data(BytesView sha256) const override;
  Result<std::optional<std::uint64_t>> indexed() const override;
  Result<std::optional<Bytes>> index_row(std::string_view key) const override;
  Status index_rows(
      std::string_view prefix, std::string_view first,
      const std::function<bool(std::string_view key, BytesView value)>& each) const override;

 private:
  RocksLogStore(bool sync, rocksdb::DB& db, Tables tables, StoreWatch& watch,
                std::mutex& values_mutex)
      : sync_(sync), db_(db), tables_(tables), watch_(watch), values_mutex_(values_mutex) {}
  Status put(rocksdb::WriteBatch& write, std::string_view what);

  const bool sync_;
  rocksdb::DB& db_;
  const Tables tables_;
  StoreWatch& watch_;
  std::mutex& values_mutex_;
  std::unique_ptr<LastNumber> last_checkpoint_;
};

}  // namespace tradewind
