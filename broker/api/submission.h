// What one job document of a request asks for.
#pragma once

#include <string>

#include "broker/api/http_message.h"
#include "broker/api/json.h"
#include "broker/core/service.h"

namespace tradewind {

// The request's Idempotency-Key; empty: none.
Result<std::string> read_idempotency_key(const HttpRequest& request);
// Puts the document's job or quote into the submission.
Status read_submission(const json::value& document, Submission& submission);
// Whether the first submission with the same key, which the receipt is of, asked for something
// else.
bool asks_for_another_job(const Service& service, const SubmitReceipt& receipt,
                          const Submission& submission);
// What to say then.
Error key_was_used(const JobId& job);
// What to say when there is no job since its quote was not kept.
Error quote_not_kept(const QuoteNotKept& why, std::string_view currency);
// What to say when as many of the tenant's submissions, or of all, as may be wait for the broker.
Error too_many_submits();

}  // namespace tradewind
