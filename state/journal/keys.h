// The keys of the journal's tables. README.md lists the tables. DO NOT CHANGE: they are on disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schemas/ids.h"

namespace tradewind {

// Eight bytes, most significant first, so that keys sort as numbers do.
std::string sequence_key(Sequence sequence);
// Nothing when the bytes are not eight.
std::optional<Sequence> parse_sequence_key(std::string_view key);

// Names hold no zero byte (check_name), so no tenant's keys lie among another's.
std::string tenant_key(const TenantId& tenant, std::string_view rest);
// The first key after all of the tenant's.
std::string tenant_end(const TenantId& tenant);

}  // namespace tradewind
