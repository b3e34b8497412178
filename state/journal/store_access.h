// What the journal's two faces, entries and log, share of the one RocksDB store.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/result.h"

namespace tradewind {

inline rocksdb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string_view view(const rocksdb::Slice& text) {
  return {text.data(), text.size()};
}

Error store_error(std::string_view what, const rocksdb::Status& status);
// With the remedy to restore a backup.
Error damaged(std::string_view where, std::string message);

// Remembers the first error that the store met, on its own threads as well: from then on nothing
// more is taken, whatever the store makes of it. Any thread.
class StoreWatch final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override;
  void fail_with(Error error);
  std::optional<Error> error() const;

 private:
  mutable std::mutex mutex_;
  std::optional<Error> error_;
};

// The store as it is now, for readers beside the writers.
class StoreSnapshot {
 public:
  explicit StoreSnapshot(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {
    options_.snapshot = snapshot_;
  }
  ~StoreSnapshot() { db_.ReleaseSnapshot(snapshot_); }
  StoreSnapshot(const StoreSnapshot&) = delete;
  StoreSnapshot& operator=(const StoreSnapshot&) = delete;
  const rocksdb::ReadOptions& options() const { return options_; }
  std::unique_ptr<rocksdb::Iterator> iterate(rocksdb::ColumnFamilyHandle* handle) const {
    return std::unique_ptr<rocksdb::Iterator>(db_.NewIterator(options_, handle));
  }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* snapshot_;
  rocksdb::ReadOptions options_;
};

// The value under the key; nothing when there is none. `what` is for the error.
Result<std::optional<Bytes>> get(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* table,
                                 std::string_view key, std::string_view what);

}  // namespace tradewind
