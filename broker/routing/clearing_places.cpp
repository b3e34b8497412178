#include "broker/routing/clearing_places.h"

#include <algorithm>
#include <utility>

#include "broker/routing/survey.h"

namespace tradewind {
namespace {

struct KindPools {
  std::vector<std::uint32_t> pools;
  bool complete = false;  // whether these are all that are adequate for the shortest jobs
};

// Of two requests of one kind: whether the first surely runs no longer anywhere, so that it is
// adequate wherever the other is.
bool no_longer(const RouteRequest& first, const RouteRequest& other) {
  return std::ranges::equal(
      first.spec.variants, other.spec.variants, [](const Variant& a, const Variant& b) {
        if (a.duration_seconds == 0 && b.duration_seconds == 0) {
          return (a.work_seconds == 0) == (b.work_seconds == 0) && a.work_seconds <= b.work_seconds;
        }
        return a.duration_seconds != 0 && a.duration_seconds <= b.duration_seconds;
      });
}

// Pools, each once a round.
class Listing {
 public:
  explicit Listing(std::size_t pools_count) : listed_(pools_count, 0) {}
  void begin() { ++round_; }
  void add(std::uint32_t pool, std::vector<std::uint32_t>& to) {
    if (std::exchange(listed_[pool], round_) != round_) to.push_back(pool);
  }

 private:
  std::vector<std::uint32_t> listed_;  // by pool the last round that it was in
  std::uint32_t round_ = 0;
};

}  // namespace

ClassPlaces find_places(Chooser& chooser, const ClearingGroups& groups,
                        std::span<const std::vector<std::uint32_t>> taken,
                        const MarketColumns& left, Wall::time_point now,
                        const ClearingOptions& options) {
  const MarketColumns& columns = chooser.view().columns();
  const std::vector<JobClass>& classes = groups.classes();
  const std::size_t count =
      std::clamp(options.ways_budget / std::max<std::size_t>(1, classes.size()), options.ways_min,
                 options.ways_max);
  Listing listing(columns.pools_count());
  std::vector<KindPools> found(groups.kinds().size());
  for (std::size_t at = 0; at < found.size(); ++at) {
    const JobKind& kind = groups.kinds()[at];
    KindPools& list = found[at];
    listing.begin();
    const auto add = [&](std::uint32_t number, const MarketColumns& from, std::size_t most) {
      const Nearest nearest = chooser.nearest(*classes[number].request, from, now, most);
      for (const Chosen& each : nearest.ways) listing.add(pool_of(columns, each), list.pools);
      return nearest.complete;
    };
    for (const std::uint32_t number : {kind.shortest, kind.longest}) {
      const bool complete = !classes[number].best || add(number, columns, count);
      if (!complete) add(number, left, (count + 3) / 4);
      if (number == kind.shortest) list.complete = complete;
      if (list.complete || kind.shortest == kind.longest) break;
    }
  }

  ClassPlaces places;
  places.by_class.resize(classes.size());
  places.complete.resize(classes.size(), false);
  std::vector<std::uint32_t> pools;
  for (std::size_t number = 0; number < classes.size(); ++number) {
    const JobClass& each = classes[number];
    if (!each.best) continue;
    const KindPools& of_kind = found[each.kind];
    pools.clear();
    listing.begin();
    const auto add = [&](std::uint32_t pool) { listing.add(pool, pools); };
    add(each.best->pool);
    std::ranges::for_each(taken[number], add);
    std::ranges::for_each(of_kind.pools, add);
    std::vector<ClassPlace>& list = places.by_class[number];
    list.reserve(pools.size());
    for (const Chosen& chosen : chooser.at(*each.request, columns, now, pools)) {
      list.push_back(groups.place_of(each, chosen));
    }
    std::ranges::sort(list, {},
                      [](const ClassPlace& place) { return std::pair(place.value, place.pool); });
    places.count += list.size();
    const RouteRequest& shortest = *classes[groups.kinds()[each.kind].shortest].request;
    places.complete[number] = of_kind.complete && no_longer(shortest, *each.request);
  }
  return places;
}

}  // namespace tradewind
