#include "tests/unit/routing/digest.h"

#include <string>
#include <string_view>

#include "broker/routing/chooser.h"
#include "broker/routing/clearing.h"
#include "schemas/codec.h"
#include "schemas/ids.h"
#include "tests/unit/routing/random_market.h"

namespace tradewind::digest {

namespace {

std::uint64_t with(std::uint64_t hash, const Decision& decision) {
  const Bytes bytes = encode(decision);
  return stable_hash(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                     hash);
}

std::uint64_t with(std::uint64_t hash, ClearingValue::Wide value) {
  std::string text;
  for (int byte = 0; byte < 16; ++byte) text += static_cast<char>(value >> (8 * byte) & 255);
  return stable_hash(text, hash);
}

}  // namespace

std::uint64_t of_decisions(std::uint64_t count) {
  std::uint64_t hash = stable_hash("");
  const auto take = [&hash](const Decision& decision) { hash = with(hash, decision); };
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

std::uint64_t of_clearings(std::uint64_t count) {
  std::uint64_t hash = stable_hash("");
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    sample::Random random(seed);
    const sample::Contest contest = sample::random_contest(random, 12, 12);
    Chooser chooser(contest.market.view, contest.market.options);
    const Cleared cleared = clear(chooser, contest.queue.requests(contest.market), sample::now);
    for (const Cleared::Placement& each : cleared.placements) {
      hash = with(with(hash, ClearingValue::Wide{each.job}), each.decision);
    }
    hash = with(with(hash, cleared.greedy.total()), cleared.bound);
    if (cleared.flow) hash = with(hash, cleared.flow->total());
  }
  return hash;
}

}  // namespace tradewind::digest
