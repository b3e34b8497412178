#include "gateway/engines/slurm_engine.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/engines/slurm_client.h"
#include "gateway/engines/slurm_queue.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;

Status check_options(const SlurmEngineOptions& options) {
  const auto wrong = [](std::string field, std::string message, std::string remedy) {
    return Status(
        fail(ErrorCode::invalid, std::move(field), std::move(message), std::move(remedy)));
  };
  if (!options.url.starts_with("http://") && !options.url.starts_with("https://")) {
    return wrong("engine.slurm.url", fmt::format("\"{}\" is no URL", options.url),
                 "give slurmrestd's, such as http://127.0.0.1:6820");
  }
  if (options.user.empty()) {
    return wrong("engine.slurm.user", "is missing", "name the account that the gateway runs as");
  }
  if (options.token_file.empty() == options.token_command.empty()) {
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
      SlurmQueueOptions{.url = options.url,
                        .user = options.user,
                        .token_file = options.token_file,
                        .token_command = options.token_command,
                        .key_prefix = fmt::format("tradewind/{:016x}/", stable_hash(exchange)),
                        .pools = options.pools,
                        .account = options.account,
                        .accounts = options.accounts,
                        .on_warning = options.node.on_warning});
  return make_queue_engine(io, "engine.slurm", std::move(options), pools, std::move(queue),
                           std::move(on_event));
}

Result<std::vector<SlurmNode>> discover_slurm(const SlurmEngineOptions& options) {
  SlurmToken token(options.token_file, options.token_command);
  SlurmRest rest(options.url, options.user, token);
  if (const Status known = rest.negotiate(); !known) return fail(known.error());
  return SlurmClient(rest).nodes();
}

}  // namespace tradewind
