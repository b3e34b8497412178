// What the gateway must still know of an attempt at a TES server after a restart, in the attempt's
// directory: state/ticket, the assignment, and state/task, the task's id and whether it was
// stopped. All calls block, and are durable when they return.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "schemas/dispatch.h"
#include "schemas/result.h"

namespace tradewind {

struct TesTicket {
  AttemptId attempt;
  Assignment assignment;
  std::string task;                // empty: not known
  std::optional<EndCode> stopped;  // by which word
};

// `name` is that of an AttemptDirectory below `root`, which must be there.
Status write_tes_ticket(const std::filesystem::path& root, const std::string& name,
                        const AttemptId& attempt, const Assignment& assignment);
Status write_tes_task(const std::filesystem::path& root, const std::string& name,
                      const std::string& task, std::optional<EndCode> stopped);
// ErrorCode::not_found when there is none; corrupt when it cannot be read.
Result<TesTicket> read_tes_ticket(const std::filesystem::path& root, const std::string& name);

}  // namespace tradewind
