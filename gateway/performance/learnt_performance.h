// How fast a pool works on a class of jobs, learnt from jobs that said how much work they are.
// Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/dispatch.h"
#include "schemas/ids.h"
#include "schemas/result.h"

namespace tradewind {

// A pool and a class of work that the pool's factor is learnt for.
using LearntClass = std::pair<PoolId, std::string>;

class LearntPerformance {
 public:
  // Successes from one step of a factor to its next, so also before the first.
  static constexpr std::uint32_t step_samples = 5;
  // A step moves a factor by 1 / step_part of itself at most.
  static constexpr std::int64_t step_part = 4;
  // A factor stays within the start divided and multiplied by this.
  static constexpr std::int64_t range = 4;
  static constexpr std::size_t tenants_max = 16;  // of a class, those heard of last
  static constexpr std::size_t samples_per_tenant_max = 5;
  // Shorter runs tell more of starting than of working.
  static constexpr std::uint64_t run_milliseconds_min = 5'000;

  struct Factor {
    std::int64_t start_ppm = 0;  // what the operator wrote
    std::int64_t ppm = 0;        // what holds
    std::uint64_t successes = 0;
    std::size_t tenants = 0;
    friend bool operator==(const Factor&, const Factor&) = default;
  };

  // Learns these from now on, each from its start, 1 to limits::performance_ppm_max. What was
  // learnt from the same start stays, all else is forgotten.
  void learn(const std::map<LearntClass, std::int64_t>& starts);

  // What encode() made for this class earlier; ignored where the start is another one or the class
  // is not learnt. Fails with ErrorCode::corrupt and leaves it as it starts.
  Status restore(const LearntClass& learnt, std::string_view text);
  std::string encode(const LearntClass& learnt) const;

  // An attempt has ended. Returns the class that learnt of it; nothing when it did not succeed,
  // stated no work, was too short, or its class is not learnt.
  std::optional<LearntClass> ended(const Assignment& assignment, const EndReport& report);

  std::map<LearntClass, Factor> factors() const;

 private:
  struct Tenant {
    TenantId tenant;
    std::deque<std::int64_t> ppm;  // the newest last
  };
  struct Learning {
    std::int64_t start_ppm = 0;
    std::int64_t ppm = 0;
    std::uint64_t successes = 0;
    std::uint32_t since_step = 0;
    std::vector<Tenant> tenants;  // the one heard of last is the last
  };
  static void add(Learning& learning, const TenantId& tenant, std::int64_t ppm);
  static void step(Learning& learning);

  std::map<LearntClass, Learning> classes_;
};

}  // namespace tradewind
