// The command `tradewind-gateway discover`: a first site file from what this machine has, or the
// pools of a Slurm cluster for one.
#pragma once

#include <string>

#include "gateway/discovery/discovered_site.h"
#include "schemas/result.h"

namespace tradewind {

struct DiscoverArguments {
  std::string url;         // slurmrestd's; empty: this machine, unless `slurm`
  std::string token_file;  // with a URL
  std::string user;        // whom the token is for; empty: who runs this
  bool slurm = false;      // of the cluster that this machine's own commands speak to
  SiteNaming naming;
  std::string out;  // the file to write; empty: standard output
  bool force = false;
  bool json = false;  // what was found, for programs
};

// Blocks; prints what it finds on standard output, and hints on standard error. Fails with invalid
// where the site has no name or a wrong one, with conflict where the file is there already, and as
// discovery does.
Status discover(const DiscoverArguments& arguments);

}  // namespace tradewind
