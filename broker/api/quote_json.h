// Quotes as JSON, and the document that submits one; docs/api.md describes every member.
#pragma once

#include <string>
#include <string_view>

#include "broker/api/json.h"
#include "broker/core/service.h"
#include "schemas/job.h"
#include "schemas/result.h"

namespace tradewind {

// The quote's id when the document submits one, {"quote": "q7-12-1790308220500"} and nothing
// beside it; empty when it has no such member. Errors name the member.
Result<std::string> read_quote_id(const json::value& document);

// The decision, pools by reason, and what would change it.
json::object explanation_to_json(const Explanation& explanation, const JobSpec& spec,
                                 std::string_view currency);
json::object terms_to_json(const QuoteTerms& terms);
// One sentence: what the quote's pool lacks, and what there is now.
std::string explain(const QuoteNotKept& why, std::string_view currency);

}  // namespace tradewind
