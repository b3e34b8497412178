#include "tests/simulation/membership.h"

#include "schemas/codec.h"
#include "schemas/ids.h"

namespace tradewind::simulation {
namespace {

// So many bytes that hang on all of the text.
Bytes stretched(std::string_view text, std::uint64_t seed, std::size_t size) {
  Bytes bytes;
  for (std::uint64_t hash = stable_hash(text, seed); bytes.size() < size;
       hash = stable_hash("next", hash)) {
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(hash >> (8 * i)));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace

Bytes signature_of(std::string_view key, BytesView body) {
  return stretched(body, stable_hash(key), 64);
}

SignedRecord sign(const Record& record, std::string_view key) {
  SignedRecord signed_record{encode(record), {}};
  signed_record.signature = signature_of(key, signed_record.body);
  return signed_record;
}

bool verify(BytesView key, BytesView body, BytesView signature) {
  return signature == signature_of(key, body);
}

Bytes Membership::key_of(std::string_view name) {
  return stretched(name, 1, 32);
}

void Membership::sign_anew(Entry& entry, Wall::time_point now) {
  RecordHeader header;
  header.kind = RecordKind::member;
  header.subject = entry.member.node;
  header.member = entry.member.number;
  header.version = {1, ++entry.version};
  header.issued = now;
  header.valid_until = now + std::chrono::hours(24);
  entry.record = sign(Record{header, entry.member}, registry_key());
}

void Membership::admit(const SiteId& site, std::uint32_t units_max, Wall::time_point now) {
  Entry& entry = entries_[site];
  entry.member.node = site_node(site);
  entry.member.number = MemberNumber{static_cast<std::uint32_t>(entries_.size())};
  entry.member.units_max = units_max;
  entry.member.curve_key = key_of(site.value + " curve");
  join(site, now);
}

void Membership::leave(const SiteId& site, Wall::time_point now) {
  Entry& entry = entries_.at(site);
  entry.member.state = MemberState::revoked;
  sign_anew(entry, now);
}

void Membership::join(const SiteId& site, Wall::time_point now) {
  Entry& entry = entries_.at(site);
  entry.member.state = MemberState::active;
  entry.member.identity_key = key_of(site.value + ' ' + std::to_string(++entry.keys));
  sign_anew(entry, now);
}

bool Membership::belongs(const SiteId& site) const {
  return member(site).state == MemberState::active;
}

std::vector<SignedRecord> Membership::records() const {
  std::vector<SignedRecord> records;
  for (const auto& [site, entry] : entries_) records.push_back(entry.record);
  return records;
}

}  // namespace tradewind::simulation
