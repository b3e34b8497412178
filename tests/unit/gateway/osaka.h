// The site that most of these tests are about.
#pragma once

#include "schemas/ids.h"

namespace tradewind {

inline const SiteId osaka{"jp-osaka-1"};

}  // namespace tradewind
