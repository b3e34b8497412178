// Who belongs to the federation, as its registry says it, and signatures that stand for real ones.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/record.h"
#include "schemas/site.h"

namespace tradewind::simulation {

// No cryptography, only what the checks need: another key or other bytes, another signature.
Bytes signature_of(std::string_view key, BytesView body);
SignedRecord sign(const Record& record, std::string_view key);
// What a record book asks.
bool verify(BytesView key, BytesView body, BytesView signature);

class Membership {
 public:
  static Bytes registry_key() { return key_of("registry"); }

  // A ceiling of 0 is none. The members are valid from `now` on.
  void admit(const SiteId& site, std::uint32_t units_max, Wall::time_point now);
  // It leaves and is revoked, or joins again with a new key.
  void leave(const SiteId& site, Wall::time_point now);
  void join(const SiteId& site, Wall::time_point now);

  bool belongs(const SiteId& site) const;
  const Member& member(const SiteId& site) const { return entries_.at(site).member; }
  // The newest record of each.
  std::vector<SignedRecord> records() const;

 private:
  struct Entry {
    Member member;
    SignedRecord record;
    std::uint64_t version = 0;
    std::uint64_t keys = 0;
  };
  static Bytes key_of(std::string_view name);
  static void sign_anew(Entry& entry, Wall::time_point now);

  std::map<SiteId, Entry> entries_;
};

}  // namespace tradewind::simulation
