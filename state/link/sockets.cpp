#include "state/link/sockets.h"

#include "schemas/limits.h"
#include "state/link/gatekeeper.h"
#include "state/link/link.h"

namespace tradewind {
namespace {

// Each pipe inside ZeroMQ holds few messages, since they may be large and have no age: what waits,
// waits in our own queues.
constexpr int kPipeMessagesMax = 64;
// CURVE wraps a frame into at most this much more, and the limit is checked on the wrapped one.
constexpr std::int64_t kWrappingBytesMax = 64;

int whole_ms(std::chrono::milliseconds duration) {
  return static_cast<int>(duration.count());
}

void set_common(zmq::socket_t& socket, const CurveKeys& keys) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::ipv6, 1);
  socket.set(zmq::sockopt::sndhwm, kPipeMessagesMax);
  socket.set(zmq::sockopt::rcvhwm, kPipeMessagesMax);
  socket.set(zmq::sockopt::maxmsgsize,
             static_cast<std::int64_t>(limits::frame_bytes_max) + kWrappingBytesMax);
  socket.set(zmq::sockopt::handshake_ivl, 5'000);
  socket.set(zmq::sockopt::heartbeat_ivl, whole_ms(heartbeat_interval));
  socket.set(zmq::sockopt::heartbeat_timeout, whole_ms(heartbeat_timeout));
  socket.set(zmq::sockopt::heartbeat_ttl, whole_ms(heartbeat_timeout));
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 30);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 10);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  socket.set(zmq::sockopt::curve_secretkey, zmq::buffer(keys.secret_key));
}

}  // namespace

zmq::socket_t make_router(zmq::context_t& context, const CurveKeys& keys,
                          const std::string& bind_endpoint) {
  zmq::socket_t socket(context, zmq::socket_type::router);
  set_common(socket, keys);
  // An IPv4 address is bound as such: mapped into IPv6 it would be of no use to peers without that.
  const bool ipv6 = bind_endpoint.find_first_of("[*") != std::string::npos;
  socket.set(zmq::sockopt::ipv6, ipv6 ? 1 : 0);
  socket.set(zmq::sockopt::curve_server, 1);
  socket.set(zmq::sockopt::zap_domain, std::string(zap_domain));
  socket.set(zmq::sockopt::router_mandatory, 1);
  // Without handover nobody can take a connection's routing id while it lives, so that what is sent
  // to a peer reaches the connection that the peer was heard on and no other.
  socket.set(zmq::sockopt::router_handover, 0);
  return socket;
}

zmq::socket_t make_dealer(zmq::context_t& context, const CurveKeys& keys, BytesView peer_key) {
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  set_common(socket, keys);
  socket.set(zmq::sockopt::curve_publickey, zmq::buffer(keys.public_key));
  socket.set(zmq::sockopt::curve_serverkey, zmq::buffer(peer_key.data(), peer_key.size()));
  // Nothing enters a pipe before there is a connection: it would be sent however old it had become.
  socket.set(zmq::sockopt::immediate, 1);
  socket.set(zmq::sockopt::reconnect_ivl, 100);
  socket.set(zmq::sockopt::reconnect_ivl_max, 5'000);
  socket.set(zmq::sockopt::connect_timeout, 10'000);
  return socket;
}

}  // namespace tradewind
