// No wake-up is lost: a lifecycle that looks only at what has opened does, batch by batch, what one
// does that tries every waiting job everywhere in each batch, whatever happens to the market.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/market_router.h"
#include "broker/jobs/lifecycle.h"
#include "tests/unit/routing/random_market.h"

namespace tradewind {
namespace {

using sample::Random;

// Over a market router: `naive` says at every look that everything has changed.
class WatchedRouter final : public Router {
 public:
  WatchedRouter(RouteOptions options, bool naive) : market(std::move(options)), naive_(naive) {}

  std::optional<Decision> decide(const JobRecord& job, const std::vector<SiteId>& excluded,
                                 Now now) override {
    return market.decide(job, excluded, now);
  }
  Decision explain(const JobRecord& job, const std::vector<SiteId>& excluded, Now now) override {
    return market.explain(job, excluded, now);
  }
  bool may_wait(const JobRecord& job, Now now) override { return market.may_wait(job, now); }
  bool may_clear(const JobRecord& job) override { return market.may_clear(job); }
  std::vector<JobPlaced> clear(const std::vector<JobToClear>& jobs, Now now) override {
    return market.clear(jobs, now);
  }
  RouterChanges changes() override {
    RouterChanges changes = market.changes();
    if (naive_) changes.everything = true;
    return changes;
  }
  JobLacks lacks(const JobRecord& job) override { return market.lacks(job); }
  Opening opening(std::uint32_t place) override { return market.opening(place); }
  Suits suits(const JobRecord& job, const std::vector<SiteId>& excluded, std::uint32_t place,
              Now now) override {
    return market.suits(job, excluded, place, now);
  }
  std::int64_t price_ppm(const Candidate& chosen) const override {
    return market.price_ppm(chosen);
  }
  std::uint64_t run_seconds_max(const Candidate& chosen) const override {
    return market.run_seconds_max(chosen);
  }
  void placed(const AttemptId& attempt, const Candidate& chosen) override {
    market.placed(attempt, chosen);
  }
  void pass(Wall::time_point logged) override { market.pass(logged); }
  void settled(const AttemptId& attempt, const Candidate& chosen, bool granted) override {
    market.settled(attempt, chosen, granted);
  }
  void ended(const AttemptId& attempt, const Candidate& chosen) override {
    market.ended(attempt, chosen);
  }

  void recorded(const JobRecord& job, const Entry& entry) override { market.recorded(job, entry); }

  MarketRouter market;

 private:
  const bool naive_;
};

struct Broker {
  Broker(const RouteOptions& route, const LifecycleOptions& options, bool naive)
      : router(route, naive), lifecycle(options, router) {}
  WatchedRouter router;
  Lifecycle lifecycle;
};

// Both brokers, given the same.
class Twins {
 public:
  explicit Twins(Random& random) : random_(random) {
    RouteOptions route;
    route.rates.rates_ppm["EUR"] = 1'100'000;
    route.tolerance_ppm = random.one_in(3) ? 50'000 : 0;
    route.spare_units = random.one_in(4) ? 1 : 0;
    LifecycleOptions options;
    options.settling = std::chrono::milliseconds(0);
    if (random.one_in(4)) options.dispatches_in_flight_max = random.small(1, 5);
    for (const bool naive : {false, true}) {
      brokers_.push_back(std::make_unique<Broker>(route, options, naive));
      brokers_.back()->router.market.expire(now_);
      brokers_.back()->lifecycle.begin(Term{1}, {}, now_);
    }
    const std::uint32_t sites = random.among({1U, 4U, 8U, 40U});
    for (std::uint32_t count = 0; count < sites; ++count) {
      records_.push_back(sample::random_site(random_, static_cast<int>(records_.size()) + 1));
      accept_site(records_.back());
    }
  }

  void anything() {
    switch (random_.below(12)) {
      case 0:
      case 1: return submit();
      case 2:
      case 3: {
        const SiteRecord& record = some_record();
        return accept_sheet(sample::random_sheet(random_, record));
      }
      case 4: return change_sheet();
      case 5: return change_record();
      case 6: {
        Member member;
        member.node = site_node(some_record().site);
        member.state = random_.one_in(4) ? MemberState::suspended : MemberState::active;
        return accept(RecordKind::member, some_record().site, member);
      }
      case 7: return pass_time();
      case 8: return cancel();
      default: return answer();
    }
  }

