// The log itself: takes leaves in order, and says what to write and what to sign in order to
// publish them. No I/O and no clock; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schemas/result.h"
#include "state/transparency/bundle.h"
#include "state/transparency/checkpoint.h"
#include "state/transparency/right_edge.h"

namespace tradewind {

// What to do in order to publish, in this order: write the tiles, the bundles and `head` as one
// durable change; sign the checkpoint; put it, durably, in the place of the checkpoint signed
// before, provided that is still the one there; show it. When a step fails, stop and recover:
// signing the same text again gives the same bytes.
struct Publication {
  TreeHead head;
  std::vector<Tile> tiles;
  std::vector<Bundle> bundles;
  Bytes checkpoint;  // the text to sign
};

// All checkpoints of one Log, and of those that are recovered from what it wrote, are consistent.
class Log {
 public:
  // A log that nothing was ever appended to. The origin must be a name for is_key_name.
  explicit Log(std::string origin);

  // Goes on where a log stopped: `stored` is the newest head that was written with its tiles and
  // bundles, `signed_head` that of the last checkpoint signed, if any was. Leaves from stored.size
  // on are to be appended again. Fails with ErrorCode::corrupt, rather than goes on, when tiles or
  // the last bundle do not fit `stored`, when it is smaller than what was signed, or when what was
  // signed is not its beginning.
  static Result<Log> recover(std::string origin, const TreeHead& stored,
                             const std::optional<TreeHead>& signed_head, const TileReader& tiles,
                             const BundleReader& bundles);

  // Gives the leaf's index. Fails with ErrorCode::too_large over limits::leaf_bytes_max, and with
  // exhausted while limits::unpublished_bytes_max wait.
  Result<std::uint64_t> append(BytesView leaf);
  std::uint64_t size() const { return edge_.size(); }

  // Nothing when all leaves are published. Costs up to 255 hashes a level besides what is new.
  std::optional<Publication> publish();

 private:
  std::string origin_;
  RightEdge edge_;
  Hasher hasher_;
  Bytes last_bundle_;                            // entries that fill no bundle yet
  std::uint64_t written_size_ = 0;               // of the last publication's tiles and bundles
  std::optional<std::uint64_t> published_size_;  // of the last checkpoint
  std::vector<Tile> tiles_;                      // full ones not given out yet
  std::vector<Bundle> bundles_;
  std::size_t unpublished_bytes_ = 0;
};

}  // namespace tradewind
