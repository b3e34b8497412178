// From what a machine has to its site file, which the gateway's reader takes as it stands. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/discovery/accelerator_catalogue.h"
#include "gateway/discovery/machine.h"
#include "schemas/architecture.h"
#include "schemas/ids.h"
#include "schemas/resources.h"

namespace tradewind {

// A pool of one node, which is the machine or, where it has several kinds of accelerators, the part
// of it that goes with one kind.
struct MachinePool {
  PoolId id;
  Resources node;
  Accelerator accelerator;  // no family: none
  std::string listed_name;  // as the tool prints it
  std::uint64_t listed_memory_mib = 0;
  const CatalogueAccelerator* known = nullptr;  // null for slices, too
};

struct MachinePools {
  std::vector<MachinePool> pools;
  std::vector<std::string> warnings;  // what was left out, and why
};

// CPUs, memory and disk are shared out by the number of devices, less what the machine keeps for
// itself: a sixteenth of the memory and a tenth of the free disk. No more devices are sold than
// there are CPUs, since a unit has one of each.
MachinePools machine_pools(const Machine& machine);

// What no tool can tell.
struct SiteNaming {
  std::string id;
  std::string region;
  std::string jurisdiction;
  std::string provider;
};

// The whole file, with comments for whoever goes on with it: it sells nothing before somebody has
// written prices and "active".
std::string discovered_site_file(const SiteNaming& naming, const Machine& machine);

// The same for programs: a JSON object without a site's names.
std::string discovered_machine_json(const Machine& machine);

}  // namespace tradewind
