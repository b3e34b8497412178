// The ZeroMQ sockets of a link with all their options. Only this room's sources include it.
#pragma once

#include "schemas/ids.h"
#include "state/identity/keys.h"
#include "state/link/zmq_port.h"

namespace tradewind {

// Listens; not yet bound.
zmq::socket_t make_router(zmq::context_t& context, const CurveKeys& keys,
                          const std::string& bind_endpoint);
// Connects to a peer with this public key; not yet connected.
zmq::socket_t make_dealer(zmq::context_t& context, const CurveKeys& keys, BytesView peer_key);

}  // namespace tradewind
