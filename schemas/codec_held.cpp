// Attempts as a gateway keeps them.
#include "schemas/codec.h"
#include "schemas/codec_internal.h"

namespace tradewind {
namespace codec {

void write(schema::HeldAttempt::Builder to, const HeldAttempt& from) {
  write(to.initAttempt(), from.attempt);
  put_text(to, &schema::HeldAttempt::Builder::setBroker, from.broker.value);
  write(to.initAssignment(), from.assignment);
  put_numbers(to, &schema::HeldAttempt::Builder::initNodes, from.nodes);
  to.setGranted(micros_of(from.granted));
  to.setLeaseSeconds(from.lease_seconds);
  to.setIncrementSeconds(from.increment_seconds);
  to.setMinimumSeconds(from.minimum_seconds);
  to.setFixedFee(from.fixed_fee.micros);
  if (from.report) write(to.initReport(), *from.report);
}
void read(schema::HeldAttempt::Reader from, HeldAttempt& to) {
  read(from.getAttempt(), to.attempt);
  to.broker = read_node("held.broker", from.getBroker());
  read(from.getAssignment(), to.assignment);
  read_numbers("held.nodes", from.getNodes(), limits::nodes_per_job_max, to.nodes);
  to.granted = read_time("held.granted", from.getGranted());
  to.lease_seconds = from.getLeaseSeconds();
  to.increment_seconds = from.getIncrementSeconds();
  if (to.increment_seconds == 0) broken("held.increment_seconds", "is 0");
  to.minimum_seconds = from.getMinimumSeconds();
  to.fixed_fee = read_money("held.fixed_fee", from.getFixedFee());
  if (from.hasReport()) read(from.getReport(), to.report.emplace());
}

}  // namespace codec

Bytes encode(const HeldAttempt& held) {
  return codec::encode_message<schema::HeldAttempt>(held);
}

Result<HeldAttempt> decode_held_attempt(BytesView bytes) {
  return codec::decode_value<schema::HeldAttempt, HeldAttempt>("held attempt", bytes,
                                                               limits::entry_bytes_max);
}

}  // namespace tradewind
