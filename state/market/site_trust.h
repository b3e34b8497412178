// What a site's promises are worth to this broker, by what came of its own attempts there
// (docs/routing.md, "Trust").
#pragma once

#include <cstdint>
#include <string_view>

#include "schemas/money.h"
#include "schemas/time.h"

namespace tradewind {

enum class TrustState : std::uint8_t {
  trusted,
  distrusted,  // nothing goes there, until some time
  on_trial,    // open for one attempt
  tried,       // that attempt is there, and nothing else goes there meanwhile
};
constexpr std::string_view to_string(TrustState state) {
  switch (state) {
    case TrustState::trusted: return "trusted";
    case TrustState::distrusted: return "distrusted";
    case TrustState::on_trial: return "on_trial";
    case TrustState::tried: return "tried";
  }
  return {};
}

struct SiteTrust {
  static constexpr std::int64_t least_ppm = 250'000;  // below it a site is distrusted

  std::int64_t ppm = ppm_one;  // 0 to 1,000,000
  TrustState state = TrustState::trusted;
  Wall::time_point until{};  // of TrustState::distrusted

  bool closed() const { return state == TrustState::distrusted || state == TrustState::tried; }
  friend bool operator==(const SiteTrust&, const SiteTrust&) = default;
};

}  // namespace tradewind
