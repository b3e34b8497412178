#include "gateway/engines/batch_engine.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/engines/batch_queue.h"
#include "gateway/engines/batch_reader.h"
#include "schemas/ids.h"

namespace tradewind {

Result<std::unique_ptr<Engine>> make_batch_engine(boost::asio::io_context& io,
                                                  BatchEngineOptions options,
                                                  Engine::OnEvent on_event) {
  constexpr const char* section = "engine.batch";
  const auto within = [&](Error error) {
    error.field = fmt::format("{}.{}", section, error.field);
    return fail(std::move(error));
  };
  if (const Status fine = check_batch_commands(options.commands); !fine)
    return within(fine.error());
  auto reader = BatchReader::make(options.commands);
  if (!reader) return within(reader.error());
  const std::string exchange = std::filesystem::absolute(options.exchange_directory).string();
  BatchQueueOptions queue;
  queue.commands = options.commands;
  // Letters, digits and "-": what every queue takes in a job's name, and no digit in front.
  queue.key_prefix = fmt::format("tw-{:016x}-", stable_hash(exchange));
  queue.user = options.user;
  for (const Pool& each : options.pools) queue.pools[each.id] = each;
  queue.on_warning = options.node.on_warning;
  const std::vector<Pool> pools = options.pools;
  return make_queue_engine(io, section, std::move(options), pools,
                           std::make_unique<BatchQueue>(std::move(queue), std::move(*reader)),
                           std::move(on_event));
}

}  // namespace tradewind
