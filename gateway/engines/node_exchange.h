// The folder by which a gateway and the nodes of its cluster speak about attempts. It lies on a
// file system that all of them see at the same path, and belongs to the account that both run as.
//
//   settings                   how attempts are run here
//   tickets/<attempt>/ticket   what to run, by the gateway
//   tickets/<attempt>/orders   until when, and whether to stop, by the gateway
//   tickets/<attempt>/phase    how far it has come, by the node
//   news/<attempt>             there is a new phase
//
// Whoever makes an attempt's AttemptDirectory has begun it: making a directory happens once,
// whoever tries it where. So a second batch job of an attempt finds it begun and does nothing, and
// a gateway that makes it keeps the attempt from ever running.
//
// All calls block; any thread. Clocks of gateway and nodes agree within a second.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gateway/engines/process_engine.h"
#include "schemas/dispatch.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

struct NodeTicket {
  AttemptId attempt;
  Assignment assignment;
};

struct NodeOrders {
  std::optional<Wall::time_point> lease_end;  // nothing: no lease
  std::optional<EndCode> stop;
  friend bool operator==(const NodeOrders&, const NodeOrders&) = default;
};

// Whether a node that was last told `sent` should be told `orders` now. A renewal waits for as long
// as it adds less than the node still has: of leases that are renewed when a third is over, every
// second one is written, and where no more renewals come, the last one is.
bool due(const NodeOrders& orders, const NodeOrders& sent, Wall::time_point now);

class NodeExchange {
 public:
  explicit NodeExchange(std::filesystem::path folder) : folder_(std::move(folder)) {}
  const std::filesystem::path& folder() const { return folder_; }

  // --- the gateway's side
  Status create() const;
  // Of the options, what attempts are run with.
  Status write_settings(const ProcessEngineOptions& options) const;
  // Whole, but not durable: an attempt whose ticket a crash of the machine loses is begun by
  // nobody. `name` is AttemptDirectory::name() throughout.
  Status write_ticket(const std::string& name, const NodeTicket& ticket,
                      const NodeOrders& orders) const;
  // Over those that came with the ticket.
  Status write_orders(const std::string& name, const NodeOrders& orders) const;
  // The names of attempts with a new phase, each once.
  std::vector<std::string> take_news() const;
  void remove_ticket(const std::string& name) const;
  std::filesystem::path ticket_folder(const std::string& name) const;

  // --- the node's side
  Result<ProcessEngineOptions> read_settings() const;
  Status tell_phase(const std::string& name, AttemptPhase phase) const;

  // --- either
  Result<NodeTicket> read_ticket(const std::string& name) const;
  Result<NodeOrders> read_orders(const std::string& name) const;
  // Nothing before the first.
  std::optional<AttemptPhase> read_phase(const std::string& name) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace tradewind