  // Both take; whether they came to the same.
  bool agree() {
    for (const auto& each : brokers_) each->router.market.expire(now_);
    LifecycleOutput careful = brokers_[0]->lifecycle.take(now_);
    const LifecycleOutput naive = brokers_[1]->lifecycle.take(now_);
    for (const auto& each : brokers_) each->lifecycle.sent(now_);
    entries_ += careful.entries.size();
    const Trust& trust = brokers_[0]->router.market.trust();
    distrusted_ += trust.distrusted_count();
    on_trial_ += trust.on_trial().size();
    for (const ChangedJob& job : careful.jobs) jobs_[job->job] = *job;
    return careful.entries == naive.entries && careful.sends == naive.sends &&
           std::ranges::equal(careful.jobs, naive.jobs, {}, &ChangedJob::row, &ChangedJob::row);
  }

  std::uint64_t tried(std::size_t broker) const {
    return brokers_[broker]->lifecycle.counters().tried;
  }
  // Sites, summed over all batches.
  std::uint64_t distrusted() const { return distrusted_; }
  std::uint64_t on_trial() const { return on_trial_; }
  std::uint64_t placed() const { return brokers_[0]->lifecycle.counters().decided; }

 private:
  const SiteRecord& some_record() { return records_[random_.below(records_.size())]; }

  void submit() {
    JobSubmitted submission;
    submission.job = job_id(Sequence{++submitted_});
    submission.tenant = TenantId{random_.among({"physics", "biology", "chemistry"})};
    submission.spec = sample::random_job(random_);
    submission.spec.priority = static_cast<std::int32_t>(random_.number(0, 1));
    if (random_.one_in(6)) submission.spec.array_count = random_.small(2, 6);
    if (random_.one_in(6)) submission.spec.queue_seconds_max = random_.small(5, 60);
    for (const auto& each : brokers_) each->lifecycle.submit(submission, now_);
  }

