// A log as files that any web server can serve: `checkpoint`, `tile/<level>/…` and
// `tile/entries/…` below one folder. Files are whole or absent, whatever crashes. One writer; any
// thread may read.
#pragma once

#include <filesystem>
#include <span>

#include "schemas/result.h"
#include "state/transparency/bundle.h"
#include "state/transparency/tile.h"

namespace tradewind {

class LogDirectory {
 public:
  explicit LogDirectory(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Durable when they return ok; they fail with ErrorCode::unavailable naming the path. Write what
  // a checkpoint covers before the checkpoint.
  Status write(std::span<const Tile> tiles, std::span<const Bundle> bundles) const;
  Status write_checkpoint(BytesView note) const;

  // Reads from a folder that is not trusted. Where a partial tile or bundle is gone, the beginning
  // of the full one. Fail with not_found, too_large, unavailable or corrupt.
  Result<Bytes> read(const TileId& id) const;
  Result<Bytes> read(const BundleId& id) const;
  Result<Bytes> read_checkpoint() const;

 private:
  Status write_file(const std::string& path, BytesView bytes) const;

  std::filesystem::path folder_;
};

}  // namespace tradewind
