// Signing the records that travel by gossip. What is signed is "tradewind-record-v1", a zero byte
// and the encoded record, so that a record's signature means nothing anywhere else and no other
// signature of the same key can pass for a record's. Any thread.
#pragma once

#include <chrono>
#include <variant>

#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/keys.h"

namespace tradewind {

// The signature, 64 bytes, over exactly the bytes of `body`, an encoded Record.
Bytes sign_record(const SigningKey& key, BytesView body);
// `key` is raw, 32 bytes. Has the form of Gossip::Verify.
bool verify_record(BytesView key, BytesView body, BytesView signature);

// The body's kind must be that of the header.
SignedRecord make_record(const SigningKey& key, const RecordHeader& header,
                         std::variant<Member, SiteRecord, QuoteSheet> body);

// A member's record, signed by the registry key, valid from now on for `validity`.
SignedRecord make_member_record(const SigningKey& registry_key, const Member& member,
                                RecordVersion version, Now now, std::chrono::seconds validity);

}  // namespace tradewind
