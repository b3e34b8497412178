// Endpoints as links take them: "tcp://host:port" and nothing else of ZeroMQ's syntax, since they
// come from other members' records. Any thread.
#pragma once

#include <string_view>

#include "schemas/result.h"

namespace tradewind {

// Of a peer: a host name, an IPv4 address or an IPv6 address in brackets, and a port of 1 to 65535.
// Fails with ErrorCode::invalid naming `field`.
Status check_peer_endpoint(std::string_view field, std::string_view endpoint);
// To listen at: as above, but the host may be '*' for all addresses, the port 0 for a free one.
Status check_bind_endpoint(std::string_view field, std::string_view endpoint);

}  // namespace tradewind
