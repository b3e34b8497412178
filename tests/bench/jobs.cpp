// A million jobs that have not ended, and ten million that have: what a live job takes of memory,
// how long a restart takes, and how long a page of the list does. The broker's core over a journal
// on disk; each figure is of a process of its own. Prints JSON lines.
//
//   bench_jobs DIRECTORY [--quick]
//
// Makes folders in the directory and removes them; it takes about 12 GB for the while.
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/market_router.h"
#include "broker/jobs/lifecycle.h"
#include "schemas/codec.h"
#include "state/identity/authority.h"
#include "tests/bench/figure.h"
#include "tests/bench/market.h"

namespace {

using namespace tradewind;
using bench::Clock;
using bench::fail;
using bench::Figure;
using bench::kRounds;
using bench::resident_bytes;

constexpr std::uint32_t kTenants = 50;
constexpr std::uint64_t kRunningMax = 5'000;
constexpr std::uint64_t kBatch = 1'000;         // jobs in a commit while a store is made
constexpr std::uint64_t kFailedEvery = 10'000;  // of those that ended
constexpr int kPages = 2'000;                   // of one kind

double seconds(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

template <class T>
T need(Result<T> result, const char* what) {
  if (!result) fail((std::string(what) + ": " + describe(result.error())).c_str());
  return std::move(*result);
}

// --- jobs ----------------------------------------------------------------------------------------

TenantId tenant_of(std::uint64_t number) {
  return TenantId{"tenant-" + std::to_string(number % kTenants)};
}

// As a user writes it, about 400 bytes of JSON; no two alike. What routing looks at is that of one
// of `shapes` kinds.
JobSpec spec_of(std::uint64_t number, std::uint64_t shapes) {
  const std::uint64_t shape = number % shapes;
  const std::string text = std::to_string(number);
  JobSpec spec;
  spec.name = "climate-downscaling-" + text;
  spec.tags = {{"project", "atlas-" + std::to_string(number % 977)},
               {"owner", "group-" + std::to_string(number % 131)},
               {"run", text}};
  spec.home_region = "aa-region";
  spec.resources.cpus = static_cast<std::uint32_t>(1 + shape % 16);
  spec.resources.memory_mib = 1'024 * (1 + shape / 16 % 64);
  Variant variant;
  variant.name = "default";
  variant.architectures = {Architecture::amd64};
  variant.duration_seconds = 600 + shape;
  Executor executor;
  executor.image = "registry.example/atlas/downscale:4.2";
  executor.command = {"python3", "/opt/atlas/downscale.py",
                      "--tile",  text,
                      "--seed",  std::to_string(number * 2'654'435'761 % 1'000'000'007)};
  executor.env = {{"OMP_NUM_THREADS", std::to_string(1 + number % 16)}};
  variant.executors = {executor};
  spec.variants = {variant};
  spec.outputs = {{"result", "", "/work/out.nc", "", "https://store.example/atlas/" + text + ".nc",
                   FileType::file, 1'000'000, ""}};
  return spec;
}

// --- a store -------------------------------------------------------------------------------------

// Live jobs bear each eleventh number, so that those that ended lie between them. Jobs that a
// broker takes later bear those of their entries, all below.
constexpr std::uint64_t kSpread = 11;
constexpr std::uint64_t kFirst = std::uint64_t{1} << 40;

JobId live_id(std::uint64_t number) {
  return job_id(Sequence{kFirst + number * kSpread});
}
JobId ended_id(std::uint64_t number) {
  return job_id(Sequence{kFirst + number / (kSpread - 1) * kSpread + 1 + number % (kSpread - 1)});
}

void commit(Journal& journal, LifecycleOutput output) {
  JournalBatch batch;
  batch.entries = std::move(output.entries);
  batch.jobs = std::move(output.jobs);
  if (const Status done = journal.commit(batch); !done) fail(describe(done.error()).c_str());
}

// Live jobs, as the lifecycle leads them: the first run, the market has no room for the others.
void fill_live(const std::filesystem::path& directory, std::uint64_t jobs, std::uint64_t shapes) {
  const auto journal = need(Journal::open(directory, false), "open");
  const std::uint64_t running = std::min(kRunningMax, jobs / 10);
  Now now{Mono::time_point(std::chrono::hours(1)), bench::now};
  bench::Sites sites = bench::synthetic_sites(200, 8);
  MarketRouter router(RouteOptions{});
  LifecycleOptions options;
  Lifecycle lifecycle(options, router);
  router.expire(now);
  router.pass(now.wall);
  const auto publish = [&](std::uint32_t units, std::uint64_t version) {
    for (QuoteSheet& each : sites.sheets) {
      for (PoolQuote& quote : each.pools) {
        quote.units_free = units;
        quote.units_free_node = std::min(units, 16U);
        quote.nodes_free = units / 16;
      }
      router.accept(bench::record_of(each, version));
    }
  };
  for (const SiteRecord& each : sites.records) router.accept(bench::record_of(each, 1));
  publish(1'024, 1);
  lifecycle.begin(Term{1}, {}, now);
  commit(*journal, lifecycle.take(now));
  const auto submit = [&](std::uint64_t number) {
    lifecycle.submit(
        {live_id(number), tenant_of(number), "ada", {}, spec_of(number, shapes), {}, {}}, now);
  };
  const auto step = [&] {
    LifecycleOutput output = lifecycle.take(now);
    std::vector<SendToSite> sends = std::move(output.sends);
    commit(*journal, std::move(output));
    lifecycle.sent(now);
    for (const SendToSite& each : sends) {
      const auto* dispatch = std::get_if<Dispatch>(&each.message.body);
      if (dispatch == nullptr) continue;
      lifecycle.from_site(
          each.site, ToBroker{AttemptStatus{dispatch->attempt, AttemptPhase::running, now.wall}},
          now);
    }
  };
  std::uint64_t number = 1;
  while (number <= running) {
    for (std::uint64_t end = number + kBatch; number < end && number <= running; ++number) {
      submit(number);
    }
    step();
  }
  while (lifecycle.next_tick() <= now.mono) step();
  step();
  publish(0, 2);
  while (number <= jobs) {
    for (std::uint64_t end = number + kBatch; number < end && number <= jobs; ++number) {
      submit(number);
    }
    step();
  }
  while (lifecycle.next_tick() <= now.mono) step();
  if (lifecycle.live() != jobs || lifecycle.waiting() + running != jobs) {
    fail("the market is not as it should be");
  }
  std::printf("%zu\n", jobs - lifecycle.waiting());
  std::fflush(stdout);
  std::_Exit(0);  // as a process that is killed
}

void fill_ended(const std::filesystem::path& directory, std::uint64_t jobs, std::uint64_t shapes) {
  const auto journal = need(Journal::open(directory, false), "open");
  JobRecord sample;
  need(journal->live_jobs([&](const Bytes& each) {
    if (sample.attempts.empty()) sample = need(decode_job_record(each), "decode a live job");
  }),
       "read the live jobs");
  if (sample.attempts.empty()) fail("no job runs");
  const Wall::time_point at = system_now().wall;  // restarts have stamped theirs
  for (std::uint64_t first = 1; first <= jobs; first += kBatch) {
    JournalBatch batch;
    for (std::uint64_t number = first; number < first + kBatch && number <= jobs; ++number) {
      JobRecord job = sample;
      job.job = ended_id(number - 1);
      job.tenant = tenant_of(number * 7'919);
      job.spec = spec_of(number, shapes);
      job.state = number % kFailedEvery == 0 ? JobState::failed : JobState::succeeded;
      job.submitted = at;
      job.ended = at;
      job.attempts[0].state = AttemptState::ended;
      job.attempts[0].over = at;
      job.attempts[0].report = EndReport{};
      batch.entries.push_back({at, AttemptFinished{{job.job, 1}, *job.attempts[0].report}});
      batch.jobs.emplace_back(std::move(job));
    }
    if (const Status done = journal->commit(batch); !done) fail(describe(done.error()).c_str());
  }
  std::printf("1\n");
  std::fflush(stdout);
  std::_Exit(0);
}

// --- a broker ------------------------------------------------------------------------------------

struct Broker {
  explicit Broker(const std::filesystem::path& directory, bool sync = true)
      : authority(std::make_shared<const CertificateAuthority>(
            need(CertificateAuthority::create(FederationId{"bench"}, system_now().wall),
                 "an authority"))),
        identity(SigningKey::generate()),
        curve_keys(CurveKeys::generate()) {
    const auto start = Clock::now();
    journal = need(Journal::open(directory, sync), "open");
    opened = seconds(Clock::now() - start);
    CoreOptions options;
    options.self = broker_node("bench");
    core = need(Core::start(options, *journal, authority, identity, curve_keys), "start");
    started = seconds(Clock::now() - start);
  }
  ~Broker() { core->stop(); }

  std::shared_ptr<const CertificateAuthority> authority;
  SigningKey identity;
  CurveKeys curve_keys;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Core> core;
  double opened = 0;   // the journal
  double started = 0;  // with it
};

// Submits jobs and waits for the answers, so many at a time.
void submit_all(Core& core, std::uint64_t first, std::uint64_t count, std::uint64_t shapes) {
  constexpr std::uint64_t under_way_max = 10'000;
  std::mutex mutex;
  std::condition_variable answered;
  std::uint64_t done = 0;
  for (std::uint64_t number = first; number < first + count; ++number) {
    {
      std::unique_lock lock(mutex);
      answered.wait(lock, [&] { return number - first - done < under_way_max; });
    }
    core.submit(std::make_shared<Submission>(
                    Submission{tenant_of(number), "ada", {}, spec_of(number, shapes)}),
                [&](const Result<SubmitReceipt>& receipt) {
                  if (!receipt) fail(describe(receipt.error()).c_str());
                  const std::lock_guard lock(mutex);
                  ++done;
                  answered.notify_one();
                });
  }
  std::unique_lock lock(mutex);
  answered.wait(lock, [&] { return done == count; });
}

// From the start until a new job has been taken; what is resident then and a moment later.
void restart(const std::filesystem::path& directory, std::uint64_t shapes) {
  const auto start = Clock::now();
  Broker broker(directory);
  submit_all(*broker.core, 1, 1, shapes);
  const double serving = seconds(Clock::now() - start);
  // Whatever it still does behind that.
  std::this_thread::sleep_for(std::chrono::seconds(2));
  const std::uint64_t resident = resident_bytes();
  ::malloc_trim(0);
  std::printf("%f %f %f %lu %lu\n", broker.opened, broker.started, serving, resident,
              resident_bytes());
  std::fflush(stdout);
  std::_Exit(0);
}

void take(const std::filesystem::path& directory, std::uint64_t jobs, std::uint64_t shapes) {
  Broker broker(directory);
  const auto start = Clock::now();
  submit_all(*broker.core, 1, jobs, shapes);
  const double rate = static_cast<double>(jobs) / seconds(Clock::now() - start);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  const std::uint64_t resident = resident_bytes();
  ::malloc_trim(0);
  std::printf("%lu %lu %f\n", resident, resident_bytes(), rate);
  std::fflush(stdout);
  std::_Exit(0);
}

// --- pages ---------------------------------------------------------------------------------------

void page_times(const Core& core, const std::string& what, std::uint64_t last, std::size_t limit,
                bool of_tenant, std::function<bool(const JobRecord&)> keep) {
  Figure typical;
  Figure slow;
  Figure jobs;
  std::mt19937_64 random(20'261'126);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> times;
    std::size_t listed = 0;
    for (int page = 0; page < kPages / kRounds; ++page) {
      JobQuery query;
      query.after = job_id(Sequence{kFirst + 1 + random() % last}).value;
      query.limit = limit;
      query.keep = keep;
      if (of_tenant) query.tenant = tenant_of(random());
      const auto start = Clock::now();
      const auto found = core.list(query);
      times.push_back(1'000 * seconds(Clock::now() - start));
      if (!found) fail(describe(found.error()).c_str());
      listed += found->jobs.size();
    }
    std::ranges::sort(times);
    typical.add(times[times.size() / 2]);
    slow.add(times[times.size() * 99 / 100]);
    jobs.add(static_cast<double>(listed) / static_cast<double>(times.size()));
  }
  jobs.print("pages of " + std::to_string(limit) + what + ": jobs on one, mean", "jobs");
  typical.print("pages of " + std::to_string(limit) + what + ": p50", "ms");
  slow.print("pages of " + std::to_string(limit) + what + ": p99", "ms", 20);
}

void pages(const std::filesystem::path& directory, std::uint64_t last) {
  const Broker broker(directory);
  const auto failed = [](const JobRecord& job) { return job.state == JobState::failed; };
  const auto queued = [](const JobRecord& job) { return job.state == JobState::queued; };
  for (const std::size_t limit : {100U, 1'000U}) {
    page_times(*broker.core, ", all", last, limit, false, {});
    page_times(*broker.core, ", of a tenant", last, limit, true, {});
  }
  page_times(*broker.core, ", queued", last, 100, false, queued);
  page_times(*broker.core, ", of a tenant, queued", last, 100, true, queued);
  page_times(*broker.core, ", failed", last, 100, false, failed);
  page_times(*broker.core, ", of a tenant, failed", last, 100, true, failed);
}

// --- all of it -----------------------------------------------------------------------------------

std::string program;

// What this program prints when it runs with these arguments: numbers.
std::vector<double> run(const std::string& arguments) {
  std::fflush(stdout);
  std::FILE* const pipe = ::popen((program + " " + arguments).c_str(), "r");
  if (pipe == nullptr) fail("cannot run itself");
  std::vector<double> numbers;
  for (double number = 0; std::fscanf(pipe, "%lf", &number) == 1;) numbers.push_back(number);
  if (::pclose(pipe) != 0) fail(("failed: " + arguments).c_str());
  return numbers;
}

void measure_restarts(const std::string& where, const std::string& arguments, double base,
                      double jobs, std::optional<double> goal_seconds,
                      std::optional<double> goal_bytes) {
  Figure opened;
  Figure started;
  Figure serving;
  Figure bytes;
  Figure trimmed;
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<double> found = run(arguments);
    opened.add(found.at(0));
    started.add(found.at(1) - found.at(0));
    serving.add(found.at(2));
    bytes.add((found.at(3) - base) / jobs);
    trimmed.add((found.at(4) - base) / jobs);
  }
  serving.print(where + ": from a kill to a job taken", "s", goal_seconds);
  opened.print(where + ": of that the journal opens", "s");
  started.print(where + ": of that the core starts", "s");
  bytes.print(where + ": memory a live job", "bytes", goal_bytes);
  trimmed.print(where + ": memory a live job, free parts given back", "bytes");
}

void constant(const std::string& metric, const char* unit, double value,
              std::optional<double> goal = {}) {
  Figure figure;
  for (int round = 0; round < kRounds; ++round) figure.add(value);
  figure.print(metric, unit, goal);
}

int all(const std::filesystem::path& directory, bool quick) {
  const std::uint64_t live = quick ? 50'000 : 1'000'000;
  const std::uint64_t ended = quick ? 200'000 : 10'000'000;
  const std::uint64_t shapes = 5'000;
  const auto goal = [quick](double most) { return quick ? std::nullopt : std::optional(most); };
  const auto clean = [&](const char* name) {
    const auto folder = directory / name;
    std::filesystem::remove_all(folder);
    return folder.string();
  };
  const auto numbers = [](std::uint64_t a, std::uint64_t b) {
    return " " + std::to_string(a) + " " + std::to_string(b);
  };
  const std::string empty = clean("jobs-none");
  const std::vector<double> none = run("restart " + empty + numbers(0, shapes));
  const double base = none.at(3);
  constant("a broker without jobs", "MB", base / 1e6);
  clean("jobs-none");
  const std::string name = std::to_string(live) + " live jobs";

  for (const std::uint64_t kinds : {shapes, live}) {
    const std::string taken = clean("jobs-taken");
    const std::vector<double> found = run("take " + taken + numbers(live, kinds));
    const std::string where = name + " of " + std::to_string(kinds) + " shapes, taken";
    const auto most = kinds == shapes ? goal(1'200) : std::nullopt;
    constant(where + ": memory a live job", "bytes",
             (found.at(0) - base) / static_cast<double>(live), most);
    constant(where + ": memory a live job, free parts given back", "bytes",
             (found.at(1) - base) / static_cast<double>(live));
    constant(where + ": rate", "1/s", found.at(2));
    clean("jobs-taken");
  }

  const std::string store = clean("jobs-store");
  run("fill-live " + store + numbers(live, shapes));
  measure_restarts(name, "restart " + store + numbers(live, shapes), base,
                   static_cast<double>(live), goal(10), goal(1'200));
  run("fill-ended " + store + numbers(ended, shapes));
  measure_restarts(name + " among " + std::to_string(ended) + " that ended",
                   "restart " + store + numbers(live, shapes), base, static_cast<double>(live),
                   goal(10), std::nullopt);
  const int done = std::system((program + " pages " + store + numbers(live * kSpread, 0)).c_str());
  clean("jobs-store");
  return done == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_level(spdlog::level::off);  // it would go to standard output
  program = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 4) {
    const std::string& phase = arguments[0];
    const std::uint64_t first = std::stoull(arguments[2]);
    const std::uint64_t second = std::stoull(arguments[3]);
    if (phase == "fill-live") fill_live(arguments[1], first, second);
    if (phase == "fill-ended") fill_ended(arguments[1], first, second);
    if (phase == "restart") restart(arguments[1], second);
    if (phase == "take") take(arguments[1], first, second);
    if (phase == "pages") pages(arguments[1], first);
    return 0;
  }
  const bool quick = arguments.size() == 2 && arguments[1] == "--quick";
  if (arguments.empty() || (arguments.size() == 2 && !quick) || arguments.size() > 2) {
    std::fprintf(stderr, "usage: bench_jobs DIRECTORY [--quick]\n");
    return 2;
  }
  return all(arguments[0], quick);
}
