#include "tests/simulation/options.h"

#include <type_traits>
#include <utility>

#include "tests/simulation/command.h"
#include "tests/simulation/random.h"
#include "tests/simulation/span.h"

namespace tradewind::simulation {
namespace {

constexpr std::pair<std::string_view, Break> kBreaks[] = {
    {"none", Break::none},
    {"idempotency", Break::idempotency},
    {"lease-wait", Break::lease_wait},
    {"stale-dispatch", Break::stale_dispatch},
    {"contracts", Break::contracts},
    {"term-check", Break::term_check},
    {"persist-before-send", Break::persist_before_send},
    {"version-check", Break::version_check},
    {"wrong-cost", Break::wrong_cost},
    {"budget-spent", Break::budget_spent},
};

// Each option by its name.
template <class Options, class Visit>
void each_option(Options& options, Visit visit) {
  visit("seed", options.seed);
  visit("break", options.broken);
  visit("brokers", options.brokers);
  visit("sites", options.sites);
  visit("site-nodes", options.site_nodes);
  visit("site-units", options.site_units);
  visit("submissions", options.submissions);
  visit("retries", options.retries);
  visit("fault-phase", options.fault_phase);
  visit("calm-phase", options.calm_phase);
  visit("lease", options.lease);
  visit("through-codec", options.through_codec);
  visit("ceilings", options.ceilings);
  visit("engines-survive", options.engines_survive);
  visit("loss-ppm", options.loss_ppm);
  visit("duplicate-ppm", options.duplicate_ppm);
  visit("slow-ppm", options.slow_ppm);
  visit("delay-max", options.delay_max);
  visit("slow-max", options.slow_max);
  visit("held-dispatch-ppm", options.held_dispatch_ppm);
  visit("partition-every", options.partition_every);
  visit("broker-crash-every", options.broker_crash_every);
  visit("gateway-crash-every", options.gateway_crash_every);
  visit("wipe-ppm", options.wipe_ppm);
  visit("restore-ppm", options.restore_ppm);
  visit("failover-every", options.failover_every);
  visit("disk-fault-every", options.disk_fault_every);
  visit("broker-pause-every", options.broker_pause_every);
  visit("wall-jump-every", options.wall_jump_every);
  visit("site-state-every", options.site_state_every);
  visit("swizzle-every", options.swizzle_every);
  visit("replay-every", options.replay_every);
  visit("lie-every", options.lie_every);
  visit("churn-every", options.churn_every);
  visit("storm-every", options.storm_every);
  visit("reconnect-every", options.reconnect_every);
  visit("budget-every", options.budget_every);
  visit("former-ppm", options.former_ppm);
  visit("upgrade-every", options.upgrade_every);
  visit("clock-offset-max", options.clock_offset_max);
  visit("clock-drift-ppm", options.clock_drift_ppm);
  visit("commit-max", options.commit_max);
  visit("attempt-failure-ppm", options.attempt_failure_ppm);
}

std::string text_of(Break broken) {
  for (const auto& [name, value] : kBreaks) {
    if (value == broken) return std::string(name);
  }
  return "none";
}
std::string text_of(bool value) {
  return value ? "1" : "0";
}
std::string text_of(Micros span) {
  return span_text(span);
}
std::string text_of(std::uint32_t number) {
  return std::to_string(number);
}
std::string text_of(std::uint64_t number) {
  return std::to_string(number);
}

bool read(std::string_view text, Break& broken) {
  const auto found = read_break(text);
  if (found) broken = *found;
  return found.has_value();
}
bool read(std::string_view text, Micros& span) {
  const auto found = read_span(text);
  if (found) span = *found;
  return found && *found >= 0;
}
template <class Number>
bool read(std::string_view text, Number& number) {
  const auto found = read_number(text);
  if (!found || *found < 0) return false;
  number = static_cast<Number>(*found);
  return std::is_same_v<Number, std::uint64_t> || static_cast<std::int64_t>(number) == *found;
}

}  // namespace

Result<Break> read_break(std::string_view name) {
  for (const auto& [each, value] : kBreaks) {
    if (each == name) return value;
  }
  std::string names;
  for (const auto& [each, value] : kBreaks)
    names += (names.empty() ? "" : ", ") + std::string(each);
  return fail(ErrorCode::invalid, "break", '\'' + std::string(name) + "' is none", "give " + names);
}

SimulationOptions draw(std::uint64_t seed, Break broken) {
  Random random(seed * 0x2545f4914f6cdd1dULL + 1);
  const auto half = [&] { return random.below(2) == 0; };
  const auto ppm = [&](std::int64_t low, std::int64_t high) {
    return static_cast<std::uint32_t>(random.between(low, high));
  };
  SimulationOptions options;
  options.seed = seed;
  options.broken = broken;
  options.sites = static_cast<std::uint32_t>(random.between(1, 6));
  options.submissions = static_cast<std::uint32_t>(random.between(10, 40));
  options.fault_phase = random.between(60, 600) * kSecond;
  if (half()) options.lease = random.between(15, 90) * kSecond;
  options.through_codec = random.below(4) == 0;
  options.engines_survive = random.below(3) == 0;
  if (half()) options.loss_ppm = ppm(1'000, 200'000);
  if (half()) options.duplicate_ppm = ppm(1'000, 200'000);
  if (half()) options.slow_ppm = ppm(1'000, 100'000);
  if (half()) options.delay_max = random.between(50, 3'000) * kMillisecond;
  if (half()) options.held_dispatch_ppm = ppm(10'000, 300'000);
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
  options.attempt_failure_ppm = half() ? 0 : ppm(1, 400'000);
  if (half()) options.retries = ppm(1, 3);
  const auto third = [&] { return random.below(3) == 0; };
  if (half()) options.brokers = ppm(2, 3);
  options.ceilings = half();
  if (third()) options.restore_ppm = 300'000;
  if (third()) options.failover_every = random.between(40, 150) * kSecond;
  if (third()) options.disk_fault_every = random.between(30, 120) * kSecond;
  if (third()) options.swizzle_every = random.between(40, 150) * kSecond;
  if (third()) options.replay_every = random.between(20, 120) * kSecond;
  if (third()) options.lie_every = random.between(30, 120) * kSecond;
  if (third()) options.churn_every = random.between(40, 150) * kSecond;
  if (third()) options.storm_every = random.between(100, 300) * kSecond;
  if (third()) options.reconnect_every = random.between(60, 200) * kSecond;
  if (third()) {
    options.former_ppm = ppm(200'000, 1'000'000);
    options.upgrade_every = random.between(20, 150) * kSecond;
  }
  if (half()) options.budget_every = random.between(10, 120) * kSecond;
  return options;
}

std::string describe(const SimulationOptions& options) {
  std::string text;
  each_option(options, [&text](std::string_view name, const auto& value) {
    if (!text.empty()) text += ' ';
    text += std::string(name) + '=' + text_of(value);
  });
  return text;
}

Result<SimulationOptions> read_options(std::string_view text) {
  SimulationOptions options;
  Command words(text);
  std::string bad;
  each_option(options, [&](std::string_view name, auto& value) {
    const std::string given = words.text(name);
    if (!given.empty() && !read(given, value)) bad = std::string(name) + '=' + given;
  });
  if (!bad.empty()) return not_understood(bad, "options look as describe prints them");
  if (const Status unused = words.unused(); !unused) return fail(unused.error());
  if (options.sites == 0 || options.brokers == 0) {
    return not_understood("sites=0", "there is at least one site and one broker");
  }
  return options;
}

}  // namespace tradewind::simulation
