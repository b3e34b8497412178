#include "gateway/discover_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "gateway/engines/slurm_discovery.h"
#include "gateway/engines/slurm_engine.h"
#include "gateway/site_engine.h"
#include "gateway/site_file.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

// Pools for a site file, from what a Slurm has.
Status print_slurm_pools(const DiscoverArguments& arguments) {
  if (!arguments.slurm && arguments.token_file.empty()) {
    return fail(ErrorCode::invalid, "token-file", "is missing", "name a file with a token");
  }
  SlurmAccess access;
  access.url = arguments.url;
  access.user = arguments.user.empty() ? account_name() : arguments.user;
  access.token_file = arguments.token_file;
  const auto nodes = discover_slurm(access);
  if (!nodes) return fail(nodes.error());
  fmt::print("{}", discovered_pools(*nodes));
  return ok();
}

Status write_site_file(const DiscoverArguments& arguments, const std::string& text) {
  std::error_code ignored;
  if (!arguments.force && std::filesystem::exists(arguments.out, ignored)) {
    return fail(ErrorCode::conflict, "out", fmt::format("{} is there already", arguments.out),
                "name another file, or say --force to replace it");
  }
  return store_file(arguments.out, text, public_mode);
}

// This machine's site file, from what its kernel and its accelerators' tools say.
Status discover_machine(const DiscoverArguments& arguments) {
  const char* path = std::getenv("PATH");
  const auto machine =
      look_at_machine({path == nullptr ? "" : path, std::filesystem::current_path()});
  if (!machine) return fail(machine.error());
  for (const std::string& each : machine->warnings) {
    fmt::print(stderr, "tradewind-gateway: {}\n", each);
  }
  if (arguments.json) fmt::print("{}", discovered_machine_json(*machine));
  if (arguments.json && arguments.out.empty()) return ok();
  const SiteNaming& naming = arguments.naming;
  if (naming.id.empty() || naming.region.empty() || naming.jurisdiction.empty() ||
      naming.provider.empty()) {
    return fail(ErrorCode::invalid, "", "a machine does not know its site's name and place",
                "give --id, --region, --jurisdiction and --provider");
  }
  const std::string text = discovered_site_file(naming, *machine);
  // A wrong name is refused as in a file that somebody wrote.
  if (const auto file = parse_site_file(text, "the new site file"); !file) {
    return fail(file.error());
  }
  if (arguments.out.empty()) {
    fmt::print("{}", text);
    return ok();
  }
  if (const Status written = write_site_file(arguments, text); !written) {
    return written;
  }
  fmt::print(stderr, "wrote {}: fill in the prices, then tradewind-gateway check --site {}\n",
             arguments.out, arguments.out);
  return ok();
}

}  // namespace

Status discover(const DiscoverArguments& arguments) {
  const bool slurm = arguments.slurm || !arguments.url.empty();
  return slurm ? print_slurm_pools(arguments) : discover_machine(arguments);
}

}  // namespace tradewind
