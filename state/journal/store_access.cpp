#include "state/journal/store_access.h"

#include <fmt/format.h>

#include <utility>

namespace tradewind {
namespace {

constexpr const char* kRestore =
    "stop, keep a copy of the directory, and restore it as a whole from a backup";

}  // namespace

Error store_error(std::string_view what, const rocksdb::Status& status) {
  const bool damaged = status.IsCorruption();
  return Error{damaged ? ErrorCode::corrupt : ErrorCode::unavailable, "journal",
               fmt::format("cannot {}: {}", what, status.ToString()),
               damaged ? kRestore : "check the journal's disk and the space left on it"};
}

Error damaged(std::string_view where, std::string message) {
  return Error{ErrorCode::corrupt, std::string(where), std::move(message), kRestore};
}

void StoreWatch::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) {
  if (status != nullptr && !status->ok()) fail_with(store_error("keep the store", *status));
}

void StoreWatch::fail_with(Error error) {
  const std::lock_guard guard(mutex_);
  if (!error_) error_ = std::move(error);
}

std::optional<Error> StoreWatch::error() const {
  const std::lock_guard guard(mutex_);
  return error_;
}

Result<std::optional<Bytes>> get(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* table,
                                 std::string_view key, std::string_view what) {
  Bytes value;
  const rocksdb::Status status = db.Get(rocksdb::ReadOptions{}, table, slice(key), &value);
  if (status.IsNotFound()) return std::optional<Bytes>();
  if (!status.ok()) return fail(store_error(what, status));
  return std::optional<Bytes>(std::move(value));
}

}  // namespace tradewind
