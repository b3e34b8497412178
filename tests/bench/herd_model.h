// Many brokers that all route to the cheapest site by what gossip told them a while ago: how many
// tries a job takes, and how many jobs find no place in one pass. Small clock, real cores: each
// broker is a MarketRouter over its own market view, each site an Admission that prices and
// publishes as its gateway does.
//
// 200 sites of 50 slots, list prices spread evenly from 0.5 to 2.0, 20 brokers, jobs of one slot
// that hold it for 300 s on average (exponential) and arrive at random (Poisson), so that 85 % of
// all slots are taken on average. A site signs a sheet when one is worth publishing, looked at each
// 0.1 s, and every broker sees it `lag` later. A dispatch and its answer take 50 ms each. A job
// tries at most 8 sites in one pass, none twice; without a place it comes again after 1 s, 2 s, and
// so on up to 30 s. The first 400 s fill the sites and are not counted.
//
// The lifecycle is left out: leases, questions and its own pauses have no part in this.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <tuple>
#include <vector>

#include "broker/core/market_router.h"
#include "gateway/admission/admission.h"
#include "tests/bench/market.h"

namespace tradewind::herd {

inline constexpr auto kWarmUp = std::chrono::seconds(400);

struct Policy {
  const char* name;
  bool refusal_tells = true;  // a refusal carries the site's newest sheet
  bool debits = true;
  bool congestion_price = true;
  std::uint32_t spare_units = 0;  // always wanted
  bool under_load = true;         // what the broker does by itself where a site refused lately
};

struct Found {
  std::uint64_t passes = 0;
  std::uint64_t tries = 0;
  std::uint64_t unplaced = 0;
  std::int64_t least_trust_ppm = ppm_one;
};

class Herd {
 public:
  Herd(const Policy& policy, Mono::duration lag, Mono::duration measured, std::uint64_t seed);
  Found run();

 private:
  struct Site {
    SiteRecord record;
    std::unique_ptr<Admission> admission;
    std::optional<QuoteSheet> last;
    Mono::time_point published{};
    Record sheet;
  };
  struct Job {
    JobRecord record;
    std::uint32_t broker = 0;
    std::vector<SiteId> refused;  // in this pass, in order
    Mono::duration pause = std::chrono::seconds(1);
  };
  struct Event {
    Mono::time_point at;
    std::uint64_t number;
    std::function<void()> act;
    bool operator<(const Event& other) const {
      return std::tie(other.at, other.number) < std::tie(at, number);
    }
  };

  void at(Mono::time_point time, std::function<void()> act) {
    events_.push(Event{time, ++events_count_, std::move(act)});
  }
  void after(Mono::duration span, std::function<void()> act) {
    at(now_.mono + span, std::move(act));
  }
  // Exponentially distributed.
  Mono::duration random_span(std::chrono::duration<double> mean) {
    const double span = std::exponential_distribution<double>(1 / mean.count())(random_);
    return std::chrono::duration_cast<Mono::duration>(std::chrono::duration<double>(span));
  }
  void arrive();
  void look();
  void publish(Site& site, QuoteSheet sheet);
  void decide(const std::shared_ptr<Job>& job);
  void dispatch(const std::shared_ptr<Job>& job, const Decision& decision, std::int64_t price_ppm);
  void answer(const std::shared_ptr<Job>& job, const Candidate& chosen, const AttemptId& attempt,
              bool granted, const Record& sheet);
  void end_pass(const std::shared_ptr<Job>& job, bool placed);
  void record(Job& job, decltype(Entry::body) body);

  const Policy& policy_;
  const Mono::duration lag_;
  const Mono::time_point end_;
  std::mt19937_64 random_;
  Now now_{Mono::time_point(std::chrono::seconds(1'000)), bench::now};
  const Mono::time_point counted_from_ = now_.mono + kWarmUp;
  std::priority_queue<Event> events_;
  std::uint64_t events_count_ = 0;
  std::uint64_t jobs_count_ = 0;
  std::deque<Site> sites_;
  std::vector<std::unique_ptr<MarketRouter>> brokers_;
  Found found_;
};

}  // namespace tradewind::herd
