// The batch engine: runs attempts as jobs of any queue that has a command line (queue_engine.h).
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "gateway/engines/batch_commands.h"
#include "gateway/engines/engine.h"
#include "gateway/engines/queue_engine.h"

namespace tradewind {

struct BatchEngineOptions : QueueEngineOptions {
  BatchCommands commands;
  std::string user;  // the account that the gateway runs as, as {user} in commands
  std::vector<Pool> pools;
};

// As make_queue_engine().
Result<std::unique_ptr<Engine>> make_batch_engine(boost::asio::io_context& io,
                                                  BatchEngineOptions options,
                                                  Engine::OnEvent on_event);

}  // namespace tradewind
