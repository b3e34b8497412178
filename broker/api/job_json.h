// Jobs as JSON documents of the native API; docs/api.md describes every member.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/api/json.h"
#include "broker/api/json_reader.h"
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

// `url`, or `replicas`.
void read_replicas(Reading& reading, ObjectReader& in, std::vector<Replica>& out);
json::array replicas_to_json(const std::vector<Replica>& replicas);
// A list of names such as jurisdictions.
template <class Id>
void read_ids(ObjectReader& in, std::string_view name, std::vector<Id>& out) {
  std::vector<std::string> texts;
  if (!in.texts(name, texts, limits::list_entries_max)) return;
  for (std::string& each : texts) out.push_back(Id{std::move(each)});
}
template <class Id>
json::array ids_to_json(const std::vector<Id>& ids) {
  json::array out;
  for (const Id& each : ids) out.emplace_back(each.value);
  return out;
}

// Without what data sets have put in.
JobSpec as_submitted(JobSpec spec);
// What they have: the inputs that they fill in or bind, as these are now.
json::array bound_inputs_to_json(const JobSpec& spec);
// The document again: reading it gives the same spec, where it is as submitted.
json::object job_spec_to_json(const JobSpec& spec);

// Which entry of the transparency log is the submission of this job, or of the array it is of.
std::uint64_t log_index(const JobId& job);

// One line of a list: id, name, state, where, when, cost.
json::object job_summary_to_json(const JobRecord& job, const Places& places);
// Everything but decisions: spec, attempts, outputs, usage. `currency` is that of all amounts.
json::object job_to_json(const JobRecord& job, const Places& places, std::string_view currency);
// The attempts alone, oldest first.
json::array attempts_to_json(const JobRecord& job, const Places& places);

// The attempt that counts: the newest that was not refused, else the newest, else null.
const AttemptRecord* leading_attempt(const JobRecord& job);

}  // namespace tradewind
