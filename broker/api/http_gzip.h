// Bodies in gzip (RFC 1952), for clients that take it.
#pragma once

#include <string>
#include <string_view>

namespace tradewind {

std::string gzip(std::string_view body);

// Whether an Accept-Encoding header takes gzip.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace tradewind
