// Encoding to and decoding from Cap'n Proto bytes: one pair a message. Equal values have equal
// bytes. Decoding bounds size, traversal and nesting first, then every list and text, and never
// throws; bytes from anywhere may be given, aligned or not. Errors have ErrorCode::corrupt, or
// ErrorCode::too_large naming the limit. Checked besides form: enums, ids, sizes of keys, that
// money is not negative and times lie in the calendar. Records are checked whole: they speak of
// their own subject, in clean text, within the bounds of limits.h. A job's document is not judged
// again: that is the endpoint's work, and what is in the journal must stay readable. Any thread.
#pragma once

#include <optional>

#include "schemas/dispatch.h"
#include "schemas/gossip.h"
#include "schemas/journal.h"
#include "schemas/record.h"
#include "schemas/result.h"

namespace tradewind {

Bytes encode(const Record& record);
Result<Record> decode_record(BytesView bytes);
// Only the header, for comparing before verifying.
Result<RecordHeader> decode_record_header(BytesView bytes);

Bytes encode(const SignedRecord& record);
Result<SignedRecord> decode_signed_record(BytesView bytes);
Bytes encode(const Equivocation& proof);
Result<Equivocation> decode_equivocation(BytesView bytes);
// What both records of the proof say of themselves, as in the first. Fails with `invalid` when they
// are none of two stories: not of one subject, number, kind and version, of a kind that the
// registry signs, with equal bodies or not in their order. Whether the subject signed both is for
// the caller to check.
Result<RecordHeader> header_of(const Equivocation& proof);

Bytes encode(const GossipMessage& message);
Result<GossipMessage> decode_gossip(BytesView bytes);
// About what these bytes take within an encoded gossip message, which is packed.
std::size_t packed_bytes(BytesView flat);

Bytes encode(const ToGateway& message);
Result<ToGateway> decode_to_gateway(BytesView bytes);

Bytes encode(const ToBroker& message);
Result<ToBroker> decode_to_broker(BytesView bytes);

Bytes encode(const Entry& entry);
Result<Entry> decode_entry(BytesView bytes);

Bytes encode(const JobRecord& record);
// Either form of a row of the job table.
Result<JobRecord> decode_job_record(BytesView bytes);
// The row of a job of which there is nothing but its submission: its entry, which is no array's.
Bytes submitted_row(const Entry& submission);
// encode(Entry) of such a row; nothing of another. Lives as long as the row does.
std::optional<BytesView> submission_of_row(BytesView row);

// The gateway keeps each attempt it granted as one of these.
Bytes encode(const Assignment& assignment);
Result<Assignment> decode_assignment(BytesView bytes);
Bytes encode(const EndReport& report);
Result<EndReport> decode_end_report(BytesView bytes);

Bytes encode(const HeldAttempt& held);
Result<HeldAttempt> decode_held_attempt(BytesView bytes);

Bytes encode(const Decision& decision);
Result<Decision> decode_decision(BytesView bytes);

}  // namespace tradewind
