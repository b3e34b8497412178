// Signed records, what is in them, and who is a member.
#include "schemas/codec.h"
#include "schemas/codec_internal.h"

namespace tradewind {
namespace codec {
namespace {

static_assert(same_length<RecordKind>(schema::RecordKind::QUOTE));
static_assert(same_length<MemberState>(schema::MemberState::REVOKED));

std::size_t bytes_max_of(RecordKind kind) {
  switch (kind) {
    case RecordKind::member: return limits::member_record_bytes_max;
    case RecordKind::site: return limits::site_record_bytes_max;
    case RecordKind::quote: return limits::quote_sheet_bytes_max;
  }
  return 0;
}

}  // namespace

void write(schema::RecordHeader::Builder to, const RecordHeader& from) {
  to.setKind(static_cast<schema::RecordKind>(from.kind));
  put_text(to, &schema::RecordHeader::Builder::setSubject, from.subject.value);
  to.setMember(from.member.value);
  write(to.initVersion(), from.version);
  to.setIssued(micros_of(from.issued));
  to.setValidUntil(micros_of(from.valid_until));
}
void read(schema::RecordHeader::Reader from, RecordHeader& to) {
  to.kind = read_enum<RecordKind>("header.kind", from.getKind());
  to.subject = read_node("header.subject", from.getSubject());
  to.member = MemberNumber{from.getMember()};
  read(from.getVersion(), to.version);
  to.issued = read_time("header.issued", from.getIssued());
  to.valid_until = read_time("header.valid_until", from.getValidUntil());
  if (to.valid_until <= to.issued) broken("header.valid_until", "is not after issued");
}

void write(schema::Member::Builder to, const Member& from) {
  put_text(to, &schema::Member::Builder::setNode, from.node.value);
  to.setNumber(from.number.value);
  to.setState(static_cast<schema::MemberState>(from.state));
  put_bytes(to, &schema::Member::Builder::setIdentityKey, from.identity_key);
  put_bytes(to, &schema::Member::Builder::setCurveKey, from.curve_key);
  put_text(to, &schema::Member::Builder::setEndpoint, from.endpoint);
  to.setUnitsMax(from.units_max);
  put_text(to, &schema::Member::Builder::setLogKey, from.log_key);
  to.setRenewals(from.renewals);
  put_bytes(to, &schema::Member::Builder::setFormerCurveKey, from.former_curve_key);
  to.setTrustVersion(from.trust_version);
  to.setLocked(from.locked);
}
void read(schema::Member::Reader from, Member& to) {
  to.node = read_node("member.node", from.getNode());
  to.number = MemberNumber{from.getNumber()};
  to.state = read_enum<MemberState>("member.state", from.getState());
  to.identity_key = read_bytes_exactly("member.identity_key", from.getIdentityKey(), 32);
  to.curve_key = read_bytes_exactly("member.curve_key", from.getCurveKey(), 32);
  to.endpoint = read_endpoint("member.endpoint", from.getEndpoint());
  to.units_max = from.getUnitsMax();
  to.log_key = read_clean_text("member.log_key", from.getLogKey());
  if (to.log_key.size() > limits::log_key_bytes_max) {
    over_limit("member.log_key", to.log_key.size(), limits::log_key_bytes_max);
  }
  to.renewals = from.getRenewals();
  if (from.hasFormerCurveKey()) {
    to.former_curve_key =
        read_bytes_exactly("member.former_curve_key", from.getFormerCurveKey(), 32);
  }
  to.trust_version = from.getTrustVersion();
  to.locked = from.getLocked();
  if (to.locked && to.state == MemberState::active) broken("member.locked", "is set while active");
}

namespace {

// A record speaks of its subject only, or whoever holds a key could speak for another.
void check_subject(const Record& record) {
  const NodeId& subject = record.header.subject;
  const NodeId speaks_of =
      std::visit(Overloaded{[](const Member& member) { return member.node; },
                            [](const SiteRecord& site) { return site_node(site.site); },
                            [](const QuoteSheet& sheet) { return site_node(sheet.site); }},
                 record.body);
  if (speaks_of != subject) {
    broken("header.subject", "is " + subject.value + ", but the body is of " + speaks_of.value);
  }
  const auto* member = std::get_if<Member>(&record.body);
  if (member != nullptr && member->number != record.header.member) {
    broken("header.member", "is not the member's own number");
  }
}

}  // namespace

void write(schema::Record::Builder to, const Record& from) {
  write(to.initHeader(), from.header);
  auto body = to.initBody();
  std::visit(Overloaded{[&](const Member& each) { write(body.initMember(), each); },
                        [&](const SiteRecord& each) { write(body.initSite(), each); },
                        [&](const QuoteSheet& each) { write(body.initQuote(), each); }},
             from.body);
}

namespace {

RecordHeader read_header(schema::Record::Reader from, std::size_t bytes) {
  RecordHeader header;
  codec::read(from.getHeader(), header);
  if (bytes > bytes_max_of(header.kind)) {
    over_limit(std::string(to_string(header.kind)) + " record", bytes, bytes_max_of(header.kind));
  }
  return header;
}

Record read_record(schema::Record::Reader from, std::size_t bytes) {
  Record to;
  to.header = read_header(from, bytes);
  const auto body = from.getBody();
  switch (body.which()) {
    case schema::Record::Body::MEMBER:
      codec::read(body.getMember(), to.body.emplace<Member>());
      break;
    case schema::Record::Body::SITE:
      codec::read(body.getSite(), to.body.emplace<SiteRecord>());
      break;
    case schema::Record::Body::QUOTE:
      codec::read(body.getQuote(), to.body.emplace<QuoteSheet>());
      break;
    default: unknown_kind("record.body", static_cast<unsigned>(body.which()));
  }
  if (to.body.index() != static_cast<std::size_t>(to.header.kind)) {
    broken("header.kind", "is not the kind of the body");
  }
  check_subject(to);
  return to;
}

}  // namespace
}  // namespace codec

Bytes encode(const Record& record) {
  return codec::encode_message<schema::Record>(record);
}

Result<Record> decode_record(BytesView bytes) {
  return codec::decode_message<schema::Record>(
      "record", bytes, limits::site_record_bytes_max,
      [&](schema::Record::Reader from) { return codec::read_record(from, bytes.size()); });
}

Result<RecordHeader> decode_record_header(BytesView bytes) {
  return codec::decode_message<schema::Record>(
      "record", bytes, limits::site_record_bytes_max,
      [&](schema::Record::Reader from) { return codec::read_header(from, bytes.size()); });
}

Bytes encode(const SignedRecord& record) {
  return codec::encode_message<schema::SignedRecord>(record);
}

Result<SignedRecord> decode_signed_record(BytesView bytes) {
  return codec::decode_value<schema::SignedRecord, SignedRecord>(
      "signed record", bytes, limits::site_record_bytes_max + 1024);
}

Bytes encode(const Equivocation& proof) {
  return codec::encode_message<schema::Equivocation>(proof);
}

Result<Equivocation> decode_equivocation(BytesView bytes) {
  return codec::decode_value<schema::Equivocation, Equivocation>("equivocation", bytes,
                                                                 limits::equivocation_bytes_max);
}

Result<RecordHeader> header_of(const Equivocation& proof) {
  auto first = decode_record_header(proof.first.body);
  if (!first) return first;
  const auto second = decode_record_header(proof.second.body);
  if (!second) return second;
  const auto none = [](std::string message) {
    return fail(ErrorCode::invalid, "equivocation", std::move(message));
  };
  if (first->kind == RecordKind::member) return none("is of member records, which others sign");
  if (first->kind != second->kind || first->subject != second->subject ||
      first->member != second->member || first->version != second->version) {
    return none("is of two records that may both be there");
  }
  if (proof.first.body >= proof.second.body) {
    return none("has one body twice, or the greater one first");
  }
  return first;
}

}  // namespace tradewind
