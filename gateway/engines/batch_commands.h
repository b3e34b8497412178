// The commands by which a queue with a command line is used, as a site file gives them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/engines/queue.h"
#include "schemas/ids.h"
#include "schemas/result.h"

namespace tradewind {

// Commands are lists of arguments, run without a shell. In an argument, {word} stands for a value.
// Patterns are regular expressions of RE2's syntax with named groups, found anywhere in what is
// searched.
struct BatchCommands {
  struct Submit {
    // {key} {script} {directory} {seconds} {minutes} {hms} {nodes} {cpus} {slots} {memory_mib}
    // {memory_mib_cpu} {accelerators} {user}; and, as whole arguments that become several,
    // {pool_options} {tenant_options}.
    std::vector<std::string> command;
    std::string job;      // finds the number, (?P<job>…), in the output
    std::string refused;  // in output or errors: this job will never be taken; empty: unknown
    friend bool operator==(const Submit&, const Submit&) = default;
  };
  struct Status {
    std::vector<std::string> command;  // {user}; lists all jobs that have not ended
    std::string record_end = R"(\n)";  // a pattern: behind what tells of one job
    std::string job;                   // in a record: (?P<job>…), (?P<key>…) and (?P<state>…)
    std::string whole;                 // what a whole list has; empty: whatever is printed is one
    std::map<std::string, QueueState> states;  // by the queue's words; others count as running
    friend bool operator==(const Status&, const Status&) = default;
  };
  struct Usage {
    std::vector<std::string> command;  // {job} {key} {user}; empty: there is none
    std::string record_end;            // a pattern; empty: all is one record
    std::string job;                   // (?P<exit>…), and perhaps (?P<seconds>…) and (?P<key>…)
    friend bool operator==(const Usage&, const Usage&) = default;
  };
  Submit submit;
  Status status;
  std::vector<std::string> cancel;  // {job} {key} {user}
  Usage usage;
  // More arguments of submit, with its values.
  std::map<PoolId, std::vector<std::string>> pool_options;
  std::vector<std::string> options;  // of tenants that are not listed
  std::map<TenantId, std::vector<std::string>> tenant_options;
  friend bool operator==(const BatchCommands&, const BatchCommands&) = default;
};

// Whether the commands that must be are there and each {word} in them is one that it knows. Fails
// with ErrorCode::invalid; the field is as "submit.command".
Status check_batch_commands(const BatchCommands& commands);

// Values by word. A word that is none of them stays as it is.
using BatchValues = std::map<std::string, std::string, std::less<>>;
// `lists`: what whole arguments become.
std::vector<std::string> fill_in(
    const std::vector<std::string>& command, const BatchValues& values,
    const std::map<std::string, std::vector<std::string>, std::less<>>& lists = {});

}  // namespace tradewind
