// Job records as JSON.
#include "broker/api/decision_json.h"
#include "broker/api/job_json.h"
#include "broker/api/quote_json.h"

namespace tradewind {
namespace {

json::array outputs_to_json(const EndReport& report) {
  json::array outputs;
  for (const OutputFile& each : report.outputs) {
    json::object output{
        {"path", each.path}, {"size_bytes", each.size_bytes}, {"sha256", each.sha256}};
    if (!each.url.empty()) output["url"] = each.url;
    outputs.push_back(std::move(output));
  }
  return outputs;
}

json::object report_to_json(const EndReport& report) {
  json::object out{{"code", json::string(to_string(report.code))}, {"started", report.started}};
  if (!report.detail.empty()) out["detail"] = report.detail;
  json::array executors;
  for (const ExecutorEnd& each : report.executors) {
    json::object executor{{"exit_code", each.exit_code},
                          {"stdout_tail", each.stdout_tail},
                          {"stderr_tail", each.stderr_tail}};
    if (!each.image.empty()) executor["image"] = each.image;
    put_time(executor, "started_at", each.started);
    put_time(executor, "ended_at", each.ended);
    executors.push_back(std::move(executor));
  }
  out["executors"] = std::move(executors);
  json::array inputs;
  for (const StagedInput& each : report.inputs) {
    json::object input{{"path", each.path},
                       {"size_bytes", each.size_bytes},
                       {"sha256", each.sha256},
                       {"milliseconds", each.milliseconds}};
    if (!each.url.empty()) input["url"] = each.url;
    inputs.push_back(std::move(input));
  }
  out["inputs"] = std::move(inputs);
  out["outputs"] = outputs_to_json(report);
  json::object usage{{"wall_seconds", report.usage.wall_seconds},
                     {"cpu_milliseconds", report.usage.cpu_milliseconds},
                     {"memory_peak_mib", report.usage.memory_peak_mib}};
  put_time(usage, "started_at", report.usage.started);
  put_time(usage, "ended_at", report.usage.ended);
  out["usage"] = std::move(usage);
  out["charge"] = to_decimal(report.charge.micros);
  json::array log;
  for (const std::string& each : report.system_log) log.emplace_back(each);
  out["system_log"] = std::move(log);
  return out;
}

// Where the attempt is or was, and at which price.
void put_place(json::object& out, const AttemptRecord& attempt, const JobSpec& spec,
               const Places& places) {
  if (!attempt.decision.chosen) return;
  const Candidate& chosen = *attempt.decision.chosen;
  out["site"] = chosen.site.value;
  out["pool"] = chosen.pool.value;
  if (const PoolPlace* place = places.find(chosen.site, chosen.pool)) {
    out["region"] = place->region;
    out["architecture"] = place->architecture;
  }
  if (chosen.variant < spec.variants.size()) out["variant"] = spec.variants[chosen.variant].name;
}

json::object attempt_to_json(const AttemptRecord& attempt, const JobSpec& spec,
                             const Places& places) {
  json::object out{{"number", attempt.number}, {"state", json::string(to_string(attempt.state))}};
  put_place(out, attempt, spec, places);
  if (attempt.decision.chosen) {
    const Candidate& chosen = *attempt.decision.chosen;
    out["preemptible"] = chosen.preemptible;
    out["rate_per_hour"] = to_decimal(chosen.rate.micros);
    out["cost_expected"] = to_decimal(chosen.cost.total.micros);
  }
  put_time(out, "decided_at", attempt.decided);
  put_time(out, "granted_at", attempt.granted);
  put_time(out, "started_at", attempt.started);
  put_time(out, "over_at", attempt.over);
  if (attempt.state == AttemptState::refused)
    out["refusal"] = json::string(to_string(attempt.refusal));
  if (!attempt.detail.empty()) out["detail"] = attempt.detail;
  if (attempt.report) out["report"] = report_to_json(*attempt.report);
  return out;
}

}  // namespace

const AttemptRecord* leading_attempt(const JobRecord& job) {
  for (auto each = job.attempts.rbegin(); each != job.attempts.rend(); ++each) {
    if (each->state != AttemptState::refused) return &*each;
  }
  return job.attempts.empty() ? nullptr : &job.attempts.back();
}

std::uint64_t log_index(const JobId& job) {
  return submitted_at(job).value - 1;
}

json::object job_summary_to_json(const JobRecord& job, const Places& places) {
  json::object out{{"id", job.job.value}, {"state", json::string(to_string(job.state))}};
  if (!job.spec.name.empty()) out["name"] = job.spec.name;
  if (job.array) {
    out["array"] = job.array->value;
    out["array_index"] = job.array_index;
  }
  out["log_index"] = log_index(job.job);
  out["tenant"] = job.tenant.value;
  out["principal"] = job.principal;
  json::object tags;
  for (const auto& [key, value] : job.spec.tags) tags[key] = value;
  out["tags"] = std::move(tags);
  put_time(out, "submitted_at", job.submitted);
  put_time(out, "ended_at", job.ended);
  const AttemptRecord* leading = leading_attempt(job);
  if (leading != nullptr && (is_final(job.state) || !is_over(leading->state))) {
    put_place(out, *leading, job.spec, places);
    put_time(out, "started_at", leading->started);
    if (leading->decision.chosen) {
      out["cost_expected"] = to_decimal(leading->decision.chosen->cost.total.micros);
    }
  }
  out["attempts_count"] = job.attempts_count;
  out["cost"] = to_decimal(job.charged.micros);
  if (job.cancel_requested) out["cancel_requested"] = true;
  if (!job.end_reason.empty()) out["end_reason"] = job.end_reason;
  return out;
}

json::array attempts_to_json(const JobRecord& job, const Places& places) {
  json::array attempts;
  for (const AttemptRecord& each : job.attempts) {
    attempts.push_back(attempt_to_json(each, job.spec, places));
  }
  return attempts;
}

json::object job_to_json(const JobRecord& job, const Places& places, std::string_view currency) {
  json::object out = job_summary_to_json(job, places);
  out["currency"] = json::string(currency);
  out["attempts"] = attempts_to_json(job, places);
  const AttemptRecord* leading = leading_attempt(job);
  if (leading != nullptr && leading->report) {
    out["outputs"] = outputs_to_json(*leading->report);
    if (!leading->report->executors.empty()) {
      out["exit_code"] = leading->report->executors.back().exit_code;
    }
  }
  if (job.quote) out["quote"] = terms_to_json(*job.quote);
  out["spec"] = job_spec_to_json(as_submitted(job.spec));
  json::array bound = bound_inputs_to_json(job.spec);
  if (!bound.empty()) out["bound_inputs"] = std::move(bound);
  return out;
}

}  // namespace tradewind
