// Reads a published log and recomputes all that its checkpoints commit to. Any thread.
#pragma once

#include <cstdint>
#include <functional>

#include "schemas/result.h"
#include "state/transparency/bundle.h"
#include "state/transparency/proof.h"
#include "state/transparency/tile.h"

namespace tradewind {

// Looks at one entry; an error ends the audit with it.
using EntryVisitor = std::function<Status(std::uint64_t index, BytesView entry)>;

// Verifies that the log at `head` is the one at `known`, a head verified before (the empty tree for
// a whole audit), with the entries that follow in the bundles: their leaf hashes, every tile that
// they touch, and the root. Reads bundle by bundle, holds one at a time, and shows each entry from
// known.size on to `visit`, if there is one, when its bundle has proved to be that of its tile;
// what it showed counts only once the whole has come out ok. Neither reader is trusted. Fails with
// ErrorCode::corrupt naming the bundle or tile, with invalid when `head` is smaller than `known`,
// or as the readers or `visit` do.
Status audit(const TreeHead& known, const TreeHead& head, const TileReader& tiles,
             const BundleReader& bundles, const EntryVisitor& visit = {});

}  // namespace tradewind
