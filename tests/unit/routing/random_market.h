// Random markets and jobs for the routing tests, the same from the same seed with every compiler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>

#include "schemas/job.h"
#include "schemas/site.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind::sample {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t count) { return engine_() % count; }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  std::int64_t number(std::int64_t from, std::int64_t to) {
    return from + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(to - from + 1)));
  }
  std::uint32_t small(std::uint32_t from, std::uint32_t to) {
    return static_cast<std::uint32_t>(number(from, to));
  }
  template <class T>
  T among(std::initializer_list<T> values) {
    return *(values.begin() + static_cast<std::ptrdiff_t>(below(values.size())));
  }

 private:
  std::mt19937_64 engine_;
};

// Sites number from 1 and lie in one of four regions.
SiteRecord random_site(Random& random, int number);
// What a site that has such pools may quote.
QuoteSheet random_sheet(Random& random, const SiteRecord& record);
// Of some of the currencies that pools sell in; versions are small and at random.
RateTable random_rates(Random& random);
// Options, tie key and up to `sites_max` sites, with sheets, members, exclusions and debits.
Market random_market(Random& random, std::uint32_t sites_max = 6);
JobSpec random_job(Random& random);

// A market and jobs that contend for its capacity: up to `alike_max` of each that are alike, of
// several priorities, some on several nodes.
struct Contest {
  Market market;
  Queue queue;
};
Contest random_contest(Random& random, std::uint32_t sites_max, std::uint64_t alike_max);

}  // namespace tradewind::sample
