#include "tests/simulation/clients.h"

#include <algorithm>
#include <utility>

#include "schemas/limits.h"
#include "tests/simulation/random.h"
#include "tests/simulation/span.h"

namespace tradewind::simulation {
namespace {

constexpr Micros kPatience = 10 * kSecond;  // until a submission counts as not answered

std::uint64_t seconds_up(Micros span) {
  return static_cast<std::uint64_t>((span + kSecond - 1) / kSecond);
}

}  // namespace

Result<Submission> Clients::read(Command& command) {
  Submission submission;
  submission.job = command.text("job");
  submission.broker = command.text("broker");
  if (submission.broker.empty()) submission.broker = "b1";
  submission.tenant.value = command.text("tenant");
  if (submission.tenant.value.empty()) submission.tenant.value = "tenant";
  const Micros run = command.span("run", 10 * kSecond);
  submission.run = command.span("takes", run);
  submission.after = command.list("after");
  JobSpec& spec = submission.spec;
  const auto number = [&](std::string_view key, std::int64_t otherwise, std::int64_t most) {
    return static_cast<std::uint32_t>(
        std::max<std::int64_t>(command.number(key, otherwise, most), 0));
  };
  spec.resources = Resources{number("cpus", 1, limits::node_cpus_max), 1'024, 0, 0};
  spec.nodes = number("nodes", 1, limits::nodes_per_job_max);
  spec.array_count = number("array", 0, 1'000);
  spec.attempts_max = number("attempts", 3, limits::attempts_per_job_max);
  spec.priority = static_cast<std::int32_t>(command.number("priority", 0, 100));
  spec.queue_seconds_max = seconds_up(command.span("queue", 0));
  spec.run_seconds_max = seconds_up(command.span("limit", 0));
  spec.total_seconds_max = seconds_up(command.span("total", 0));
  const std::string restartable = command.text("restartable");
  spec.restartable = restartable != "no";
  if (restartable != "no" && !restartable.empty()) return not_understood(restartable, "say no");
  const std::string on_disconnect = command.text("on-disconnect");
  if (on_disconnect == "continue") {
    spec.on_disconnect = OnDisconnect::resume;
  } else if (!on_disconnect.empty()) {
    return not_understood(on_disconnect, "say continue");
  }
  const std::string outcome = command.text("outcome");
  if (outcome == "fails") {
    submission.fails = EndCode::failed;
  } else if (!outcome.empty()) {
    return not_understood(outcome, "say fails");
  }
  if (const std::string site = command.text("site"); !site.empty()) {
    spec.constraints.sites_allowed = {site};
  }
  Variant variant;
  variant.name = "only";
  variant.architectures = {Architecture::amd64};
  variant.duration_seconds = std::max<std::uint64_t>(seconds_up(run), 1);
  Executor executor;
  executor.command = {"true"};
  variant.executors = {executor};
  spec.variants = {variant};
  if (spec.resources.cpus == 0 || spec.nodes == 0 || spec.attempts_max == 0 || run <= 0 ||
      submission.run <= 0) {
    return not_understood("0", "a job needs a CPU, a node, an attempt and a time");
  }
  if (const Status unused = command.unused(); !unused) return fail(unused.error());
  return submission;
}

Status Clients::submit(Command& command) {
  auto submission = read(command);
  if (!submission) return fail(submission.error());
  if (submission->job.empty()) submission->job = "j" + std::to_string(submitted_ + 1);
  const std::string job = submission->job;
  const auto [client, fresh] = clients_.try_emplace(job);
  if (fresh) {
    ++submitted_;
    client->second.submission = std::move(*submission);
  }
  attempt(job);
  return ok();
}

void Clients::attempt(const std::string& job) {
  Client& client = clients_.at(job);
  client.submission.spec.after.clear();
  for (const std::string& each : client.submission.after) {
    const auto before = id_of(each);
    if (!before) {
      // Nobody can say that it comes after a job which nobody has taken yet.
      again(job, kSecond, client.tries);
      return;
    }
    client.submission.spec.after.push_back(*before);
  }
  const std::uint64_t tries = ++client.tries;
  const bool sent = send_(client.submission, [this, job](const JobId& id) {
    Client& answered = clients_.at(job);
    if (!answered.taken) scheduler_.trace("acknowledged " + job);
    answered.taken = id;
  });
  scheduler_.trace((sent ? "submit " : "unheard ") + job);
  if (tries > options_.retries) return;
  Random random = dice(options_.seed, "retry " + job, tries);
  again(job, sent ? kPatience : random.between(kSecond / 2, 5 * kSecond), tries);
}

// Unless another try has been made by then.
void Clients::again(const std::string& job, Micros span, std::uint64_t tries) {
  scheduler_.after(span, [this, job, tries] {
    if (clients_.at(job).tries == tries && !clients_.at(job).taken) attempt(job);
  });
}

std::optional<JobId> Clients::id_of(const std::string& name) const {
  const auto client = clients_.find(Names::submission(name));
  if (client == clients_.end() || !client->second.taken) return std::nullopt;
  if (client->first == name) return client->second.taken;
  const auto index = read_number(std::string_view(name).substr(client->first.size() + 1));
  if (!index || *index < 0 || *index >= client->second.submission.spec.array_count) {
    return std::nullopt;
  }
  return array_task_id(*client->second.taken, static_cast<std::uint32_t>(*index));
}

const Submission* Clients::find(const std::string& name) const {
  const auto client = clients_.find(Names::submission(name));
  return client == clients_.end() ? nullptr : &client->second.submission;
}

}  // namespace tradewind::simulation
