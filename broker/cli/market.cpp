// `tradewind sites` and `tradewind market`.
#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "broker/cli/context.h"
#include "broker/cli/table.h"

namespace tradewind::cli {
namespace {

constexpr auto kWatchInterval = std::chrono::seconds(1);

std::string seconds_text(std::int64_t milliseconds) {
  return fmt::format("{}.{}s", milliseconds / 1000, milliseconds % 1000 / 100);
}

std::string price_text(std::int64_t ppm) {
  return fmt::format("x{}.{:02}", ppm / 1'000'000, ppm % 1'000'000 / 10'000);
}

std::string trust_text(const boost::json::value& trust) {
  const std::string state = text(trust, "state");
  const std::string share = fmt::format("{} %", number(trust, "ppm") / 10'000);
  if (state == "trusted") return share;
  if (state != "distrusted") return share + ", on trial";
  return fmt::format("{}, none until {}", share, text(trust, "until"));
}

// What the registry says of each site, by id: "locked" for one that two seem to speak for.
std::map<std::string, std::string> member_states(const boost::json::value& reply) {
  constexpr std::string_view site = "site/";
  std::map<std::string, std::string> states;
  for (const auto& each : items(reply, "members")) {
    const std::string node = text(each, "node");
    if (!node.starts_with(site)) continue;
    states[node.substr(site.size())] =
        text(each, "locked") == "true" ? "locked" : text(each, "state");
  }
  return states;
}

void print_sites(const boost::json::value& reply) {
  std::map<std::string, std::string> silent = member_states(reply);  // tells nothing of itself
  Table table({{"SITE"},
               {"REGION"},
               {"IN"},
               {"PROVIDER"},
               {"STATE"},
               {"TRUST"},
               {"POOLS"},
               {"QUOTE"},
               {"AGE", true}});
  for (const auto& site : items(reply, "sites")) {
    std::string pools;
    for (const auto& pool : items(site, "pools")) {
      const auto& accelerator = member(pool, "accelerator");
      pools += fmt::format("{}{} ({} x {}{})", pools.empty() ? "" : ", ", text(pool, "id"),
                           text(pool, "nodes"), text(pool, "architecture"),
                           accelerator.is_object() ? " " + text(accelerator, "model") : "");
    }
    const auto known = silent.extract(text(site, "id"));
    std::string state = known ? known.mapped() : text(site, "member_state");
    if (state == "active") {
      state = text(site, "quarantined") == "true" ? "quarantined" : text(site, "state");
    }
    const auto& sheet = member(site, "quote_sheet");
    table.add({text(site, "id"), text(site, "region"), text(site, "jurisdiction"),
               text(site, "provider"), std::move(state), trust_text(member(site, "trust")), pools,
               !sheet.is_object() ? "none" : (text(sheet, "valid") == "true" ? "valid" : "expired"),
               sheet.is_object() ? seconds_text(number(sheet, "age_ms")) : ""});
  }
  for (const auto& [site, state] : silent) {
    table.add({site, "", "", "", state == "active" ? "silent" : state, "", "", "none", ""});
  }
  std::cout << (table.empty() ? "no sites\n" : table.render());
}

void print_market(const boost::json::value& reply) {
  Table table({{"SITE"},
               {"POOL"},
               {"ARCH"},
               {"ACCELERATOR"},
               {"UNIT/H", true},
               {"FACTOR", true},
               {"FREE", true},
               {"OF", true},
               {"WAIT", true},
               {"AGE", true},
               {"QUOTE"},
               {"TRUST"}});
  for (const auto& offer : items(reply, "offers")) {
    const auto& accelerator = member(offer, "accelerator");
    const bool valid = text(offer, "quote_valid") == "true";
    table.add({text(offer, "site"), text(offer, "pool"), text(offer, "architecture"),
               accelerator.is_object() ? text(accelerator, "model") : "-",
               money(text(offer, "unit_price_per_hour"), text(offer, "currency")),
               price_text(number(offer, "price_ppm")), text(offer, "units_free"),
               text(offer, "units"), duration(number(offer, "wait_seconds")),
               seconds_text(number(offer, "age_ms")), valid ? "valid" : "none",
               trust_text(member(offer, "trust"))});
  }
  std::cout << (table.empty() ? "no offers\n" : table.render());
  std::string drops;
  const auto& dropped = member(reply, "drops");
  if (dropped.is_object()) {
    for (const auto& each : dropped.as_object()) {
      const std::int64_t count = number(dropped, each.key());
      if (count > 0)
        drops += fmt::format("{}{} {}", drops.empty() ? "" : ", ", std::string(each.key()), count);
    }
  }
  if (!drops.empty()) std::cout << "\nrecords dropped: " << drops << '\n';
}

}  // namespace

void add_market_commands(CLI::App& app, Context& context) {
  auto* sites = app.add_subcommand("sites", "the sites of the federation and what they are");
  sites->callback([&context] {
    const auto reply = context.client().get("/v1/sites");
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] { print_sites(*reply); });
  });

  auto watch = std::make_shared<bool>(false);
  auto* market = app.add_subcommand(
      "market", "what is sold now: prices, free units, waits, age of each quote");
  market->add_flag("--watch,-w", *watch, "show it anew every second");
  market->callback([&context, watch] {
    for (;;) {
      const auto reply = context.client().get("/v1/market");
      if (!reply) return context.report(reply.error());
      if (*watch && context.terminal && !context.json) std::cout << "\033[H\033[2J";
      context.show(*reply, [&] { print_market(*reply); });
      if (!*watch) return;
      std::cout << std::flush;
      std::this_thread::sleep_for(kWatchInterval);
    }
  });
}

}  // namespace tradewind::cli
