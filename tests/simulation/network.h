// Messages between the broker and the gateways: lost, late, doubled, reordered, cut off.
#pragma once

#include <functional>
#include <set>
#include <utility>

#include "schemas/ids.h"
#include "tests/simulation/options.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"

namespace tradewind::simulation {

class Network {
 public:
  Network(Scheduler& scheduler, Random& random, const SimulationOptions& options)
      : scheduler_(scheduler), random_(random), options_(options) {}

  // A message between the broker and this site; `deliver` may be called twice.
  void send(const SiteId& site, bool to_site, bool dispatch, const std::function<void()>& deliver) {
    if (calm_) {
      scheduler_.after(random_.between(1, 20) * kMillisecond, deliver);
      return;
    }
    if (cut_.count({site, to_site}) != 0 || random_.chance(options_.loss_ppm)) return;
    const int copies = random_.chance(options_.duplicate_ppm) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      Micros delay = random_.between(kMillisecond, options_.delay_max);
      if (random_.chance(options_.slow_ppm)) delay += random_.between(0, options_.slow_max);
      if (dispatch && random_.chance(options_.held_dispatch_ppm)) {
        delay += random_.between(0, 300 * kSecond);
      }
      scheduler_.after(delay, deliver);
    }
  }
  // One direction or, called twice, both.
  void cut(const SiteId& site, bool to_site) { cut_.insert({site, to_site}); }
  void heal(const SiteId& site) {
    cut_.erase({site, true});
    cut_.erase({site, false});
  }
  void calm() {
    calm_ = true;
    cut_.clear();
  }

 private:
  Scheduler& scheduler_;
  Random& random_;
  const SimulationOptions& options_;
  bool calm_ = false;
  std::set<std::pair<SiteId, bool>> cut_;
};

}  // namespace tradewind::simulation
