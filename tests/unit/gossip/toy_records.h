// Members, site records and quote sheets for tests, signed by a keyed hash that stands in for
// Ed25519: cheap, and still wrong for any other key or bytes. (Key and public key are the same.)
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "schemas/record.h"
#include "schemas/time.h"

namespace tradewind::toy {

inline constexpr Wall::time_point epoch = wall_from_ms(1'800'000'000'000);

// Both clocks `after` the start of the test.
Now at(std::chrono::microseconds after);

Bytes key_of(std::string_view owner);  // 32 bytes
Bytes signature_of(const Bytes& key, const Bytes& body);
bool verify(BytesView key, BytesView message, BytesView signature);
SignedRecord sign(const Record& record, const Bytes& key);

// Who and when, for the makers below.
struct Stamp {
  std::string_view site = "jp-osaka-1";
  std::uint32_t number = 7;
  std::uint64_t version = 1;
  std::uint64_t epoch = 1;
  std::chrono::milliseconds issued{0};  // after the start
  std::chrono::milliseconds valid_for{15'000};
};

// One pool "cpu" of 10 nodes with 10 units each, so 100 units.
Record member_record(Stamp stamp, MemberState state = MemberState::active);
Record site_record(Stamp stamp, std::string_view region = "jp-osaka");
Record quote_record(Stamp stamp, std::uint32_t units_free = 50, std::int64_t price_ppm = ppm_one);

// The same, signed by whom it must be: the registry, or the key that member_record gives the site.
SignedRecord broker_member(std::string_view broker, std::uint32_t number);
SignedRecord member(Stamp stamp, MemberState state = MemberState::active);
SignedRecord site(Stamp stamp, std::string_view region = "jp-osaka");
SignedRecord quote(Stamp stamp, std::uint32_t units_free = 50, std::int64_t price_ppm = ppm_one);

}  // namespace tradewind::toy
