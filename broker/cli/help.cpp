// `tradewind help`.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/cli/context.h"
#include "broker/cli/run.h"
#include "broker/cli/table.h"

namespace tradewind::cli {
namespace {

struct ExitCode {
  int code;
  std::string_view meaning;
};
constexpr int code_of(Exit exit) {
  return static_cast<int>(exit);
}
constexpr std::array<ExitCode, 8> kExitCodes = {{
    {code_of(Exit::ok), "done; with --wait: the job succeeded"},
    {code_of(Exit::job_failed), "the job that was waited for did not succeed"},
    {code_of(Exit::usage),
     "wrong options or settings, a wrong document, or a quote that is not kept"},
    {code_of(Exit::not_found), "no such thing"},
    {code_of(Exit::denied), "no or wrong credentials, or a role that may not"},
    {code_of(Exit::unavailable), "no answer, or the broker cannot serve now"},
    {code_of(Exit::unroutable), "no offer could ever run the job"},
    {code_of(Exit::failed), "anything else"},
}};
constexpr std::array<ExitCode, 4> kRunExitCodes = {{
    {run_exit::time_limit, "it was stopped at a time limit"},
    {run_exit::none, "it did not run, or was lost: the command has no exit code"},
    {run_exit::canceled, "it was canceled, by Ctrl-C or by somebody"},
    {run_exit::terminated, "it was canceled because `tradewind run` was sent SIGTERM"},
}};

void print_exit_codes(const Context& context) {
  const auto table_of = [](const auto& codes) {
    Table table({{"CODE", true}, {"MEANING"}});
    for (const ExitCode& each : codes) {
      table.add({std::to_string(each.code), std::string(each.meaning)});
    }
    return table.render();
  };
  const auto list_of = [](const auto& codes) {
    boost::json::array list;
    for (const ExitCode& each : codes) {
      list.push_back({{"code", each.code}, {"meaning", boost::json::string(each.meaning)}});
    }
    return list;
  };
  context.show(
      boost::json::object{{"exit_codes", list_of(kExitCodes)}, {"run", list_of(kRunExitCodes)}},
      [&] {
        std::cout << table_of(kExitCodes)
                  << "\n`tradewind run` exits with the command's own code, 128 + N of one that "
                     "signal N ended, or\n"
                  << table_of(kRunExitCodes);
      });
}

void print_help(CLI::App& app, Context& context, const std::vector<std::string>& words) {
  if (words.size() == 1 && words[0] == "exit-codes") return print_exit_codes(context);
  const CLI::App* at = &app;
  std::string path = "tradewind";
  for (const std::string& word : words) {
    const auto below =
        at->get_subcommands([&](const CLI::App* each) { return each->get_name() == word; });
    if (below.empty()) {
      return context.report(Error{ErrorCode::invalid, "topic",
                                  "there is no command \"" + path + " " + word + "\"",
                                  "see `" + path + " --help`, or `tradewind help exit-codes`"});
    }
    at = below.front();
    path += " " + word;
  }
  // Not App::help, which leads back to the command that was given.
  std::cout << app.get_formatter()->make_help(at, path, CLI::AppFormatMode::Normal);
}

}  // namespace

void add_help_command(CLI::App& app, Context& context) {
  auto words = std::make_shared<std::vector<std::string>>();
  auto* help = app.add_subcommand("help", "what a command does, or what exit codes mean");
  help->add_option("topic", *words, "a command, or exit-codes");
  examples(*help,
           {"tradewind help submit", "tradewind help dataset set", "tradewind help exit-codes"});
  help->callback([&app, &context, words] { print_help(app, context, *words); });
}

}  // namespace tradewind::cli
