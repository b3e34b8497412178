#include "schemas/http_status.h"

namespace tradewind {

ErrorCode error_code_of(long http_status) {
  switch (http_status) {
    case 401: return ErrorCode::unauthenticated;
    case 403: return ErrorCode::forbidden;
    case 404: return ErrorCode::not_found;
    case 409: return ErrorCode::conflict;
    case 413: return ErrorCode::too_large;
    case 429: return ErrorCode::exhausted;
    case 502:
    case 503:
    case 504: return ErrorCode::unavailable;
    default: return http_status < 500 ? ErrorCode::invalid : ErrorCode::internal;
  }
}

}  // namespace tradewind
