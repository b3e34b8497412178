#include "tests/unit/gossip/toy_records.h"

#include "schemas/codec.h"
#include "schemas/ids.h"

namespace tradewind::toy {
namespace {

Bytes stretch(std::uint64_t hash, std::size_t length) {
  Bytes bytes;
  while (bytes.size() < length) {
    hash = stable_hash("stretch", hash);
    for (unsigned shift = 0; shift < 64 && bytes.size() < length; shift += 8) {
      bytes.push_back(static_cast<char>((hash >> shift) & 0xffU));
    }
  }
  return bytes;
}

RecordHeader header(RecordKind kind, const Stamp& stamp) {
  return RecordHeader{.kind = kind,
                      .subject = site_node(SiteId{std::string(stamp.site)}),
                      .member = MemberNumber{stamp.number},
                      .version = RecordVersion{stamp.epoch, stamp.version},
                      .issued = epoch + stamp.issued,
                      .valid_until = epoch + stamp.issued + stamp.valid_for};
}

}  // namespace

Now at(std::chrono::microseconds after) {
  return Now{.mono = Mono::time_point(after), .wall = epoch + after};
}

Bytes key_of(std::string_view owner) {
  return stretch(stable_hash(owner), 32);
}

Bytes signature_of(const Bytes& key, const Bytes& body) {
  return stretch(stable_hash(body, stable_hash(key)), 64);
}

bool verify(BytesView key, BytesView message, BytesView signature) {
  return signature_of(Bytes(key), Bytes(message)) == signature;
}

SignedRecord sign(const Record& record, const Bytes& key) {
  SignedRecord result{.body = encode(record), .signature = {}};
  result.signature = signature_of(key, result.body);
  return result;
}

Record member_record(Stamp stamp, MemberState state) {
  stamp.valid_for = std::chrono::hours(24);
  Member body;
  body.node = site_node(SiteId{std::string(stamp.site)});
  body.number = MemberNumber{stamp.number};
  body.state = state;
  body.identity_key = key_of(stamp.site);
  body.curve_key = key_of("curve");
  return Record{header(RecordKind::member, stamp), body};
}

Record site_record(Stamp stamp, std::string_view region) {
  stamp.valid_for = std::chrono::hours(1);
  Pool pool;
  pool.id = PoolId{"cpu"};
  pool.nodes = 10;
  pool.node = Resources{.cpus = 10, .memory_mib = 10'240};
  pool.unit = Resources{.cpus = 1, .memory_mib = 1'024};
  pool.performance_ppm["default"] = ppm_one;
  SiteRecord body;
  body.site = SiteId{std::string(stamp.site)};
  body.region = RegionId{std::string(region)};
  body.jurisdiction = Jurisdiction{"JP"};
  body.provider = "a centre";
  body.pools.push_back(pool);
  return Record{header(RecordKind::site, stamp), body};
}

Record quote_record(Stamp stamp, std::uint32_t units_free, std::int64_t price_ppm) {
  QuoteSheet body;
  body.site = SiteId{std::string(stamp.site)};
  body.pools.push_back(
      PoolQuote{.pool = PoolId{"cpu"}, .units_free = units_free, .price_ppm = price_ppm});
  return Record{header(RecordKind::quote, stamp), body};
}

SignedRecord broker_member(std::string_view broker, std::uint32_t number) {
  Record record = member_record({.site = broker, .number = number});
  record.header.subject = broker_node(broker);
  std::get<Member>(record.body).node = record.header.subject;
  return sign(record, key_of("registry"));
}
SignedRecord member(Stamp stamp, MemberState state) {
  return sign(member_record(stamp, state), key_of("registry"));
}
SignedRecord site(Stamp stamp, std::string_view region) {
  return sign(site_record(stamp, region), key_of(stamp.site));
}
SignedRecord quote(Stamp stamp, std::uint32_t units_free, std::int64_t price_ppm) {
  return sign(quote_record(stamp, units_free, price_ppm), key_of(stamp.site));
}

}  // namespace tradewind::toy
