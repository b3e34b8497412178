// A decision as the log tells it: all of it but the texts for people, which can be made from the
// rest and may quote what is private. Equal texts mean equal decisions. Pure.
#pragma once

#include "broker/audit/json_text.h"
#include "schemas/decision.h"

namespace tradewind {

void write(JsonText& out, std::string_view name, const Decision& decision);
void write(JsonText& out, std::string_view name, const QuoteTerms& quote);

}  // namespace tradewind
