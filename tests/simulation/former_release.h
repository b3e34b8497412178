// How a program of the release before reads and writes: by the schemas that it has, which stand in
// former/. What it does not know it does not read, and what it writes again has it no more.
#pragma once

#include <optional>

#include "schemas/dispatch.h"
#include "schemas/journal.h"

namespace tradewind::simulation {

enum class Release : std::uint8_t { former, present };

// Each as it is once a program of the former release has read or written it. Nothing: it is of a
// kind, or holds a word, that such a program does not know, and does not read.
std::optional<ToGateway> as_former(const ToGateway& message);
std::optional<ToBroker> as_former(const ToBroker& message);
std::optional<Entry> as_former(const Entry& entry);
std::optional<JobRecord> as_former(const JobRecord& record);
std::optional<HeldAttempt> as_former(const HeldAttempt& held);

}  // namespace tradewind::simulation
