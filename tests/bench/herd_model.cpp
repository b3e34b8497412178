#include "tests/bench/herd_model.h"

#include <algorithm>
#include <string>
#include <utility>

#include "broker/jobs/fold.h"
#include "gateway/pricing/quote_sheet.h"

namespace tradewind::herd {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::uint32_t kSites = 200;
constexpr std::uint32_t kSlots = 50;
constexpr std::uint32_t kBrokers = 20;
constexpr double kLoad = 0.85;
constexpr auto kHold = seconds(300);
constexpr std::size_t kTriesMax = 8;
constexpr auto kLook = milliseconds(100);
constexpr auto kWay = milliseconds(50);
constexpr auto kPauseMax = seconds(30);

}  // namespace

Herd::Herd(const Policy& policy, Mono::duration lag, Mono::duration measured, std::uint64_t seed)
    : policy_(policy),
      lag_(lag),
      end_(Mono::time_point(seconds(1'000)) + kWarmUp + measured),
      random_(seed) {
  RouteOptions options;
  options.spare_units = policy.spare_units;
  for (std::uint32_t number = 0; number < kBrokers; ++number) {
    brokers_.push_back(policy.under_load
                           ? std::make_unique<MarketRouter>(options)
                           : std::make_unique<MarketRouter>(options, UnderLoad{0, 0, seconds(0)}));
  }
  for (std::uint32_t number = 0; number < kSites; ++number) {
    Site& site = sites_.emplace_back();
    site.record.region.value = "r" + std::to_string(number);
    site.record.site.value = site.record.region.value + "-1";
    site.record.jurisdiction.value = "AA";
    Pool& pool = site.record.pools.emplace_back();
    pool.id.value = "cpu";
    pool.nodes = kSlots;
    pool.node = pool.unit = Resources{1, 1'024, 10'240, 0};
    pool.performance_ppm = {{"default", ppm_one}};
    pool.tariff.cpu_hour.micros = 500'000 + std::int64_t{1'500'000} * number / (kSites - 1);
    if (!policy.congestion_price) pool.price_curve.a_ppm = 0;
    site.admission = std::make_unique<Admission>(site.record, AdmissionOptions{});
    site.admission->adopted({}, now_);
    Record record = bench::record_of(site.record, 1);
    record.header.valid_until = now_.wall + std::chrono::hours(24);
    for (const auto& broker : brokers_) broker->accept(record);
  }
}

void Herd::publish(Site& site, QuoteSheet sheet) {
  const RecordVersion version{1, site.sheet.header.version.version + 1};
  site.sheet = bench::record_of(sheet, version.version);
  site.sheet.header.issued = now_.wall;
  site.sheet.header.valid_until = now_.wall + limits::quote_validity;
  site.admission->published(version, sheet, site.sheet.header.valid_until, now_);
  site.last = std::move(sheet);
  site.published = now_.mono;
  after(lag_, [this, record = site.sheet] {
    for (const auto& broker : brokers_) broker->accept(record);
  });
}

void Herd::look() {
  for (Site& site : sites_) {
    if (site.last && now_.mono - site.published < limits::publish_interval_min) continue;
    SiteStanding standing;
    for (const PoolCapacity& each : site.admission->capacity(now_)) {
      standing.pools.push_back(PoolStanding{each.pool,
                                            each.units_free,
                                            each.units_free_node,
                                            each.nodes_free,
                                            each.wait_seconds,
                                            {}});
    }
    QuoteSheet sheet = make_quote_sheet(site.record, standing);
    if (worth_publishing(site.last, sheet, now_.mono - site.published)) {
      publish(site, std::move(sheet));
    }
  }
  after(kLook, [this] { look(); });
}

void Herd::arrive() {
  auto job = std::make_shared<Job>();
  job->broker = static_cast<std::uint32_t>(random_() % kBrokers);
  job->record.job = job_id(Sequence{++jobs_count_});
  job->record.tenant.value = "herd";
  job->record.spec.resources = Resources{1, 1'024, 0, 0};
  Variant& variant = job->record.spec.variants.emplace_back();
  variant.architectures = {Architecture::amd64};
  variant.duration_seconds = static_cast<std::uint64_t>(kHold.count());
  decide(job);
  constexpr double rate = kLoad * kSites * kSlots / std::chrono::duration<double>(kHold).count();
  const double span = std::exponential_distribution<double>(rate)(random_);
  after(std::chrono::duration_cast<Mono::duration>(std::chrono::duration<double>(span)),
        [this] { arrive(); });
}

void Herd::decide(const std::shared_ptr<Job>& job) {
  MarketRouter& broker = *brokers_[job->broker];
  broker.expire(now_);
  broker.pass(now_.wall);
  const std::optional<Decision> decided = broker.decide(job->record, job->refused, now_);
  if (!decided) return end_pass(job, false);
  const Decision& decision = *decided;
  if (now_.mono >= counted_from_) ++found_.tries;
  const AttemptId attempt{job->record.job, job->record.attempts_count + 1};
  record(*job, JobDecided{attempt, decision});
  if (policy_.debits) broker.placed(attempt, *decision.chosen);
  const std::int64_t price_ppm = broker.price_ppm(*decision.chosen);
  after(kWay, [this, job, decision, price_ppm] { dispatch(job, decision, price_ppm); });
}

void Herd::dispatch(const std::shared_ptr<Job>& job, const Decision& decision,
                    std::int64_t price_ppm) {
  const AttemptId attempt{job->record.job, job->record.attempts_count};
  const Candidate& chosen = *decision.chosen;
  Site& site = *std::ranges::find_if(
      sites_, [&](const Site& each) { return each.record.site == chosen.site; });
  Assignment wanted;
  wanted.tenant = job->record.tenant;
  wanted.pool = chosen.pool;
  wanted.units = chosen.units;
  wanted.resources = job->record.spec.resources;
  wanted.executors.emplace_back().command = {"true"};
  wanted.on_disconnect = OnDisconnect::resume;
  wanted.run_seconds_max = 2 * static_cast<std::uint64_t>(kHold.count());
  wanted.price_ppm = price_ppm;
  wanted.rate = chosen.rate;
  wanted.quote_version = decision.relied_on.quote_version;
  const AdmissionOutput output =
      site.admission->from_broker(NodeId{"broker/" + std::to_string(job->broker)},
                                  ToGateway{Term{1}, Dispatch{attempt, wanted, 60}}, {}, now_);
  const bool granted = !output.starts.empty();
  if (granted) {
    after(random_span(kHold), [this, &site, job, chosen, attempt] {
      EndReport report;
      report.started = true;
      site.admission->engine_ended(attempt, report, now_);
      record(*job, AttemptFinished{attempt, report});
      if (policy_.debits) brokers_[job->broker]->ended(attempt, chosen);
      site.admission->from_broker(NodeId{"broker/0"}, ToGateway{Term{1}, AcknowledgeEnd{attempt}},
                                  {}, now_);
    });
  }
  after(kWay, [this, job, chosen, attempt, granted, sheet = site.sheet] {
    answer(job, chosen, attempt, granted, sheet);
  });
}

void Herd::answer(const std::shared_ptr<Job>& job, const Candidate& chosen,
                  const AttemptId& attempt, bool granted, const Record& sheet) {
  MarketRouter& broker = *brokers_[job->broker];
  broker.expire(now_);
  broker.pass(now_.wall);
  if (!granted && policy_.refusal_tells) broker.accept(sheet);
  if (granted) {
    record(*job, AttemptGranted{attempt});
  } else {
    record(*job, AttemptRefused{attempt, RefusalCode::no_capacity, {}});
  }
  if (policy_.debits) broker.settled(attempt, chosen, granted);
  if (granted) return end_pass(job, true);
  job->refused.insert(std::ranges::lower_bound(job->refused, chosen.site), chosen.site);
  if (job->refused.size() >= kTriesMax) return end_pass(job, false);
  decide(job);
}

void Herd::end_pass(const std::shared_ptr<Job>& job, bool placed) {
  if (now_.mono >= counted_from_) {
    ++found_.passes;
    found_.unplaced += placed ? 0 : 1;
  }
  if (placed) return;
  job->refused.clear();
  after(job->pause, [this, job] { decide(job); });
  job->pause = std::min<Mono::duration>(2 * job->pause, kPauseMax);
}

// What the lifecycle would journal.
void Herd::record(Job& job, decltype(Entry::body) body) {
  MarketRouter& broker = *brokers_[job.broker];
  broker.pass(now_.wall);
  const Entry entry{now_.wall, std::move(body)};
  broker.recorded(job.record, entry);
  apply(job.record, entry);
  const Trust& trust = broker.trust();
  for (const AttemptRecord& each : job.record.attempts) {
    found_.least_trust_ppm =
        std::min(found_.least_trust_ppm, trust.of(each.decision.chosen->site).ppm);
  }
}

Found Herd::run() {
  look();
  after(lag_ + kLook, [this] { arrive(); });
  while (events_.top().at < end_) {
    const Event event = events_.top();
    events_.pop();
    now_.wall += event.at - now_.mono;
    now_.mono = event.at;
    event.act();
  }
  return found_;
}

}  // namespace tradewind::herd
