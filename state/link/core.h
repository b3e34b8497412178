// What stands behind a Link: the peers, their queues and the sockets. Only this room's sources
// include it.
//
// Sockets are touched on the strand only. All else is guarded by one mutex, which is never held
// while the link's user is called.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "schemas/time.h"
#include "state/link/link.h"
#include "state/link/send_queue.h"
#include "state/link/zmq_port.h"

namespace tradewind {

class Link::Core : public std::enable_shared_from_this<Link::Core> {
 public:
  Core(boost::asio::any_io_executor executor, LinkOptions options,
       std::shared_ptr<const AuthTable> members, OnMessage on_message);
  ~Core();

  Status start();  // before the executor is used otherwise
  void stop();

  bool send(const NodeId& to, Channel channel, Bytes payload);
  Status connect(const NodeId& node, const std::string& endpoint, const Bytes& curve_key);
  void disconnect(const NodeId& node);
  std::vector<NodeId> reachable() const;
  const std::string& bound_endpoint() const { return bound_endpoint_; }
  LinkCounters counters() const;

 private:
  // A way to a peer: over a connection that we made, or over one that it made to us.
  struct Path {
    explicit Path(SendQueue::Bounds bounds) : queue(bounds) {}
    Bytes curve_key;
    SendQueue queue;
    std::optional<Mono::time_point> heard;
    bool greeting_due = false;   // hello on our own connections, welcome on the peer's
    bool greeting_sent = false;  // whether what is being sent is the greeting
    bool blocked = false;        // its pipe is full
    bool has_work() const { return greeting_due || !queue.empty(); }
  };
  struct Outbound : Path {
    using Path::Path;
    NodeId node;
    std::string endpoint;
    bool closed = false;  // replaced or given up
    Mono::time_point opened{};
    std::chrono::milliseconds reopen_after{};
    std::shared_ptr<ZmqPort> port;
  };
  struct Inbound : Path {
    using Path::Path;
    Bytes route;          // the routing id that our ROUTER gave to the connection
    bool listed = false;  // in ready_
  };
  class OutboundTraffic;
  class InboundTraffic;

  void listen();  // throws what the libraries throw
  SendQueue::Bounds bounds() const;
  bool fresh(const Path& path, Mono::time_point now) const;
  void count_shed(LinkShed reason, std::size_t count = 1);  // with the mutex held
  void drop(LinkDrop reason);

  // Called by the traffic of the ports, on the strand.
  ZmqPort::Frames next_outbound(Outbound& peer);
  void done_outbound(Outbound& peer, ZmqPort::Outcome outcome);
  void receive_outbound(Outbound& peer, ZmqPort::Frames frames);
  void woken_outbound(Outbound& peer);
  ZmqPort::Frames next_inbound();
  void done_inbound(ZmqPort::Outcome outcome);
  void receive_inbound(ZmqPort::Frames frames);
  void woken_inbound();

  // The greeting or the oldest message, behind `route` when there is one. With the mutex held.
  ZmqPort::Frames compose(Path& path, const NodeId& node, const Bytes* route,
                          std::uint8_t greeting);
  void sent(Path& path);                         // with the mutex held
  void list(const NodeId& node, Inbound& peer);  // with the mutex held
  void deliver(const NodeId& from, std::uint8_t channel, Bytes payload);

  void open(const std::shared_ptr<Outbound>& peer);   // on the strand
  void close(const std::shared_ptr<Outbound>& peer);  // on the strand
  void close_all();                                   // on the strand, or when nothing runs
  void tick();
  void wait_for_tick();
  void retry_soon();  // on the strand, with the mutex held

  const LinkOptions options_;
  const std::shared_ptr<const AuthTable> members_;
  const OnMessage on_message_;
  std::string bound_endpoint_;

  zmq::context_t context_;  // before the sockets: it waits for them when it goes
  boost::asio::strand<boost::asio::any_io_executor> strand_;
  boost::asio::steady_timer tick_timer_;
  boost::asio::steady_timer retry_timer_;
  bool retry_waiting_ = false;  // on the strand
  std::shared_ptr<ZmqPort> gate_;
  std::shared_ptr<ZmqPort> router_;

  std::atomic<bool> stopped_ = false;
  mutable std::mutex mutex_;
  std::unordered_map<NodeId, std::shared_ptr<Outbound>> outbound_;
  std::unordered_map<NodeId, Inbound> inbound_;  // by members only, so as many as there are
  std::deque<NodeId> ready_;                     // inbound peers with work, in turn
  std::vector<NodeId> blocked_;                  // inbound peers whose pipe is full
  LinkCounters counters_;
};

}  // namespace tradewind
