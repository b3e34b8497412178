#include "tests/unit/routing/digest.h"

#include <string_view>

#include "broker/routing/chooser.h"
#include "schemas/codec.h"
#include "schemas/ids.h"
#include "tests/unit/routing/random_market.h"

namespace tradewind::digest {

std::uint64_t of_decisions(std::uint64_t count) {
  std::uint64_t hash = stable_hash("");
  const auto take = [&hash](const Decision& decision) {
    const Bytes bytes = encode(decision);
    hash = stable_hash(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                       hash);
  };
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    sample::Random random(seed);
    const sample::Market market = sample::random_market(random, 12);
    const JobSpec spec = sample::random_job(random);
    const Decision scanned = market.route(spec);
    take(scanned);
    Chooser chooser(market.view, market.options);
    const RouteRequest request{spec, market.tenant, market.tie_key, market.excluded};
    take(chooser.choose(request, sample::now).value_or(scanned));
  }
  return hash;
}

}  // namespace tradewind::digest
