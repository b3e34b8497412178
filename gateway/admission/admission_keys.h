// Keys of admission's part of the gateway's store; admission_store.cpp lists them.
#pragma once

#include <string>

#include "schemas/ids.h"

namespace tradewind {

std::string attempt_key(const AttemptId& attempt);
std::string lease_key(const AttemptId& attempt);
std::string fence_key(const NodeId& broker, const AttemptId& attempt);
std::string term_key(const NodeId& broker);

}  // namespace tradewind
