// Digests, packed: gossip.capnp says how.
#include "schemas/codec_internal.h"

namespace tradewind::codec {
namespace {

void append_number(Bytes& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) to.push_back(static_cast<char>(value | 0x80U));
  to.push_back(static_cast<char>(value));
}

// Differences are taken modulo 2^64, so that every pair of values has one.
std::uint64_t to_change(std::uint64_t before, std::uint64_t now) {
  const std::uint64_t difference = now - before;
  const bool down = (difference >> 63U) != 0;
  return (difference << 1U) ^ (down ? UINT64_MAX : 0);
}
std::uint64_t apply_change(std::uint64_t before, std::uint64_t change) {
  const bool down = (change & 1U) != 0;
  return before + ((change >> 1U) ^ (down ? UINT64_MAX : 0));
}

class Numbers {
 public:
  explicit Numbers(capnp::Data::Reader bytes) : at_(bytes.begin()), end_(bytes.end()) {}

  std::uint64_t next() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) broken("digests", "end within a number");
      const std::uint64_t byte = *at_++;
      const std::uint64_t bits = byte & 0x7fU;
      if (shift == 63 && bits > 1) break;
      value |= bits << shift;
      if ((byte & 0x80U) != 0) continue;
      if (byte == 0 && shift != 0) broken("digests", "hold a number with needless bytes");
      return value;
    }
    broken("digests", "hold a number of more than 64 bits");
  }
  bool at_end() const { return at_ == end_; }

 private:
  const unsigned char* at_;
  const unsigned char* end_;
};

}  // namespace

void write(schema::Digests::Builder to, const std::vector<Digest>& from) {
  Bytes packed;
  packed.reserve(from.size() * 10);
  Digest before;
  for (const Digest& each : from) {
    append_number(packed, to_change(before.member.value, each.member.value));
    append_number(packed, static_cast<std::uint16_t>(each.kind));
    append_number(packed, to_change(before.version.epoch, each.version.epoch));
    append_number(packed, each.version.version);
    before = each;
  }
  to.setCount(list_size(from.size()));
  put_bytes(to, &schema::Digests::Builder::setPacked, packed);
}

void read(schema::Digests::Reader from, std::vector<Digest>& to) {
  const std::size_t count = from.getCount();
  const auto packed = from.getPacked();
  if (count > limits::digests_max) over_limit("digests", count, limits::digests_max);
  // Each takes four bytes at least, so the list cannot outgrow the message.
  if (packed.size() / 4 < count) broken("digests", "are fewer than their count");
  to.reserve(count);
  Numbers numbers(packed);
  std::uint64_t member = 0;
  std::uint64_t epoch = 0;
  for (std::size_t i = 0; i < count; ++i) {
    member = apply_change(member, numbers.next());
    check_at_most("digests.member", member, UINT32_MAX);
    const std::uint64_t kind = numbers.next();
    check_at_most("digests.kind", kind, UINT16_MAX);
    epoch = apply_change(epoch, numbers.next());
    const std::uint64_t version = numbers.next();
    if (kind >= record_kinds_count) continue;
    to.push_back(Digest{MemberNumber{static_cast<std::uint32_t>(member)},
                        static_cast<RecordKind>(kind), RecordVersion{epoch, version}});
  }
  if (!numbers.at_end()) broken("digests", "are more than their count");
}

}  // namespace tradewind::codec
