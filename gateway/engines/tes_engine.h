// The TES engine: an attempt is a task of another GA4GH TES 1.1 server, which stages, runs and
// stores; the gateway follows it.
//
// A create whose answer is lost is never sent again before the server's list has shown that there
// is no such task (tes_reconcile.h). What an attempt is stands in its directory before the create
// leaves, so that a restarted gateway takes it up again, by its tag where the id is not known.
//
// While the server cannot be reached, capacity() is nothing free and check() refuses; attempts stay
// what they were. A lease that runs out is a cancel at the server, which nobody sends while the
// gateway is dead: TES has no leases.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/engines/engine.h"
#include "gateway/engines/remote_engine.h"
#include "gateway/engines/tes_client.h"
#include "gateway/engines/tes_document.h"
#include "gateway/engines/tes_reconcile.h"

namespace tradewind {

struct TesEngineOptions : RemoteEngineOptions {
  TesAccess access;
  TesForm form;
  std::vector<TesPool> pools;
  std::uint64_t log_bytes_max = 16ULL << 20;  // kept of each stream of an attempt
  std::chrono::seconds settle_time = tes_settle_time;
  std::chrono::milliseconds poll_interval{1'000};
};

// As make_process_engine(); does not wait for the server. Fails with ErrorCode::invalid for wrong
// options and unavailable when the directory cannot be made.
Result<std::unique_ptr<Engine>> make_tes_engine(boost::asio::io_context& io,
                                                TesEngineOptions options, Engine::OnEvent on_event);

}  // namespace tradewind
