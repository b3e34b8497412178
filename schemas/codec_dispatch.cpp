// What a broker and a gateway say to each other about attempts.
#include "schemas/codec.h"
#include "schemas/codec_internal.h"

namespace tradewind {
namespace codec {

static_assert(same_length<LogStream>(schema::LogStream::ERR));
static_assert(same_length<RefusalCode>(schema::RefusalCode::CONTRACT));
static_assert(same_length<AttemptPhase>(schema::AttemptPhase::ENDED));

void write(schema::ToGateway::Builder to, const ToGateway& from) {
  to.setTerm(from.term.value);
  auto body = to.initBody();
  std::visit(
      Overloaded{
          [&](const Dispatch& each) {
            auto dispatch = body.initDispatch();
            write(dispatch.initAttempt(), each.attempt);
            write(dispatch.initAssignment(), each.assignment);
            dispatch.setLeaseSeconds(each.lease_seconds);
          },
          [&](const RenewLeases& each) {
            auto renew = body.initRenewLeases();
            put_list(renew, &schema::RenewLeases::Builder::initAttempts, each.attempts);
            renew.setLeaseSeconds(each.lease_seconds);
          },
          [&](const CancelAttempt& each) { write(body.initCancel().initAttempt(), each.attempt); },
          [&](const AskAttempt& each) { write(body.initAsk().initAttempt(), each.attempt); },
          [&](const AcknowledgeEnd& each) {
            write(body.initAcknowledgeEnd().initAttempt(), each.attempt);
          },
          [&](const ReadLog& each) {
            auto read_log = body.initReadLog();
            read_log.setRequest(each.request);
            write(read_log.initAttempt(), each.attempt);
            read_log.setStream(static_cast<schema::LogStream>(each.stream));
            read_log.setOffset(each.offset);
            read_log.setBytesMax(each.bytes_max);
          },
          [&](const CosignCheckpoint& each) {
            auto cosign = body.initCosignCheckpoint();
            cosign.setRequest(each.request);
            put_bytes(cosign, &schema::CosignCheckpoint::Builder::setBody, each.body);
          }},
      from.body);
}

void read(schema::Dispatch::Reader from, Dispatch& to) {
  read(from.getAttempt(), to.attempt);
  read(from.getAssignment(), to.assignment);
  to.lease_seconds = from.getLeaseSeconds();
}
void read(schema::RenewLeases::Reader from, RenewLeases& to) {
  read_list("renew_leases.attempts", from.getAttempts(), limits::renew_attempts_max, to.attempts);
  to.lease_seconds = from.getLeaseSeconds();
}
void read(schema::ReadLog::Reader from, ReadLog& to) {
  to.request = from.getRequest();
  read(from.getAttempt(), to.attempt);
  to.stream = read_enum<LogStream>("read_log.stream", from.getStream());
  to.offset = from.getOffset();
  to.bytes_max = from.getBytesMax();
}

void read(schema::CosignCheckpoint::Reader from, CosignCheckpoint& to) {
  to.request = from.getRequest();
  to.body = read_bytes("cosign_checkpoint.body", from.getBody(), limits::cosign_request_bytes_max);
}

void read(schema::ToGateway::Reader from, ToGateway& to) {
  using Which = schema::ToGateway::Body;
  to.term = Term{from.getTerm()};
  const auto body = from.getBody();
  switch (body.which()) {
    case Which::DISPATCH: read(body.getDispatch(), to.body.emplace<Dispatch>()); break;
    case Which::RENEW_LEASES: read(body.getRenewLeases(), to.body.emplace<RenewLeases>()); break;
    case Which::CANCEL:
      read(body.getCancel().getAttempt(), to.body.emplace<CancelAttempt>().attempt);
      break;
    case Which::ASK: read(body.getAsk().getAttempt(), to.body.emplace<AskAttempt>().attempt); break;
    case Which::ACKNOWLEDGE_END:
      read(body.getAcknowledgeEnd().getAttempt(), to.body.emplace<AcknowledgeEnd>().attempt);
      break;
    case Which::READ_LOG: read(body.getReadLog(), to.body.emplace<ReadLog>()); break;
    case Which::COSIGN_CHECKPOINT:
      read(body.getCosignCheckpoint(), to.body.emplace<CosignCheckpoint>());
      break;
    default: unknown_kind("message to a gateway", static_cast<unsigned>(body.which()));
  }
}

void write(schema::ToBroker::Builder to, const ToBroker& from) {
  auto body = to.initBody();
  std::visit(
      Overloaded{
          [&](const Granted& each) { write(body.initGranted().initAttempt(), each.attempt); },
          [&](const Refused& each) {
            auto refused = body.initRefused();
            write(refused.initAttempt(), each.attempt);
            refused.setCode(static_cast<schema::RefusalCode>(each.code));
            put_text(refused, &schema::Refused::Builder::setDetail, each.detail);
            if (each.quote != SignedRecord{}) write(refused.initQuote(), each.quote);
          },
          [&](const AttemptStatus& each) {
            auto status = body.initStatus();
            write(status.initAttempt(), each.attempt);
            status.setPhase(static_cast<schema::AttemptPhase>(each.phase));
            status.setSince(micros_of(each.since));
          },
          [&](const AttemptEnded& each) {
            auto ended = body.initEnded();
            write(ended.initAttempt(), each.attempt);
            write(ended.initReport(), each.report);
          },
          [&](const LogChunk& each) {
            auto chunk = body.initLogChunk();
            chunk.setRequest(each.request);
            write(chunk.initAttempt(), each.attempt);
            chunk.setOffset(each.offset);
            put_bytes(chunk, &schema::LogChunk::Builder::setData, each.data);
            chunk.setEnd(each.end);
            chunk.setKnown(each.known);
          },
          [&](const CosignAnswer& each) {
            auto answer = body.initCosigned();
            answer.setRequest(each.request);
            answer.setStatus(each.status);
            put_text(answer, &schema::CosignAnswer::Builder::setContentType, each.content_type);
            put_bytes(answer, &schema::CosignAnswer::Builder::setBody, each.body);
          }},
      from.body);
}

void read(schema::Refused::Reader from, Refused& to) {
  read(from.getAttempt(), to.attempt);
  to.code = read_enum<RefusalCode>("refused.code", from.getCode());
  to.detail = read_report_text("refused.detail", from.getDetail());
  const auto quote = from.getQuote();
  if (quote.getBody().size() != 0 || quote.getSignature().size() != 0) read(quote, to.quote);
}
void read(schema::AttemptStatus::Reader from, AttemptStatus& to) {
  read(from.getAttempt(), to.attempt);
  to.phase = read_enum<AttemptPhase>("status.phase", from.getPhase());
  to.since = read_time("status.since", from.getSince());
}
void read(schema::AttemptEnded::Reader from, AttemptEnded& to) {
  read(from.getAttempt(), to.attempt);
  read(from.getReport(), to.report);
}
void read(schema::LogChunk::Reader from, LogChunk& to) {
  to.request = from.getRequest();
  read(from.getAttempt(), to.attempt);
  to.offset = from.getOffset();
  to.data = read_bytes("log_chunk.data", from.getData(), limits::log_chunk_bytes_max);
  to.end = from.getEnd();
  to.known = from.getKnown();
}
void read(schema::CosignAnswer::Reader from, CosignAnswer& to) {
  to.request = from.getRequest();
  to.status = static_cast<std::uint16_t>(in_range("cosigned.status", from.getStatus(), 200, 599));
  to.content_type = read_clean_text("cosigned.content_type", from.getContentType());
  to.body = read_bytes("cosigned.body", from.getBody(), limits::cosign_answer_bytes_max);
}

void read(schema::ToBroker::Reader from, ToBroker& to) {
  using Which = schema::ToBroker::Body;
  const auto body = from.getBody();
  switch (body.which()) {
    case Which::GRANTED:
      read(body.getGranted().getAttempt(), to.body.emplace<Granted>().attempt);
      break;
    case Which::REFUSED: read(body.getRefused(), to.body.emplace<Refused>()); break;
    case Which::STATUS: read(body.getStatus(), to.body.emplace<AttemptStatus>()); break;
    case Which::ENDED: read(body.getEnded(), to.body.emplace<AttemptEnded>()); break;
    case Which::LOG_CHUNK: read(body.getLogChunk(), to.body.emplace<LogChunk>()); break;
    case Which::COSIGNED: read(body.getCosigned(), to.body.emplace<CosignAnswer>()); break;
    default: unknown_kind("message to a broker", static_cast<unsigned>(body.which()));
  }
}

}  // namespace codec

Bytes encode(const ToGateway& message) {
  return codec::encode_message<schema::ToGateway>(message);
}
Result<ToGateway> decode_to_gateway(BytesView bytes) {
  return codec::decode_value<schema::ToGateway, ToGateway>("message to a gateway", bytes,
                                                           limits::frame_bytes_max);
}

Bytes encode(const ToBroker& message) {
  return codec::encode_message<schema::ToBroker>(message);
}
Result<ToBroker> decode_to_broker(BytesView bytes) {
  return codec::decode_value<schema::ToBroker, ToBroker>("message to a broker", bytes,
                                                         limits::frame_bytes_max);
}

}  // namespace tradewind
