// The transparency log's tables, beside the entries in the journal's store: what was published, as
// it was written, and the checkpoint that was signed last.
//
// Durable: what `write` and `swap_checkpoint` were given when they return ok. Trusted with nothing
// that a reader of the log does not verify, but with `checkpoint`: who sets it back can have two
// checkpoints signed. One thread writes, while another may commit entries; reads may come from any
// thread at any time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ids.h"
#include "schemas/result.h"
#include "state/transparency/bundle.h"
#include "state/transparency/proof.h"
#include "state/transparency/tile.h"

namespace tradewind {

// A large part of a leaf, kept beside the log under its SHA-256.
struct LogData {
  Bytes sha256;  // 32 bytes
  Bytes bytes;
};
// A row of the index; what keys and values mean is for broker/audit/log_index.h to say.
struct IndexRow {
  std::string key;
  Bytes value;
  friend bool operator==(const IndexRow&, const IndexRow&) = default;
};

// What one write makes durable, all of it or nothing.
struct LogBatch {
  std::vector<Tile> tiles;
  std::vector<Bundle> bundles;
  std::vector<LogData> data;
  std::vector<IndexRow> rows;
  std::optional<std::uint64_t> indexed;  // how many leaves the index covers with these rows
  std::optional<TreeHead> head;          // the tree that the tiles and bundles make whole
};

class LogStore {
 public:
  virtual ~LogStore() = default;
  LogStore() = default;
  LogStore(const LogStore&) = delete;
  LogStore& operator=(const LogStore&) = delete;

  // One write batch, one sync. Of a partial tile or bundle only the newest is kept, which begins
  // with all before it. After an error the process must stop: the store is in doubt.
  virtual Status write(const LogBatch& batch) = 0;
  // Drops every row of the index, so that it covers nothing.
  virtual Status drop_index() = 0;
  // Puts the signed checkpoint `next` in the place of `before` (absent: none was signed yet), when
  // that is what is stored, the journal's term is `term`, and the size does not fall; otherwise
  // fails with ErrorCode::conflict and changes nothing.
  virtual Status swap_checkpoint(const std::optional<Bytes>& before, const Bytes& next,
                                 Term term) = 0;

  // The journal's term; 0 when none began.
  virtual Result<Term> term() const = 0;
  // Of the newest write; the empty tree before the first.
  virtual Result<TreeHead> head() const = 0;
  virtual Result<std::optional<Bytes>> checkpoint() const = 0;
  // Exactly as wide as asked for: where a wider one is there, its beginning. Fail with not_found,
  // unavailable or corrupt.
  virtual Result<Bytes> read(const TileId& id) const = 0;
  virtual Result<Bytes> read(const BundleId& id) const = 0;
  virtual Result<Bytes> data(BytesView sha256) const = 0;
  // Nothing: there is no index, or one of another form.
  virtual Result<std::optional<std::uint64_t>> indexed() const = 0;
  virtual Result<std::optional<Bytes>> index_row(std::string_view key) const = 0;
  // The rows from `first` on whose keys begin with `prefix`, in order, until `each` returns false.
  virtual Status index_rows(
      std::string_view prefix, std::string_view first,
      const std::function<bool(std::string_view key, BytesView value)>& each) const = 0;

  TileReader tile_reader() const {
    return [this](const TileId& id) { return read(id); };
  }
  BundleReader bundle_reader() const {
    return [this](const BundleId& id) { return read(id); };
  }
};

}  // namespace tradewind
