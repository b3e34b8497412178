#include "gateway/engines/slurm_rest_client.h"

#include <fmt/format.h>

namespace tradewind {
namespace {

Error unanswered(const SlurmAnswer& answer, ErrorCode code) {
  return {code, "engine.slurm.url",
          fmt::format("Slurm answered with error {}: {}", answer.number, answer.text),
          "see whether slurmctld runs, and the token"};
}

}  // namespace

Result<std::int64_t> SlurmRestClient::submit(const SlurmSubmission& submission) {
  auto answer = rest_.call("POST", "job/submit", slurm_document(submission, rest_.version()));
  if (!answer) {
    Error error = answer.error();
    // slurmrestd could not read it, and will not the next time either.
    if (error.code == ErrorCode::invalid) error.code = ErrorCode::refused;
    return fail(std::move(error));
  }
  // A job with a number is accepted, whatever errors stand beside it; one without is not for sure
  // refused unless the error says so.
  const auto* job = answer->body.if_contains("job_id");
  if (job != nullptr && job->is_int64() && job->as_int64() > 0) {
    if (answer->number != slurm_too_large) return job->as_int64();
    if (const Status gone = cancel(job->as_int64()); !gone) return fail(gone.error());
    return fail(ErrorCode::refused, "engine.slurm.pools",
                fmt::format("Slurm would keep it waiting for ever: {}", answer->text),
                "compare the pool with its partition's limits");
  }
  if (parse_slurm_error(answer->number) == SlurmError::never) {
    return fail(unanswered(*answer, ErrorCode::refused));
  }
  return fail(unanswered(*answer, ErrorCode::maybe_delivered));
}

Result<std::optional<std::vector<SlurmJob>>> SlurmRestClient::jobs(std::int64_t known) {
  // Later versions answer "unchanged" with an empty list, as if there were no jobs.
  const bool asks_for_news = known > 0 && rest_.version() < slurm_typed_version;
  auto answer = rest_.call(
      "GET", asks_for_news ? fmt::format("jobs?update_time={}", known) : std::string("jobs"));
  if (!answer) return fail(answer.error());
  if (answer->unchanged) return std::optional<std::vector<SlurmJob>>{};
  if (answer->number != 0) return fail(unanswered(*answer, ErrorCode::unavailable));
  auto jobs = read_slurm_jobs(answer->body);
  if (!jobs) return fail(jobs.error());
  return std::optional(std::move(*jobs));
}

Result<std::vector<SlurmNode>> SlurmRestClient::nodes() {
  auto answer = rest_.call("GET", "nodes");
  if (!answer) return fail(answer.error());
  if (answer->number != 0) return fail(unanswered(*answer, ErrorCode::unavailable));
  return read_slurm_nodes(answer->body);
}

Result<std::optional<std::vector<SlurmRecord>>> SlurmRestClient::records(std::int64_t job) {
  using Records = std::optional<std::vector<SlurmRecord>>;
  if (!rest_.keeps_accounting()) return Records{};
  auto answer = rest_.call_accounting("GET", fmt::format("job/{}", job));
  if (!answer) return fail(answer.error());
  if (answer->number != 0 && answer->number != slurm_nothing_found) {
    return fail(unanswered(*answer, ErrorCode::unavailable));
  }
  auto records = read_slurm_records(answer->body);
  if (!records) return fail(records.error());
  return Records(std::move(*records));
}

Status SlurmRestClient::cancel(std::int64_t job, const std::string& key) {
  const auto answer = rest_.call("GET", fmt::format("job/{}", job));
  if (!answer) return fail(answer.error());
  if (parse_slurm_error(answer->number) == SlurmError::no_such_job) return ok();
  if (answer->number != 0) return fail(unanswered(*answer, ErrorCode::unavailable));
  const auto jobs = read_slurm_jobs(answer->body);
  if (!jobs) return fail(jobs.error());
  for (const SlurmJob& each : *jobs) {
    if (each.id == job && each.key == key) return cancel(job);
  }
  return ok();
}

Status SlurmRestClient::cancel(std::int64_t job) {
  const auto answer = rest_.call("DELETE", fmt::format("job/{}", job));
  if (!answer) return fail(answer.error());
  if (answer->number == 0 || parse_slurm_error(answer->number) == SlurmError::no_such_job)
    return ok();
  return fail(unanswered(*answer, ErrorCode::unavailable));
}

}  // namespace tradewind
