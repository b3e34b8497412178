// One site, one job, and why the site will not do.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "broker/routing/adequacy.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind::sample {

inline void expect_refused(const Decision& decision, ReasonCode reason, std::int64_t wanted,
                           std::int64_t offered, const std::string& detail) {
  const Rejection rejection = only_rejection(decision);
  EXPECT_EQ(to_string(rejection.reason), to_string(reason));
  EXPECT_EQ(rejection.wanted, wanted);
  EXPECT_EQ(rejection.offered, offered);
  EXPECT_EQ(rejection.detail, detail);
  EXPECT_EQ(decision.outcome, is_passing(reason) ? Outcome::waiting : Outcome::unroutable);
}

inline Decision on(const SiteRecord& record, const JobSpec& spec) {
  Market market;
  market.add(record);
  return market.route(spec);
}

inline Pool gpu_pool() {
  Pool result = pool("gpu");
  result.accelerator = Accelerator{"cuda", "a100", 48, Interconnect::pcie};
  result.node.accelerators = 4;
  result.unit.accelerators = 1;
  return result;
}

}  // namespace tradewind::sample
