// What a user asks for. A job is a plain value; the journal keeps it as submitted.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schemas/architecture.h"
#include "schemas/holding.h"
#include "schemas/ids.h"
#include "schemas/money.h"
#include "schemas/resources.h"
#include "schemas/time.h"

namespace tradewind {

// One command of a variant; a variant's executors run one after the other, as in GA4GH TES.
struct Executor {
  std::string image;  // OCI reference; engines without images note it and run on the host's system
  std::vector<std::string> command;  // argv; command[0] is looked up in PATH
  std::string workdir;               // absolute; empty: /work
  std::string stdin_path;            // absolute paths inside the sandbox; empty: none
  std::string stdout_path;
  std::string stderr_path;
  std::map<std::string, std::string> env;
  bool ignore_error = false;  // go on with the next executor whatever the exit code
  friend bool operator==(const Executor&, const Executor&) = default;
};

enum class FileType : std::uint16_t { file = 0, directory = 1 };

// Where one copy of an input lies.
struct Replica {
  std::string url;     // file:, http:, https: or s3:
  std::string site;    // site id, when the copy lies at a site of the federation; empty otherwise
  std::string region;  // region id; empty: somewhere on the internet
  friend bool operator==(const Replica&, const Replica&) = default;
};

struct Input {
  std::string name;
  std::string description;
  std::string path;  // absolute, inside the sandbox
  FileType type = FileType::file;
  std::string content;  // inline bytes; when not empty, the replicas are ignored
  std::vector<Replica> replicas;
  std::uint64_t size_bytes = 0;  // as stated by the user; prices and staging times rest on it
  std::string sha256;            // lower-case hex; empty: unknown. Checked after staging when given
  std::vector<Jurisdiction> residency;  // where the data may be processed; empty: anywhere
  bool executable = false;              // staged with execute permission
  bool streamable = false;
  // The data set that the input names; replicas, size and digest are then the data set's.
  std::string dataset;
  // Whether the residency is that of data sets alone: the job itself named none.
  bool residency_bound = false;
  // What the broker calls it where a site keeps it for later jobs; of inputs with a digest only.
  HoldingLabel holding{};
  friend bool operator==(const Input&, const Input&) = default;
};

struct Output {
  std::string name;
  std::string description;
  std::string path;  // absolute, inside the sandbox; may hold wildcards when path_prefix is given
  std::string path_prefix;
  std::string url;  // file:, http:, https: or s3: target; empty: kept at the site, digest recorded
  FileType type = FileType::file;
  std::uint64_t size_bytes = 0;  // expected; prices traffic
  std::string region;            // where the target lies; empty: the job's home region
  friend bool operator==(const Output&, const Output&) = default;
};

// One way to run the job.
struct Variant {
  std::string name;                         // unique within the job; explained decisions name it
  std::vector<Architecture> architectures;  // any of them; never empty once accepted
  AcceleratorNeed accelerator;
  std::string workload_class = "default";  // selects the pool's performance figure
  std::uint64_t work_seconds = 0;          // reference work: seconds at performance 1,000,000 ppm
  std::uint64_t duration_seconds =
      0;  // or the stated run time, whatever the pool; wins when both are given
  std::vector<Executor> executors;
  friend bool operator==(const Variant&, const Variant&) = default;
};

// What must hold for a pool to be adequate. Empty lists and absent values constrain nothing.
struct Constraints {
  std::vector<std::string> sites_allowed;  // site ids
  std::vector<std::string> sites_denied;
  std::vector<std::string> regions_allowed;
  std::vector<std::string> regions_denied;
  std::vector<std::string> jurisdictions_allowed;
  std::vector<std::string> jurisdictions_denied;
  std::vector<std::string> providers_allowed;
  std::vector<std::string> providers_denied;
  std::map<std::string, std::string> labels;  // each must be on the pool or its site
  std::string latency_region;                 // client's region
  std::uint32_t latency_ms_max = 0;           // to it, round trip; 0: no bound
  std::optional<Wall::time_point> deadline;   // expected finish at the latest
  std::optional<Money> cost_max;              // budget of this job, everything included
  std::optional<MoneyPerHour> rate_max;       // price cap on the compute rate of the whole job
  bool preemptible_allowed = false;
  std::uint32_t carbon_g_kwh_max = 0;  // 0: no cap; pools of unknown carbon fail a cap
  std::uint32_t wait_seconds_max = 0;  // longest expected wait; 0: no bound
  std::map<std::string, std::string> labels_denied;  // none may be on the pool or its site
  friend bool operator==(const Constraints&, const Constraints&) = default;
};

// DO NOT CHANGE THESE VALUES: they are in the journal.
enum class Objective : std::uint16_t { cheapest = 0, fastest = 1, balanced = 2 };

enum class OnDisconnect : std::uint16_t {
  stop = 0,    // the gateway stops an attempt whose lease ran out, the broker routes again
  resume = 1,  // "continue": the gateway lets it run, the broker waits
};

struct JobSpec {
  std::string name;
  std::string description;
  std::map<std::string, std::string> tags;  // echoed unchanged
  Resources resources;                      // per node
  std::uint32_t nodes = 1;
  std::vector<Variant> variants;  // at least one once accepted
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  std::vector<std::string> volumes;  // absolute paths shared by the executors
  Constraints constraints;
  Objective objective = Objective::cheapest;
  MoneyPerHour value_per_hour{};  // for Objective::balanced: what an hour sooner is worth
  std::string home_region;  // where the user is: data without a place comes from and goes there
  bool network = false;     // whether the command may use the network
  bool restartable = true;  // may run again from the start after its site was lost
  std::uint32_t attempts_max = 3;  // attempts that were granted; refusals do not count
  OnDisconnect on_disconnect = OnDisconnect::stop;
  std::int32_t priority = 0;            // higher goes first among the waiting; -100 to 100
  std::uint64_t queue_seconds_max = 0;  // longest wait before the job fails as expired; 0: no bound
  std::uint64_t run_seconds_max = 0;  // time limit of an attempt's run; 0: the default of limits.h
  std::uint64_t total_seconds_max = 0;  // from submission to the end, whatever happens; 0: no bound
  std::uint32_t array_count = 0;        // 0: a single job; else that many tasks, index 0 to count-1
  // Of a task that came by GA4GH TES: its resources object as accepted, one line of JSON, echoed in
  // answers.
  std::string tes_resources;
  // Jobs, or arrays whole, that must succeed before this one is given a place; when one of them
  // ends otherwise, this one fails. At most limits::after_max, none twice.
  std::vector<JobId> after;
  friend bool operator==(const JobSpec&, const JobSpec&) = default;
};

}  // namespace tradewind
