// `tradewind budget`.
#include <iostream>
#include <memory>
#include <optional>

#include "broker/cli/context.h"
#include "broker/cli/pages.h"
#include "broker/cli/table.h"

namespace tradewind::cli {
namespace {

std::string path_of(const std::string& tenant) {
  return "/v1/budgets/" + url_escape(tenant);
}

void print_budgets(const boost::json::array& budgets) {
  Table table({{"TENANT"},
               {"LIMIT", true},
               {"PERIOD"},
               {"SPENT", true},
               {"HELD", true},
               {"JOBS WAITING", true},
               {"SINCE"},
               {"VERSION", true}});
  for (const auto& each : budgets) {
    table.add({text(each, "tenant"), text(each, "limit"), text(each, "period"), text(each, "spent"),
               text(each, "held"), text(each, "jobs_waiting"), text(each, "since"),
               text(each, "version")});
  }
  std::cout << (table.empty() ? "no budgets\n" : table.render());
}

}  // namespace

void add_budget_commands(CLI::App& app, Context& context) {
  struct Options {
    std::string tenant;
    std::string limit;
    std::string period = "month";
    std::optional<std::uint64_t> replaces;
  };
  auto options = std::make_shared<Options>();
  auto* budget = app.add_subcommand("budget", "what tenants may spend, have spent and hold");
  budget->require_subcommand(0, 1);
  budget->add_option("tenant", options->tenant, "whose budget; else all that you may see");
  examples(*budget, {"tradewind budget", "tradewind budget physics"});
  budget->callback([&context, options, budget] {
    if (!budget->get_subcommands().empty()) return;
    if (!options->tenant.empty()) {
      const auto reply = context.client().get(path_of(options->tenant));
      if (!reply) return context.report(reply.error());
      return context.show(*reply, [&] { print_budgets({*reply}); });
    }
    const auto budgets = all_items(context.client(), "/v1/budgets", "budgets");
    if (!budgets) return context.report(budgets.error());
    context.show(boost::json::object{{"budgets", *budgets}}, [&] { print_budgets(*budgets); });
  });

  auto* set = budget->add_subcommand("set", "set it, or change it; what was spent stays");
  set->add_option("tenant", options->tenant)->required();
  set->add_option("--limit", options->limit, "in the accounting currency, such as 500")->required();
  set->add_option("--period", options->period,
                  "month: each calendar month in UTC; none: for ever. Another one begins anew")
      ->check(CLI::IsMember({"month", "none"}));
  set->add_option("--replaces", options->replaces,
                  "the version that must be in force, 0: none; else nothing is changed");
  examples(*set, {"tradewind budget set physics --limit 500",
                  "tradewind budget set physics --limit 12000 --period none",
                  "tradewind budget set physics --limit 500 --replaces 0"});
  set->callback([&context, options] {
    boost::json::object body{{"limit", options->limit}, {"period", options->period}};
    if (options->replaces) body["replaces"] = *options->replaces;
    const auto reply = context.client().put(path_of(options->tenant), std::move(body));
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] { print_budgets({*reply}); });
  });

  auto* remove = budget->add_subcommand("remove", "the tenant spends what it will");
  remove->add_option("tenant", options->tenant)->required();
  examples(*remove, {"tradewind budget remove physics"});
  remove->callback([&context, options] {
    const auto reply = context.client().remove(path_of(options->tenant));
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] { std::cout << "removed the budget of " << options->tenant << '\n'; });
  });
}

}  // namespace tradewind::cli
