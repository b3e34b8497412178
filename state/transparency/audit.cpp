#include "state/transparency/audit.h"

#include <algorithm>

#include "state/transparency/limits.h"
#include "state/transparency/right_edge.h"
#include "state/transparency/tile_path.h"

namespace tradewind {
namespace {

tl::unexpected<Error> unlike(std::string what, std::string why) {
  return fail(ErrorCode::corrupt, std::move(what), std::move(why),
              "compare with another copy of the log; if it is the log's own, keep it with the "
              "checkpoint as evidence");
}

Status check_tiles(const std::vector<Tile>& computed, const TileReader& tiles) {
  for (const Tile& each : computed) {
    const auto found = tiles(each.id);
    if (!found) return fail(found.error());
    if (*found != each.hashes) {
      return unlike(path_of(each.id), "the tile does not hold the hashes of the entries");
    }
  }
  return ok();
}

}  // namespace

Status audit(const TreeHead& known, const TreeHead& head, const TileReader& tiles,
             const BundleReader& bundles, const EntryVisitor& visit) {
  if (known.size > head.size || head.size > limits::tree_size_max) {
    return fail(ErrorCode::invalid, "size",
                std::to_string(head.size) + " leaves are fewer than the " +
                    std::to_string(known.size) + " known before, or over the limit",
                "give the newer checkpoint second");
  }
  auto edge = RightEdge::load(known.size, tiles);
  if (!edge) return fail(edge.error());
  if (edge->root() != known.root) {
    return unlike("tile", "the tiles do not lead to the root at " + std::to_string(known.size) +
                              " leaves that was verified before");
  }
  Hasher hasher;
  std::vector<Tile> full;
  while (edge->size() < head.size) {
    const std::uint64_t first = edge->size();
    const std::uint64_t begin = first - first % tile_width;
    const BundleId id{first / tile_width, static_cast<unsigned>(std::min<std::uint64_t>(
                                              tile_width, head.size - begin))};
    const auto bytes = bundles(id);
    if (!bytes) return fail(bytes.error());
    const auto entries = decode_bundle(id, *bytes);
    if (!entries) return fail(entries.error());
    const std::vector<Hash> before(edge->level(0).begin(), edge->level(0).end());
    for (std::size_t at = 0; at < entries->size(); ++at) {
      const Hash leaf = hasher.leaf((*entries)[at]);
      if (at >= before.size()) {
        edge->push(leaf, full);
      } else if (leaf != before[at]) {
        return unlike(path_of(id), "its entry " + std::to_string(at) + " was another one before");
      }
    }
    if (edge->size() == head.size)
      std::ranges::move(edge->partial_tiles(), std::back_inserter(full));
    if (const Status same = check_tiles(full, tiles); !same) return same;
    full.clear();
    for (std::size_t at = before.size(); visit && at < entries->size(); ++at) {
      if (const Status seen = visit(begin + at, (*entries)[at]); !seen) return seen;
    }
  }
  if (edge->root() != head.root) {
    return unlike("checkpoint",
                  "its root is not that of the " + std::to_string(head.size) + " entries");
  }
  return ok();
}

}  // namespace tradewind
