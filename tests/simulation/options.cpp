#include "tests/simulation/options.h"

#include <string_view>

#include "tests/simulation/random.h"

namespace tradewind::simulation {
namespace {

std::string_view name(Break broken) {
  switch (broken) {
    case Break::none: return "none";
    case Break::idempotency: return "idempotency";
    case Break::lease_wait: return "lease-wait";
    case Break::stale_dispatch: return "stale-dispatch";
    case Break::contracts: return "contracts";
    case Break::wrong_cost: return "wrong-cost";
  }
  return "none";
}

}  // namespace

SimulationOptions draw(std::uint64_t seed, Break broken) {
  Random random(seed * 0x2545f4914f6cdd1dULL + 1);
  const auto half = [&] { return random.below(2) == 0; };
  SimulationOptions options;
  options.seed = seed;
  options.broken = broken;
  options.sites = static_cast<std::uint32_t>(random.between(1, 6));
  options.submissions = static_cast<std::uint32_t>(random.between(10, 40));
  options.fault_phase = random.between(60, 600) * kSecond;
  options.lease_seconds = half() ? 60 : static_cast<std::uint32_t>(random.between(15, 90));
  options.through_codec = random.below(4) == 0;
  options.engines_survive = random.below(3) == 0;
  if (half()) options.loss_ppm = static_cast<std::uint32_t>(random.between(1'000, 200'000));
  if (half()) options.duplicate_ppm = static_cast<std::uint32_t>(random.between(1'000, 200'000));
  if (half()) options.slow_ppm = static_cast<std::uint32_t>(random.between(1'000, 100'000));
  if (half()) options.delay_max = random.between(50, 3'000) * kMillisecond;
  if (half())
    options.held_dispatch_ppm = static_cast<std::uint32_t>(random.between(10'000, 300'000));
  if (half()) options.partition_every = random.between(20, 120) * kSecond;
  if (half()) options.broker_crash_every = random.between(10, 120) * kSecond;
  if (half()) options.gateway_crash_every = random.between(10, 120) * kSecond;
  if (half()) options.wipe_ppm = 300'000;
  if (half()) options.broker_pause_every = random.between(60, 200) * kSecond;
  if (half()) options.site_state_every = random.between(60, 200) * kSecond;
  // A wall clock that jumps while a gateway is down would be believed about its leases, and an
  // engine that runs on meanwhile would not know: the two are not drawn together.
  if (half() && !options.engines_survive)
    options.wall_jump_every = random.between(60, 200) * kSecond;
  if (half()) options.clock_offset_max = random.between(1, 2'000) * kMillisecond;
  if (half()) options.clock_drift_ppm = 200;
  if (half()) options.commit_max = random.between(5, 500) * kMillisecond;
  options.attempt_failure_ppm = half() ? 0 : static_cast<std::uint32_t>(random.between(1, 400'000));
  return options;
}

std::string describe(const SimulationOptions& options) {
  std::string text = "seed=" + std::to_string(options.seed);
  const auto add = [&text](std::string_view key, std::int64_t value, std::string_view unit = "") {
    text += ' ';
    text += key;
    text += '=' + std::to_string(value);
    text += unit;
  };
  const auto seconds = [&](std::string_view key, Micros value) { add(key, value / kSecond, "s"); };
  const auto milliseconds = [&](std::string_view key, Micros value) {
    add(key, value / kMillisecond, "ms");
  };
  text += " break=" + std::string(name(options.broken));
  add("sites", options.sites);
  add("submissions", options.submissions);
  seconds("fault-phase", options.fault_phase);
  add("lease", options.lease_seconds, "s");
  add("through-codec", options.through_codec ? 1 : 0);
  add("engines-survive", options.engines_survive ? 1 : 0);
  add("loss", options.loss_ppm, "ppm");
  add("duplicate", options.duplicate_ppm, "ppm");
  add("slow", options.slow_ppm, "ppm");
  milliseconds("delay-max", options.delay_max);
  add("held-dispatch", options.held_dispatch_ppm, "ppm");
  seconds("partition-every", options.partition_every);
  seconds("broker-crash-every", options.broker_crash_every);
  seconds("gateway-crash-every", options.gateway_crash_every);
  add("wipe", options.wipe_ppm, "ppm");
  seconds("broker-pause-every", options.broker_pause_every);
  seconds("site-state-every", options.site_state_every);
  seconds("wall-jump-every", options.wall_jump_every);
  milliseconds("clock-offset-max", options.clock_offset_max);
  add("clock-drift", options.clock_drift_ppm, "ppm");
  milliseconds("commit-max", options.commit_max);
  add("attempt-failure", options.attempt_failure_ppm, "ppm");
  return text;
}

}  // namespace tradewind::simulation
