// What lowers and raises the trust in a site, and what lying sites cost at most.
#include "broker/core/trust.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/core/market_router.h"
#include "broker/jobs/fold.h"
#include "broker/jobs/lifecycle.h"
#include "tests/unit/routing/random_market.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

using std::chrono::seconds;

// One site and the journal's entries about attempts there.
class Entries {
 public:
  explicit Entries(Trust& trust) : trust_(trust) {}

  void wait(seconds time) {
    now_ += time;
    trust_.pass(now_);
  }
  AttemptId decide(bool preemptible = false) {
    const JobId job = job_id(Sequence{++count_});
    JobRecord& record = jobs_[job];
    record.job = job;
    record.spec.attempts_max = 1'000;
    Decision decision;
    decision.outcome = Outcome::placed;
    decision.chosen.emplace().site = site;
    decision.chosen->preemptible = preemptible;
    const AttemptId attempt{job, 1};
    write(job, JobDecided{attempt, decision});
    return attempt;
  }
  void grant(const AttemptId& attempt) { write(attempt.job, AttemptGranted{attempt}); }
  void refuse(const AttemptId& attempt, RefusalCode code) {
    write(attempt.job, AttemptRefused{attempt, code, {}});
  }
  void lose(const AttemptId& attempt) { write(attempt.job, AttemptLost{attempt, {}}); }
  void end(const AttemptId& attempt, EndCode code) {
    AttemptFinished finished{attempt, {}};
    finished.report.code = code;
    write(attempt.job, finished);
  }
  void cancel(const AttemptId& attempt) { write(attempt.job, CancelRequested{attempt.job, {}}); }
  // One attempt after the other that is lost, until nothing goes there.
  void break_trust() {
    while (!trust_.of(site).closed()) {
      wait(seconds(1));
      lose(decide());
    }
  }
  Wall::time_point now() const { return now_; }

  const SiteId site{"aa-north-1"};

 private:
  void write(const JobId& job, decltype(Entry::body) body) {
    const Entry entry{now_, std::move(body)};
    trust_.fold(jobs_[job], entry);
    apply(jobs_[job], entry);
  }

  Trust& trust_;
  Wall::time_point now_ = sample::now;
  std::map<JobId, JobRecord> jobs_;
  std::uint64_t count_ = 0;
};

class TrustTest : public ::testing::Test {
 protected:
  TrustTest() { entries.wait(seconds(1)); }
  std::int64_t ppm() const { return trust.of(entries.site).ppm; }
  TrustState state() const { return trust.of(entries.site).state; }

  Trust trust;
  Entries entries{trust};
};

TEST_F(TrustTest, BeginsWholeAndASuccessAddsNothingToThat) {
  EXPECT_EQ(ppm(), 1'000'000);
  entries.end(entries.decide(), EndCode::succeeded);
  EXPECT_EQ(ppm(), 1'000'000);
  EXPECT_TRUE(trust.take_changed().empty());
}

