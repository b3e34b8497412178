// Where tiles and bundles lie under a log's prefix: "tile/0/x001/171.p/8" (C2SP tlog-tiles).
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "schemas/result.h"
#include "state/transparency/bundle.h"
#include "state/transparency/tile.h"

namespace tradewind {

std::string path_of(const TileId& id);
std::string path_of(const BundleId& id);

// Strict: a path parses only if it is what path_of gives. Fails with ErrorCode::invalid.
Result<std::variant<TileId, BundleId>> parse_tile_path(std::string_view path);

}  // namespace tradewind
