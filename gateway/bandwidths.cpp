#include "gateway/bandwidths.h"

#include <algorithm>
#include <chrono>

#include "schemas/limits.h"

namespace tradewind {
namespace {

constexpr std::uint64_t bytes_max = std::uint64_t{1} << 50;  // keeps the products within 64 bits

std::uint32_t lower_median(const std::deque<std::uint32_t>& samples) {
  if (samples.empty()) return 0;
  std::vector<std::uint32_t> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted[(sorted.size() - 1) / 2];
}

bool far_apart(std::uint32_t a, std::uint32_t b) {
  const std::uint64_t least = std::min(a, b);
  return std::max(a, b) - least > least / 4;
}

}  // namespace

void Bandwidths::add(const RegionId& region, const StagedFile& transfer, Wall::time_point now) {
  if (transfer.size_bytes < bytes_min || transfer.milliseconds < milliseconds_min) return;
  // 10^6 bit/s are 125 bytes a millisecond.
  const std::uint64_t mbit = std::min(transfer.size_bytes, bytes_max) / 125 / transfer.milliseconds;
  Measured& measured = regions_[region];
  std::deque<std::uint32_t>& samples = transfer.arrived ? measured.in : measured.out;
  samples.push_back(
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(mbit, 1, limits::bandwidth_mbit_max)));
  if (samples.size() > samples_max) samples.pop_front();
  measured.newest = now;
  if (regions_.size() <= limits::measured_regions_max) return;
  regions_.erase(std::min_element(
      regions_.begin(), regions_.end(),
      [](const auto& a, const auto& b) { return a.second.newest < b.second.newest; }));
}

std::vector<Bandwidth> Bandwidths::row(Wall::time_point now) const {
  std::vector<Bandwidth> row;
  for (const auto& [region, measured] : regions_) {
    if (now - measured.newest > remembered) continue;
    row.push_back(Bandwidth{region, lower_median(measured.in), lower_median(measured.out),
                            std::min(measured.newest, now)});
  }
  return row;
}

bool row_change_matters(const std::vector<Bandwidth>& before, const std::vector<Bandwidth>& after) {
  return !std::equal(before.begin(), before.end(), after.begin(), after.end(),
                     [](const Bandwidth& a, const Bandwidth& b) {
                       return a.region == b.region && !far_apart(a.in_mbit, b.in_mbit) &&
                              !far_apart(a.out_mbit, b.out_mbit) &&
                              b.measured - a.measured < std::chrono::hours(1);
                     });
}

}  // namespace tradewind
