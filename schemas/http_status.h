// What an HTTP status says went wrong, for clients of the broker's endpoint. Pure.
#pragma once

#include "schemas/result.h"

namespace tradewind {

// Of an answer that is none of success: those of RFC 9110 that the endpoint gives, and any other by
// its class.
ErrorCode error_code_of(long http_status);

}  // namespace tradewind
