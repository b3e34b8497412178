#include "gateway/staging/private_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace tradewind {
namespace {

struct Block4 {
  std::uint32_t address;
  int bits;
};
constexpr std::array<Block4, 15> blocks4{{
    {0x00000000, 8},   // this network
    {0x0a000000, 8},   // private
    {0x64400000, 10},  // shared
    {0x7f000000, 8},   // loopback
    {0xa9fe0000, 16},  // link-local, with the metadata services of clouds
    {0xac100000, 12},  // private
    {0xc0000000, 24},  // protocol assignments
    {0xc0000200, 24},  // documentation
    {0xc0586300, 24},  // 6to4 relay anycast
    {0xc0a80000, 16},  // private
    {0xc6120000, 15},  // benchmarking
    {0xc6336400, 24},  // documentation
    {0xcb007100, 24},  // documentation
    {0xe0000000, 4},   // multicast
    {0xf0000000, 4},   // reserved, broadcast
}};

bool is_private4(std::uint32_t address) {
  return std::ranges::any_of(blocks4, [address](const Block4& block) {
    return ((address ^ block.address) >> (32 - block.bits)) == 0;
  });
}

bool is_private6(const std::array<std::uint8_t, 16>& a) {
  const auto embedded = [&a](std::size_t at) {
    return (static_cast<std::uint32_t>(a[at]) << 24) |
           (static_cast<std::uint32_t>(a[at + 1]) << 16) |
           (static_cast<std::uint32_t>(a[at + 2]) << 8) | a[at + 3];
  };
  const bool ten_zeros =
      std::all_of(a.begin(), a.begin() + 10, [](auto each) { return each == 0; });
  if (ten_zeros && a[10] == 0xff && a[11] == 0xff) return is_private4(embedded(12));  // mapped
  if (a[0] == 0x00 && a[1] == 0x64 && a[2] == 0xff && a[3] == 0x9b) {                 // NAT64
    const bool well_known =
        std::all_of(a.begin() + 4, a.begin() + 12, [](auto each) { return each == 0; });
    return !well_known || is_private4(embedded(12));
  }
  if (a[0] == 0x20 && a[1] == 0x02) return is_private4(embedded(2));  // 6to4
  // Everything else of the public internet lies in 2000::/3, save Teredo, documentation and the
  // other protocol assignments of 2001::/23 and 2001:db8::/32, 3fff::/20.
  if ((a[0] & 0xe0) != 0x20) return true;
  if (a[0] == 0x20 && a[1] == 0x01 && (a[2] & 0xfe) == 0x00) return true;
  if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8) return true;
  return a[0] == 0x3f && a[1] == 0xff && (a[2] & 0xf0) == 0x00;
}

}  // namespace

bool is_private_address(const sockaddr* address, socklen_t size) {
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in four{};
    std::memcpy(&four, address, sizeof four);
    return is_private4(ntohl(four.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 six{};
    std::memcpy(&six, address, sizeof six);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
    return is_private6(bytes);
  }
  return true;
}

std::string address_text(const sockaddr* address, socklen_t size) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* made = nullptr;
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in four{};
    std::memcpy(&four, address, sizeof four);
    made = ::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
  } else if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 six{};
    std::memcpy(&six, address, sizeof six);
    made = ::inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
  }
  return made == nullptr ? "?" : made;
}

}  // namespace tradewind