  void change_record() {
    SiteRecord& record = records_[random_.below(records_.size())];
    switch (random_.below(7)) {
      case 0:
        records_.push_back(sample::random_site(random_, static_cast<int>(records_.size()) + 1));
        return accept_site(records_.back());
      case 2:
      case 3: {
        // Data from here costs another price everywhere.
        const std::int64_t price = random_.among({0, 1'000, 100'000, 10'000'000});
        for (NetworkTariff& each : record.network) each.egress.micros = price;
        return accept(RecordKind::site, record.site, record);
      }
      case 1: {
        const SiteId id = record.site;
        record = sample::random_site(random_, static_cast<int>(random_.number(1, 9)));
        record.site = id;
        break;
      }
      case 4: record.policy.run_seconds_max = random_.small(1, 100'000); break;
      case 5: record.carbon_g_kwh = random_.small(0, 500); break;
      default: break;  // the same once more
    }
    accept_site(record);
  }

  // The last sheet with something better, or worse, in one respect.
  void change_sheet() {
    if (sheets_.empty()) return;
    auto each = sheets_.begin();
    std::advance(each, static_cast<std::ptrdiff_t>(random_.below(sheets_.size())));
    QuoteSheet sheet = each->second;
    for (PoolQuote& quote : sheet.pools) {
      switch (random_.below(8)) {
        case 0: quote.units_free += 4; break;
        case 1: quote.units_free_node += 4; break;
        case 2: quote.nodes_free += 1; break;
        case 3: quote.wait_seconds /= 2; break;
        case 4: quote.price_ppm -= quote.price_ppm / 3; break;
        case 5: quote.price_ppm += quote.price_ppm / 2; break;
        default: break;
      }
    }
    accept_sheet(sheet);
  }
  void accept_sheet(const QuoteSheet& sheet) {
    sheets_[sheet.site] = sheet;
    accept(RecordKind::quote, sheet.site, sheet);
  }

  void pass_time() {
    const auto span =
        std::chrono::milliseconds(random_.number(1, random_.one_in(losses_) ? 20'000 : 900));
    now_.mono += span;
    now_.wall += span;
    for (const auto& each : brokers_) {
      each->router.market.expire(now_);
      each->router.market.pass(now_.wall);
      each->lifecycle.tick(now_);
    }
  }

  JobRecord* some_job() {
    if (jobs_.empty()) return nullptr;
    auto each = jobs_.begin();
    std::advance(each, static_cast<std::ptrdiff_t>(random_.below(jobs_.size())));
    return &each->second;
  }
  void cancel() {
    if (const JobRecord* const job = some_job()) {
      for (const auto& each : brokers_) {
        [[maybe_unused]] const Status canceled = each->lifecycle.cancel(job->job, "user", now_);
      }
    }
  }
  void answer() {
    const JobRecord* const job = some_job();
    const AttemptRecord* const attempt = job == nullptr ? nullptr : live_attempt(*job);
    if (attempt == nullptr) return;
    const AttemptId id{job->job, attempt->number};
    ToBroker message;
    if (random_.one_in(losses_)) {
      message.body = AttemptStatus{id, AttemptPhase::unknown, {}};  // refused, or lost
    } else if (random_.one_in(3)) {
      message.body = Refused{id, RefusalCode::no_capacity, "full", {}};
    } else if (attempt->state == AttemptState::dispatching) {
      message.body = Granted{id};
    } else {
      AttemptEnded ended{id, {}};
      ended.report.code = random_.one_in(4) ? EndCode::preempted : EndCode::succeeded;
      message.body = ended;
    }
    for (const auto& each : brokers_) {
      each->lifecycle.from_site(attempt->decision.chosen->site, message, now_);
    }
  }

  template <class Body>
  void accept(RecordKind kind, const SiteId& site, const Body& body) {
    RecordHeader header;
    header.kind = kind;
    header.subject = site_node(site);
    header.version = RecordVersion{1, ++version_};
    header.issued = now_.wall;
    header.valid_until = now_.wall + std::chrono::seconds(random_.number(1, 30));
    if (kind == RecordKind::site) header.valid_until += std::chrono::hours(random_.small(0, 2));
    for (const auto& each : brokers_) {
      each->router.market.expire(now_);
      each->router.market.pass(now_.wall);
      each->router.market.accept(Record{header, body});
    }
  }
  void accept_site(const SiteRecord& record) {
    accept(RecordKind::site, record.site, record);
    if (random_.one_in(2)) {
      accept_sheet(sample::random_sheet(random_, record));
    }
  }

  Random& random_;
  // One answer in so many is that the site knows nothing of the attempt; then more time passes too.
  const std::uint64_t losses_ = random_.among({2U, 6U, 6U});
  Now now_{Mono::time_point(std::chrono::seconds(1'000)), sample::now};
  std::vector<std::unique_ptr<Broker>> brokers_;
  std::vector<SiteRecord> records_;
  std::map<SiteId, QuoteSheet> sheets_;
  std::map<JobId, JobRecord> jobs_;
  std::uint64_t version_ = 0;
  std::uint64_t submitted_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t distrusted_ = 0;
  std::uint64_t on_trial_ = 0;
};

TEST(WakingProperty, TheSameJobsGoToTheSamePlacesAsIfEverythingWereTriedAtEveryChange) {
  const char* const text = std::getenv("TRADEWIND_PROPERTY_CASES");
  const std::uint64_t wanted = text == nullptr ? 100 : std::strtoull(text, nullptr, 10) / 500;
  std::vector<std::uint64_t> seeds(wanted);
  std::iota(seeds.begin(), seeds.end(), 1);
  seeds.push_back(188);  // a sheet with less free in all, of which a contract holds more
  std::uint64_t placed = 0;
  std::uint64_t careful = 0;
  std::uint64_t naive = 0;
  std::uint64_t distrusted = 0;
  std::uint64_t on_trial = 0;
  for (const std::uint64_t seed : seeds) {
    Random random(seed);
    Twins twins(random);
    for (int step = 0; step < 250; ++step) {
      const std::uint64_t count = random.below(3);
      for (std::uint64_t each = 0; each <= count; ++each) twins.anything();
      ASSERT_TRUE(twins.agree()) << "seed " << seed << " step " << step;
    }
    placed += twins.placed();
    careful += twins.tried(0);
    naive += twins.tried(1);
    distrusted += twins.distrusted();
    on_trial += twins.on_trial();
  }
  EXPECT_GT(placed, wanted * 10);
  EXPECT_LT(careful * 4, naive);
  EXPECT_GT(distrusted, wanted * 5);
  EXPECT_GT(on_trial, wanted);
}

}  // namespace
}  // namespace tradewind
