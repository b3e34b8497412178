#include "broker/cli/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>

#include "broker/cli/context.h"
#include "broker/cli/job_document.h"
#include "broker/cli/job_log.h"
#include "broker/cli/terminal.h"
#include "state/identity/encoding.h"
#include "state/identity/random.h"

namespace tradewind::cli {
namespace {

constexpr std::chrono::milliseconds kPoll{300};
constexpr std::chrono::milliseconds kSignalPoll{20};
constexpr std::chrono::seconds kSubmitAgain{1};
constexpr int kTriesMax = 30;  // of a submission whose answer was lost

// What the handler of signals may touch.
std::atomic<int> signals_came{0};
std::atomic<int> first_signal{0};

int exit_of_signal(int signal) {
  return signal == SIGTERM ? run_exit::terminated : run_exit::canceled;
}

// The first one has the job canceled, the second one leaves it to itself.
extern "C" void on_signal(int signal) {
  if (signals_came.fetch_add(1) == 0) {
    first_signal = signal;
    return;
  }
  constexpr std::string_view word = "tradewind: the job is left alone and ends by itself\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, word.data(), word.size());
  ::_exit(exit_of_signal(first_signal));
}

void catch_signals() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // write_all sees that the reader has gone
}

// Standard output and standard error as they come. Whoever reads them sees what is there.
void write_all(int descriptor, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(descriptor, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return;  // whoever read it has gone; the job goes on
    data.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Follows one job to its end.
class Run {
 public:
  Run(Context& context, std::string job)
      : context_(context), client_(context.client()), job_(std::move(job)) {}

  // The job as it ended; nothing when the broker was lost, which has been told.
  std::optional<boost::json::value> follow() {
    LogReader out(context_, job_, "stdout", attempts_,
                  [](std::string_view data) { write_all(STDOUT_FILENO, data); });
    LogReader err(context_, job_, "stderr", attempts_,
                  [](std::string_view data) { write_all(STDERR_FILENO, data); });
    auto ended = watch();
    attempts_.give_up();
    // The readers come to the end of the log, unless somebody cannot wait for it.
    return ended;
  }

 private:
  std::optional<boost::json::value> watch() {
    for (int unanswered = 0;;) {
      const auto job = client_.get("/v1/jobs/" + url_escape(job_));
      if (job) {
        unanswered = 0;
        attempts_.tell(*job);
        if (is_over(text(*job, "state"))) return *job;
      } else if (job.error().code != ErrorCode::unavailable || ++unanswered > kUnansweredPollsMax) {
        context_.report(job.error());
        std::cerr << "tradewind: " << job_ << " may still run\n";
        return std::nullopt;
      }
      wait();
    }
  }

  void wait() {
    const auto until = std::chrono::steady_clock::now() + kPoll;
    do {
      if (signals_came > 0 && !asked_) return cancel();
      std::this_thread::sleep_for(kSignalPoll);
    } while (std::chrono::steady_clock::now() < until);
  }

  // Asks again at the next look when nobody answers.
  void cancel() {
    if (!told_) std::cerr << "tradewind: canceling " << job_ << "; once more leaves it alone\n";
    told_ = true;
    const auto done =
        client_.post("/v1/jobs/" + url_escape(job_) + ":cancel", boost::json::object());
    asked_ = done || exit_of(done.error()) != Exit::unavailable;
    if (!done && asked_) context_.report(done.error());
    if (!asked_) std::this_thread::sleep_for(kPoll);
  }

  Context& context_;
  HttpClient client_;
  const std::string job_;
  AttemptsSeen attempts_;
  bool told_ = false;   // the user, that it is being canceled
  bool asked_ = false;  // the broker
};

// The key makes it safe to send again what may have come.
Result<std::string> submit(const Context& context, const boost::json::object& document) {
  HttpClient client = context.client();
  const std::string key = "run-" + hex(random_bytes(16));
  for (int tries = 1;; ++tries) {
    const auto reply = client.post("/v1/jobs", document, {"Idempotency-Key: " + key});
    if (reply) return text(*reply, "id");
    const bool lost = reply.error().code == ErrorCode::maybe_delivered;
    if (!lost || tries == kTriesMax || signals_came > 0) return fail(reply.error());
    std::this_thread::sleep_for(kSubmitAgain);
  }
}

void run(Context& context, const JobOptions& options) {
  context.exit = run_exit::none;
  const auto refuse = [&](const Error& error) {
    context.report(error);
    context.exit = run_exit::none;
  };
  const auto document = job_document(options, context.defaults);
  if (!document) return refuse(document.error());
  if (document->contains("array")) {
    return refuse(Error{ErrorCode::invalid, "array", "run follows one job",
                        "use tradewind submit --wait for arrays"});
  }
  catch_signals();
  const auto job = submit(context, *document);
  if (!job) return refuse(job.error());
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  if (terminal) std::cerr << coloured("job " + *job, Colour::dim, Style::of_output()) << '\n';
  const auto ended = Run(context, *job).follow();
  context.exit = ended ? run_exit_of(*ended, first_signal) : run_exit::none;
  if (!ended) return;
  const std::string why = text(*ended, "end_reason");
  const bool own_code = context.exit < run_exit::time_limit;
  if (!own_code || terminal) {
    if (text(*ended, "state") == "succeeded") return;
    std::cerr << "tradewind: "
              << printable(*job + ' ' + text(*ended, "state") + (why.empty() ? "" : ": " + why))
              << '\n';
  }
}

}  // namespace

int run_exit_of(const boost::json::value& job, int signal) {
  const std::string state = text(job, "state");
  if (state == "succeeded") return 0;
  if (state == "canceled") return signal == 0 ? run_exit::canceled : exit_of_signal(signal);
  if (text(job, "end_reason").starts_with("total time limit")) return run_exit::time_limit;
  const auto& attempts = items(job, "attempts");
  if (attempts.empty()) return run_exit::none;
  const auto& report = member(attempts.back(), "report");
  const std::string code = text(report, "code");
  if (code == "time_limit") return run_exit::time_limit;
  const std::int64_t own = number(job, "exit_code");
  const bool by_command = code == "failed" || code == "out_of_memory";
  return by_command && own > 0 && own <= 255 ? static_cast<int>(own) : run_exit::none;
}

void add_run_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<JobOptions>();
  auto* command = app.add_subcommand(
      "run",
      "run a command as if it ran here: its output and its exit code are the command's; Ctrl-C "
      "cancels it, once more leaves it alone");
  add_job_options(*command, *options);
  examples(*command, {"tradewind run -- sh -c 'echo hello from $TRADEWIND_SITE'",
                      "tradewind run --cpus 4 --input /data/in=https://example.org/in -- ./run.sh",
                      "tradewind run --arch arm64 --cost-max 0.50 -- uname -m",
                      "tradewind run --file job.yaml"});
  command->callback([&context, options] { run(context, *options); });
}

}  // namespace tradewind::cli
