// A node on loopback for tests: its own thread and executor, keys, a link, and what it received.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "state/link/link.h"

namespace tradewind {

struct Arrival {
  NodeId from;
  Channel channel{};
  Bytes payload;
  friend bool operator==(const Arrival&, const Arrival&) = default;
};

using Adjust = std::function<void(LinkOptions&)>;

class Node {
 public:
  // Listens on a free port, or at `bind`, unless that is "none".
  Node(
      const std::string& name, std::shared_ptr<AuthTable> members,
      const std::string& bind = "tcp://127.0.0.1:0", CurveKeys keys = CurveKeys::generate(),
      const Adjust& adjust = [](LinkOptions&) {});
  ~Node();

  void connect_to(const Node& peer);
  bool send(const Node& peer, Bytes payload, Channel channel = Channel::gossip) {
    return link_->send(peer.id(), channel, std::move(payload));
  }

  // Waits until so many messages have arrived since the start; false after 20 seconds.
  bool await_arrivals(std::size_t count);
  std::vector<Arrival> arrivals() const;
  bool reaches(const NodeId& peer) const;

  const NodeId& id() const { return id_; }
  const CurveKeys& keys() const { return keys_; }
  Link& link() { return *link_; }
  const std::string& endpoint() const { return link_->bound_endpoint(); }

 private:
  NodeId id_;
  CurveKeys keys_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Arrival> arrivals_;
  boost::asio::io_context executor_;
  std::unique_ptr<Link> link_;
  std::thread thread_;
};

// Whether it becomes true within 20 seconds.
bool eventually(const std::function<bool()>& condition);

}  // namespace tradewind
