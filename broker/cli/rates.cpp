// `tradewind rates`.
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <vector>

#include "broker/cli/context.h"
#include "broker/cli/table.h"
#include "schemas/money.h"

namespace tradewind::cli {
namespace {

void print_rates(const boost::json::value& reply) {
  const std::string accounting = text(reply, "accounting_currency");
  const auto& rates = member(reply, "rates");
  Table table({{"CURRENCY"}, {accounting, true}});
  for (const auto& each : rates.as_object()) {
    table.add({std::string(each.key()), text(rates, each.key())});
  }
  std::cout << fmt::format("amounts are in {}, rate table {}\n", accounting,
                           text(reply, "version"));
  std::cout << (table.empty() ? "no other currency has a rate\n" : table.render());
}

// Adds "EUR=1.08" to the rates.
Status add_rate(const std::string& assignment, boost::json::object& rates) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos) {
    return fail(ErrorCode::invalid, "rates", "\"" + assignment + "\" is no rate",
                "write CURRENCY=DECIMAL, such as EUR=1.08");
  }
  const std::string decimal = assignment.substr(equals + 1);
  if (const auto exact = parse_micros(assignment.substr(0, equals), decimal); !exact) {
    return fail(exact.error());
  }
  rates[assignment.substr(0, equals)] = decimal;
  return ok();
}

}  // namespace

void add_rate_commands(CLI::App& app, Context& context) {
  auto* rates = app.add_subcommand("rates", "what other currencies are worth in accounts");
  rates->require_subcommand(0, 1);
  examples(*rates, {"tradewind rates"});
  rates->callback([&context, rates] {
    if (!rates->get_subcommands().empty()) return;
    const auto reply = context.client().get("/v1/rates");
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] { print_rates(*reply); });
  });

  struct Options {
    std::vector<std::string> rates;
    std::string accounting;
    bool only = false;
  };
  auto options = std::make_shared<Options>();
  auto* set = rates->add_subcommand("set", "set rates; those of other currencies stay");
  set->add_option("rates", options->rates,
                  "CURRENCY=DECIMAL: what one unit is worth in the accounting currency");
  set->add_flag("--only", options->only, "currencies that are not named have no rate from then on");
  set->add_option("--accounting", options->accounting,
                  "the accounting currency; fixed once there are jobs");
  examples(*set, {"tradewind rates set EUR=1.08 CHF=1.13", "tradewind rates set --only EUR=1.08",
                  "tradewind rates set --accounting CHF"});
  set->callback([&context, options] {
    const auto before = context.client().get("/v1/rates");
    if (!before) return context.report(before.error());
    boost::json::object wanted;
    if (!options->only) wanted = member(*before, "rates").as_object();
    for (const std::string& each : options->rates) {
      if (const Status added = add_rate(each, wanted); !added) return context.report(added.error());
    }
    boost::json::object body{{"replaces", member(*before, "version")},
                             {"rates", std::move(wanted)}};
    if (!options->accounting.empty()) body["accounting_currency"] = options->accounting;
    const auto reply = context.client().put("/v1/rates", std::move(body));
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] { print_rates(*reply); });
  });
}

}  // namespace tradewind::cli
