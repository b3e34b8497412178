#include "state/identity/records.h"

#include "schemas/assert.h"
#include "schemas/codec.h"

namespace tradewind {
namespace {

using namespace std::string_view_literals;

Bytes in_domain(BytesView body) {
  constexpr std::string_view domain = "tradewind-record-v1\0"sv;
  Bytes message;
  message.reserve(domain.size() + body.size());
  message += domain;
  message += body;
  return message;
}

}  // namespace

Bytes sign_record(const SigningKey& key, BytesView body) {
  return key.sign(in_domain(body));
}

bool verify_record(BytesView key, BytesView body, BytesView signature) {
  return verify_signature(key, in_domain(body), signature);
}

SignedRecord make_record(const SigningKey& key, const RecordHeader& header,
                         std::variant<Member, SiteRecord, QuoteSheet> body) {
  // The alternatives of the body stand in the order of RecordKind's values.
  TRADEWIND_ASSERT(static_cast<std::size_t>(header.kind) == body.index());
  SignedRecord record;
  record.body = encode(Record{header, std::move(body)});
  record.signature = sign_record(key, record.body);
  return record;
}

SignedRecord make_member_record(const SigningKey& registry_key, const Member& member,
                                RecordVersion version, Now now, std::chrono::seconds validity) {
  RecordHeader header;
  header.kind = RecordKind::member;
  header.subject = member.node;
  header.member = member.number;
  header.version = version;
  header.issued = now.wall;
  header.valid_until = now.wall + validity;
  return make_record(registry_key, header, member);
}

}  // namespace tradewind
