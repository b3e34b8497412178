// `tradewind sites` and `tradewind market`.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/cli/context.h"
#include "broker/cli/pages.h"
#include "broker/cli/table.h"
#include "broker/cli/watch.h"
#include "schemas/money.h"
#include "schemas/time.h"

namespace tradewind::cli {
namespace {

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

View sites_view(boost::json::value reply) {
  std::map<std::string, std::string> silent = member_states(reply);  // tells nothing of itself
  Table table({{"SITE"},
               {"REGION"},
               {"IN"},
               {"PROVIDER"},
               {"STATE"},
               {"TRUST"},
               {"POOLS"},
               {"QUOTE"},
               {.title = "AGE", .right = true, .passing = true}});
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
  return {std::move(reply), std::move(table), "no sites", ""};
}

View market_view(boost::json::value reply) {
  Table table({{"SITE"},
               {"POOL"},
               {"ARCH"},
               {"ACCELERATOR"},
               {"UNIT/H", true},
               {"FACTOR", true},
               {"FREE", true},
               {"OF", true},
               {"WAIT", true},
               {.title = "AGE", .right = true, .passing = true},
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
  std::string drops;
  const auto& dropped = member(reply, "drops");
  if (dropped.is_object()) {
    for (const auto& each : dropped.as_object()) {
      const std::int64_t count = number(dropped, each.key());
      if (count > 0)
        drops += fmt::format("{}{} {}", drops.empty() ? "" : ", ", std::string(each.key()), count);
    }
  }
  if (!drops.empty()) drops = "\nrecords dropped: " + drops + "\n";
  return {std::move(reply), std::move(table), "no offers", std::move(drops)};
}

std::int64_t micros(const boost::json::value& point, std::string_view key) {
  return parse_micros("", text(point, key)).value_or(0);
}

// What a column of the last hour or day shows: a value for each step, -1 where there is none.
std::vector<std::int64_t> by_step(
    const boost::json::array& points, std::int64_t step_seconds,
    const std::function<std::int64_t(const boost::json::value&)>& of) {
  std::vector<std::int64_t> values;
  std::int64_t last = 0;
  for (const auto& each : points) {
    const auto at = parse_rfc3339("", text(each, "at"));
    if (!at) continue;
    const std::int64_t step = to_ms(*at) / 1'000 / step_seconds;
    const std::int64_t silent = values.empty() ? 0 : std::min<std::int64_t>(step - last - 1, 144);
    for (std::int64_t i = 0; i < silent; ++i) values.push_back(-1);
    values.push_back(of(each));
    last = step;
  }
  return values;
}

// A row a pool, with what its price and its free units did.
View history_view(boost::json::value reply) {
  Table table({{"SITE"},
               {"POOL"},
               {"LOWEST", true},
               {"HIGHEST", true},
               {"NOW", true},
               {"FREE", true},
               {"PRICE"},
               {"UNITS FREE"}});
  const std::int64_t step = std::max<std::int64_t>(1, number(reply, "step_seconds"));
  for (const auto& series : items(reply, "series")) {
    const auto& points = items(series, "points");
    if (points.empty()) continue;
    const std::string currency = text(series, "currency");
    std::int64_t low = micros(points.front(), "unit_price_low");
    std::int64_t high = low;
    for (const auto& each : points) {
      low = std::min(low, micros(each, "unit_price_low"));
      high = std::max(high, micros(each, "unit_price_high"));
    }
    const auto& now = points.back();
    table.add(
        {text(series, "site"), text(series, "pool"), money(to_decimal(low), currency),
         money(to_decimal(high), currency), money(text(now, "unit_price_per_hour"), currency),
         text(now, "units_free"),
         sparkline(by_step(points, step,
                           [](const auto& each) { return micros(each, "unit_price_per_hour"); })),
         sparkline(
             by_step(points, step, [](const auto& each) { return number(each, "units_free"); }))});
  }
  return {std::move(reply), std::move(table), "no history yet", ""};
}

// Every point of one pool.
View points_view(boost::json::value reply) {
  Table table({{"TIME"},
               {"UNIT/H", true},
               {"LOWEST", true},
               {"HIGHEST", true},
               {"FREE", true},
               {"LEAST FREE", true}});
  for (const auto& series : items(reply, "series")) {
    const std::string currency = text(series, "currency");
    for (const auto& each : items(series, "points")) {
      table.add({text(each, "at").substr(0, 19) + "Z",
                 money(text(each, "unit_price_per_hour"), currency),
                 money(text(each, "unit_price_low"), currency),
                 money(text(each, "unit_price_high"), currency), text(each, "units_free"),
                 text(each, "units_free_low")});
    }
  }
  return {std::move(reply), std::move(table), "no history yet", ""};
}

// All pages as one.
Result<boost::json::value> all_history(HttpClient&& client, const std::string& query) {
  boost::json::value whole;
  const Status read = each_page(
      [&](const std::string& cursor) { return client.get("/v1/market/history?" + query + cursor); },
      [&](boost::json::value& page) -> Result<bool> {
        if (whole.is_null()) {
          whole = std::move(page);
          return true;
        }
        for (const auto& each : items(page, "series")) {
          whole.as_object()["series"].as_array().push_back(each);
        }
        return true;
      });
  if (!read) return fail(read.error());
  whole.as_object().erase("next_cursor");
  return whole;
}

}  // namespace

void add_market_commands(CLI::App& app, Context& context) {
  const auto look_at = [&context](const char* path, View (*view)(boost::json::value)) {
    return [&context, path, view]() -> Result<View> {
      auto reply = context.client().get(path);
      if (!reply) return fail(std::move(reply.error()));
      return view(std::move(*reply));
    };
  };
  auto sites_watched = std::make_shared<bool>(false);
  auto* sites = app.add_subcommand("sites", "the sites of the federation and what they are");
  sites->add_flag("--watch,-w", *sites_watched, "show it anew every second");
  examples(*sites, {"tradewind sites", "tradewind sites --watch", "tradewind -o json sites"});
  sites->callback([&context, sites_watched, look_at] {
    show_or_watch(context, *sites_watched, look_at("/v1/sites", sites_view));
  });

  struct Options {
    bool watched = false;
    bool history = false;
    bool day = false;
    std::string site;
    std::string pool;
  };
  auto options = std::make_shared<Options>();
  auto* market = app.add_subcommand(
      "market", "what is sold now: prices, free units, waits, age of each quote");
  market->add_flag("--watch,-w", options->watched, "show it anew every second");
  auto* history =
      market->add_flag("--history", options->history,
                       "what prices and free units did in the last hour, by the minute");
  market->add_flag("--day", options->day, "in the last day, by ten minutes")->needs(history);
  market->add_option("--site", options->site, "of this site")->needs(history);
  market->add_option("--pool", options->pool, "of pools with this id; with --site, every point")
      ->needs(history);
  examples(*market, {"tradewind market", "tradewind market --watch", "tradewind market --history",
                     "tradewind market --history --day --site us-iowa-1 --pool cpu"});
  market->callback([&context, options, look_at] {
    if (!options->history) {
      return show_or_watch(context, options->watched, look_at("/v1/market", market_view));
    }
    const std::string query =
        fmt::format("step_seconds={}&site={}&pool={}", options->day ? 600 : 60,
                    url_escape(options->site), url_escape(options->pool));
    const bool one = !options->site.empty() && !options->pool.empty();
    show_or_watch(context, options->watched, [&context, query, one]() -> Result<View> {
      auto reply = all_history(context.client(), query);
      if (!reply) return fail(std::move(reply.error()));
      return one ? points_view(std::move(*reply)) : history_view(std::move(*reply));
    });
  });
}

}  // namespace tradewind::cli
