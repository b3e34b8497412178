// What the handlers of all routes share, and the table of the routes.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/api/array_tally.h"
#include "broker/api/auth.h"
#include "broker/api/batch_slots.h"
#include "broker/api/endpoint.h"
#include "broker/api/event_feed.h"
#include "broker/api/http_server.h"
#include "broker/api/job_answers.h"
#include "broker/api/places.h"
#include "broker/api/problem.h"
#include "broker/api/rate_limit.h"
#include "broker/api/rate_limits.h"
#include "broker/api/recent_creates.h"
#include "broker/api/route_table.h"
#include "broker/api/submit_queue.h"
#include "broker/core/service.h"

namespace tradewind {

class Api;

// One request on its way through a handler.
struct Call {
  HttpRequest request;
  Responder responder;
  Caller caller;                      // empty on routes that need none
  std::vector<std::string> captures;  // of the route's pattern
  Face face = Face::native;
  unsigned prefix = 0;  // of TES: which of its base paths

  void answer(int status, const json::value& body) const {
    responder.send(json_response(status, body));
  }
  void reject(const Error& error) const { responder.send(problem(face, error)); }
};

// How many of most things a page of a list has.
inline constexpr std::int64_t kPageDefault = 100;
inline constexpr std::int64_t kPageMax = 1'000;

struct Route {
  std::string method;
  std::string pattern;
  // What is asked for, and so who may: the handler is called for those only. About an object it
  // asks again, once it knows whose that is.
  Verb verb = Verb::open;
  void (*handle)(const std::shared_ptr<Api>& api, Call call) = nullptr;
  Face face = Face::native;
  unsigned prefix = 0;  // of TES: which of its base paths
};

class Api : public std::enable_shared_from_this<Api> {
 public:
  Api(EndpointOptions options, Service& service, PublishedLog* log,
      std::unique_ptr<Authenticator> authenticator,
      std::shared_ptr<const HttpCounters> http_counters);

  // Routes, authenticates and calls the handler.
  void handle(HttpRequest request, Responder responder);
  BodyRule body_rule(std::string_view method, std::string_view path,
                     std::string_view content_type) const;
  // Every route, for tests and documents.
  const std::vector<Route>& routes() const { return routes_; }

  // Of every amount in answers.
  std::string accounting_currency() const { return service.rates()->accounting_currency; }
  // Whether the caller may; answers the call when not.
  bool permits(const Call& call, Verb verb, const TenantId* owner = nullptr) const;
  // Counts a submission of so many jobs, the first of which the request stands for, against the
  // limit of the caller's tenant.
  void charge_jobs(const Call& call, std::uint64_t jobs);
  // The job that the text names, when the caller may do that with it; else null, and the call is
  // answered.
  std::shared_ptr<const JobRecord> job(const Call& call, std::string_view id, Verb verb) const;

  // Answers the call from memory, where that has the job as it is and the caller may read it.
  bool answer_again(const Call& call, JobAnswers::Kind kind, std::string_view id);
  // Answers the call about the job, and keeps the answer for those who ask again. `changes` is from
  // before the job was read.
  void answer_and_keep(const Call& call, JobAnswers::Kind kind, const JobRecord& job,
                       std::uint32_t changes, JobAnswers::Clock::time_point good_until,
                       const json::value& body);

  const EndpointOptions options;
  const std::unique_ptr<Authenticator> authenticator;
  Service& service;
  const PublishedLog* const log;  // null: none is published
  const std::shared_ptr<const HttpCounters> http_counters;
  const std::shared_ptr<PlaceDirectory> places;
  RecentCreates recent_creates;
  ArrayTally array_tally;
  JobAnswers job_answers;
  RateLimit join_limit;
  RateLimit renewal_limit;
  RateLimits token_change_limits;  // by role and tenant
  SubmitQueue submit_queue;
  BatchSlots batch_slots;
  EventFeed event_feed;
  std::atomic<bool> draining{false};  // it stops

 private:
  Status check_origin(const HttpRequest& request) const;

  // Authenticates the caller and goes on with the handler; fetches the issuer's keys first when
  // that might help and `may_wait`.
  void admit(const Route& route, Call call, bool may_wait);

  RateLimits tenant_limits_;
  RateLimits wrong_credentials_;  // by address
  std::vector<Route> routes_;
  RouteTable router_;
};

// Each adds its routes.
void add_job_routes(std::vector<Route>& routes);
void add_quote_routes(std::vector<Route>& routes);
void add_log_routes(std::vector<Route>& routes);
void add_array_routes(std::vector<Route>& routes);
void add_dataset_routes(std::vector<Route>& routes);
void add_market_routes(std::vector<Route>& routes);
void add_member_routes(std::vector<Route>& routes);
void add_tenant_routes(std::vector<Route>& routes);
void add_token_routes(std::vector<Route>& routes);
void add_budget_routes(std::vector<Route>& routes);
void add_rate_routes(std::vector<Route>& routes);
void add_log_file_routes(std::vector<Route>& routes);
void add_audit_routes(std::vector<Route>& routes);
void add_event_routes(std::vector<Route>& routes);
void add_health_routes(std::vector<Route>& routes);
void add_tes_routes(std::vector<Route>& routes);

// Where POST /v1/jobs leads with a body of NDJSON.
void submit_batch(const std::shared_ptr<Api>& api, Call call);

// Where the cancel of a job leads whose id is an array's.
void cancel_array(const std::shared_ptr<Api>& api, Call call);

// Reads a whole number of the query; `fallback` when it is absent or empty. Fails naming it.
Result<std::int64_t> query_number(const HttpRequest& request, std::string_view name,
                                  std::int64_t fallback, std::int64_t min, std::int64_t max);
// Reads the query's cursor, empty where there is none. Fails where `is_cursor` does not take it.
Result<std::string> query_cursor(const HttpRequest& request, bool (*is_cursor)(std::string_view));
// The cursor of lists whose pages go on behind a name.
Result<std::string> query_name_cursor(const HttpRequest& request);

}  // namespace tradewind
