// Commands of those who run a federation: invitations, and the states of its members.
#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "broker/cli/context.h"

namespace tradewind::cli {
namespace {

void add_site(CLI::App& app, Context& context) {
  auto* site = app.add_subcommand("site", "sites of the federation");
  site->require_subcommand(1);
  examples(*site,
           {"tradewind site invite jp-osaka-2", "tradewind site state jp-osaka-2 suspended"});
  struct Options {
    std::string site;
    std::uint32_t units_max = 0;
    std::int64_t ttl_seconds = 900;
    bool quiet = false;
    std::string state;
  };
  auto options = std::make_shared<Options>();
  auto* invite = site->add_subcommand("invite", "let a new site join: prints a single-use token");
  invite->add_option("site", options->site, "the new site's id, such as jp-osaka-1")->required();
  invite->add_option("--units-max", options->units_max,
                     "certified ceiling: it may never offer more free units; 0: no ceiling");
  invite->add_option("--ttl-seconds", options->ttl_seconds, "how long the token is good")
      ->capture_default_str();
  invite->add_flag("--quiet,-q", options->quiet, "print the token alone");
  examples(*invite, {"tradewind site invite jp-osaka-2",
                     "tradewind site invite jp-osaka-2 --units-max 512 --quiet"});
  invite->callback([&context, options] {
    const auto reply = context.client().post(
        "/v1/invites", boost::json::object{{"site", options->site},
                                           {"units_max", options->units_max},
                                           {"ttl_seconds", options->ttl_seconds}});
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] {
      if (options->quiet) {
        std::cout << text(*reply, "token") << '\n';
        return;
      }
      std::cout << fmt::format(
          "token for {} (single use, until {}):\n  {}\non the site's machine:\n"
          "  tradewind-gateway join {} --token {} --dir /var/lib/tradewind --site site.toml\n",
          options->site, text(*reply, "expires"), text(*reply, "token"), context.connection.url,
          text(*reply, "token"));
    });
  });
  auto* recovery = site->add_subcommand(
      "allow-recovery",
      "take the site's next renewal however late it is and whatever it knows; unlocks it");
  recovery->add_option("site", options->site, "the site's id")->required();
  examples(*recovery, {"tradewind site allow-recovery jp-osaka-2"});
  recovery->callback([&context, options] {
    const auto reply = context.client().post(
        "/v1/members/site/" + url_escape(options->site) + "/recovery", boost::json::object{});
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] {
      std::cout << options->site << " may renew once, whatever it knows of its last renewal\n";
    });
  });
  auto* state = site->add_subcommand("state", "suspend or revoke a site, or take it back");
  state->add_option("site", options->site, "the site's id")->required();
  state->add_option("state", options->state, "revoked is for good")
      ->required()
      ->check(CLI::IsMember({"active", "suspended", "revoked"}));
  examples(*state,
           {"tradewind site state jp-osaka-2 suspended", "tradewind site state jp-osaka-2 active"});
  state->callback([&context, options] {
    const auto reply =
        context.client().post("/v1/members/site/" + url_escape(options->site) + "/state",
                              boost::json::object{{"state", options->state}});
    if (!reply) return context.report(reply.error());
    context.show(*reply,
                 [&] { std::cout << options->site << " is now " << options->state << '\n'; });
  });
}

}  // namespace

void add_admin_commands(CLI::App& app, Context& context) {
  add_site(app, context);
}

}  // namespace tradewind::cli
