// Bearer tokens that the broker keeps itself: making, listing and revoking them.
#include "broker/api/token_file.h"

#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>

#include "broker/cli/context.h"
#include "broker/cli/pages.h"
#include "broker/cli/table.h"

namespace tradewind::cli {
namespace {

struct Options {
  std::string file;
  std::string name;
  std::string role = "user";
  std::string tenant;
  std::string site;
  std::vector<std::string> scopes;
  std::int64_t ttl_seconds = 0;
};

// Without a broker to ask: who makes the first one has no token yet.
Result<boost::json::value> issue_in_file(const Options& options) {
  const auto role = parse_role("--role", options.role);
  if (!role) return fail(role.error());
  if (*role == Role::user && options.tenant.empty()) {
    return fail(ErrorCode::invalid, "--tenant", "is missing", "name the tenant of this user");
  }
  std::vector<Scope> scopes;
  for (const std::string& each : options.scopes) {
    const auto scope = parse_scope("--scope", each);
    if (!scope) return fail(scope.error());
    scopes.push_back(*scope);
  }
  std::optional<std::chrono::seconds> ttl;
  if (options.ttl_seconds > 0) ttl = std::chrono::seconds(options.ttl_seconds);
  const auto secret =
      issue_token(options.file, options.name, *role, TenantId{options.tenant}, ttl,
                  SiteId{options.site}, scopes.empty() ? Scopes() : Scopes::only(scopes));
  if (!secret) return fail(secret.error());
  return boost::json::value{{"token", *secret}, {"name", options.name}};
}

Result<boost::json::value> issue_at_broker(const Context& context, const Options& options) {
  boost::json::object body{{"name", options.name}, {"role", options.role}};
  if (!options.tenant.empty()) body["tenant"] = options.tenant;
  if (!options.site.empty()) body["site"] = options.site;
  if (options.ttl_seconds > 0) body["ttl_seconds"] = options.ttl_seconds;
  if (!options.scopes.empty()) {
    body["scopes"] = boost::json::array(options.scopes.begin(), options.scopes.end());
  }
  return context.client().post("/v1/tokens", body);
}

void add_issue(CLI::App& token, Context& context) {
  auto options = std::make_shared<Options>();
  auto* issue =
      token.add_subcommand("issue", "make a token; prints its secret, which is kept nowhere");
  issue
      ->add_option("--file", options->file,
                   "write to this tokens file rather than ask the broker: for the first operator")
      ->type_name("FILE");
  issue->add_option("--name", options->name, "who will use it; stands in the journal as principal")
      ->required();
  issue->add_option("--role", options->role, "what it may do")
      ->check(CLI::IsMember({"user", "centre", "auditor", "operator"}))
      ->capture_default_str();
  issue->add_option("--tenant", options->tenant,
                    "whose jobs; users need one, and get that of who asks when it is left out");
  issue->add_option("--site", options->site, "of a centre's token");
  issue->add_option("--scope", options->scopes,
                    "narrows it to this part of its role, such as jobs:read; repeatable");
  issue->add_option("--ttl-seconds", options->ttl_seconds,
                    "valid for so long; 0: until it is revoked");
  examples(*issue, {"tradewind token issue --name alice",
                    "tradewind token issue --name ci --scope jobs:read --ttl-seconds 86400",
                    "tradewind token issue --file tokens.toml --name first --role operator"});
  issue->callback([&context, options] {
    const auto reply =
        options->file.empty() ? issue_at_broker(context, *options) : issue_in_file(*options);
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] { std::cout << text(*reply, "token") << '\n'; });
  });
}

std::string joined(const boost::json::array& texts) {
  std::string all;
  for (const auto& each : texts) {
    all += (all.empty() ? "" : " ") + std::string(each.as_string());
  }
  return all;
}

void list(Context& context) {
  const auto tokens = all_items(context.client(), "/v1/tokens", "tokens");
  if (!tokens) return context.report(tokens.error());
  const boost::json::value all{{"tokens", *tokens}};
  context.show(all, [&] {
    Table table({{"NAME"}, {"ROLE"}, {"TENANT"}, {"EXPIRES"}, {"SCOPES"}});
    for (const auto& each : *tokens) {
      table.add({text(each, "name"), text(each, "role"), text(each, "tenant"),
                 text(each, "expires"), joined(items(each, "scopes"))});
    }
    std::cout << table.render();
  });
}

void add_revoke(CLI::App& token, Context& context) {
  auto name = std::make_shared<std::string>();
  auto* revoke = token.add_subcommand("revoke", "make a token worthless, at once");
  revoke->add_option("name", *name, "the token's name")->required();
  examples(*revoke, {"tradewind token revoke alice"});
  revoke->callback([&context, name] {
    const auto reply = context.client().remove("/v1/tokens/" + url_escape(*name));
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] { std::cout << *name << " is revoked\n"; });
  });
}

}  // namespace

void add_token_commands(CLI::App& app, Context& context) {
  auto* token = app.add_subcommand("token", "bearer tokens that the broker keeps itself");
  token->require_subcommand(1);
  examples(*token, {"tradewind token issue --name alice", "tradewind token list",
                    "tradewind token revoke alice"});
  add_issue(*token, context);
  auto* all = token->add_subcommand("list", "who has a token; never the secrets");
  examples(*all, {"tradewind token list"});
  all->callback([&context] { list(context); });
  add_revoke(*token, context);
}

}  // namespace tradewind::cli
