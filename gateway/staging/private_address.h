// Which addresses are not of the public internet (RFC 6890 and its registries).
#pragma once

#include <sys/socket.h>

#include <string>

namespace tradewind {

// True for loopback, private, link-local, shared, documentation, benchmarking, multicast, reserved
// and unspecified addresses, for IPv6 forms that carry such an IPv4 address, and for every family
// but IPv4 and IPv6.
bool is_private_address(const sockaddr* address, socklen_t size);

// "127.0.0.1", "::1"; "?" when it is neither IPv4 nor IPv6.
std::string address_text(const sockaddr* address, socklen_t size);

}  // namespace tradewind
