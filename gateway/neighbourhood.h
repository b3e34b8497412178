// Whom this gateway may speak with and whom it connects to: fed with verified records, it keeps
// the table of admitted keys and the link's connections. Every broker is connected to, and up to
// `site_connections_max` of the sites that listen, a different set for every gateway so that all of
// them hang together. One thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "schemas/ids.h"
#include "schemas/record.h"
#include "state/link/auth_table.h"
#include "state/link/link.h"

namespace tradewind {

class Neighbourhood {
 public:
  // `link` must outlive it and use the same table.
  Neighbourhood(NodeId self, std::shared_ptr<AuthTable> table, Link& link);

  // A member or site record that gossip has accepted; others are ignored.
  void accept(const Record& record);
  // Gives up all nodes that are none of these.
  void retain(const std::function<bool(const NodeId&)>& is_member);
  // Brokers with an endpoint: worth trying even when silent.
  std::vector<NodeId> seeds() const;

  static constexpr std::size_t site_connections_max = 16;

 private:
  struct Peer {
    Bytes curve_key;       // empty: no active member
    std::string endpoint;  // empty: does not listen, or not known yet
  };
  void accept(const Member& member);
  void exclude(const NodeId& node);
  void reconnect(const NodeId& node);
  bool chosen(const NodeId& site) const;
  void choose_sites();

  NodeId self_;
  std::shared_ptr<AuthTable> table_;
  Link& link_;
  std::map<NodeId, Peer> peers_;
  std::vector<NodeId> sites_;  // connected to, best first
};

}  // namespace tradewind
