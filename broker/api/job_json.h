// Jobs as JSON documents of the native API; docs/api.md describes every member.
#pragma once

#include <string_view>

#include "broker/api/json.h"
#include "broker/api/places.h"
#include "schemas/job.h"
#include "schemas/journal.h"
#include "schemas/result.h"

namespace tradewind {

// Reads and checks a whole job document of at most limits::job_document_bytes_max. Errors name the
// member by its path, the value, and what to write instead.
Result<JobSpec> parse_job_spec(std::string_view text);
// The two steps of that: within the bound and JSON; a job.
Result<json::value> parse_job_document(std::string_view text);
Result<JobSpec> read_job_spec(const json::value& document);

// The document again: reading it gives the same spec.
json::object job_spec_to_json(const JobSpec& spec);

// One line of a list: id, name, state, where, when, cost.
json::object job_summary_to_json(const JobRecord& job, const Places& places);
// Everything but decisions: spec, attempts, outputs, usage. `currency` is that of all amounts.
json::object job_to_json(const JobRecord& job, const Places& places, std::string_view currency);

// The attempt that counts: the newest that was not refused, else the newest, else null.
const AttemptRecord* leading_attempt(const JobRecord& job);

}  // namespace tradewind
