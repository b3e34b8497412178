#include "broker/api/http_gzip.h"

#include <boost/beast/zlib/deflate_stream.hpp>
#include <boost/crc.hpp>
#include <cstdint>

#include "schemas/assert.h"

namespace tradewind {
namespace {

namespace zlib = boost::beast::zlib;

void append_little_endian(std::string& to, std::uint32_t number) {
  for (unsigned at = 0; at < 4; ++at) to += static_cast<char>(number >> (8 * at));
}

}  // namespace

std::string gzip(std::string_view body) {
  // Deflated; no flags, no time, no system.
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  const std::size_t head = out.size();
  zlib::deflate_stream deflate;
  deflate.reset(6, 15, 8, zlib::Strategy::normal);
  out.resize(head + deflate.upper_bound(body.size()) + 16);
  zlib::z_params step;
  step.next_in = body.data();
  step.avail_in = body.size();
  step.next_out = out.data() + head;
  step.avail_out = out.size() - head;
  boost::system::error_code error;
  deflate.write(step, zlib::Flush::finish, error);
  TRADEWIND_ASSERT(error == zlib::error::end_of_stream && step.avail_in == 0);
  out.resize(head + step.total_out);
  boost::crc_32_type crc;
  crc.process_bytes(body.data(), body.size());
  append_little_endian(out, crc.checksum());
  append_little_endian(out, static_cast<std::uint32_t>(body.size()));
  return out;
}

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    std::string_view each = accept_encoding.substr(0, accept_encoding.find(','));
    accept_encoding.remove_prefix(std::min(accept_encoding.size(), each.size() + 1));
    while (!each.empty() && each.front() == ' ') each.remove_prefix(1);
    const std::string_view name = each.substr(0, each.find_first_of("; "));
    if (name != "gzip" && name != "*") continue;
    const auto weight = each.find("q=");
    // "q=0", "q=0.0": not at all.
    return weight == std::string_view::npos ||
           each.find_first_not_of("0. ", weight + 2) != std::string_view::npos;
  }
  return false;
}

}  // namespace tradewind
