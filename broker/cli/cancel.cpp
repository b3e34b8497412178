// `tradewind cancel`.
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "broker/cli/context.h"
#include "broker/cli/job_filters.h"
#include "broker/cli/pages.h"
#include "broker/cli/terminal.h"

namespace tradewind::cli {
namespace {

constexpr std::string_view kNotEnded = "queued,dispatching,staging,running,finishing";

struct CancelOptions {
  std::vector<std::string> jobs;
  JobFilters filters;
  bool all = false;
  bool yes = false;
};

void cancel_named(Context& context, const std::vector<std::string>& jobs) {
  for (const std::string& each : jobs) {
    const auto done =
        context.client().post("/v1/jobs/" + url_escape(each) + ":cancel", boost::json::object());
    if (!done) {
      context.report(done.error());
      continue;
    }
    context.show(*done, [&] { std::cout << "canceling " << each << '\n'; });
  }
}

// How many match.
Result<std::uint64_t> count(const Context& context, const std::string& query) {
  HttpClient client = context.client();
  Progress progress("jobs found", 0);
  std::uint64_t found = 0;
  const Status counted = each_page(
      [&](const std::string& cursor) {
        return client.get(fmt::format("/v1/jobs?limit={}{}{}", kPageSize, query, cursor));
      },
      [&](const boost::json::value& page) -> Result<bool> {
        for (const auto& job : items(page, "jobs")) {
          if (!is_over(text(job, "state"))) ++found;
        }
        progress.at(found);
        return true;
      });
  if (!counted) return fail(counted.error());
  return found;
}

// Whether the user means it; nobody who could be asked must have said so before.
Result<bool> confirmed(const Context& context, const std::string& query) {
  if (::isatty(STDIN_FILENO) != 1) {
    return fail(ErrorCode::invalid, "--yes", "is missing, and there is no terminal to ask at",
                "look at them by tradewind jobs, then say --yes");
  }
  const auto matching = count(context, query);
  if (!matching) return fail(matching.error());
  if (*matching == 0) {
    std::cerr << "no job to cancel\n";
    return false;
  }
  std::cerr << fmt::format("cancel {} job{}? [y/N] ", *matching, *matching == 1 ? "" : "s");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

void cancel_matching(Context& context, const CancelOptions& options) {
  std::string query = query_of(options.filters, context);
  if (options.filters.state.empty()) query += "&state=" + std::string(kNotEnded);
  if (!options.yes) {
    const auto meant = confirmed(context, query);
    if (!meant) return context.report(meant.error());
    if (!*meant) return;
  }
  HttpClient client = context.client();
  Progress progress("jobs canceled", 0);
  std::uint64_t canceled = 0;
  const Status done = each_page(
      [&](const std::string& cursor) {
        return client.post(fmt::format("/v1/jobs:cancel?limit={}{}{}", kPageSize, query, cursor),
                           boost::json::object());
      },
      [&](const boost::json::value& page) -> Result<bool> {
        canceled += static_cast<std::uint64_t>(number(page, "canceled"));
        progress.at(canceled);
        return true;
      });
  if (!done) {
    if (canceled > 0) std::cerr << fmt::format("canceled {} so far\n", canceled);
    return context.report(done.error());
  }
  context.show(boost::json::object{{"canceled", canceled}},
               [&] { std::cout << fmt::format("canceling {} jobs\n", canceled); });
}

}  // namespace

void add_cancel_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<CancelOptions>();
  auto* cancel = app.add_subcommand(
      "cancel", "end jobs, all tasks of an array, or every job that matches and has not ended");
  cancel->add_option("jobs", options->jobs, "ids");
  add_job_filters(*cancel, options->filters);
  cancel->add_flag("--all", options->all, "all that have not ended");
  cancel->add_flag("-y,--yes", options->yes, "do not ask");
  examples(*cancel,
           {"tradewind cancel j0000000000001 j0000000000002",
            "tradewind cancel --state queued --tag team=blue", "tradewind cancel --all --yes"});
  cancel->callback([&context, options] {
    const bool matching = any(options->filters) || options->all;
    if (matching && !options->jobs.empty()) {
      return context.report(
          Error{ErrorCode::invalid, "jobs", "they stand beside a filter", "give ids, or filters"});
    }
    if (!matching && options->jobs.empty()) {
      return context.report(Error{ErrorCode::invalid, "jobs", "are missing",
                                  "give ids, a filter such as --tag, or --all"});
    }
    if (matching) return cancel_matching(context, *options);
    cancel_named(context, options->jobs);
  });
}

}  // namespace tradewind::cli
