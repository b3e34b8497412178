// Arrays of the native API.
#include <fmt/format.h>

#include "broker/api/api.h"
#include "broker/api/cancel_each.h"

namespace tradewind {
namespace {

// Task 0 of the array, when the caller may do that with it; else null, and the call is answered.
std::shared_ptr<const JobRecord> first_task(const Api& api, const Call& call, Verb verb) {
  const std::string& id = call.captures[0];
  // A task's own id, or what is no id at all, names no array.
  const bool formed = is_job_id(id) && id.find('-') == std::string::npos;
  return api.job(call, formed ? array_task_id(JobId{id}, 0).value : std::string(), verb);
}

void get_array(const std::shared_ptr<Api>& api, Call call) {
  const auto first = first_task(*api, call, Verb::read_job);
  if (first == nullptr) return;
  const std::string& id = call.captures[0];
  const ArrayCounts counts = api->array_tally.count(api->service, *first);
  json::object states;
  for (std::uint16_t i = 0; i < job_states_count; ++i) {
    states[json::string_view(to_string(static_cast<JobState>(i)))] = counts.by_state.at(i);
  }
  const std::uint32_t ended = counts.ended();
  json::object sites;
  for (const auto& [site, tasks] : counts.by_site) sites[site] = tasks;
  json::object body{{"id", id},
                    {"array", {{"count", counts.tasks}}},
                    {"name", first->spec.name},
                    {"tenant", first->tenant.value},
                    {"submitted_at", to_rfc3339(first->submitted)},
                    {"tasks", counts.tasks},
                    {"ended", ended},
                    {"complete", ended == counts.tasks},
                    {"states", std::move(states)},
                    {"sites", std::move(sites)},
                    {"cost", to_decimal(counts.charged.micros)},
                    {"currency", api->accounting_currency()},
                    {"jobs", "/v1/jobs?array=" + id}};
  if (ended == counts.tasks) body["ended_at"] = to_rfc3339(counts.last_ended);
  call.answer(200, body);
}

}  // namespace

void cancel_array(const std::shared_ptr<Api>& api, Call call) {
  if (first_task(*api, call, Verb::cancel_job) == nullptr) return;
  struct Walk {
    std::uint32_t index = 0;
    std::uint32_t ended = 0;
  };
  const auto walk = std::make_shared<Walk>();
  const auto next = [api, walk, array = JobId{call.captures[0]}]() -> std::optional<JobId> {
    for (;;) {
      const auto task = api->service.find(array_task_id(array, walk->index));
      if (task == nullptr) return std::nullopt;
      ++walk->index;
      if (!is_final(task->state)) return task->job;
      ++walk->ended;
    }
  };
  CancelEach::start(api, call, next, [call, walk](std::uint32_t canceled) {
    call.answer(
        200, json::object{
                 {"id", call.captures[0]}, {"canceled", canceled}, {"already_ended", walk->ended}});
  });
}

void add_array_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/arrays/{id}", Verb::read_job, get_array});
  routes.push_back({"POST", "/v1/arrays/{id}:cancel", Verb::cancel_job, cancel_array});
}

}  // namespace tradewind
