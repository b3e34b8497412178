// Those who submit: what each job wants, which of them were taken, and who tries again. A job's
// name is the idempotency key of its submission.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schemas/dispatch.h"
#include "schemas/ids.h"
#include "schemas/job.h"
#include "tests/simulation/command.h"
#include "tests/simulation/names.h"
#include "tests/simulation/options.h"
#include "tests/simulation/scheduler.h"

namespace tradewind::simulation {

struct Submission {
  std::string job;
  std::string broker;
  TenantId tenant;
  JobSpec spec;
  std::vector<std::string> after;  // jobs by name
  Micros run = 0;                  // what an attempt takes, whatever the spec says
  std::optional<EndCode> fails;    // with this, each of its attempts
};

class Clients {
 public:
  using Answer = std::function<void(const JobId&)>;
  // False: nobody listens there.
  using Send = std::function<bool(const Submission&, Answer)>;

  Clients(Scheduler& scheduler, const SimulationOptions& options, Send send)
      : scheduler_(scheduler), options_(options), send_(std::move(send)) {}

  // The arguments of a submit command. A job that was submitted before is submitted again.
  Status submit(Command& command);
  // The id of a job or task by its name, once its submission was answered.
  std::optional<JobId> id_of(const std::string& name) const;
  // Null: no such job.
  const Submission* find(const std::string& name) const;

 private:
  struct Client {
    Submission submission;
    std::optional<JobId> taken;
    std::uint64_t tries = 0;
  };
  Result<Submission> read(Command& command);
  void attempt(const std::string& job);
  void again(const std::string& job, Micros span, std::uint64_t tries);

  Scheduler& scheduler_;
  const SimulationOptions& options_;
  Send send_;
  std::map<std::string, Client> clients_;
  std::uint32_t submitted_ = 0;
};

}  // namespace tradewind::simulation
