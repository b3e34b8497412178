// What a seed makes of a run: sizes, workload and faults. Each fault class is on or off by the seed
// (swarm testing), and every value is printed; what is printed can be read again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/result.h"
#include "tests/simulation/scheduler.h"

namespace tradewind::simulation {

// Ways to break the system on purpose, to see that the checks are not blind.
enum class Break : std::uint8_t {
  none,
  idempotency,          // gateways start every dispatch that arrives, again and again
  lease_wait,           // the broker declares attempts lost without waiting for their leases
  stale_dispatch,       // gateways take dispatches however old, and keep no fences
  contracts,            // gateways hold nothing back for contracts
  term_check,           // gateways hear every process of a broker as if it were the newest
  persist_before_send,  // what follows a write happens before it is durable
  version_check,        // brokers take each record as newer than the one before
  wrong_cost,           // the broker adds a millionth to what its choices cost
  budget_spent,         // a broker that starts does not know what tenants have spent
};

struct SimulationOptions {
  std::uint64_t seed = 1;
  Break broken = Break::none;

  std::uint32_t brokers = 1;
  std::uint32_t sites = 3;
  std::uint32_t site_nodes = 0;  // of each site's pool; 0: drawn
  std::uint32_t site_units = 0;  // of each node, one CPU each; 0: drawn
  std::uint32_t submissions = 20;
  std::uint32_t retries = 0;  // of a submission that was refused or not answered
  Micros fault_phase = 120 * kSecond;
  Micros calm_phase = 4 * 3600 * kSecond;
  Micros lease = 60 * kSecond;
  bool through_codec = false;    // each message is encoded and decoded
  bool ceilings = false;         // sites are certified for what they have, else for anything
  bool engines_survive = false;  // attempts run on while their gateway is down

  // The network, per message.
  std::uint32_t loss_ppm = 0;
  std::uint32_t duplicate_ppm = 0;
  std::uint32_t slow_ppm = 0;  // delayed by up to slow_max
  Micros delay_max = 50 * kMillisecond;
  Micros slow_max = 25 * kSecond;
  std::uint32_t held_dispatch_ppm = 0;  // a dispatch is held back by up to 300 s

  // Mean time between faults; 0: none of that kind.
  Micros partition_every = 0;
  Micros broker_crash_every = 0;
  Micros gateway_crash_every = 0;
  std::uint32_t wipe_ppm = 0;     // of gateway crashes that lose the disk
  std::uint32_t restore_ppm = 0;  // of those that come back from an old copy of it
  Micros failover_every = 0;      // a broker's process is replaced while it is alive
  Micros disk_fault_every = 0;
  Micros broker_pause_every = 0;
  Micros wall_jump_every = 0;
  Micros site_state_every = 0;  // draining, maintenance and back
  Micros swizzle_every = 0;     // links cut one after the other, healed in another order
  Micros replay_every = 0;
  Micros lie_every = 0;
  Micros churn_every = 0;      // sites leave and join
  Micros storm_every = 0;      // capacity drops for a minute and clients ask again and again
  Micros reconnect_every = 0;  // all gateways at once
  Micros budget_every = 0;     // a tenant's budget is set, changed or removed

  std::uint32_t former_ppm = 0;  // of nodes that begin with the release before
  Micros upgrade_every = 0;

  Micros clock_offset_max = 0;
  std::uint32_t clock_drift_ppm = 0;
  Micros commit_max = 5 * kMillisecond;
  std::uint32_t attempt_failure_ppm = 0;  // ends that are not successes
};

// What the seed draws; all that is not drawn is as above.
SimulationOptions draw(std::uint64_t seed, Break broken);
// "seed=7 break=none sites=2 ...": all options.
std::string describe(const SimulationOptions& options);
// The reverse: options that are not given are as above, not as drawn. invalid: it names the word.
Result<SimulationOptions> read_options(std::string_view text);
// Nothing of that name: invalid.
Result<Break> read_break(std::string_view name);

}  // namespace tradewind::simulation
