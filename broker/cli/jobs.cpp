// `tradewind jobs`, `logs` and `explain`.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "broker/cli/context.h"
#include "broker/cli/events.h"
#include "broker/cli/job_filters.h"
#include "broker/cli/job_log.h"
#include "broker/cli/pages.h"
#include "broker/cli/table.h"
#include "broker/cli/terminal.h"
#include "broker/cli/watch.h"
#include "schemas/time.h"

namespace tradewind::cli {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(300);

// Seconds between two times of an answer; -1 when one of them is not there.
std::int64_t seconds_between(const std::string& from, const std::string& to) {
  const auto first = parse_rfc3339("", from);
  const auto second = parse_rfc3339("", to);
  if (!first || !second) return -1;
  return std::chrono::duration_cast<std::chrono::seconds>(*second - *first).count();
}

std::string span(const std::string& from, const std::string& to) {
  const std::int64_t seconds = seconds_between(from, to);
  return seconds < 0 ? "" : duration(seconds);
}

// "2026-11-22T02:30:00.123Z" -> "11-22 02:30:00".
std::string moment(const std::string& time) {
  return time.size() >= 19 ? time.substr(5, 5) + " " + time.substr(11, 8) : "";
}

View jobs_view(boost::json::value page) {
  Table table({{"JOB"},
               {"NAME"},
               {"STATE"},
               {"SITE"},
               {"SUBMITTED"},
               {"WAITED", true},
               {"RAN", true},
               {"COST", true}});
  for (const auto& job : items(page, "jobs")) {
    table.add({text(job, "id"), text(job, "name"), text(job, "state"), text(job, "site"),
               moment(text(job, "submitted_at")),
               span(text(job, "submitted_at"), text(job, "started_at")),
               span(text(job, "started_at"), text(job, "ended_at")), money(text(job, "cost"))});
  }
  return {std::move(page), std::move(table), "no jobs", ""};
}

// The newest that match, at most `limit`. A page of the endpoint may hold fewer, and others follow.
Result<boost::json::value> list(HttpClient&& client, const std::string& filters,
                                std::uint32_t limit, const std::string& first) {
  boost::json::array jobs;
  std::string next;
  const Status listed = each_page(
      [&](const std::string& cursor) {
        return client.get(
            fmt::format("/v1/jobs?limit={}{}{}", limit - jobs.size(), filters, cursor));
      },
      [&](const boost::json::value& page) -> Result<bool> {
        for (const auto& each : items(page, "jobs")) jobs.push_back(each);
        next = text(page, "next_cursor");
        return jobs.size() < limit;
      },
      first);
  if (!listed) return fail(listed.error());
  boost::json::object found{{"jobs", std::move(jobs)}};
  if (!next.empty()) found["next_cursor"] = next;
  return found;
}

void print_job(const boost::json::value& job) {
  std::cout << printable(fmt::format("{}  {}", text(job, "id"), text(job, "name"))) << '\n';
  const auto line = [](std::string_view title, const std::string& value) {
    if (!value.empty()) std::cout << printable(fmt::format("  {:<10} {}", title, value)) << '\n';
  };
  line("state", text(job, "state"));
  line("why", text(job, "end_reason"));
  line("waiting", text(member(job, "waiting"), "summary"));
  line("site", text(job, "site"));
  line("submitted", text(job, "submitted_at"));
  line("ended", text(job, "ended_at"));
  line("cost", money(text(job, "cost"), text(job, "currency")));
  Table attempts({{"ATTEMPT", true},
                  {"SITE"},
                  {"POOL"},
                  {"STATE"},
                  {"RATE/H", true},
                  {"QUOTED", true},
                  {"CHARGED", true},
                  {"RAN", true},
                  {"EXIT", true},
                  {"WHY"}});
  for (const auto& each : items(job, "attempts")) {
    const auto& report = member(each, "report");
    const auto& executors = items(report, "executors");
    std::string why = text(each, "refusal");
    if (why.empty()) why = text(report, "code");
    const std::string detail =
        text(each, "detail").empty() ? text(report, "detail") : text(each, "detail");
    if (!detail.empty()) why += (why.empty() ? "" : ": ") + detail;
    attempts.add({text(each, "number"), text(each, "site"), text(each, "pool"), text(each, "state"),
                  money(text(each, "rate_per_hour")), money(text(each, "cost_expected")),
                  money(text(report, "charge")),
                  span(text(each, "started_at"), text(each, "over_at")),
                  executors.empty() ? "" : text(executors.back(), "exit_code"), why});
  }
  if (!attempts.empty()) std::cout << '\n' << attempts.render();
  Table outputs({{"OUTPUT"}, {"SIZE", true}, {"SHA256"}, {"URL"}});
  for (const auto& each : items(job, "outputs")) {
    outputs.add({text(each, "path"), bytes(static_cast<std::uint64_t>(number(each, "size_bytes"))),
                 text(each, "sha256"), text(each, "url")});
  }
  if (!outputs.empty()) std::cout << '\n' << outputs.render();
}

// The query for the events of a job or of an array's tasks; of all jobs in the last hour when `job`
// is empty.
std::string events_query(const std::string& job) {
  if (!job.empty()) return "&job=" + url_escape(job);
  return "&after=" + url_escape(to_rfc3339(system_now().wall - std::chrono::hours(1)));
}

Status show_events(Context& context, const std::string& job, std::uint64_t limit) {
  HttpClient client = context.client();
  boost::json::value checkpoint;
  boost::json::array shown;
  Table table = events_table();
  const Status done = each_event(client, events_query(job), limit, checkpoint,
                                 [&](std::uint64_t index, const std::string& event) {
                                   auto value = parse_event(index, event);
                                   if (!value) return Status(fail(value.error()));
                                   if (!is_of_job(*value)) return ok();
                                   add_event(table, index, *value);
                                   shown.push_back(std::move(*value));
                                   return ok();
                                 });
  if (!done) return done;
  context.show(boost::json::object{{"checkpoint", checkpoint}, {"events", std::move(shown)}},
               [&] { std::cout << (table.empty() ? "nothing has happened\n" : table.render()); });
  return ok();
}

// Until the job has ended and all of it is published, or without end.
Status follow_events(Context& context, const std::string& job) {
  HttpClient client = context.client();
  return each_event_to_come(
      client, events_query(job), [&](std::uint64_t index, const std::string& event) {
        const auto value = parse_event(index, event);
        if (!value) return Status(fail(value.error()));
        if (!is_of_job(*value)) return ok();
        std::cout << (context.json ? event + "\n" : event_line(index, *value)) << std::flush;
        return ok();
      });
}

// Whole; watched as its line in the list.
void show_job(Context& context, const std::string& id, bool watched) {
  const auto get = [&] { return context.client().get("/v1/jobs/" + url_escape(id)); };
  if (watched) {
    return watch(context, [&]() -> Result<View> {
      const auto job = get();
      if (!job) return fail(job.error());
      View view = jobs_view(boost::json::object{{"jobs", boost::json::array{*job}}});
      view.value = *job;
      return view;
    });
  }
  const auto job = get();
  if (!job) return context.report(job.error());
  context.show(*job, [&] { print_job(*job); });
}

void add_jobs(CLI::App& app, Context& context) {
  struct Options {
    std::string job;
    JobFilters filters;
    std::string cursor;
    std::uint32_t limit = 50;
    bool watched = false;
    bool events = false;
    bool follow = false;
  };
  auto options = std::make_shared<Options>();
  auto* jobs = app.add_subcommand("jobs", "list jobs, newest first, or show one whole");
  jobs->add_option("job", options->job, "a job's id");
  add_job_filters(*jobs, options->filters);
  jobs->add_option("--limit", options->limit, "at most so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  jobs->add_option("--cursor", options->cursor, "go on where the page before ended");
  auto* events = jobs->add_flag("--events", options->events,
                                "what happened, from the log: to the job, to an array's tasks, or "
                                "to all jobs within the last hour");
  jobs->add_flag("-f,--follow", options->follow, "show events as they come, until it has ended")
      ->needs(events);
  jobs->add_flag("-w,--watch", options->watched, "show it anew every second")->excludes(events);
  examples(*jobs,
           {"tradewind jobs --state queued,running", "tradewind jobs --tag team=blue --limit 200",
            "tradewind jobs j0000000000001                 # one whole", "tradewind jobs --watch",
            "tradewind jobs --events --follow j0000000000001"});
  jobs->callback([&context, options] {
    if (options->events) {
      const Status done = options->follow ? follow_events(context, options->job)
                                          : show_events(context, options->job, options->limit);
      if (!done) context.report(done.error());
      return;
    }
    if (!options->job.empty()) return show_job(context, options->job, options->watched);
    const std::string filters = query_of(options->filters, context);
    const auto look = [&]() -> Result<View> {
      auto page = list(context.client(), filters, options->limit, options->cursor);
      if (!page) return fail(std::move(page.error()));
      return jobs_view(std::move(*page));
    };
    if (options->watched) return watch(context, look);
    const auto page = look();
    if (!page) return context.report(page.error());
    show(context, *page);
    const std::string cursor = text(page->value, "next_cursor");
    if (!cursor.empty() && !context.json) std::cerr << "more: --cursor " << cursor << '\n';
  });
}

void add_logs(CLI::App& app, Context& context) {
  struct Options {
    std::string job;
    bool follow = false;
    bool errors = false;
    std::uint32_t attempt = 0;
  };
  auto options = std::make_shared<Options>();
  auto* logs = app.add_subcommand("logs", "what a job printed");
  logs->add_option("job", options->job, "the job's id")->required();
  logs->add_flag("-f,--follow", options->follow, "go on until it has ended");
  logs->add_flag("--stderr", options->errors, "standard error instead of standard output");
  logs->add_option("--attempt", options->attempt, "of this attempt instead of the newest");
  examples(*logs, {"tradewind logs j0000000000001", "tradewind logs --follow j0000000000001",
                   "tradewind logs --stderr --attempt 1 j0000000000001"});
  logs->callback([&context, options] {
    std::string path = "/v1/jobs/" + url_escape(options->job) +
                       "/logs?stream=" + (options->errors ? "stderr" : "stdout");
    if (options->follow) path += "&follow=true";
    if (options->attempt != 0) path += "&attempt=" + std::to_string(options->attempt);
    const bool to_terminal = Style::of_output().width > 0;
    Progress progress("bytes of the log", 0);
    std::uint64_t bytes = 0;
    const auto done = context.client().stream(path, [&](std::string_view data) {
      std::cout << data << std::flush;
      bytes += data.size();
      if (!to_terminal) progress.at(bytes);
      return true;
    });
    if (!done) context.report(done.error());
  });
}

void add_explain(CLI::App& app, Context& context) {
  struct Options {
    std::string job;
    std::uint32_t attempt = 0;
  };
  auto options = std::make_shared<Options>();
  auto* explain = app.add_subcommand("explain", "why a job went where it went, or why it waits");
  explain->add_option("job", options->job, "the job's id")->required();
  explain->add_option("--attempt", options->attempt, "of this attempt instead of the newest");
  examples(*explain,
           {"tradewind explain j0000000000001", "tradewind explain --attempt 1 j0000000000001"});
  explain->callback([&context, options] {
    std::string path = "/v1/jobs/" + url_escape(options->job) + "/decision";
    if (options->attempt != 0) path += "?attempt=" + std::to_string(options->attempt);
    const auto decision = context.client().get(path);
    if (!decision) return context.report(decision.error());
    context.show(*decision, [&] { print_decision(*decision); });
  });
}

Exit exit_of_job(const std::string& state) {
  if (state == "succeeded") return Exit::ok;
  return state == "unroutable" ? Exit::unroutable : Exit::job_failed;
}

// Tasks of an array are waited for together.
void wait_for_array(Context& context, const std::string& array) {
  std::string last;
  for (int unanswered = 0;;) {
    const auto reply = context.client().get("/v1/arrays/" + url_escape(array));
    if (!reply) {
      if (reply.error().code != ErrorCode::unavailable || ++unanswered > kUnansweredPollsMax) {
        return context.report(reply.error());
      }
    } else {
      unanswered = 0;
      const auto& states = member(*reply, "states");
      std::int64_t all = 0;
      std::int64_t over = 0;
      std::string line;
      if (states.is_object()) {
        for (const auto& each : states.as_object()) {
          const std::string state(each.key());
          const std::int64_t count = number(states, state);
          all += count;
          if (is_over(state)) over += count;
          if (count > 0) line += fmt::format("{}{} {}", line.empty() ? "" : ", ", count, state);
        }
      }
      if (line != last && !context.json) std::cerr << array << ": " << line << '\n';
      last = line;
      if (all > 0 && over == all) {
        context.show(*reply, [] {});
        context.set_exit(number(states, "succeeded") == all ? Exit::ok : Exit::job_failed);
        return;
      }
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

}  // namespace

bool is_over(std::string_view state) {
  return state == "succeeded" || state == "failed" || state == "canceled" || state == "unroutable";
}

void wait_for_job(Context& context, const std::string& job, bool follow_log) {
  const auto first = context.client().get("/v1/jobs/" + url_escape(job));
  if (!first && first.error().code == ErrorCode::not_found) return wait_for_array(context, job);
  AttemptsSeen attempts;
  std::optional<LogReader> log;
  if (follow_log) {
    log.emplace(context, job, "stdout", attempts,
                [](std::string_view data) { std::cout << data << std::flush; });
  }
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  std::string last;
  for (int unanswered = 0;;) {
    const auto reply = context.client().get("/v1/jobs/" + url_escape(job));
    if (!reply) {
      if (reply.error().code != ErrorCode::unavailable || ++unanswered > kUnansweredPollsMax) {
        attempts.give_up();
        return context.report(reply.error());
      }
    } else {
      unanswered = 0;
      attempts.tell(*reply);
      const std::string state = text(*reply, "state");
      if (state != last && terminal && !context.json) {
        const std::string site = text(*reply, "site");
        std::cerr << printable(job + ' ' + state + (site.empty() ? "" : " at " + site)) << '\n';
      }
      last = state;
      if (is_over(state)) {
        log.reset();  // once all of it has come
        context.set_exit(exit_of_job(state));
        context.show(*reply, [&] {
          if (!follow_log) print_job(*reply);
          if (state != "succeeded") {
            const std::string why = text(*reply, "end_reason");
            std::cerr << printable(job + ' ' + state + (why.empty() ? "" : ": " + why)) << '\n';
          }
        });
        return;
      }
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

void add_job_commands(CLI::App& app, Context& context) {
  add_jobs(app, context);
  add_logs(app, context);
  add_explain(app, context);
}

}  // namespace tradewind::cli
