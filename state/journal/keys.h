// The keys of the journal's tables. README.md lists the tables. DO NOT CHANGE: they are on disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schemas/ids.h"
#include "state/transparency/bundle.h"
#include "state/transparency/tile.h"

namespace tradewind {

// Eight bytes, most significant first, so that keys sort as numbers do.
std::string sequence_key(Sequence sequence);
// Nothing when the bytes are not eight.
std::optional<Sequence> parse_sequence_key(std::string_view key);

// Names hold no zero byte (check_name), so no tenant's keys lie among another's.
std::string tenant_key(const TenantId& tenant, std::string_view rest);
// The first key after all of the tenant's.
std::string tenant_end(const TenantId& tenant);

// By place alone, not by width: the level in one byte, then the index as sequences are.
std::string tile_key(const TileId& id);
std::string bundle_key(const BundleId& id);

}  // namespace tradewind
