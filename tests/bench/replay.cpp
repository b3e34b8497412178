// A whole replay: the leaves of a federation's day are folded and every decision is made again and
// compared, as `tradewind audit replay --all` does once it has read and verified them. On one core,
// without disk or network. Times are those of the thread on its processor. Prints JSON lines.
//
//   bench_replay [--quick] [FOLDER]     FOLDER: real sites and jobs, as real_market.py writes them
#include <time.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/audit/leaf.h"
#include "broker/audit/replay.h"
#include "broker/core/market_router.h"
#include "broker/jobs/fold.h"
#include "schemas/codec.h"
#include "tests/bench/figure.h"
#include "tests/bench/market.h"

namespace {

using namespace tradewind;
using bench::Figure;

constexpr std::uint32_t kSites = 1'000;
constexpr std::uint32_t kPools = 8;
constexpr std::uint64_t kJobsPerSheet = 20;
constexpr std::size_t kLiveMax = 2'000;

double processor_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

// The broker's side: decides, and writes leaves.
class Broker {
 public:
  explicit Broker(bench::Sites sites) : sites_(std::move(sites)) {
    write(TermBegan{Term{1}});
    for (const SiteRecord& each : sites_.records) accept(bench::record_of(each, 1));
    for (const QuoteSheet& each : sites_.sheets) accept(bench::record_of(each, 1));
  }

  // Submits the job, decides it, has it granted; ends one that was granted before. False: nothing
  // can take it now.
  bool run(const JobSpec& spec) {
    if (++jobs_ % kJobsPerSheet == 0) {
      const std::size_t site = (jobs_ / kJobsPerSheet) % sites_.sheets.size();
      accept(bench::record_of(bench::moved(sites_.sheets[site], jobs_), 1 + jobs_));
    }
    JobSubmitted submission{job_id(Sequence{next_}), TenantId{"physics"}, "alice", {}, spec};
    JobRecord job = std::move(jobs_of(submission, now_.wall).front());
    router_.pass(now_.wall);
    auto decision = router_.decide(job, {}, now_);
    if (!decision) return false;
    write(std::move(submission));
    for (auto& each : router_.unrecorded()) write(std::move(each));
    const AttemptId attempt{job.job, 1};
    const Candidate chosen = *decision->chosen;
    write(JobDecided{attempt, std::move(*decision)});
    router_.placed(attempt, chosen);
    write(AttemptGranted{attempt});
    router_.settled(attempt, chosen, true);
    live_.emplace_back(attempt, chosen);
    if (live_.size() > kLiveMax) {
      const auto [over, held] = live_[live_next_];
      write(AttemptFinished{over, {}});
      router_.ended(over, held);
      live_[live_next_] = std::move(live_.back());
      live_.pop_back();
      live_next_ = (live_next_ + 1) % kLiveMax;
    }
    return true;
  }
  std::vector<Bytes> take() { return std::exchange(leaves_, {}); }

 private:
  void accept(const Record& record) {
    router_.accept(record, SignedRecord{encode(record), Bytes(64, 's')});
  }
  void write(decltype(Entry::body) body) {
    leaves_.push_back(writer_.write(Sequence{next_++}, Entry{now_.wall, std::move(body)}).event);
  }

  bench::Sites sites_;
  LeafWriter writer_{"tradewind:bench", "secret"};
  MarketRouter router_{RouteOptions{}};
  Now now_{{}, bench::now};
  std::uint64_t next_ = 1;
  std::uint64_t jobs_ = 0;
  std::vector<std::pair<AttemptId, Candidate>> live_;
  std::size_t live_next_ = 0;
  std::vector<Bytes> leaves_;
};

}  // namespace

int main(int count, char** values) {
  const bool quick = count > 1 && std::string_view(values[1]) == "--quick";
  const std::filesystem::path folder = count > 1 && !quick ? values[1] : count > 2 ? values[2] : "";
  bench::Sites sites = folder.empty() ? bench::Sites{} : bench::real_sites(folder, kSites);
  std::vector<JobSpec> jobs = folder.empty() ? std::vector<JobSpec>{} : bench::real_jobs(folder);
  const bool real = !sites.records.empty() && !jobs.empty();
  if (!real) {
    sites = bench::synthetic_sites(kSites, kPools);
    jobs = bench::synthetic_jobs();
  }
  const std::uint64_t decisions = quick ? 50'000 : 1'000'000;
  Broker broker(std::move(sites));
  std::uint64_t different = 0;
  Replayer replayer({}, {}, [&](const Replayed& told) { different += told.same ? 0 : 1; });
  Figure rate;
  Figure leaves;
  std::uint64_t made = 0;
  std::size_t next = 0;
  for (int round = 1; round <= bench::kRounds; ++round) {
    double seconds = 0;
    const std::uint64_t before = made;
    const std::uint64_t leaves_before = replayer.counts().leaves;
    while (made < decisions * static_cast<std::uint64_t>(round) / bench::kRounds) {
      for (int some = 0; some < 1'000; ++some) {
        while (!broker.run(jobs[next++ % jobs.size()])) continue;
        ++made;
      }
      const std::vector<Bytes> told = broker.take();
      const double start = processor_seconds();
      for (const Bytes& each : told) {
        if (const Status folded = replayer.fold(each); !folded) {
          bench::fail(describe(folded.error()).c_str());
        }
      }
      seconds += processor_seconds() - start;
    }
    rate.add(static_cast<double>(made - before) / seconds);
    leaves.add(static_cast<double>(replayer.counts().leaves - leaves_before) / seconds);
  }
  replayer.finish();
  if (different != 0 || replayer.counts().decisions != made) {
    bench::fail("a decision came out otherwise when it was made again");
  }
  const std::string what = ", " + std::to_string(made) + " decisions, 1,000 sites of 8 pools" +
                           (real ? ", real prices and jobs" : "");
  rate.print_rate("decisions made again and compared" + what, "1/s", 50'000);
  leaves.print("leaves folded for them" + what, "1/s");
  return 0;
}
