// GA4GH TES 1.1 tasks: a thin translation to and from jobs. docs/tes.md has the rules it follows.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/api/json.h"
#include "broker/api/places.h"
#include "schemas/decision.h"
#include "schemas/job.h"
#include "schemas/journal.h"
#include "schemas/result.h"

namespace tradewind {

struct TesSubmission {
  JobSpec spec;
  std::string idempotency_key;  // from backend_parameters; empty: none
  std::string currency;         // the same: that of its amounts; empty: the accounting currency
};
// Reads a task document. What the server sets and what nobody knows is ignored, null counts as
// absent; the rest is checked as strictly as a native job.
Result<TesSubmission> parse_tes_task(std::string_view text);

// Where JobSpec::tes_resources keeps what is to be said in the system logs; never shown.
inline constexpr const char* tes_warnings_member = "tradewind_warnings";

// The keys of resources.backend_parameters that mean something here, in lower case.
const std::vector<std::string_view>& tes_backend_parameters();

enum class TesView { minimal, basic, full };
// "MINIMAL", "BASIC", "FULL"; empty is MINIMAL.
Result<TesView> parse_tes_view(std::string_view text);

// The states of TES that a task of ours can be in.
std::string_view tes_state(const JobRecord& job);
// Whether TES 1.1 has a state of that name.
bool is_tes_state(std::string_view text);

// `waiting` is the latest routing of a job that waits, for its system logs.
json::object tes_task_to_json(const JobRecord& job, TesView view, const Places& places,
                              std::string_view currency,
                              const std::optional<WaitingDecision>& waiting = std::nullopt);

}  // namespace tradewind
