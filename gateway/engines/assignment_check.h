// Whether an engine could ever run an assignment.
#pragma once

#include "gateway/engines/process_engine.h"
#include "schemas/dispatch.h"
#include "schemas/result.h"

namespace tradewind {

// Where the system's programs are that a command can name.
enum class Programs {
  here,       // on this machine: one that it lacks is an error
  elsewhere,  // on machines that cannot be looked at
};

// Pool, commands, environment, paths and URLs. Errors name the field, as "inputs[0].url".
Status check_assignment(const Assignment& assignment, const ProcessEngineOptions& options,
                        Programs programs);

// Whether it says in which image it runs.
bool names_image(const Executor& executor);

}  // namespace tradewind
