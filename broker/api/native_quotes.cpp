// Quotes of the native API.
#include "broker/api/api.h"
#include "broker/api/job_json.h"
#include "broker/api/quote_json.h"

namespace tradewind {
namespace {

// Enough for every pool of a large market; the text takes some 200 bytes each.
constexpr std::int64_t kRejectionsMax = 100'000;

void quote(const std::shared_ptr<Api>& api, Call call) {
  const auto rejections =
      query_number(call.request, "rejections", limits::rejections_max, 0, kRejectionsMax);
  if (!rejections) return call.reject(rejections.error());
  auto spec = parse_job_spec(call.request.body);
  if (!spec) return call.reject(spec.error());
  if (!spec->after.empty()) {
    return call.reject(Error{ErrorCode::invalid, "after",
                             "a quote binds now, and a job that comes after others goes later",
                             "ask without it, and submit the job with it"});
  }
  QuoteRequest request{call.caller.tenant, std::move(*spec), call.request.body.size(),
                       static_cast<std::size_t>(*rejections)};
  api->service.quote(std::move(request), [api, call](Result<QuoteAnswer> quoted) {
    if (!quoted) return call.reject(quoted.error());
    call.responder.soon([api, call, quoted = std::move(*quoted)] {
      json::object body;
      if (quoted.terms) body["quote"] = terms_to_json(*quoted.terms);
      for (auto& each :
           explanation_to_json(quoted.explanation, *quoted.spec, api->accounting_currency())) {
        body.insert_or_assign(each.key(), std::move(each.value()));
      }
      call.answer(200, body);
    });
  });
}

}  // namespace

void add_quote_routes(std::vector<Route>& routes) {
  routes.push_back({"POST", "/v1/quotes", Verb::submit, quote});
}

}  // namespace tradewind
