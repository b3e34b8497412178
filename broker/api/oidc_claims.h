// Who comes with a token of an issuer: its claims, checked and mapped. Pure.
#pragma once

#include "broker/api/access.h"
#include "broker/api/json.h"
#include "broker/api/oidc_settings.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

// The caller that the claims of a token with a good signature tell of. Fails with unauthenticated
// when they are another issuer's, for another audience, expired, not valid yet, or malformed; with
// forbidden when they give no role here, or no tenant to a user. Of several roles the one counts
// that may most.
Result<Caller> caller_of(const json::object& claims, const OidcSettings& settings,
                         Wall::time_point now);

}  // namespace tradewind
