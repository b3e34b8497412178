// Leaves as rows of a table (RFC 4180), one form for all who write it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/audit/leaf.h"

namespace tradewind {

// The first row, with its line's end.
inline constexpr std::string_view leaf_csv_head =
    "index,recordedtime,type,job,site,reason,event\r\n";
std::string leaf_csv_row(std::uint64_t index, const LeafKeys& keys, BytesView event);

}  // namespace tradewind
