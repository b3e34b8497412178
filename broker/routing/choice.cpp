#include "broker/routing/choice.h"

#include <algorithm>
#include <tuple>

#include "schemas/assert.h"
#include "schemas/ids.h"
#include "schemas/money.h"

namespace tradewind {
namespace {

constexpr std::string_view kZero("\0", 1);

}  // namespace

std::int64_t highest_value_within(std::int64_t least, std::int64_t tolerance_ppm) {
  __extension__ using Wide = unsigned __int128;
  const Wide above =
      static_cast<Wide>(least) * static_cast<Wide>(tolerance_ppm) / static_cast<Wide>(ppm_one);
  const Wide sum = static_cast<Wide>(least) + above;
  return static_cast<std::int64_t>(std::min(sum, static_cast<Wide>(INT64_MAX)));
}

std::int64_t objective_value(const JobSpec& spec, const CostBreakdown& cost,
                             const FinishEstimate& finish) {
  const auto seconds = static_cast<std::int64_t>(finish.total_seconds);
  switch (spec.objective) {
    case Objective::cheapest: return cost.total.micros;
    case Objective::fastest: return seconds;
    case Objective::balanced: break;
  }
  const auto worth = cost_ceil(spec.value_per_hour, std::chrono::seconds{seconds});
  const auto sum = worth ? add(*worth, cost.total) : std::nullopt;
  return sum ? sum->micros : INT64_MAX;
}

std::int64_t objective_value(const JobSpec& spec, const Draft& draft) {
  return objective_value(spec, draft.cost, draft.finish);
}

std::uint64_t tie_hash(std::string_view tie_key, const Draft& draft) {
  std::uint64_t hash = stable_hash(tie_key);
  hash = stable_hash(draft.site->record.site.value, stable_hash(kZero, hash));
  hash = stable_hash(draft.pool->id.value, stable_hash(kZero, hash));
  // FNV's upper bits hardly move between names that differ in their last letters, as sites' and
  // pools' do: without this the first of ten like sites would win half of all ties.
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31);
}

bool better(const Draft& a, const Draft& b, std::string_view tie_key) {
  const auto numbers = [](const Draft& draft) {
    return std::tuple(draft.value, draft.cost.total.micros, draft.finish.total_seconds,
                      ~draft.units_free);
  };
  if (const auto order = numbers(a) <=> numbers(b); order != 0) return order < 0;
  if (a.pool != b.pool) {
    const std::uint64_t hash_a = tie_hash(tie_key, a);
    const std::uint64_t hash_b = tie_hash(tie_key, b);
    if (hash_a != hash_b) return hash_a < hash_b;
  }
  const auto names = [](const Draft& draft) {
    return std::tie(draft.site->record.site, draft.pool->id, draft.pool_index, draft.preemptible,
                    draft.variant);
  };
  return names(a) < names(b);
}

std::size_t choose(std::vector<Draft>& drafts, std::size_t count, std::string_view tie_key,
                   std::int64_t tolerance_ppm) {
  TRADEWIND_ASSERT(!drafts.empty());
  count = std::clamp<std::size_t>(count, 1, drafts.size());
  const auto front = drafts.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(drafts.begin(), front, drafts.end(),
                    [&](const Draft& a, const Draft& b) { return better(a, b, tie_key); });
  if (tolerance_ppm <= 0) return 0;

  const std::int64_t highest = highest_value_within(drafts.front().value, tolerance_ppm);
  std::size_t chosen = 0;
  std::uint64_t least_hash = tie_hash(tie_key, drafts.front());
  for (std::size_t index = 1; index < drafts.size(); ++index) {
    if (drafts[index].value > highest) continue;
    const std::uint64_t hash = tie_hash(tie_key, drafts[index]);
    const bool before =
        hash != least_hash ? hash < least_hash : better(drafts[index], drafts[chosen], tie_key);
    if (before) {
      chosen = index;
      least_hash = hash;
    }
  }
  if (chosen < count) return chosen;
  std::swap(drafts[count], drafts[chosen]);
  return count;
}

}  // namespace tradewind
