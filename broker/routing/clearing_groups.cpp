#include "broker/routing/clearing_groups.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <numeric>

#include "broker/routing/adequacy.h"
#include "broker/routing/job_class.h"

namespace tradewind {
namespace {

using Wide = ClearingGroups::Wide;

// How much dearer than its own best place the dearest of all jobs is to reject, per size, at the
// lowest priority, whose weight is 1.
constexpr Wide kRejectFactor = 1'024;

// What one unit of a pool counts in the sizes of jobs: an accelerator as 32 CPUs, 4 GiB as one.
std::uint64_t unit_measure(const Resources& unit) {
  if (unit.accelerators > 0) return 32 * std::uint64_t{unit.accelerators};
  return std::max<std::uint64_t>(1, unit.cpus + unit.memory_mib / 4'096);
}

// Numbers for things that are found by a hash and a comparison.
class Numbers {
 public:
  explicit Numbers(std::size_t most) {
    while (slots_.size() < 2 * most) slots_.resize(2 * slots_.size());
  }
  // The number for which `same` holds, or `next`, which it then is.
  template <class Same>
  std::uint32_t find(std::uint64_t hash, std::size_t next, Same same) {
    std::size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].number != kNone; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].hash == hash && same(slots_[at].number)) return slots_[at].number;
    }
    slots_[at] = {hash, static_cast<std::uint32_t>(next)};
    return slots_[at].number;
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t number = kNone;
  };
  std::vector<Slot> slots_{64};
};

std::uint64_t stated_seconds(const RouteRequest& request) {
  const Variant& variant = request.spec.variants.front();
  return variant.duration_seconds != 0 ? variant.duration_seconds : variant.work_seconds;
}

}  // namespace

ClearingGroups::ClearingGroups(Chooser& chooser, std::span<const RouteRequest> jobs,
                               Wall::time_point now)
    : columns_(chooser.view().columns()), jobs_(jobs) {
  find_classes(chooser, now);
  find_sizes();
}

void ClearingGroups::find_classes(Chooser& chooser, Wall::time_point now) {
  Numbers numbers(jobs_.size());
  Numbers kind_numbers(jobs_.size());
  for (std::uint32_t job = 0; job < jobs_.size(); ++job) {
    const RouteRequest& request = jobs_[job];
    const std::uint32_t number = numbers.find(
        class_hash(request), classes_.size(),
        [&](std::uint32_t other) { return same_class(*classes_[other].request, request); });
    class_of_.push_back(number);
    if (number == classes_.size()) {
      JobClass& made = classes_.emplace_back();
      made.request = &request;
      made.nodes = nodes_wanted(request.spec);
      made.weight = 101 + std::clamp(request.spec.priority, -100, 100);
      made.kind = kind_numbers.find(kind_hash(request), kinds_.size(), [&](std::uint32_t other) {
        return same_kind(*classes_[kinds_[other].shortest].request, request);
      });
      if (made.kind == kinds_.size()) kinds_.push_back({number, number});
      JobKind& kind = kinds_[made.kind];
      const auto seconds = [&](std::uint32_t other) {
        return stated_seconds(*classes_[other].request);
      };
      if (seconds(number) < seconds(kind.shortest)) kind.shortest = number;
      if (seconds(number) > seconds(kind.longest)) kind.longest = number;
      if (const auto best = chooser.best(request, columns_, now)) {
        // A second counts as what one costs at the best place, at least a micro-unit.
        made.second_rate.micros = std::max<std::int64_t>(3'600, best->draft.rate.micros);
        made.best = place_of(made, *best);
      }
    }
    classes_[number].jobs.push_back(job);
  }
}

void ClearingGroups::find_sizes() {
  std::uint64_t unit = 0;
  for (JobClass& each : classes_) {
    if (!each.best) continue;
    each.size = static_cast<std::uint64_t>(std::min(measure(*each.best), size_max));
    unit = std::gcd(unit, each.size);
  }
  Wide dearest = 0;
  for (JobClass& each : classes_) {
    if (!each.best) continue;
    each.size /= unit;
    const auto size = static_cast<Wide>(each.size);
    dearest = std::max(dearest, (each.best->worth + size - 1) / size);
  }
  reject_ = kRejectFactor * (1 + dearest);
}

ClassPlace ClearingGroups::place_of(const JobClass& each, const Chosen& chosen) const {
  const Draft& draft = chosen.draft;
  ClassPlace place;
  place.pool = pool_of(columns_, chosen);
  place.units = draft.units;
  place.reserved = std::uint64_t{each.nodes} * draft.units;
  place.value = draft.value;
  place.worth = draft.value;
  if (each.request->spec.objective == Objective::fastest) {
    const auto worth = cost_ceil(each.second_rate, std::chrono::seconds{draft.value});
    place.worth = worth ? worth->micros : INT64_MAX;
  }
  place.worth = std::min(place.worth, worth_max);
  return place;
}

Wide ClearingGroups::measure(const ClassPlace& place) const {
  const std::uint64_t unit = unit_measure(columns_.pool_record(place.pool).unit);
  return static_cast<Wide>(place.reserved) * static_cast<Wide>(unit);
}

Wide ClearingGroups::reject_price(const JobClass& each) const {
  return reject_ * each.weight * static_cast<Wide>(each.size);
}

Wide ClearingGroups::least_alone() const {
  Wide sum = 0;
  for (const JobClass& each : classes_) {
    if (each.best) sum += Wide{each.best->worth} * static_cast<Wide>(each.jobs.size());
  }
  return sum;
}

}  // namespace tradewind
