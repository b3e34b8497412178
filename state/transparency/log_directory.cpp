#include "state/transparency/log_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "state/identity/stored_file.h"
#include "state/transparency/limits.h"
#include "state/transparency/tile_path.h"

namespace tradewind {
namespace {

constexpr std::size_t kTileBytes = tile_width * sha256_bytes;
constexpr std::size_t kBundleBytesMax = tile_width * (2 + limits::leaf_bytes_max);

// Makes the folder and those above it that are missing, and syncs the entry of each.
Status make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return ok();
  const std::filesystem::path above = folder.has_parent_path() ? folder.parent_path() : ".";
  if (const Status made = make_folder(above); !made) return made;
  std::filesystem::create_directory(folder, error);
  if (error)
    return fail(ErrorCode::unavailable, folder.string(), "cannot make: " + error.message());
  const int opened = ::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = opened >= 0 && ::fsync(opened) == 0;
  const int number = errno;
  if (opened >= 0) ::close(opened);
  if (synced) return ok();
  return fail(ErrorCode::unavailable, above.string(),
              std::string("cannot sync the folder: ") + std::strerror(number));
}

}  // namespace

Status LogDirectory::write_file(const std::string& path, BytesView bytes) const {
  const std::filesystem::path file = folder_ / path;
  if (const Status made = make_folder(file.parent_path()); !made) return made;
  return store_file(file, bytes, public_mode);
}

Status LogDirectory::write(std::span<const Tile> tiles, std::span<const Bundle> bundles) const {
  for (const Tile& each : tiles) {
    if (const Status written = write_file(path_of(each.id), each.hashes); !written) return written;
  }
  for (const Bundle& each : bundles) {
    if (const Status written = write_file(path_of(each.id), each.entries); !written) return written;
  }
  return ok();
}

Status LogDirectory::write_checkpoint(BytesView note) const {
  return write_file("checkpoint", note);
}

Result<Bytes> LogDirectory::read(const TileId& id) const {
  auto found = load_file(folder_ / path_of(id), kTileBytes);
  if (found || found.error().code != ErrorCode::not_found || id.width == tile_width) return found;
  auto full = load_file(folder_ / path_of(TileId{id.level, id.index, tile_width}), kTileBytes);
  if (full && full->size() == kTileBytes) full->resize(id.width * sha256_bytes);
  return full;
}

Result<Bytes> LogDirectory::read(const BundleId& id) const {
  auto found = load_file(folder_ / path_of(id), kBundleBytesMax);
  if (found || found.error().code != ErrorCode::not_found || id.width == tile_width) return found;
  const auto full = load_file(folder_ / path_of(BundleId{id.index, tile_width}), kBundleBytesMax);
  if (!full) return full;
  return first_entries(id, *full);
}

Result<Bytes> LogDirectory::read_checkpoint() const {
  return load_file(folder_ / "checkpoint", limits::note_bytes_max);
}

}  // namespace tradewind
