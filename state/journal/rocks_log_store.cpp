#include "state/journal/rocks_log_store.h"

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include <charconv>

#include "schemas/assert.h"
#include "state/journal/compression.h"
#include "state/journal/journal.h"
#include "state/journal/keys.h"
#include "state/transparency/big_endian.h"
#include "state/transparency/checkpoint.h"
#include "state/transparency/limits.h"
#include "state/transparency/tile_path.h"

namespace tradewind {
namespace {

// DO NOT CHANGE: they are on disk. Named values of the broker begin otherwise.
constexpr std::string_view kHeadKey = "log/head";
constexpr std::string_view kCheckpointKey = "log/checkpoint";
constexpr std::string_view kIndexedKey = "log/indexed";

Bytes encode_head(const TreeHead& head) {
  Bytes bytes;
  append_big_endian(bytes, head.size);
  bytes += head.root.view();
  return bytes;
}

Result<std::uint64_t> checkpoint_size(BytesView signed_note) {
  const auto note = parse_note(signed_note);
  if (!note) return fail(note.error());
  const auto checkpoint = parse_checkpoint(note->text);
  if (!checkpoint) return fail(checkpoint.error());
  return checkpoint->head.size;
}

tl::unexpected<Error> conflict(std::string message) {
  return fail(ErrorCode::conflict, "checkpoint", std::move(message),
              "sign nothing more; start the broker again, and only one of them");
}

// DO NOT CHANGE: it is on disk. A bundle's bytes begin with the length of a leaf, and none is
// empty; in the journal's formats before 4 they lay in their row as they are.
constexpr std::string_view kCompressed("\0\0", 2);

Result<Bytes> read_bundle(Bytes row) {
  if (!row.starts_with(kCompressed)) return row;
  auto bytes = expand(BytesView(row).substr(kCompressed.size()), limits::bundle_bytes_max);
  if (!bytes) return fail(damaged("log", "a bundle does not read: " + describe(bytes.error())));
  return bytes;
}

tl::unexpected<Error> missing(std::string what) {
  return fail(ErrorCode::not_found, "log", "there is no " + std::move(what),
              "ask for what the checkpoint covers");
}

}  // namespace

Result<std::unique_ptr<RocksLogStore>> RocksLogStore::open(const std::filesystem::path& directory,
                                                           bool sync, rocksdb::DB& db,
                                                           Tables tables, StoreWatch& watch,
                                                           std::mutex& values_mutex) {
  std::unique_ptr<RocksLogStore> store(new RocksLogStore(sync, db, tables, watch, values_mutex));
  const auto checkpoint = store->checkpoint();
  if (!checkpoint) return fail(checkpoint.error());
  std::uint64_t size = 0;
  if (*checkpoint) {
    const auto parsed = checkpoint_size(**checkpoint);
    if (!parsed) {
      return fail(damaged(directory.string(),
                          "the log's checkpoint does not read: " + describe(parsed.error())));
    }
    size = *parsed;
  }
  auto last = LastNumber::open(directory, "last-checkpoint", !*checkpoint);
  if (!last) return fail(last.error());
  if (size < (*last)->found()) {
    return fail(damaged(
        directory.string(),
        fmt::format("the log's checkpoint is of {} leaves, but one of {} was signed: the newest "
                    "part of the log is lost",
                    size, (*last)->found())));
  }
  store->last_checkpoint_ = std::move(*last);
  return store;
}

Status RocksLogStore::put(rocksdb::WriteBatch& write, std::string_view what) {
  if (const auto error = watch_.error()) return fail(*error);
  rocksdb::WriteOptions durable;
  durable.sync = sync_;
  const rocksdb::Status status = db_.Write(durable, &write);
  if (status.ok()) return ok();
  Error error = store_error(what, status);
  watch_.fail_with(error);
  return fail(std::move(error));
}

Status RocksLogStore::write(const LogBatch& batch) {
  constexpr std::size_t bytes_a_put = 64;
  std::size_t bytes = bytes_a_put * (batch.tiles.size() + batch.rows.size() + batch.bundles.size());
  for (const Tile& each : batch.tiles) bytes += each.hashes.size();
  for (const Bundle& each : batch.bundles) bytes += each.entries.size() / 4;
  for (const LogData& each : batch.data) bytes += bytes_a_put + each.bytes.size();
  for (const IndexRow& each : batch.rows) bytes += each.key.size() + each.value.size();
  rocksdb::WriteBatch write(bytes);
  for (const Tile& each : batch.tiles) {
    write.Put(tables_.tiles, tile_key(each.id), each.hashes);
  }
  for (const Bundle& each : batch.bundles) {
    Bytes row(kCompressed);
    row += compress(each.entries);
    write.Put(tables_.bundles, bundle_key(each.id), row);
  }
  for (const LogData& each : batch.data) write.Put(tables_.data, each.sha256, each.bytes);
  for (const IndexRow& each : batch.rows) write.Put(tables_.index, each.key, each.value);
  if (batch.indexed) {
    write.Put(tables_.values, slice(kIndexedKey), sequence_key(Sequence{*batch.indexed}));
  }
  if (batch.head) write.Put(tables_.values, slice(kHeadKey), encode_head(*batch.head));
  return put(write, "write the log");
}

Status RocksLogStore::drop_index() {
  rocksdb::WriteBatch write;
  // Rows begin with a letter.
  write.DeleteRange(tables_.index, rocksdb::Slice("\0", 1), rocksdb::Slice("\xff", 1));
  write.Delete(tables_.values, slice(kIndexedKey));
  return put(write, "drop the log's index");
}

Status RocksLogStore::swap_checkpoint(const std::optional<Bytes>& before, const Bytes& next,
                                      Term term) {
  const auto size = checkpoint_size(next);
  if (!size) return fail(size.error());
  const std::lock_guard lock(values_mutex_);
  const auto current = this->term();
  if (!current) return fail(current.error());
  if (*current != term) {
    return conflict(
        fmt::format("the term is {}, not the {} of who would sign", current->value, term.value));
  }
  const auto stored = checkpoint();
  if (!stored) return fail(stored.error());
  if (*stored != before) return conflict("another checkpoint was signed meanwhile");
  if (before) {
    const auto size_before = checkpoint_size(*before);
    if (!size_before) return fail(size_before.error());
    if (*size < *size_before) {
      return conflict(
          fmt::format("{} leaves are fewer than the {} signed before", *size, *size_before));
    }
  }
  rocksdb::WriteBatch write;
  write.Put(tables_.values, slice(kCheckpointKey), next);
  if (const Status written = put(write, "write the log's checkpoint"); !written) return written;
  if (const Status noted = last_checkpoint_->write(*size); !noted) {
    watch_.fail_with(noted.error());
    return noted;
  }
  return ok();
}

Result<Term> RocksLogStore::term() const {
  const auto text = get(db_, tables_.values, journal_term_key, "read the term");
  if (!text) return fail(text.error());
  Term term{0};
  if (*text) std::from_chars((*text)->data(), (*text)->data() + (*text)->size(), term.value);
  return term;
}

Result<TreeHead> RocksLogStore::head() const {
  const auto bytes = get(db_, tables_.values, kHeadKey, "read the log's head");
  if (!bytes) return fail(bytes.error());
  if (!*bytes) return TreeHead{};
  if ((*bytes)->size() != sizeof(std::uint64_t) + sha256_bytes) {
    return fail(damaged("log", "its head does not read"));
  }
  return TreeHead{read_big_endian<std::uint64_t>(**bytes),
                  Hash::from(BytesView(**bytes).substr(sizeof(std::uint64_t)))};
}

Result<std::optional<Bytes>> RocksLogStore::checkpoint() const {
  return get(db_, tables_.values, kCheckpointKey, "read the log's checkpoint");
}

Result<Bytes> RocksLogStore::read(const TileId& id) const {
  auto bytes = get(db_, tables_.tiles, tile_key(id), "read a tile");
  if (!bytes) return fail(bytes.error());
  if (!*bytes || (*bytes)->size() < id.width * sha256_bytes) return missing(path_of(id));
  (*bytes)->resize(id.width * sha256_bytes);
  return std::move(**bytes);
}

Result<Bytes> RocksLogStore::read(const BundleId& id) const {
  auto bytes = get(db_, tables_.bundles, bundle_key(id), "read a bundle");
  if (!bytes) return fail(bytes.error());
  if (!*bytes) return missing(path_of(id));
  const auto bundle = read_bundle(std::move(**bytes));
  if (!bundle) return fail(bundle.error());
  return first_entries(id, *bundle);
}

Result<Bytes> RocksLogStore::data(BytesView sha256) const {
  auto bytes = get(db_, tables_.data, sha256, "read the log's data");
  if (!bytes) return fail(bytes.error());
  if (!*bytes) return missing("data with this SHA-256");
  return std::move(**bytes);
}

Result<std::optional<std::uint64_t>> RocksLogStore::indexed() const {
  const auto bytes = get(db_, tables_.values, kIndexedKey, "read the size of the log's index");
  if (!bytes) return fail(bytes.error());
  const auto size = *bytes ? parse_sequence_key(**bytes) : std::nullopt;
  return size ? std::optional(size->value) : std::nullopt;
}

Result<std::optional<Bytes>> RocksLogStore::index_row(std::string_view key) const {
  return get(db_, tables_.index, key, "read the log's index");
}

Status RocksLogStore::index_rows(
    std::string_view prefix, std::string_view first,
    const std::function<bool(std::string_view key, BytesView value)>& each) const {
  const StoreSnapshot snapshot(db_);
  const auto at = snapshot.iterate(tables_.index);
  for (at->Seek(slice(first)); at->Valid() && view(at->key()).starts_with(prefix); at->Next()) {
    if (!each(view(at->key()), view(at->value()))) return ok();
  }
  if (!at->status().ok()) return fail(store_error("read the log's index", at->status()));
  return ok();
}

}  // namespace tradewind
