// Authenticated messages between nodes. Each node has a CURVE key pair; it may listen at one
// endpoint, and connects to the peers whose endpoint and public key it knows. A peer that only
// connects (a site behind a firewall) is answered over its own connection, as soon as it has been
// heard.
//
// What holds:
// - Every byte is encrypted and authenticated by CurveZMQ. A message counts as a node's only when
//   it came over a connection whose key the AuthTable gives to that node at this moment: revoking
//   works on live connections, and no member can speak, or be spoken to, as another.
// - A message arrives at most once, whole. It may be lost: whoever needs an answer asks again.
//   Messages of one node to another keep their order as long as they take the same connection.
// - A message is handed to the network within LinkOptions::message_age_max or dropped, and a
//   connection that went dead is given up within heartbeat_timeout, so that no old message turns
//   up after link_delay_max.
// - Every queue is bounded; what finds no room is refused and counted.
// Source of the wire protocol: ZeroMQ RFCs 23 (ZMTP), 26 (CurveZMQ), 27 (ZAP).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ids.h"
#include "schemas/result.h"
#include "state/identity/keys.h"
#include "state/link/auth_table.h"

namespace tradewind {

// DO NOT CHANGE THESE VALUES: they are on the wire.
enum class Channel : std::uint8_t { gossip = 1, dispatch = 2 };

inline constexpr std::chrono::milliseconds heartbeat_interval{3'000};
inline constexpr std::chrono::milliseconds heartbeat_timeout{5'000};
inline constexpr std::chrono::milliseconds message_age_default{10'000};
// How late a message can arrive at most, with the default age.
inline constexpr std::chrono::milliseconds link_delay_max =
    message_age_default + heartbeat_interval + heartbeat_timeout;

struct LinkOptions {
  NodeId self;
  CurveKeys keys;
  std::string bind;  // "tcp://address:port", port 0 for a free one; empty: outbound only
  std::size_t peers_max = 1'024;                   // connected to; each takes two descriptors
  std::size_t queue_messages_max = 16'384;         // to each peer
  std::size_t queue_bytes_max = 32 * 1024 * 1024;  // to each peer
  std::chrono::milliseconds message_age_max = message_age_default;
  std::chrono::milliseconds hello_interval{4'000};  // how often a connection shows it is alive
  std::chrono::milliseconds silence_max{10'000};    // after which a peer counts as unreachable
  std::chrono::milliseconds reopen_after{5'000};    // a silent connection is made anew; doubles
  std::chrono::milliseconds reopen_after_max{60'000};
};

// Why a message that arrived was dropped.
enum class LinkDrop {
  malformed,        // not two frames, or no known channel
  oversized,        // over limits::frame_bytes_max
  unauthenticated,  // over a connection that was never admitted
  chosen_route,     // the peer chose its routing id, as one that poses as another would
  not_allowed,      // its key is not, or no longer, that of a member
};
std::string_view to_string(LinkDrop reason);

// Why a message that was to be sent was not.
enum class LinkShed {
  no_route,     // neither connected to the peer nor heard from it lately
  not_allowed,  // the peer is not, or no longer, a member
  oversized,    // over limits::frame_bytes_max
  queue_full,
  too_old,      // it waited for message_age_max
  unreachable,  // the connection went away while it waited
};
std::string_view to_string(LinkShed reason);

// Since the start. Greetings of the link itself are not counted.
struct LinkCounters {
  std::uint64_t messages_sent = 0;  // handed to the network
  std::uint64_t bytes_sent = 0;     // of payload
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t handshakes_admitted = 0;
  std::uint64_t handshakes_refused = 0;  // by the AuthTable
  std::uint64_t connections_reopened = 0;
  std::map<LinkDrop, std::uint64_t> dropped;
  std::map<LinkShed, std::uint64_t> shed;
};

class Link {
 public:
  // Called on the executor, one message at a time, in order of arrival. It should return soon.
  using OnMessage = std::function<void(NodeId from, Channel channel, Bytes payload)>;

  // Listens, if told so, before it returns. Fails with ErrorCode::invalid for bad options,
  // ErrorCode::unavailable when it cannot listen there.
  static Result<std::unique_ptr<Link>> open(boost::asio::any_io_executor executor,
                                            LinkOptions options,
                                            std::shared_ptr<const AuthTable> members,
                                            OnMessage on_message);
  // stop().
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // All that follows: any thread, without blocking.

  // Takes the message for sending; false when it is shed at once (see LinkShed).
  bool send(const NodeId& to, Channel channel, Bytes payload);

  // Keeps a connection to the node at "tcp://host:port", whose CURVE public key (raw, 32 bytes)
  // must be in the AuthTable for messages to count. Nothing happens when it is kept already; it is
  // made anew when endpoint or key differ. Fails with ErrorCode::invalid for a bad endpoint or key,
  // ErrorCode::exhausted at LinkOptions::peers_max.
  Status connect(const NodeId& node, const std::string& endpoint, const Bytes& curve_key);
  // Gives the connection to the node up, if there is one, with what is queued for it.
  void disconnect(const NodeId& node);

  // The members heard within silence_max, over either kind of connection, in order of name.
  std::vector<NodeId> reachable() const;
  // Where it listens, with the real port; empty when it does not.
  const std::string& bound_endpoint() const;
  LinkCounters counters() const;

  // Closes everything. Called on the executor's only thread, the callback is not called any more
  // once this returns; called elsewhere, once the executor has run dry: what is under way there
  // ends by itself. Stopping twice is fine.
  void stop();

 private:
  class Core;
  explicit Link(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace tradewind
