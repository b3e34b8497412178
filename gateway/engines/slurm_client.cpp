#include "gateway/engines/slurm_client.h"

#include "gateway/engines/slurm_commands.h"
#include "gateway/engines/slurm_rest_client.h"

namespace tradewind {

std::unique_ptr<SlurmClient> make_slurm_client(const SlurmAccess& access) {
  if (access.url.empty()) return std::make_unique<SlurmCommands>(access);
  return std::make_unique<SlurmRestClient>(access);
}

}  // namespace tradewind
