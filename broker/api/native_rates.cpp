// The rate table of the native API.
#include <optional>

#include "broker/api/api.h"
#include "broker/api/json_reader.h"
#include "schemas/limits.h"
#include "schemas/money.h"
#include "schemas/rates.h"

namespace tradewind {
namespace {

json::object table_to_json(const RateTable& table) {
  json::object rates;
  for (const auto& [currency, rate] : table.rates_ppm) rates[currency] = to_decimal(rate);
  return {{"version", table.version},
          {"accounting_currency", table.accounting_currency},
          {"rates", std::move(rates)}};
}

void read_rates(const std::shared_ptr<Api>& api, Call call) {
  call.answer(200, table_to_json(*api->service.rates()));
}

// The whole table; currencies that are not named have no rate from then on.
void set_rates(const std::shared_ptr<Api>& api, Call call) {
  const auto document = parse_json("body", call.request.body);
  if (!document) return call.reject(document.error());
  Reading reading;
  ObjectReader in(reading, *document, "");
  RateTable table;
  table.accounting_currency = api->accounting_currency();
  std::optional<std::uint64_t> replaces;
  in.text("accounting_currency", table.accounting_currency);
  if (in.has("replaces")) in.whole("replaces", replaces.emplace(), 0, INT64_MAX);
  const bool named = in.object("rates", [&](ObjectReader& each) {
    for (const std::string& currency : each.names()) {
      each.micros(currency, table.rates_ppm[currency]);
    }
  });
  if (!named) in.refuse("rates", "it is missing", R"(give such as {"EUR": "1.08"})");
  in.finish();
  if (reading.error) return call.reject(*reading.error);
  if (const Status good = check_rates(table); !good) return call.reject(good.error());
  api->service.set_rates(std::move(table), replaces, call.caller.principal,
                         [call](Result<RateTable> made) {
                           if (!made) return call.reject(made.error());
                           call.answer(200, table_to_json(*made));
                         });
}

}  // namespace

void add_rate_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/rates", Verb::read_market, read_rates});
  routes.push_back({"PUT", "/v1/rates", Verb::set_rates, set_rates});
}

}  // namespace tradewind
