// Spans of time as commands and options say them: 250ms, 20s, 5m, 2h; with a sign where one may be.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/simulation/scheduler.h"

namespace tradewind::simulation {

// Nothing when the text is no span.
std::optional<Micros> read_span(std::string_view text);
// In seconds when it is whole ones, else in milliseconds; what is less is dropped.
std::string span_text(Micros span);
// A whole number, of these digits alone; nothing otherwise.
std::optional<std::int64_t> read_number(std::string_view text);

}  // namespace tradewind::simulation