TEST_F(TrustTest, ALossTakesHalfAndASuccessGivesBackAQuarterOfWhatLacks) {
  const AttemptId attempt = entries.decide();
  entries.grant(attempt);
  entries.lose(attempt);
  EXPECT_EQ(ppm(), 500'000);
  entries.wait(seconds(1));
  entries.end(entries.decide(), EndCode::succeeded);
  EXPECT_EQ(ppm(), 625'000);
}

TEST_F(TrustTest, WhatSendsAJobElsewhereTakesATwentiethAndARefusalAFiftieth) {
  const auto after = [](const std::function<void(Entries&)>& happens) {
    Trust one;
    Entries of_one(one);
    of_one.wait(seconds(1));
    happens(of_one);
    return one.of(of_one.site).ppm;
  };
  for (std::uint16_t code = 0; code < refusal_codes_count; ++code) {
    const auto refusal = static_cast<RefusalCode>(code);
    const bool failed = refusal == RefusalCode::unknown_pool || refusal == RefusalCode::engine_down;
    EXPECT_EQ(after([&](Entries& entries) { entries.refuse(entries.decide(), refusal); }),
              refusal == RefusalCode::invalid ? 1'000'000 : (failed ? 950'000 : 980'000))
        << to_string(refusal);
  }
  const auto ended = [&](EndCode code, bool preemptible, bool cancel) {
    return after([&](Entries& entries) {
      const AttemptId attempt = entries.decide(preemptible);
      entries.grant(attempt);
      if (cancel) entries.cancel(attempt);
      entries.end(attempt, code);
    });
  };
  for (const EndCode code : {EndCode::engine_failed, EndCode::interrupted, EndCode::lease_expired,
                             EndCode::preempted, EndCode::canceled}) {
    EXPECT_EQ(ended(code, false, false), 950'000) << to_string(code);
  }
  for (const EndCode code :
       {EndCode::succeeded, EndCode::failed, EndCode::time_limit, EndCode::stage_in_failed,
        EndCode::stage_out_failed, EndCode::out_of_memory}) {
    EXPECT_EQ(ended(code, false, false), 1'000'000) << to_string(code);
  }
  EXPECT_EQ(ended(EndCode::preempted, true, false), 1'000'000) << "it was sold as that";
  EXPECT_EQ(ended(EndCode::canceled, false, true), 1'000'000) << "the tenant wanted it";
}

TEST_F(TrustTest, AnOutageIsOneBrokenPromiseHoweverManyAttemptsItTakes) {
  std::vector<AttemptId> attempts;
  for (int count = 0; count < 100; ++count) attempts.push_back(entries.decide());
  entries.wait(seconds(60));
  const AttemptId later = entries.decide();
  entries.wait(seconds(1));
  for (const AttemptId& each : attempts) entries.lose(each);
  entries.lose(later);
  EXPECT_EQ(ppm(), 500'000);
  entries.wait(seconds(1));
  entries.lose(entries.decide());
  EXPECT_EQ(ppm(), 250'000);
}

TEST_F(TrustTest, ARefusalDoesNotHideALoss) {
  const AttemptId lost = entries.decide();
  entries.wait(seconds(1));
  entries.refuse(entries.decide(), RefusalCode::no_capacity);
  entries.lose(lost);
  EXPECT_EQ(ppm(), 490'000);
}

TEST_F(TrustTest, BelowAQuarterNothingGoesThereForASpanAndThenOneAttemptAtATime) {
  entries.break_trust();
  EXPECT_EQ(ppm(), 125'000);
  EXPECT_EQ(state(), TrustState::distrusted);
  EXPECT_EQ(trust.of(entries.site).until, entries.now() + seconds(30));
  EXPECT_EQ(trust.distrusted_count(), 1U);
  EXPECT_TRUE(trust.on_trial().empty());
  entries.wait(seconds(29));
  EXPECT_TRUE(trust.of(entries.site).closed());
  entries.wait(seconds(1));
  EXPECT_EQ(trust.on_trial(), std::vector{entries.site});
  EXPECT_FALSE(trust.of(entries.site).closed());
  const AttemptId trial = entries.decide();
  EXPECT_EQ(state(), TrustState::tried);
  EXPECT_TRUE(trust.of(entries.site).closed());
  entries.grant(trial);
  entries.end(trial, EndCode::succeeded);
  EXPECT_EQ(state(), TrustState::trusted);
  EXPECT_EQ(ppm(), 343'750);
  EXPECT_EQ(trust.distrusted_count(), 0U);
}

TEST_F(TrustTest, EachTrialThatFailsBeginsASpanTwiceAsLongUpToTenMinutes) {
  entries.break_trust();
  for (const int span : {30, 60, 120, 240, 480, 600, 600}) {
    EXPECT_EQ(trust.of(entries.site).until, entries.now() + seconds(span));
    entries.wait(seconds(span));
    entries.refuse(entries.decide(), RefusalCode::no_capacity);
  }
}

TEST_F(TrustTest, TheSpanIsShortAgainOnlyWhenHalfTheTrustIsBack) {
  entries.break_trust();
  entries.wait(seconds(30));
  entries.end(entries.decide(), EndCode::succeeded);
  ASSERT_EQ(state(), TrustState::trusted);
  entries.break_trust();
  EXPECT_EQ(trust.of(entries.site).until, entries.now() + seconds(60));
  entries.wait(seconds(60));
  while (ppm() < Trust::restored_ppm) entries.end(entries.decide(), EndCode::succeeded);
  entries.break_trust();
  EXPECT_EQ(trust.of(entries.site).until, entries.now() + seconds(30));
}

TEST_F(TrustTest, ATrialThatTellsNothingOfTheSiteIsFollowedByTheNext) {
  entries.break_trust();
  entries.wait(seconds(30));
  entries.end(entries.decide(), EndCode::failed);
  EXPECT_EQ(state(), TrustState::on_trial);
  entries.refuse(entries.decide(), RefusalCode::invalid);
  EXPECT_EQ(state(), TrustState::on_trial);
}

TEST_F(TrustTest, ALongJobOnTrialNeedNotEndForTheSiteToBeTrusted) {
  entries.break_trust();
  entries.wait(seconds(30));
  const AttemptId trial = entries.decide();
  entries.wait(seconds(700));
  EXPECT_EQ(state(), TrustState::tried) << "the site has not answered yet";
  entries.grant(trial);
  entries.wait(seconds(599));
  EXPECT_EQ(state(), TrustState::tried);
  entries.wait(seconds(1));
  EXPECT_EQ(state(), TrustState::trusted);
}

TEST_F(TrustTest, AnAttemptFromBeforeMayBringTheTrustBackButIsNoTrial) {
  const AttemptId fails = entries.decide();
  const AttemptId succeeds = entries.decide();
  entries.break_trust();
  const Wall::time_point until = trust.of(entries.site).until;
  entries.wait(seconds(1));
  entries.end(fails, EndCode::failed);
  EXPECT_EQ(trust.of(entries.site).until, until);
  entries.end(succeeds, EndCode::succeeded);
  EXPECT_EQ(state(), TrustState::trusted);
}

TEST_F(TrustTest, AReportThatComesAfterTheLossChangesNothing) {
  const AttemptId attempt = entries.decide();
  entries.lose(attempt);
  entries.end(attempt, EndCode::succeeded);
  EXPECT_EQ(ppm(), 500'000);
}

TEST(TrustProperty, StaysWithinBoundsFallsByBrokenPromisesOnlyAndRisesBySuccessesOnly) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    sample::Random random(seed);
    Trust trust;
    Entries entries(trust);
    std::vector<AttemptId> live;
    const std::uint64_t bad = random.among({1U, 2U, 10U});  // one in so many is a success
    for (int step = 0; step < 500; ++step) {
      const SiteTrust before = trust.of(entries.site);
      const auto rises = [&] { EXPECT_GE(trust.of(entries.site).ppm, before.ppm); };
      const auto falls = [&] { EXPECT_LE(trust.of(entries.site).ppm, before.ppm); };
      if (random.one_in(3)) {
        entries.wait(seconds(random.number(0, random.one_in(5) ? 700 : 5)));
        rises();  // a trial may have been long enough
      } else if (live.empty() || random.one_in(2)) {
        if (!before.closed()) live.push_back(entries.decide());
        EXPECT_EQ(trust.of(entries.site).ppm, before.ppm);
      } else {
        const std::size_t at = random.below(live.size());
        const AttemptId attempt = live[at];
        live.erase(live.begin() + static_cast<std::ptrdiff_t>(at));
        if (random.one_in(bad)) {
          entries.end(attempt, EndCode::succeeded);
          rises();
        } else if (random.one_in(3)) {
          entries.refuse(attempt, static_cast<RefusalCode>(random.below(refusal_codes_count)));
          falls();
        } else if (random.one_in(2)) {
          entries.lose(attempt);
          falls();
        } else {
          entries.end(attempt, static_cast<EndCode>(random.number(1, end_codes_count - 1)));
          falls();
        }
      }
      const SiteTrust after = trust.of(entries.site);
      ASSERT_GE(after.ppm, 0);
      ASSERT_LE(after.ppm, 1'000'000);
      ASSERT_EQ(after.state == TrustState::trusted, after.ppm >= SiteTrust::least_ppm)
          << "seed " << seed << " step " << step;
      ASSERT_EQ(trust.distrusted_count(), after.state == TrustState::trusted ? 0U : 1U);
    }
  }
}

// --- lying sites ---------------------------------------------------------------------------------

// A lifecycle over the market of a cheap site that may lie and a dear one that does not. A job of
// one unit comes each second and runs for ten; all sites always promise four free units.
class TwoSites {
 public:
  enum class Cheap {
    honest,
    refuses,  // everything
    forgets,  // grants, and knows nothing of it when it is renewed
    is_mute,  // never answers
  };

  explicit TwoSites(Cheap cheap) : cheap_(cheap) {
    router_.expire(now_);
    lifecycle_.begin(Term{1}, {}, now_);
    const Pool one = sample::pool("cpu", 10'000, 1);
    const Pool other = sample::pool("cpu", 20'000, 8);
    sites_ = {sample::site("aa-north-1", {one}), sample::site("bb-south-1", {other})};
  }

  void run(seconds time) {
    for (auto left = time; left.count() > 0; --left) step();
  }
  void become(Cheap cheap) { cheap_ = cheap; }
  SiteTrust trust() const { return router_.trust().of(sites_[0].site); }
  std::uint64_t attempts(std::size_t site) const { return attempts_[site]; }
  MarketRouter& router() { return router_; }
  Lifecycle& lifecycle() { return lifecycle_; }
  Now now() const { return now_; }

 private:
  void step() {
    now_.mono += seconds(1);
    now_.wall += seconds(1);
    router_.expire(now_);
    for (const SiteRecord& each : sites_) {
      RecordHeader header;
      header.subject = site_node(each.site);
      header.version = RecordVersion{1, ++version_};
      header.issued = now_.wall;
      header.valid_until = now_.wall + seconds(15);
      header.kind = RecordKind::site;
      router_.accept(Record{header, each});
      header.kind = RecordKind::quote;
      router_.accept(Record{header, sample::sheet(each)});
    }
    answer();
    lifecycle_.submit(submission(), now_);
    lifecycle_.tick(now_);
    const LifecycleOutput output = lifecycle_.take(now_);
    for (const SendToSite& each : output.sends) {
      if (const auto* renew = std::get_if<RenewLeases>(&each.message.body)) {
        if (each.site == sites_[0].site) renewed_ = renew->attempts;
      }
      const auto* const dispatch = std::get_if<Dispatch>(&each.message.body);
      if (dispatch == nullptr) continue;
      ++attempts_[each.site == sites_[0].site ? 0 : 1];
      dispatched_.emplace_back(each.site, dispatch->attempt);
    }
    lifecycle_.sent(now_);
  }
  JobSubmitted submission() {
    JobSubmitted submitted;
    submitted.job = job_id(Sequence{++jobs_});
    submitted.tenant.value = "physics";
    submitted.spec = sample::job();
    submitted.spec.attempts_max = 100;
    return submitted;
  }
  void answer() {
    for (const AttemptId& each : std::exchange(renewed_, {})) {
      if (cheap_ == Cheap::forgets) {
        say(sites_[0].site, AttemptStatus{each, AttemptPhase::unknown, {}});
      }
    }
    for (const auto& [site, attempt] : std::exchange(dispatched_, {})) {
      const Cheap kind = site == sites_[0].site ? cheap_ : Cheap::honest;
      if (kind == Cheap::is_mute) continue;
      if (kind == Cheap::refuses) {
        say(site, Refused{attempt, RefusalCode::no_capacity, "full", {}});
      } else {
        say(site, Granted{attempt});
        if (kind == Cheap::honest)
          running_.emplace(now_.mono + seconds(10), std::pair(site, attempt));
      }
    }
    while (!running_.empty() && running_.begin()->first <= now_.mono) {
      const auto [site, attempt] = running_.begin()->second;
      running_.erase(running_.begin());
      AttemptEnded ended{attempt, {}};
      ended.report.started = true;
      say(site, ended);
    }
  }
  void say(const SiteId& site, decltype(ToBroker::body) body) {
    lifecycle_.from_site(site, ToBroker{std::move(body)}, now_);
  }

  Cheap cheap_;
  MarketRouter router_{RouteOptions{}};
  Lifecycle lifecycle_{LifecycleOptions{}, router_};
  Now now_{Mono::time_point(seconds(1'000)), sample::now};
  std::vector<SiteRecord> sites_;
  std::vector<std::pair<SiteId, AttemptId>> dispatched_;
  std::vector<AttemptId> renewed_;
  std::multimap<Mono::time_point, std::pair<SiteId, AttemptId>> running_;
  std::array<std::uint64_t, 2> attempts_{};
  std::uint64_t version_ = 0;
  std::uint64_t jobs_ = 0;
};

constexpr std::uint64_t kPromised = 4;  // units of the cheap site

// Broken promises of this kind, one after the other, until a site that was trusted is not.
std::uint64_t breaches_until_distrusted(std::int64_t part) {
  std::uint64_t count = 0;
  for (std::int64_t ppm = ppm_one; ppm >= SiteTrust::least_ppm; ++count) {
    ppm -= (ppm + part - 1) / part;
  }
  return count;
}

// How many begin in the time when each fails at once.
std::uint64_t trials_in(seconds time) {
  std::uint64_t count = 0;
  seconds span = Trust::span_first;
  for (seconds at = span; at <= time; at += span) {
    ++count;
    span = std::min(2 * span, Trust::span_max);
  }
  return count;
}

TEST(LyingSite, ThatRefusesEverythingGetsABoundedNumberOfAttempts) {
  TwoSites world(TwoSites::Cheap::refuses);
  world.run(std::chrono::hours(1));
  const std::uint64_t rounds = breaches_until_distrusted(Trust::refusal_part);
  const std::uint64_t trials = trials_in(std::chrono::hours(1));
  EXPECT_EQ(rounds, 69U);
  EXPECT_EQ(trials, 9U);
  // No more than its sheet promised is under way together, of which one counts.
  EXPECT_LE(world.attempts(0), rounds * kPromised + trials);
  EXPECT_GE(world.attempts(0), rounds) << "it looked good for so long";
  const std::uint64_t before = world.attempts(0);
  world.run(std::chrono::hours(1));
  EXPECT_LE(world.attempts(0) - before, 6U) << "one in ten minutes";
  EXPECT_GE(world.attempts(1), 2 * 3'600U - 20) << "the other one runs them all";
}

TEST(LyingSite, ThatLosesAttemptsGetsABoundedNumberOfThem) {
  const std::uint64_t rounds = breaches_until_distrusted(Trust::loss_part);
  const std::uint64_t trials = trials_in(std::chrono::hours(1));
  EXPECT_EQ(rounds, 3U);
  // One that answers nothing has no more under way than it promised. One that says that it granted,
  // and that all is free, gets a job each second until the next renewal.
  const std::uint64_t renewed = limits::lease_seconds_default / 3 + 2;
  for (const auto& [kind, under_way] : {std::pair(TwoSites::Cheap::is_mute, kPromised),
                                        std::pair(TwoSites::Cheap::forgets, 2 * renewed)}) {
    TwoSites world(kind);
    world.run(std::chrono::hours(1));
    EXPECT_LE(world.attempts(0), rounds * under_way + trials);
    EXPECT_GE(world.attempts(0), rounds);
    EXPECT_LT(world.trust().ppm, SiteTrust::least_ppm);
    const std::uint64_t before = world.attempts(0);
    world.run(std::chrono::hours(1));
    EXPECT_LE(world.attempts(0) - before, 6U);
  }
}

TEST(LyingSite, ThatBetteredItselfIsTrustedAgain) {
  TwoSites world(TwoSites::Cheap::refuses);
  world.run(seconds(600));
  EXPECT_TRUE(world.trust().ppm < SiteTrust::least_ppm);
  world.become(TwoSites::Cheap::honest);
  world.run(Trust::span_max + seconds(120));
  EXPECT_EQ(world.trust().state, TrustState::trusted);
  EXPECT_GT(world.trust().ppm, 900'000);
  const std::uint64_t before = world.attempts(0);
  world.run(seconds(60));
  EXPECT_GT(world.attempts(0), before) << "the cheapest adequate, as ever";
}

TEST(LyingSite, TheMarketTellsWhyNothingGoesThere) {
  TwoSites world(TwoSites::Cheap::refuses);
  world.run(seconds(300));
  ASSERT_EQ(world.trust().state, TrustState::distrusted);
  JobRecord job;
  job.job = job_id(Sequence{1});
  job.spec = sample::job();
  const Decision told = world.router().explain(job, {}, world.now());
  ASSERT_EQ(told.rejections.size(), 1U);
  EXPECT_EQ(told.rejections[0].reason, ReasonCode::distrusted);
  EXPECT_EQ(told.rejections[0].wanted, 250'000);
  EXPECT_EQ(told.rejections[0].offered, world.trust().ppm);
  EXPECT_EQ(
      told.rejections[0].detail,
      "its trust is " + std::to_string(world.trust().ppm / 10'000) +
          " %, below 25 %: attempts were refused or lost there lately; it is tried again at " +
          to_rfc3339(world.trust().until));
  EXPECT_TRUE(told.excluded.empty());
}

}  // namespace
}  // namespace tradewind
