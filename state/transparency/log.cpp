#include "state/transparency/log.h"

#include "schemas/assert.h"
#include "state/transparency/limits.h"

namespace tradewind {
namespace {

tl::unexpected<Error> damaged(std::string why) {
  return fail(ErrorCode::corrupt, "log", std::move(why),
              "restore the log's store from a copy that holds all that was signed; signing must "
              "not go on from here");
}

// The entries of the bundle that is not full, which must be those under the last tile.
Result<Bytes> last_bundle(const RightEdge& edge, Hasher& hasher, const BundleReader& bundles) {
  const std::span<const Hash> leaves = edge.level(0);
  if (leaves.empty()) return Bytes();
  const BundleId id{edge.size() / tile_width, static_cast<unsigned>(leaves.size())};
  auto bytes = bundles(id);
  if (!bytes) return bytes;
  const auto entries = decode_bundle(id, *bytes);
  if (!entries) return fail(entries.error());
  for (std::size_t at = 0; at < leaves.size(); ++at) {
    if (hasher.leaf((*entries)[at]) != leaves[at]) {
      return damaged("the last bundle is not that of the last tile");
    }
  }
  return bytes;
}

}  // namespace

Log::Log(std::string origin) : origin_(std::move(origin)) {
  TRADEWIND_ASSERT(is_key_name(origin_));
}

Result<Log> Log::recover(std::string origin, const TreeHead& stored,
                         const std::optional<TreeHead>& signed_head, const TileReader& tiles,
                         const BundleReader& bundles) {
  if (stored.size > limits::tree_size_max) return damaged("its size is over the limit");
  auto edge = RightEdge::load(stored.size, tiles);
  if (!edge) return fail(edge.error());
  if (edge->root() != stored.root) return damaged("the tiles do not lead to the stored root");
  if (signed_head) {
    if (stored.size < signed_head->size) {
      return damaged("a checkpoint of " + std::to_string(signed_head->size) +
                     " leaves was signed, but only " + std::to_string(stored.size) + " are stored");
    }
    TileHashes tree(stored.size, tiles);
    const auto proof = prove_consistency(signed_head->size, tree);
    if (!proof) return fail(proof.error());
    if (!verify_consistency(*signed_head, stored, *proof)) {
      return damaged("the checkpoint signed last is not the beginning of what is stored");
    }
  }
  Log log(std::move(origin));
  auto bundle = last_bundle(*edge, log.hasher_, bundles);
  if (!bundle) return fail(bundle.error());
  log.edge_ = std::move(*edge);
  log.last_bundle_ = std::move(*bundle);
  log.written_size_ = stored.size;
  if (signed_head) log.published_size_ = signed_head->size;
  return log;
}

Result<std::uint64_t> Log::append(BytesView leaf) {
  if (leaf.size() > limits::leaf_bytes_max) {
    return fail(ErrorCode::too_large, "leaf",
                std::to_string(leaf.size()) + " bytes are over the limit of " +
                    std::to_string(limits::leaf_bytes_max),
                "keep the large part elsewhere and log its SHA-256");
  }
  if (unpublished_bytes_ + leaf.size() > limits::unpublished_bytes_max) {
    return fail(ErrorCode::exhausted, "log",
                "over " + std::to_string(limits::unpublished_bytes_max) +
                    " bytes of leaves wait for a publication",
                "publish, then append again");
  }
  const std::uint64_t index = edge_.size();
  append_entry(last_bundle_, leaf);
  unpublished_bytes_ += 2 + leaf.size();
  edge_.push(hasher_.leaf(leaf), tiles_);
  if (edge_.size() % tile_width == 0) {
    const std::size_t bytes = last_bundle_.size();
    bundles_.push_back(Bundle{BundleId{index / tile_width, tile_width}, std::move(last_bundle_)});
    last_bundle_.clear();
    last_bundle_.reserve(bytes);  // the next one is about as long
  }
  return index;
}

std::optional<Publication> Log::publish() {
  const std::uint64_t size = edge_.size();
  if (published_size_ == size) return std::nullopt;
  TRADEWIND_ASSERT(size >= published_size_.value_or(0) && size >= written_size_);

  Publication publication;
  publication.head = TreeHead{size, edge_.root()};
  publication.tiles = std::move(tiles_);
  publication.bundles = std::move(bundles_);
  for (Tile& each : edge_.partial_tiles()) {
    const unsigned level = each.id.level;
    if (hashes_at(size, level) != hashes_at(written_size_, level)) {
      publication.tiles.push_back(std::move(each));
    }
  }
  if (size % tile_width != 0 && size != written_size_) {
    const BundleId id{size / tile_width, static_cast<unsigned>(size % tile_width)};
    publication.bundles.push_back(Bundle{id, last_bundle_});
  }
  publication.checkpoint = format_checkpoint(Checkpoint{origin_, publication.head, {}});
  tiles_.clear();
  bundles_.clear();
  unpublished_bytes_ = 0;
  written_size_ = size;
  published_size_ = size;
  return publication;
}

}  // namespace tradewind
