// `tradewind`, the one command for users, centres and auditors.
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "broker/cli/context.h"

namespace tradewind::cli {

Exit exit_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid:
    case ErrorCode::too_large:
    case ErrorCode::conflict: return Exit::usage;
    case ErrorCode::not_found: return Exit::not_found;
    case ErrorCode::unauthenticated:
    case ErrorCode::forbidden: return Exit::denied;
    case ErrorCode::exhausted:
    case ErrorCode::unavailable:
    case ErrorCode::maybe_delivered: return Exit::unavailable;
    default: return Exit::failed;
  }
}

void Context::show(const boost::json::value& value, const std::function<void()>& human) const {
  if (json) {
    std::cout << boost::json::serialize(value) << '\n';
  } else {
    human();
  }
}

void Context::report(const Error& error) {
  std::cerr << "tradewind: " << describe(error) << '\n';
  exit = exit_of(error);
}

const boost::json::value& member(const boost::json::value& object, std::string_view key) {
  static const boost::json::value none;
  if (!object.is_object()) return none;
  const auto* found = object.as_object().if_contains(key);
  return found != nullptr ? *found : none;
}

std::string text(const boost::json::value& object, std::string_view key) {
  const auto& value = member(object, key);
  if (value.is_string()) return std::string(value.as_string());
  if (value.is_null()) return {};
  return boost::json::serialize(value);
}

std::int64_t number(const boost::json::value& object, std::string_view key) {
  const auto& value = member(object, key);
  if (value.is_int64()) return value.as_int64();
  if (value.is_uint64()) return static_cast<std::int64_t>(value.as_uint64());
  return 0;
}

const boost::json::array& items(const boost::json::value& object, std::string_view key) {
  static const boost::json::array none;
  const auto& value = member(object, key);
  return value.is_array() ? value.as_array() : none;
}

}  // namespace tradewind::cli

int main(int argc, char** argv) {
  using namespace tradewind::cli;
  Context context;
  context.terminal = ::isatty(STDOUT_FILENO) == 1;

  CLI::App app{
      "Tradewind: one endpoint over many sites.\n\n"
      "  tradewind submit --cpus 2 -- sh -c 'echo hello'   run a command somewhere adequate and "
      "cheap\n"
      "  tradewind jobs                                    what became of my jobs\n"
      "  tradewind explain JOB                             why it went where it went\n"};
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", "tradewind " TRADEWIND_VERSION);
  app.add_option("--url", context.connection.url, "the broker's address")
      ->envname("TRADEWIND_URL")
      ->capture_default_str();
  app.add_option("--token", context.connection.token,
                 "bearer token; better given in TRADEWIND_TOKEN")
      ->envname("TRADEWIND_TOKEN");
  app.add_option("--ca-file", context.connection.ca_file,
                 "PEM file of the broker's certificate issuer")
      ->envname("TRADEWIND_CA_FILE");
  std::string output = "table";
  app.add_option("--output,-o", output, "table for people, json for programs")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app.parse_complete_callback([&] { context.json = output == "json"; });
  add_submit_commands(app, context);
  add_job_commands(app, context);
  add_market_commands(app, context);
  add_dataset_commands(app, context);
  add_rate_commands(app, context);
  add_audit_commands(app, context);
  add_admin_commands(app, context);
  add_token_commands(app, context);
  add_authority_commands(app, context);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  return static_cast<int>(context.exit);
}
