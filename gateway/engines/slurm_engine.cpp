#include "gateway/engines/slurm_engine.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/engines/slurm_queue.h"
#include "schemas/url.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;

Status check_options(const SlurmEngineOptions& options) {
  const auto wrong = [](std::string field, std::string message, std::string remedy) {
    return Status(
        fail(ErrorCode::invalid, std::move(field), std::move(message), std::move(remedy)));
  };
  const SlurmAccess& access = options.access;
  if (access.user.empty()) {
    return wrong("engine.slurm.user", "is missing", "name the account that the gateway runs as");
  }
  if (access.url.empty()) return ok();
  if (!behind_http(access.url)) {
    return wrong("engine.slurm.url", fmt::format("\"{}\" is no URL", access.url),
                 "give slurmrestd's, such as http://127.0.0.1:6820");
  }
  if (access.token_file.empty() == access.token_command.empty()) {
    return wrong("engine.slurm.token_file", "a token comes from one place",
                 "give either token_file or token_command");
  }
  return ok();
}

}  // namespace

Result<std::unique_ptr<Engine>> make_slurm_engine(boost::asio::io_context& io,
                                                  SlurmEngineOptions options,
                                                  Engine::OnEvent on_event) {
  if (const Status right = check_options(options); !right) return fail(right.error());
  std::vector<Pool> pools;
  for (const SlurmPool& each : options.pools) pools.push_back(each.pool);
  const std::string exchange = fs::absolute(options.exchange_directory).string();
  auto queue = std::make_unique<SlurmQueue>(
      SlurmQueueOptions{.access = options.access,
                        .key_prefix = fmt::format("tradewind/{:016x}/", stable_hash(exchange)),
                        .pools = options.pools,
                        .account = options.account,
                        .accounts = options.accounts,
                        .on_warning = options.node.on_warning});
  return make_queue_engine(io, "engine.slurm", std::move(options), pools, std::move(queue),
                           std::move(on_event));
}

Result<std::vector<SlurmNode>> discover_slurm(const SlurmAccess& access) {
  const std::unique_ptr<SlurmClient> client = make_slurm_client(access);
  if (const Status open = client->open(); !open) return fail(open.error());
  return client->nodes();
}

}  // namespace tradewind
