// Whether the process engine could ever run an assignment.
#pragma once

#include "gateway/engines/process_engine.h"
#include "schemas/dispatch.h"
#include "schemas/result.h"

namespace tradewind {

// Pool, commands, environment, paths and URLs. Errors name the field, as "inputs[0].url".
Status check_assignment(const Assignment& assignment, const ProcessEngineOptions& options);

}  // namespace tradewind
