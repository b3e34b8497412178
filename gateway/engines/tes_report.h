// What a task at a TES server has come to, as an attempt's end and log. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/engines/tes_records.h"
#include "schemas/dispatch.h"
#include "schemas/time.h"

namespace tradewind {

// `task` is over. `stopped`: the word by which it was told to end, if it was. Charged are the
// seconds between the start and the end that the server states, never more than `run_seconds_max`.
EndReport tes_end(const TesTask& task, std::optional<EndCode> stopped,
                  std::uint64_t run_seconds_max, Wall::time_point now);

// What all executors wrote, one after the other, as far as the server shows it.
std::string tes_stream(const TesLog& log, LogStream stream);

// How many of the first bytes that a server shows of a stream stand at the end of `known` already.
// Servers show the whole, its head or its tail: what was read once keeps its place, and a part that
// was never shown is missing.
std::size_t shown_before(std::string_view known, std::string_view shown);

}  // namespace tradewind
