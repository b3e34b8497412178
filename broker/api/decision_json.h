// Decisions as JSON: every part of the cost, who came next, and why not the others.
#pragma once

#include <string_view>

#include "broker/api/json.h"
#include "broker/core/service.h"
#include "schemas/decision.h"
#include "schemas/job.h"

namespace tradewind {

json::object cost_to_json(const CostBreakdown& cost);
// `spec` gives variants and inputs their names.
json::object candidate_to_json(const Candidate& candidate, const JobSpec& spec);
json::object decision_to_json(const Decision& decision, const JobSpec& spec,
                              std::string_view currency);
// Of a queued job: with what its tenant's budget lacks.
json::object waiting_to_json(const WaitingDecision& waiting, const JobSpec& spec,
                             std::string_view currency);
std::string explain(const WaitingDecision& waiting, const JobSpec& spec, std::string_view currency);
// One sentence: why the decision came out as it did.
std::string explain(const Decision& decision, const JobSpec& spec, std::string_view currency);
// "needs 80 GiB of accelerator memory, has 48 (accelerator_memory)".
std::string explain(const Rejection& rejection);

}  // namespace tradewind
