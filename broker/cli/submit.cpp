// `tradewind submit` and `tradewind quote`.
#include <fmt/format.h>

#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "broker/cli/batch.h"
#include "broker/cli/context.h"
#include "broker/cli/job_document.h"
#include "broker/cli/table.h"

namespace tradewind::cli {
namespace {

std::string cost_line(const boost::json::value& candidate) {
  const auto& cost = member(candidate, "cost");
  std::string paid;
  if (const auto& contract = member(candidate, "contract"); contract.is_object()) {
    paid = fmt::format(", less {} that contract {} paid ({} units)",
                       money(text(cost, "contract_paid")), text(contract, "id"),
                       text(contract, "units"));
  }
  return fmt::format(
      "{} ({}) {} total: compute {}, data in {}, data out {}, fixed {}{}; finished in {}",
      text(candidate, "site"), text(candidate, "pool"), money(text(cost, "total")),
      money(text(cost, "compute")), money(text(cost, "data_in")), money(text(cost, "data_out")),
      money(text(cost, "fixed")), paid,
      duration(number(member(candidate, "finish"), "total_seconds")));
}

constexpr std::size_t kRejectionsShown = 16;

// Each pool with its reason; of many, a line a reason with the nearest miss.
void print_rejections(const boost::json::value& decision) {
  const auto& rejections = items(decision, "rejections");
  if (rejections.empty()) return;
  if (rejections.size() <= kRejectionsShown) {
    Table table({{"NOT ADEQUATE"}, {"POOL"}, {"REASON"}, {"WHY"}});
    for (const auto& each : rejections) {
      table.add(
          {text(each, "site"), text(each, "pool"), text(each, "reason"), text(each, "detail")});
    }
    std::cout << '\n' << table.render();
    return;
  }
  // A quote counts all pools; other decisions tell of the nearest ones only.
  std::map<std::string, std::int64_t> pools;
  for (const auto& each : rejections) ++pools[text(each, "reason")];
  for (const auto& each : items(decision, "reasons")) {
    pools[text(each, "reason")] = number(each, "pools");
  }
  Table table({{"NOT ADEQUATE"}, {"POOLS", true}, {"NEAREST"}, {"WHY"}});
  const auto add = [&](const std::string& reason, const std::string& nearest,
                       const std::string& why) {
    const auto count = pools.extract(reason);
    if (!count.empty()) table.add({reason, std::to_string(count.mapped()), nearest, why});
  };
  for (const auto& each : rejections) {
    add(text(each, "reason"), text(each, "site") + "/" + text(each, "pool"), text(each, "detail"));
  }
  while (!pools.empty()) add(std::string(pools.begin()->first), "", "");
  std::cout << '\n' << table.render();
}

void print_relaxations(const boost::json::value& decision) {
  const auto& relaxations = items(decision, "relaxations");
  if (relaxations.empty()) return;
  std::cout << "\nwhat would change that:\n";
  for (const auto& each : relaxations) std::cout << "  " << text(each, "summary") << '\n';
}

// The first option that was given and describes a job; empty when there is none.
std::string job_option_given(const CLI::App& submit) {
  static const std::set<std::string> others{"--help", "--quote",  "--idempotency-key",
                                            "--wait", "--follow", "--batch"};
  for (const CLI::Option* each : submit.get_options()) {
    if (each->count() > 0 && !others.contains(each->get_name())) return each->get_name();
  }
  return {};
}

// The document to post: a job's, or the quote's id alone.
Result<boost::json::object> submission(const CLI::App& submit, const JobOptions& job,
                                       const JobDefaults& defaults, const std::string& quote) {
  if (quote.empty()) return job_document(job, defaults);
  if (const std::string given = job_option_given(submit); !given.empty()) {
    return fail(ErrorCode::invalid, given, "it stands beside --quote",
                "describe the job to `tradewind quote`: what is submitted is what was quoted");
  }
  return boost::json::object{{"quote", quote}};
}

void print_quote(const boost::json::value& decision) {
  const auto& quote = member(decision, "quote");
  if (!quote.is_object()) return;
  std::cout << fmt::format("\nquote {}: at most {} until {}\n  tradewind submit --quote {}\n",
                           text(quote, "id"), money(text(quote, "total")),
                           text(quote, "expires_at"), text(quote, "id"));
}

}  // namespace

void print_decision(const boost::json::value& decision) {
  const auto& chosen = member(decision, "chosen");
  const std::string outcome = text(decision, "outcome");
  if (chosen.is_object()) {
    // The budget keeps it from that place.
    if (outcome == "waiting") std::cout << "waiting: " << text(decision, "summary") << '\n';
    std::cout << "chosen: " << cost_line(chosen) << '\n';
  } else if (outcome == "waiting") {
    std::cout << "waiting: nothing adequate is free now\n";
  } else {
    std::cout << "unroutable: nothing that is offered could ever run it\n";
  }
  if (const auto& clearing = member(decision, "clearing"); clearing.is_object()) {
    std::cout << text(clearing, "summary") << '\n';
  } else if (const auto& surveyed = member(decision, "surveyed");
             surveyed.is_bool() && !surveyed.get_bool()) {
    std::cout << "the best of all pools; a quote lists the others\n";
  } else {
    std::cout << fmt::format("considered {} pools, {} adequate\n",
                             number(decision, "pools_considered"),
                             number(decision, "pools_adequate"));
  }
  const auto& runners_up = items(decision, "runners_up");
  if (chosen.is_object() || !runners_up.empty()) {
    Table table({{"SITE"},
                 {"POOL"},
                 {"VARIANT", true},
                 {"RATE/H", true},
                 {"COMPUTE", true},
                 {"DATA IN", true},
                 {"DATA OUT", true},
                 {"FIXED", true},
                 {"CONTRACT", true},
                 {"TOTAL", true},
                 {"WAIT", true},
                 {"STAGE IN", true},
                 {"RUN", true},
                 {"FINISH", true}});
    const auto add = [&table](const boost::json::value& each) {
      const auto& cost = member(each, "cost");
      const auto& finish = member(each, "finish");
      table.add(
          {text(each, "site"), text(each, "pool"), text(each, "variant"),
           money(text(each, "rate_per_hour")), money(text(cost, "compute")),
           money(text(cost, "data_in")), money(text(cost, "data_out")), money(text(cost, "fixed")),
           "-" + money(text(cost, "contract_paid")), money(text(cost, "total")),
           duration(number(finish, "wait_seconds")), duration(number(finish, "stage_in_seconds")),
           duration(number(finish, "run_seconds")), duration(number(finish, "total_seconds"))});
    };
    if (chosen.is_object()) add(chosen);
    for (const auto& each : runners_up) add(each);
    std::cout << '\n' << table.render();
  }
  print_rejections(decision);
  print_relaxations(decision);
  print_quote(decision);
}

void add_submit_commands(CLI::App& app, Context& context) {
  struct Options {
    JobOptions job;
    std::string idempotency_key;
    std::string quote;
    std::string batch;
    bool wait = false;
    bool follow = false;
  };
  auto options = std::make_shared<Options>();
  auto* submit = app.add_subcommand("submit", "run a job at the cheapest adequate site");
  examples(
      *submit,
      {"tradewind submit -- sh -c 'echo hello'",
       "tradewind submit --cpus 4 --input /data/in=https://example.org/in --follow -- ./run.sh",
       "tradewind submit job.yaml --wait              # all that --file says, and more",
       "tradewind submit --after j0000000000001 -- ./merge.sh",
       "tradewind submit --array 100 -- ./task.sh",
       "tradewind submit jobs.ndjson                  # a job document a line",
       "tradewind submit --quote q1-1-1795668942115   # the job that was quoted, for no more"});
  add_job_options(*submit, options->job);
  submit->add_option("--idempotency-key", options->idempotency_key,
                     "submitting again with the same key gives the same job");
  auto* quoted_job = submit->add_option(
      "--quote", options->quote, "the job of this quote, at its price; takes no job beside it");
  auto* batch = submit->add_option(
      "--batch", options->batch,
      "NDJSON, a job document a line; - reads standard input. --idempotency-key makes KEY/LINE the "
      "key of each");
  batch->excludes(quoted_job)->type_name("FILE");
  submit->add_flag("--wait", options->wait, "return when it has ended; the exit code tells how")
      ->excludes(batch);
  submit->add_flag("--follow", options->follow, "like --wait, and show its output as it comes")
      ->excludes(batch);
  submit->callback([&context, submit, options] {
    const bool is_batch = options->job.file.empty() && options->job.command.size() == 1 &&
                          options->job.command[0].ends_with(".ndjson");
    if (is_batch && options->batch.empty() && options->quote.empty()) {
      options->batch = options->job.command[0];
      options->job.command.clear();
      submit->get_option("command")->clear();
    }
    std::vector<std::string> headers;
    if (!options->idempotency_key.empty())
      headers.push_back("Idempotency-Key: " + options->idempotency_key);
    if (!options->batch.empty()) {
      if (const std::string given = job_option_given(*submit); !given.empty()) {
        return context.report(Error{ErrorCode::invalid, given, "it stands beside --batch",
                                    "write it into the lines of the batch"});
      }
      return submit_batch(context, options->batch, headers);
    }
    const auto document = submission(*submit, options->job, context.defaults, options->quote);
    if (!document) return context.report(document.error());
    const auto reply = context.client().post("/v1/jobs", *document, headers);
    if (!reply) return context.report(reply.error());
    const std::string job = text(*reply, "id");
    if (!options->wait && !options->follow) {
      context.show(*reply, [&] { std::cout << job << '\n'; });
      return;
    }
    if (!context.json) std::cerr << "submitted " << job << '\n';
    wait_for_job(context, job, options->follow);
  });

  auto quoted = std::make_shared<JobOptions>();
  auto* quote = app.add_subcommand(
      "quote", "what a job would cost, where it would go and why; submits nothing");
  add_job_options(*quote, *quoted);
  examples(*quote, {"tradewind quote --cpus 2 --duration-seconds 600 -- ./simulate",
                    "tradewind quote job.yaml"});
  quote->callback([&context, quoted] {
    const auto document = job_document(*quoted, context.defaults);
    if (!document) return context.report(document.error());
    const auto reply = context.client().post("/v1/quotes", *document);
    if (!reply) return context.report(reply.error());
    context.show(*reply, [&] { print_decision(*reply); });
    if (text(*reply, "outcome") == "unroutable") context.set_exit(Exit::unroutable);
  });
}

}  // namespace tradewind::cli
