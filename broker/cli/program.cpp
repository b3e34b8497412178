#include "broker/cli/program.h"

#include <cstdlib>
#include <iostream>
#include <memory>

#include "broker/cli/run.h"
#include "broker/cli/terminal.h"

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
  std::cerr << "tradewind: " << printable(describe(error)) << '\n';
  set_exit(exit_of(error));
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

void examples(CLI::App& command, std::initializer_list<std::string_view> lines) {
  std::string footer = "examples:\n";
  for (const std::string_view each : lines) footer += "  " + std::string(each) + "\n";
  command.footer(footer);
}

namespace {

struct GlobalOptions {
  std::string config;
  std::string profile;
  std::string output = "table";
};

std::string_view without_slashes(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

// What neither the command line nor the environment says comes from the file.
Status apply_settings(const CLI::App& app, const GlobalOptions& options, std::string& output,
                      Context& context) {
  const bool named = app.get_option("--config")->count() > 0;
  const std::filesystem::path file =
      named ? std::filesystem::path(options.config) : default_settings_file();
  std::error_code ignored;
  if (!named && (file.empty() || !std::filesystem::exists(file, ignored))) {
    if (options.profile.empty()) return ok();
    return fail(ErrorCode::invalid, "--profile", "there is no settings file",
                "write " + file.string() + ", or name one by --config");
  }
  auto settings = load_settings(file, options.profile);
  if (!settings) return fail(std::move(settings.error()));
  const auto take = [&](const char* option, std::string& into, const std::string& value) {
    if (app.get_option(option)->count() == 0 && !value.empty()) into = value;
  };
  // A token is for the broker that stands beside it, and for no other.
  const std::string beside = settings->url.empty() ? Connection{}.url : settings->url;
  const bool elsewhere = app.get_option("--url")->count() > 0 &&
                         without_slashes(beside) != without_slashes(context.connection.url);
  take("--url", context.connection.url, settings->url);
  if (!elsewhere) take("--token", context.connection.token, settings->token);
  take("--ca-file", context.connection.ca_file, settings->ca_file);
  take("--output", output, settings->output);
  context.tenant = settings->tenant;
  context.defaults = settings->job;
  return ok();
}

}  // namespace

void build_program(CLI::App& app, Context& context) {
  app.description("Tradewind: one endpoint over many sites.");
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", "tradewind " TRADEWIND_VERSION);
  const auto options = std::make_shared<GlobalOptions>();
  app.add_option("--url", context.connection.url, "the broker's address")
      ->envname("TRADEWIND_URL")
      ->capture_default_str();
  app.add_option("--token", context.connection.token,
                 "bearer token; better given in TRADEWIND_TOKEN")
      ->envname("TRADEWIND_TOKEN");
  app.add_option("--ca-file", context.connection.ca_file,
                 "PEM file of the broker's certificate issuer")
      ->envname("TRADEWIND_CA_FILE")
      ->type_name("FILE");
  app.add_option("--output,-o", options->output, "table for people, json for programs")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app.add_option("--config", options->config,
                 "settings; else ~/.config/tradewind/config.toml, where it is there")
      ->envname("TRADEWIND_CONFIG")
      ->type_name("FILE");
  app.add_option("--profile", options->profile, "the settings of this name in the file")
      ->envname("TRADEWIND_PROFILE");
  app.parse_complete_callback([&app, options, &context] {
    const bool needs_none = app.got_subcommand("completion") || app.got_subcommand("help");
    if (!needs_none) {
      if (const Status good = apply_settings(app, *options, options->output, context); !good) {
        context.report(good.error());
        throw CLI::RuntimeError(context.exit);
      }
    }
    context.json = options->output == "json";
  });
  examples(app, {"tradewind run --cpus 2 -- sh -c 'echo hello'     # somewhere adequate and cheap",
                 "tradewind submit --file job.yaml                 # a job document",
                 "tradewind jobs                                   # what became of my jobs",
                 "tradewind explain j0000000000001                 # why it went where it went",
                 "tradewind help exit-codes"});
  add_run_command(app, context);
  add_submit_commands(app, context);
  add_job_commands(app, context);
  add_cancel_command(app, context);
  add_market_commands(app, context);
  add_dataset_commands(app, context);
  add_budget_commands(app, context);
  add_rate_commands(app, context);
  add_audit_commands(app, context);
  add_admin_commands(app, context);
  add_token_commands(app, context);
  add_authority_commands(app, context);
  add_completion_command(app, context);
  add_help_command(app, context);
}

int run_program(int argc, const char* const* argv) {
  Context context;
  CLI::App app;
  build_program(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    if (code == 0) return 0;
    // What `run` exits with is the job's own, but for this.
    return app.got_subcommand("run") ? run_exit::none : static_cast<int>(Exit::usage);
  }
  return context.exit;
}

}  // namespace tradewind::cli
