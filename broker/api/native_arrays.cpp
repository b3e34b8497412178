// Arrays of the native API.
#include <fmt/format.h>

#include "broker/api/api.h"

namespace tradewind {
namespace {

// Task 0 of the array, when the caller may do that with it; else null, and the call is answered.
std::shared_ptr<const JobRecord> first_task(const Api& api, const Call& call, Verb verb) {
  const std::string& id = call.captures[0];
  // A task's own id, or what is no id at all, names no array.
  const bool formed = is_job_id(id) && id.find('-') == std::string::npos;
  return api.job(call, formed ? array_task_id(JobId{id}, 0).value : std::string(), verb);
}

// Cancels the tasks of an array one by one, so many at a time.
class ArrayCancel : public std::enable_shared_from_this<ArrayCancel> {
 public:
  ArrayCancel(std::shared_ptr<Api> api, Call call) : api_(std::move(api)), call_(std::move(call)) {}

  // On an HTTP thread.
  void start() {
    {
      const std::lock_guard lock(mutex_);
      under_way_ = 1;  // this function
    }
    for (std::size_t i = 0; i < kAtOnce; ++i) next();
    finished(Result<std::monostate>(std::monostate{}), false);
  }

 private:
  static constexpr std::size_t kAtOnce = 64;

  // Asks for the next task that has not ended.
  void next() {
    std::shared_ptr<const JobRecord> task;
    {
      const std::lock_guard lock(mutex_);
      for (;;) {
        if (over_) return;
        task = api_->service.find(array_task_id(JobId{call_.captures[0]}, index_));
        if (task == nullptr) {
          over_ = true;
          return;
        }
        ++index_;
        if (!is_final(task->state)) break;
        ++ended_;
      }
      ++under_way_;
    }
    api_->service.cancel(task->job, call_.caller.principal,
                         [self = shared_from_this()](Result<std::monostate> done) {
                           // Not within the callback: the service may call it at once, and a
                           // hundred thousand of them would nest.
                           self->call_.responder.soon([self, done] { self->finished(done, true); });
                         });
  }

  void finished(const Result<std::monostate>& done, bool was_task) {
    if (was_task && done) next();
    const std::lock_guard lock(mutex_);
    if (was_task && done) ++canceled_;
    if (!done && !error_) error_ = done.error();
    if (!done) over_ = true;
    if (--under_way_ > 0) return;
    if (error_) return call_.reject(*error_);
    call_.answer(
        200, json::object{
                 {"id", call_.captures[0]}, {"canceled", canceled_}, {"already_ended", ended_}});
  }

  const std::shared_ptr<Api> api_;
  const Call call_;
  std::mutex mutex_;  // guards what follows
  std::uint32_t index_ = 0;
  std::size_t under_way_ = 0;
  std::uint32_t canceled_ = 0;
  std::uint32_t ended_ = 0;
  bool over_ = false;
  std::optional<Error> error_;
};

void get_array(const std::shared_ptr<Api>& api, Call call) {
  const auto first = first_task(*api, call, Verb::read_job);
  if (first == nullptr) return;
  const std::string& id = call.captures[0];
  const ArrayCounts counts = api->array_tally.count(api->service, *first);
  json::object states;
  std::uint32_t ended = 0;
  for (std::uint16_t i = 0; i < job_states_count; ++i) {
    const auto state = static_cast<JobState>(i);
    states[json::string_view(to_string(state))] = counts.by_state.at(i);
    if (is_final(state)) ended += counts.by_state.at(i);
  }
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
  std::make_shared<ArrayCancel>(api, std::move(call))->start();
}

void add_array_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/arrays/{id}", Face::native, Verb::read_job, 0, get_array});
  routes.push_back(
      {"POST", "/v1/arrays/{id}:cancel", Face::native, Verb::cancel_job, 0, cancel_array});
}

}  // namespace tradewind
