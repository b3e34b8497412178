// What every command of `tradewind` shares: the connection, the output format, and the exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <functional>
#include <initializer_list>
#include <string>

#include "broker/cli/configuration.h"
#include "broker/cli/http_client.h"
#include "schemas/result.h"

namespace tradewind::cli {

// Exit codes of `tradewind`; `tradewind help exit-codes` tells them.
enum class Exit : int {
  ok = 0,
  job_failed = 1,  // the job that was waited for did not succeed
  usage = 2,       // wrong options, settings or a wrong document
  not_found = 3,
  denied = 4,       // no or wrong credentials, or a role that may not
  unavailable = 5,  // no answer, or the broker cannot serve now
  unroutable = 6,   // no offer could ever run the job
  failed = 7,       // anything else
};
Exit exit_of(const Error& error);

// How much a page of a list asks for.
inline constexpr int kPageSize = 1'000;
// For how many polls a job is followed while nobody answers: about half a minute of an endpoint
// that restarts.
inline constexpr int kUnansweredPollsMax = 100;

struct Context {
  Connection connection;
  bool json = false;     // --output json
  std::string tenant;    // of the settings: whose jobs auditors and operators list
  JobDefaults defaults;  // of the settings
  int exit = 0;

  HttpClient client() const { return HttpClient(connection); }
  void set_exit(Exit code) { exit = static_cast<int>(code); }
  // Prints the value as JSON when asked to, else calls `human`.
  void show(const boost::json::value& value, const std::function<void()>& human) const;
  // Prints the error to standard error and sets the exit code.
  void report(const Error& error);
};

// Members of a JSON object as the table wants them; absent or null is empty or zero.
std::string text(const boost::json::value& object, std::string_view key);
std::int64_t number(const boost::json::value& object, std::string_view key);
const boost::json::value& member(const boost::json::value& object, std::string_view key);
// An array's elements, or none.
const boost::json::array& items(const boost::json::value& object, std::string_view key);

// The command's help ends with these lines; every command has some, and the tests parse each.
void examples(CLI::App& command, std::initializer_list<std::string_view> lines);

// Each adds its commands to the program.
void add_submit_commands(CLI::App& app, Context& context);     // submit, quote
void add_run_command(CLI::App& app, Context& context);         // run
void add_job_commands(CLI::App& app, Context& context);        // jobs, logs, explain
void add_cancel_command(CLI::App& app, Context& context);      // cancel
void add_market_commands(CLI::App& app, Context& context);     // sites, market
void add_dataset_commands(CLI::App& app, Context& context);    // dataset
void add_budget_commands(CLI::App& app, Context& context);     // budget
void add_rate_commands(CLI::App& app, Context& context);       // rates
void add_audit_commands(CLI::App& app, Context& context);      // audit
void add_admin_commands(CLI::App& app, Context& context);      // site
void add_token_commands(CLI::App& app, Context& context);      // token
void add_authority_commands(CLI::App& app, Context& context);  // ca
void add_completion_command(CLI::App& app, Context& context);  // completion
void add_help_command(CLI::App& app, Context& context);        // help

// Prints a decision: the chosen pool with its cost part by part, the runners-up and why not
// elsewhere.
void print_decision(const boost::json::value& decision);
// Whether a job in this state has ended.
bool is_over(std::string_view state);
// Follows the job until it has ended; prints its output when `follow_log`. The exit code tells how
// it ended.
void wait_for_job(Context& context, const std::string& job, bool follow_log);

}  // namespace tradewind::cli
