// Jobs of the native API.
#include <fmt/format.h>

#include "broker/api/api.h"
#include "broker/api/cancel_each.h"
#include "broker/api/decision_json.h"
#include "broker/api/entity_tag.h"
#include "broker/api/job_filter.h"
#include "broker/api/job_json.h"
#include "broker/api/quote_json.h"
#include "broker/api/submission.h"
#include "broker/api/trace_context.h"

namespace tradewind {
namespace {

constexpr std::int64_t kJobsMax = 1'000;
constexpr std::int64_t kCancelsDefault = 1'000;
// A decision may be as large as a hundred lines of a list.
constexpr std::int64_t kDecisionJobsDefault = 20;
constexpr std::int64_t kDecisionJobsMax = 100;
// How long an answer about a job that has not changed is given again: it tells where pools lie, and
// of a queued one why it waits, which new quote sheets may change, every 5 s.
constexpr auto kAnswerGood = std::chrono::seconds(5);

void tell_not_kept(const Api& api, const Call& call, const QuoteNotKept& why) {
  const std::string currency = api.accounting_currency();
  json::object members{{"quote", terms_to_json(why.quote)},
                       {"reason", to_string(why.reason.reason)},
                       {"wanted", why.reason.wanted},
                       {"offered", why.reason.offered},
                       {"now", decision_to_json(why.now, *why.spec, currency)}};
  call.responder.send(problem(quote_not_kept(why, currency), members));
}

// Puts into the submission what the body asks for: a job, or a quote.
Status read_body(const Call& call, Submission& submission) {
  submission.tenant = call.caller.tenant;
  submission.principal = call.caller.principal;
  auto key = read_idempotency_key(call.request);
  if (!key) return fail(std::move(key.error()));
  submission.idempotency_key = std::move(*key);
  submission.traceparent = trace_parent(call.request.header("traceparent"));
  const auto document = parse_job_document(call.request.body);
  if (!document) return fail(document.error());
  return read_submission(*document, submission);
}

void answer_submitted(const Api& api, const Call& call, const Submission& asked,
                      std::uint32_t tasks, const SubmitReceipt& receipt) {
  if (receipt.replayed && asks_for_another_job(api.service, receipt, asked)) {
    return call.reject(key_was_used(receipt.job));
  }
  json::object body{{"id", receipt.job.value},
                    {"replayed", receipt.replayed},
                    {"log_index", log_index(receipt.job)}};
  if (tasks > 0) body["array"] = json::object{{"count", tasks}};
  HttpResponse response = json_response(receipt.replayed ? 200 : 201, body);
  response.headers.emplace_back("Location",
                                (tasks > 0 ? "/v1/arrays/" : "/v1/jobs/") + receipt.job.value);
  call.responder.send(std::move(response));
}

void submit(const std::shared_ptr<Api>& api, Call call) {
  if (call.request.body_to_come) return submit_batch(api, std::move(call));
  const TenantId tenant = call.caller.tenant;
  if (!api->submit_queue.has_room(tenant)) return call.reject(too_many_submits());
  const auto asked = std::make_shared<Submission>();
  if (const Status read = read_body(call, *asked); !read) return call.reject(read.error());
  const std::uint32_t tasks = asked->spec.array_count;
  api->charge_jobs(call, tasks);
  const auto shared = std::make_shared<const Call>(std::move(call));
  const bool entered = api->submit_queue.enter(
      tenant, tasks, [api, shared, asked, tasks](const SubmitQueue::Turn& turn) {
        api->service.submit(
            asked, [api, shared, asked, tasks, turn](const Result<SubmitReceipt>& receipt) {
              if (!receipt) return shared->reject(receipt.error());
              if (!receipt->not_kept) {
                return answer_submitted(*api, *shared, *asked, tasks, *receipt);
              }
              shared->responder.soon(
                  [api, shared, why = receipt->not_kept] { tell_not_kept(*api, *shared, *why); });
            });
      });
  if (!entered) shared->reject(too_many_submits());
}

void list(const std::shared_ptr<Api>& api, Call call) {
  const auto filter = parse_job_filter(call.request.query);
  if (!filter) return call.reject(filter.error());
  const auto query = job_query(call.request, call.caller, *filter, kPageDefault, kJobsMax);
  if (!query) return call.reject(query.error());
  auto page = api->service.list(*query);
  if (!page) return call.reject(page.error());
  api->places->with([call, page = std::move(*page)](const std::shared_ptr<const Places>& places) {
    json::array jobs;
    for (const JobRecord& each : page.jobs) jobs.push_back(job_summary_to_json(each, *places));
    json::object body{{"jobs", std::move(jobs)}};
    if (!page.next.empty()) body["next_cursor"] = page.next;
    call.answer(200, body);
  });
}

// Whether the id names an array rather than one job, one that the caller may do that with.
bool is_array(const Api& api, const Caller& caller, Verb verb, const std::string& id) {
  if (!is_job_id(id) || id.find('-') != std::string::npos) return false;
  if (api.service.find(JobId{id}) != nullptr) return false;
  const auto first = api.service.find(array_task_id(JobId{id}, 0));
  return first != nullptr && may(caller, verb, &first->tenant) == Access::allowed;
}

// What the queued job has yet to see succeed before it may go.
json::array waits_for(Api& api, const JobRecord& job) {
  json::array out;
  if (job.state != JobState::queued || job.attempts_count > 0) return out;
  for (const JobId& each : job.spec.after) {
    if (const auto other = api.service.find(each)) {
      if (other->state == JobState::succeeded) continue;
      out.push_back({{"id", each.value}, {"state", json::string(to_string(other->state))}});
    } else if (const auto first = api.service.find(array_task_id(each, 0))) {
      const ArrayCounts counts = api.array_tally.count(api.service, *first);
      const auto succeeded = counts.by_state.at(static_cast<std::size_t>(JobState::succeeded));
      if (succeeded == counts.tasks) continue;
      out.push_back({{"id", each.value}, {"tasks", counts.tasks}, {"succeeded", succeeded}});
    }
  }
  return out;
}

// "it waits for j0000000000001, which is running, and 2 more"
std::string summary_of(const json::array& waits_for) {
  const json::object& first = waits_for.front().as_object();
  const std::string id(first.at("id").as_string());
  std::string text = "it waits for " + id;
  if (const json::value* const state = first.if_contains("state")) {
    text += ", which is " + std::string(state->as_string());
  } else {
    text += fmt::format(", of which {} of {} tasks have succeeded",
                        first.at("succeeded").to_number<std::uint64_t>(),
                        first.at("tasks").to_number<std::uint64_t>());
  }
  if (waits_for.size() > 1) text += fmt::format(", and {} more", waits_for.size() - 1);
  return text;
}

void get(const std::shared_ptr<Api>& api, Call call) {
  const std::string& id = call.captures[0];
  if (api->answer_again(call, JobAnswers::Kind::native, id)) return;
  const std::uint32_t changes = api->service.changes(JobId{id});
  if (is_array(*api, call.caller, Verb::read_job, id)) {
    return call.reject(Error{ErrorCode::not_found, "id", id + " is an array of jobs",
                             "GET /v1/arrays/" + id + ", or its jobs with /v1/jobs?array=" + id});
  }
  const auto job = api->job(call, id, Verb::read_job);
  if (job == nullptr) return;
  api->places->with([api, call, job, changes](const std::shared_ptr<const Places>& places) {
    json::object body = job_to_json(*job, *places, api->accounting_currency());
    if (job->state == JobState::unroutable && job->unplaced) {
      body["reason"] = explain(*job->unplaced, job->spec, api->accounting_currency());
    }
    const auto answer = [api, job, changes](const Call& asked, const json::object& whole) {
      api->answer_and_keep(asked, JobAnswers::Kind::native, *job, changes,
                           JobAnswers::Clock::now() + kAnswerGood, whole);
    };
    if (job->state != JobState::queued) return answer(call, body);
    if (json::array others = waits_for(*api, *job); !others.empty()) {
      body["waiting"] = json::object{{"summary", summary_of(others)}};
      body["waits_for"] = std::move(others);
      return answer(call, body);
    }
    api->service.waiting_decision(
        job->job, [api, call, job, answer,
                   body = std::move(body)](const Result<std::optional<WaitingDecision>>& waiting) {
          json::object whole = body;
          if (waiting && *waiting) {
            whole["waiting"] = waiting_to_json(**waiting, job->spec, api->accounting_currency());
          }
          answer(call, whole);
        });
  });
}

void attempts(const std::shared_ptr<Api>& api, Call call) {
  const auto job = api->job(call, call.captures[0], Verb::read_job);
  if (job == nullptr) return;
  api->places->with([call, job](const std::shared_ptr<const Places>& places) {
    std::string body = to_text(json::object{{"job", job->job.value},
                                            {"state", json::string(to_string(job->state))},
                                            {"attempts_count", job->attempts_count},
                                            {"attempts", attempts_to_json(*job, *places)}});
    std::string tag = entity_tag(body);
    call.responder.send(tagged_response(call.request, std::move(body), std::move(tag)));
  });
}

// `attempt` 0: of none.
json::object decision_about(const JobRecord& job, json::object decision, std::uint32_t attempt) {
  json::object body{{"job", job.job.value}, {"state", json::string(to_string(job.state))}};
  if (attempt > 0) body["attempt"] = attempt;
  for (auto& each : decision) body.insert_or_assign(each.key(), std::move(each.value()));
  return body;
}

// Of the jobs of a page all that is known, newest first.
void list_decisions(const std::shared_ptr<Api>& api, Call call) {
  const auto filter = parse_job_filter(call.request.query);
  if (!filter) return call.reject(filter.error());
  const auto query =
      job_query(call.request, call.caller, *filter, kDecisionJobsDefault, kDecisionJobsMax);
  if (!query) return call.reject(query.error());
  const auto page = api->service.list(*query);
  if (!page) return call.reject(page.error());
  const std::string currency = api->accounting_currency();
  json::array decisions;
  for (const JobRecord& job : page->jobs) {
    const auto add = [&](const Decision& decision, std::uint32_t attempt) {
      decisions.push_back(
          decision_about(job, decision_to_json(decision, job.spec, currency), attempt));
    };
    if (job.state == JobState::unroutable && job.unplaced) add(*job.unplaced, 0);
    for (auto each = job.attempts.rbegin(); each != job.attempts.rend(); ++each) {
      add(each->decision, each->number);
    }
  }
  json::object body{{"decisions", std::move(decisions)}};
  if (!page->next.empty()) body["next_cursor"] = page->next;
  call.answer(200, body);
}

void answer_decision(const Call& call, const JobRecord& job, json::object decision,
                     std::uint32_t attempt) {
  call.answer(200, decision_about(job, std::move(decision), attempt));
}

void answer_decision(const Api& api, const Call& call, const JobRecord& job,
                     const Decision& decision, std::uint32_t attempt) {
  answer_decision(call, job, decision_to_json(decision, job.spec, api.accounting_currency()),
                  attempt);
}

void no_decision(const Call& call, const std::string& message) {
  call.reject(Error{ErrorCode::not_found, "attempt", message,
                    "GET the job to see its attempts, or ask again"});
}

void decision(const std::shared_ptr<Api>& api, Call call) {
  const auto job = api->job(call, call.captures[0], Verb::read_job);
  if (job == nullptr) return;
  const auto wanted = query_number(call.request, "attempt", 0, 1, UINT32_MAX);
  if (!wanted) return call.reject(wanted.error());
  if (*wanted > 0) {
    for (const AttemptRecord& each : job->attempts) {
      if (each.number == *wanted) {
        return answer_decision(*api, call, *job, each.decision, each.number);
      }
    }
    return no_decision(call,
                       fmt::format("there is no attempt {}, or it was refused long ago", *wanted));
  }
  if (job->state == JobState::unroutable && job->unplaced) {
    return answer_decision(*api, call, *job, *job->unplaced, 0);
  }
  const auto newest = [api, job](const Call& asked) {
    if (job->attempts.empty()) return no_decision(asked, "nothing has been decided yet");
    const AttemptRecord& last = job->attempts.back();
    answer_decision(*api, asked, *job, last.decision, last.number);
  };
  if (job->state != JobState::queued) return newest(call);
  if (const json::array others = waits_for(*api, *job); !others.empty()) {
    return no_decision(call, "nothing has been decided yet: " + summary_of(others));
  }
  api->service.explain_waiting(
      job->job, [api, call, job, newest](Result<std::optional<Explanation>> waiting) {
        if (!waiting) return call.reject(waiting.error());
        call.responder.soon([api, call, job, newest, waiting = std::move(*waiting)] {
          if (!waiting) return newest(call);
          answer_decision(call, *job,
                          explanation_to_json(*waiting, job->spec, api->accounting_currency()), 0);
        });
      });
}

void cancel(const std::shared_ptr<Api>& api, Call call) {
  if (is_array(*api, call.caller, Verb::cancel_job, call.captures[0]))
    return cancel_array(api, std::move(call));
  const auto job = api->job(call, call.captures[0], Verb::cancel_job);
  if (job == nullptr) return;
  api->service.cancel(
      job->job, call.caller.principal, [api, call, job](Result<std::monostate> done) {
        if (!done) return call.reject(done.error());
        const auto now = api->service.find(job->job);
        const JobRecord& latest = now != nullptr ? *now : *job;
        call.answer(200, json::object{{"id", latest.job.value},
                                      {"state", json::string(to_string(latest.state))},
                                      {"cancel_requested", latest.cancel_requested}});
      });
}

// Those of a page that have not ended. Whoever means all of them says so.
void cancel_matching(const std::shared_ptr<Api>& api, Call call) {
  auto filter = parse_job_filter(call.request.query);
  if (!filter) return call.reject(filter.error());
  if (!sees_all_tenants(call.caller) && !filter->tenant.empty()) {
    // Nobody's jobs but the caller's own are there for it, and those are not meant.
    if (filter->tenant != call.caller.tenant.value) {
      return call.answer(200, json::object{{"canceled", 0}});
    }
    filter->tenant.clear();
  }
  if (filter->empty()) {
    return call.reject(Error{ErrorCode::invalid, "query", "it has no filter",
                             "name the jobs by state, array, tag or name_prefix; all that have "
                             "not ended are state=queued,dispatching,staging,running,finishing"});
  }
  auto query = job_query(call.request, call.caller, *filter, kCancelsDefault, kJobsMax);
  if (!query) return call.reject(query.error());
  query->keep = [filter = *filter](const JobRecord& job) {
    return !is_final(job.state) && !job.cancel_requested && filter.keeps(job);
  };
  auto page = api->service.list(*query);
  if (!page) return call.reject(page.error());
  const auto jobs = std::make_shared<const JobPage>(std::move(*page));
  const auto next = [jobs, at = std::size_t{0}]() mutable -> std::optional<JobId> {
    if (at == jobs->jobs.size()) return std::nullopt;
    return jobs->jobs[at++].job;
  };
  CancelEach::start(api, call, next, [call, jobs](std::uint32_t canceled) {
    json::object body{{"canceled", canceled}};
    if (!jobs->next.empty()) body["next_cursor"] = jobs->next;
    call.answer(200, body);
  });
}

}  // namespace

void add_job_routes(std::vector<Route>& routes) {
  routes.push_back({"POST", "/v1/jobs", Verb::submit, submit});
  routes.push_back({"GET", "/v1/jobs", Verb::list_jobs, list});
  routes.push_back({"GET", "/v1/jobs/{id}", Verb::read_job, get});
  routes.push_back({"GET", "/v1/jobs/{id}/attempts", Verb::read_job, attempts});
  routes.push_back({"GET", "/v1/jobs/{id}/decision", Verb::read_job, decision});
  routes.push_back({"GET", "/v1/decisions", Verb::list_jobs, list_decisions});
  routes.push_back({"POST", "/v1/jobs/{id}:cancel", Verb::cancel_job, cancel});
  routes.push_back({"POST", "/v1/jobs:cancel", Verb::cancel_job, cancel_matching});
  routes.push_back({"DELETE", "/v1/jobs/{id}", Verb::cancel_job, cancel});
}

}  // namespace tradewind
