// GA4GH TES 1.1 at /ga4gh/tes/v1, and at /v1 and / where clients look for it.
#include <algorithm>
#include <charconv>

#include "broker/api/api.h"
#include "broker/api/entity_tag.h"
#include "broker/api/job_json.h"
#include "broker/api/submission.h"
#include "broker/api/tes_task.h"
#include "broker/api/trace_context.h"
#include "state/identity/digest.h"

namespace tradewind {
namespace {

constexpr std::size_t kTesPageDefault = 256;
constexpr std::size_t kTesPageMax = 2'047;

void service_info(const std::shared_ptr<Api>& api, Call call) {
  const EndpointOptions& options = api->options;
  json::array storage;
  for (const std::string& each : options.storage) storage.emplace_back(each);
  json::array parameters;
  for (const std::string_view each : tes_backend_parameters()) {
    parameters.push_back(json::string(each));
  }
  json::object body{
      {"id", options.service_id},
      {"name", options.service_name},
      {"type", {{"group", "org.ga4gh"}, {"artifact", "tes"}, {"version", "1.1.0"}}},
      {"description",
       "Tradewind routes each task to the cheapest adequate site of the federation " +
           api->service.federation().value},
      {"organization", {{"name", options.organization_name}, {"url", options.organization_url}}},
      {"version", options.version},
      {"storage", std::move(storage)},
      {"tesResources_backend_parameters", std::move(parameters)}};
  if (!options.contact_url.empty()) body["contactUrl"] = options.contact_url;
  if (!options.documentation_url.empty()) body["documentationUrl"] = options.documentation_url;
  call.answer(200, body);
}

void answer_created(const Call& call, const Result<SubmitReceipt>& receipt) {
  if (!receipt) return call.reject(receipt.error());
  call.answer(200, json::object{{"id", receipt->job.value}});
}

void create(const std::shared_ptr<Api>& api, Call call) {
  if (!api->submit_queue.has_room(call.caller.tenant)) return call.reject(too_many_submits());
  auto task = parse_tes_task(call.request.body);
  if (!task) return call.reject(task.error());
  if (const std::string ours = api->accounting_currency();
      !task->currency.empty() && task->currency != ours) {
    return call.reject(
        Error{ErrorCode::invalid, "resources.backend_parameters.currency",
              "accounts are in " + ours + ", not in \"" + task->currency.substr(0, 40) + "\"",
              "give max_cost in " + ours});
  }
  const std::string digest =
      sha256(call.caller.tenant.value + '\0' + call.caller.principal + '\0' + call.request.body);
  const auto ticket = api->recent_creates.enter(
      digest, call.prefix, std::chrono::steady_clock::now(),
      [call](const Result<SubmitReceipt>& receipt) { answer_created(call, receipt); });
  if (ticket == nullptr) return;
  const auto submission =
      std::make_shared<Submission>(Submission{call.caller.tenant,
                                              call.caller.principal,
                                              task->idempotency_key,
                                              std::move(task->spec),
                                              {},
                                              trace_parent(call.request.header("traceparent"))});
  const auto answer = [api, call, ticket](const Result<SubmitReceipt>& receipt) {
    api->recent_creates.finish(ticket, receipt);
    answer_created(call, receipt);
  };
  const bool entered = api->submit_queue.enter(
      call.caller.tenant, 1, [api, answer, submission](const SubmitQueue::Turn& turn) {
        api->service.submit(
            submission, [answer, turn](const Result<SubmitReceipt>& receipt) { answer(receipt); });
      });
  if (!entered) answer(fail(too_many_submits()));
}

Result<std::size_t> page_size(const HttpRequest& request) {
  const std::string text = request.parameter("page_size").value_or("");
  if (text.empty()) return kTesPageDefault;
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  const bool digits = end == text.data() + text.size();
  if (digits && error == std::errc::result_out_of_range) return kTesPageMax;
  if (!digits || error != std::errc{}) {
    return fail(ErrorCode::invalid, "page_size",
                "\"" + text.substr(0, 40) + "\" is no whole number of 0 or more",
                "give 1 to 2047, or leave it out for 256");
  }
  if (size == 0) return kTesPageDefault;
  return static_cast<std::size_t>(std::min<std::uint64_t>(size, kTesPageMax));
}

// tag_key and tag_value side by side; an empty value asks for the key only.
std::vector<std::pair<std::string, std::string>> tag_filter(const HttpRequest& request) {
  std::vector<std::pair<std::string, std::string>> tags;
  std::size_t values = 0;
  for (const auto& [name, value] : request.query) {
    if (name == "tag_key") tags.emplace_back(value, "");
  }
  for (const auto& [name, value] : request.query) {
    if (name == "tag_value" && values < tags.size()) tags[values++].second = value;
  }
  return tags;
}

Result<std::function<bool(const JobRecord&)>> list_filter(const HttpRequest& request) {
  const std::string state = request.parameter("state").value_or("");
  if (!state.empty() && !is_tes_state(state)) {
    return fail(ErrorCode::invalid, "state", "\"" + state.substr(0, 40) + "\" is no state of TES",
                "use QUEUED, INITIALIZING, RUNNING, COMPLETE, EXECUTOR_ERROR, SYSTEM_ERROR or "
                "CANCELED");
  }
  return std::function<bool(const JobRecord&)>(
      [state, prefix = request.parameter("name_prefix").value_or(""),
       tags = tag_filter(request)](const JobRecord& job) {
        if (!state.empty() && tes_state(job) != state) return false;
        if (!job.spec.name.starts_with(prefix)) return false;
        return std::all_of(tags.begin(), tags.end(), [&](const auto& tag) {
          const auto found = job.spec.tags.find(tag.first);
          return found != job.spec.tags.end() &&
                 (tag.second.empty() || found->second == tag.second);
        });
      });
}

void list(const std::shared_ptr<Api>& api, Call call) {
  const auto view = parse_tes_view(call.request.parameter("view").value_or(""));
  if (!view) return call.reject(view.error());
  const auto size = page_size(call.request);
  if (!size) return call.reject(size.error());
  auto keep = list_filter(call.request);
  if (!keep) return call.reject(keep.error());
  JobQuery query;
  if (!sees_all_tenants(call.caller)) query.tenant = call.caller.tenant;
  query.after = call.request.parameter("page_token").value_or("");
  if (!query.after.empty() && !is_job_id(query.after)) {
    return call.reject(Error{ErrorCode::invalid, "page_token",
                             "\"" + query.after.substr(0, 64) + "\" is no page token",
                             "give next_page_token of the page before, or leave it out"});
  }
  query.limit = *size;
  query.keep = std::move(*keep);
  auto page = api->service.list(query);
  if (!page) return call.reject(page.error());
  const auto answer =
      [api, call, view = *view,
       page = std::make_shared<const JobPage>(std::move(*page))](const Places& places) {
        json::array tasks;
        for (const JobRecord& each : page->jobs) {
          tasks.push_back(tes_task_to_json(each, view, places, api->accounting_currency()));
        }
        json::object body{{"tasks", std::move(tasks)}};
        if (!page->next.empty()) body["next_page_token"] = page->next;
        call.answer(200, body);
      };
  if (*view == TesView::minimal) return answer(Places{});
  api->places->with([answer](const std::shared_ptr<const Places>& places) { answer(*places); });
}

void get(const std::shared_ptr<Api>& api, Call call) {
  const auto view = parse_tes_view(call.request.parameter("view").value_or(""));
  if (!view) return call.reject(view.error());
  const std::string& id = call.captures[0];
  if (*view == TesView::minimal && api->answer_again(call, JobAnswers::Kind::tes_minimal, id)) {
    return;
  }
  const std::uint32_t changes = api->service.changes(JobId{id});
  const auto job = api->job(call, id, Verb::read_job);
  if (job == nullptr) return;
  if (*view == TesView::minimal) {
    return api->answer_and_keep(
        call, JobAnswers::Kind::tes_minimal, *job, changes, JobAnswers::Clock::time_point::max(),
        tes_task_to_json(*job, *view, Places{}, api->accounting_currency()));
  }
  const auto answer = [api, call, job, view = *view](
                          const Places& places, const std::optional<WaitingDecision>& waiting) {
    std::string body =
        to_text(tes_task_to_json(*job, view, places, api->accounting_currency(), waiting)) + "\n";
    std::string tag = entity_tag(body);
    call.responder.send(tagged_response(call.request, std::move(body), std::move(tag)));
  };
  const bool explains = *view == TesView::full && job->state == JobState::queued;
  api->places->with([api, job, answer, explains](const std::shared_ptr<const Places>& places) {
    if (!explains) return answer(*places, std::nullopt);
    api->service.waiting_decision(
        job->job, [places, answer](const Result<std::optional<WaitingDecision>>& waiting) {
          answer(*places, waiting ? *waiting : std::nullopt);
        });
  });
}

void cancel(const std::shared_ptr<Api>& api, Call call) {
  const auto job = api->job(call, call.captures[0], Verb::cancel_job);
  if (job == nullptr) return;
  if (is_final(job->state)) return call.answer(200, json::object());
  api->service.cancel(job->job, call.caller.principal, [call](const Result<std::monostate>& done) {
    if (!done) return call.reject(done.error());
    call.answer(200, json::object());
  });
}

}  // namespace

void add_tes_routes(std::vector<Route>& routes) {
  unsigned prefix = 0;
  for (const std::string base : {"/ga4gh/tes/v1", "/v1", ""}) {
    const auto add = [&](const char* method, const char* path, Verb verb, auto handle) {
      routes.push_back({method, base + path, verb, handle, Face::tes, prefix});
    };
    add("GET", "/service-info", Verb::open, service_info);
    add("POST", "/tasks", Verb::submit, create);
    add("GET", "/tasks", Verb::list_jobs, list);
    add("GET", "/tasks/{id}", Verb::read_job, get);
    add("POST", "/tasks/{id}:cancel", Verb::cancel_job, cancel);
    ++prefix;
  }
}

}  // namespace tradewind
