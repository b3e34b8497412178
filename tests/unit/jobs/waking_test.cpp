// Which waiting jobs are looked at when room opens, and who goes.
#include "tests/unit/jobs/fixture.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

// Places of one kind each, with some room at a price. A job takes as many CPUs of room, in places
// of the kind that its accelerator family names or of any, at no higher price than its budget.
class RoomRouter final : public Router {
 public:
  struct Place {
    std::uint32_t kind = 0;
    std::uint32_t room = 0;
    std::int64_t price = 1;
  };
  std::vector<Place> places;
  std::vector<JobId> decided;
  std::vector<JobId> checked;
  std::set<std::uint32_t> opened;

  void open(std::uint32_t place, std::uint32_t room) {
    places[place].room += room;
    opened.insert(place);
  }
  void forget() {
    for (const auto& [attempt, chosen] : outstanding_) places[number(chosen)].room += chosen.units;
    outstanding_.clear();
  }

  std::optional<Decision> decide(const JobRecord& job, const std::vector<SiteId>& excluded,
                                 Now now) override {
    decided.push_back(job.job);
    for (std::uint32_t place = 0; place < places.size(); ++place) {
      if (!fits(job, excluded, place)) continue;
      Decision decision;
      decision.outcome = Outcome::placed;
      decision.decided_at = now.wall;
      Candidate& chosen = decision.chosen.emplace();
      chosen.site = site(place);
      chosen.pool.value = "cpu";
      chosen.units = job.spec.resources.cpus;
      chosen.rate.micros = places[place].price * job.spec.resources.cpus;
      chosen.billed_seconds = 10;
      return decision;
    }
    return std::nullopt;
  }
  Decision explain(const JobRecord&, const std::vector<SiteId>&, Now now) override {
    Decision decision;
    decision.decided_at = now.wall;
    decision.outcome = Outcome::waiting;
    decision.pools_considered = 1;
    return decision;
  }
  RouterChanges changes() override {
    RouterChanges changes;
    changes.places.assign(opened.begin(), opened.end());
    opened.clear();
    return changes;
  }
  JobLacks lacks(const JobRecord& job) override {
    JobLacks lacks;
    std::set<std::uint32_t> kinds;
    for (const Place& each : places) {
      if (wants(job, each.kind) && kinds.insert(each.kind).second) {
        lacks.rooms.push_back({each.kind, job.spec.resources.cpus});
      }
    }
    return lacks;
  }
  Opening opening(std::uint32_t place) override { return {places[place].kind, places[place].room}; }
  Suits suits(const JobRecord& job, const std::vector<SiteId>& excluded, std::uint32_t place,
              Now) override {
    checked.push_back(job.job);
    if (job.spec.resources.cpus > places[place].room) return Suits::no_job_alike;
    return fits(job, excluded, place) ? Suits::now : Suits::not_this_job;
  }
  std::int64_t price_ppm(const Candidate&) const override { return ppm_one; }
  void placed(const AttemptId& attempt, const Candidate& chosen) override {
    ASSERT_GE(places[number(chosen)].room, chosen.units);
    places[number(chosen)].room -= chosen.units;
    outstanding_.emplace(attempt, chosen);
  }
  void settled(const AttemptId& attempt, const Candidate& chosen, bool granted) override {
    outstanding_.erase(attempt);
    if (!granted) open(number(chosen), chosen.units);
  }
  void ended(const AttemptId&, const Candidate& chosen) override {
    open(number(chosen), chosen.units);
  }

 private:
  std::map<AttemptId, Candidate> outstanding_;  // without an answer

  static SiteId site(std::uint32_t place) { return SiteId{"s" + std::to_string(place)}; }
  static std::uint32_t number(const Candidate& chosen) {
    return static_cast<std::uint32_t>(std::stoul(chosen.site.value.substr(1)));
  }
  static bool wants(const JobRecord& job, std::uint32_t kind) {
    const std::string& family = job.spec.variants[0].accelerator.family;
    return family.empty() || family == std::to_string(kind);
  }
  bool fits(const JobRecord& job, const std::vector<SiteId>& excluded, std::uint32_t number) const {
    const Place& place = places[number];
    return wants(job, place.kind) && job.spec.resources.cpus <= place.room &&
           (!job.spec.constraints.cost_max ||
            place.price <= job.spec.constraints.cost_max->micros) &&
           std::count(excluded.begin(), excluded.end(), site(number)) == 0;
  }
};

class WakingTest : public LifecycleFixture<RoomRouter> {
 protected:
  void SetUp() override {
    router.places = {{0, 0, 1}, {1, 0, 1}};
    LifecycleFixture::SetUp();
  }
  // A job unlike any other.
  JobSpec unlike(std::uint32_t cpus = 1, const std::string& kind = "") {
    JobSpec job = spec();
    job.resources.cpus = cpus;
    job.variants[0].accelerator.family = kind;
    job.variants[0].duration_seconds = ++unlike_;
    return job;
  }
  // One batch; the jobs that were dispatched, in order.
  std::vector<JobId> dispatched() {
    std::vector<JobId> jobs;
    for (const auto& [site, each] : of<Dispatch>(step().sends)) jobs.push_back(each.attempt.job);
    return jobs;
  }
  void forget_calls() {
    router.decided.clear();
    router.checked.clear();
  }
  void end(const JobId& job) {
    const std::uint32_t number = tables.at(job).attempts_count;
    const std::string site = tables.at(job).attempts.back().decision.chosen->site.value;
    lifecycle->from_site(SiteId{site}, ToBroker{Granted{{job, number}}}, now);
    AttemptEnded ended{{job, number}, {}};
    ended.report.code = EndCode::succeeded;
    lifecycle->from_site(SiteId{site}, ToBroker{ended}, now);
  }

 private:
  std::uint64_t unlike_ = 0;
};

TEST_F(WakingTest, LooksOnlyAtJobsThatCanUseThePlace) {
  for (int count = 0; count < 100; ++count) submit(unlike(1, "0"));
  const JobId other = submit(unlike(1, "1"));
  const JobId either = submit(unlike(1));
  step();
  EXPECT_EQ(router.decided.size(), 102U);
  forget_calls();
  router.open(1, 4);
  EXPECT_EQ(dispatched(), (std::vector<JobId>{other, either}));
  EXPECT_EQ(router.checked.size(), 2U);
  EXPECT_EQ(router.decided.size(), 2U);
}

TEST_F(WakingTest, LooksAtNothingThatIsLargerThanTheRoom) {
  for (int count = 0; count < 100; ++count) submit(unlike(5));
  const JobId small = submit(unlike(2));
  step();
  forget_calls();
  router.open(0, 3);
  EXPECT_EQ(dispatched(), std::vector<JobId>{small});
  EXPECT_EQ(router.checked, std::vector<JobId>{small});
}

TEST_F(WakingTest, StopsWhenTheRoomIsUsedUp) {
  std::vector<JobId> jobs;
  for (int count = 0; count < 1'000; ++count) jobs.push_back(submit(unlike()));
  while (lifecycle->next_tick() <= now.mono) step();
  forget_calls();
  router.open(0, 3);
  EXPECT_EQ(dispatched(), std::vector<JobId>(jobs.begin(), jobs.begin() + 3));
  EXPECT_EQ(router.checked.size(), 3U);
  EXPECT_EQ(router.decided.size(), 3U);
  forget_calls();
  EXPECT_TRUE(dispatched().empty());
  EXPECT_TRUE(router.checked.empty());
}

TEST_F(WakingTest, GivesTheRoomToMoreThanOneOfAQueue) {
  JobSpec array = unlike();
  array.array_count = 5;
  submit(array);
  step();
  forget_calls();
  router.open(0, 3);
  EXPECT_EQ(dispatched().size(), 3U);
  EXPECT_EQ(router.decided.size(), 3U);
}

TEST_F(WakingTest, HoldsJobsThatTheirBudgetKeepsOutAgainstTheOpenedPlaceOnly) {
  router.places[0].price = 10;
  JobSpec poor = unlike();
  poor.constraints.cost_max = Money{5};
  const JobId waits = submit(poor);
  const JobId rich = submit(unlike());
  step();
  forget_calls();
  router.open(0, 2);
  EXPECT_EQ(dispatched(), std::vector<JobId>{rich});
  EXPECT_EQ(router.checked, (std::vector<JobId>{waits, rich}));
  EXPECT_EQ(router.decided, std::vector<JobId>{rich}) << "nothing was tried everywhere";
  router.places[0].price = 5;
  router.open(0, 0);
  EXPECT_EQ(dispatched(), std::vector<JobId>{waits});
}

TEST_F(WakingTest, GoesOnInTheNextBatchWhereTheBoundEndedThisOne) {
  options.checks_per_take_max = 4;
  restart();
  router.places[0].price = 10;
  for (int count = 0; count < 10; ++count) {
    JobSpec poor = unlike();
    poor.constraints.cost_max = Money{5};
    submit(poor);
  }
  const JobId rich = submit(unlike());
  step();
  forget_calls();
  router.open(0, 1);
  EXPECT_TRUE(dispatched().empty());
  EXPECT_EQ(router.checked.size(), 4U);
  EXPECT_LE(lifecycle->next_tick(), now.mono);
  EXPECT_TRUE(dispatched().empty());
  EXPECT_EQ(dispatched(), std::vector<JobId>{rich});
  EXPECT_EQ(router.checked.size(), 11U) << "each was looked at once";
}

TEST_F(WakingTest, AnEarlierTurnThatComesInTheMiddleIsNotPassedOver) {
  options.checks_per_take_max = 1;
  restart();
  router.places[0].price = 10;
  JobSpec poor = unlike();
  poor.constraints.cost_max = Money{5};
  poor.priority = 5;
  submit(poor);
  JobSpec plain = unlike();
  submit(plain);
  step();
  router.open(0, 1);
  EXPECT_TRUE(dispatched().empty()) << "the first look was at the one with too low a budget";
  plain.priority = 9;
  const JobId urgent = submit(plain);
  EXPECT_EQ(dispatched(), std::vector<JobId>{urgent});
}

TEST_F(WakingTest, PriorityGoesBeforeShareAndShareBeforeAge) {
  std::vector<JobId> first;
  for (int count = 0; count < 3; ++count) first.push_back(submit(unlike(), "first"));
  JobSpec urgent_spec = unlike();
  urgent_spec.priority = 1;
  const JobId urgent = submit(urgent_spec, "first");
  const JobId late = submit(unlike(), "second");
  step();
  router.open(0, 3);
  EXPECT_EQ(dispatched(), (std::vector<JobId>{urgent, late, first[0]}))
      << "with the urgent one running the first tenant holds more, then both hold the same";
}

TEST_F(WakingTest, ATenantWithManyJobsDoesNotStarveOneWithFew) {
  JobSpec array = unlike();
  array.array_count = 1'000;
  submit(array, "many");
  for (int count = 0; count < 200; ++count) submit(unlike(), "many");
  std::set<JobId> few;
  for (int count = 0; count < 10; ++count) few.insert(submit(unlike(), "few"));
  while (lifecycle->next_tick() <= now.mono) step();
  router.open(0, 4);
  // Four run at a time; the few get half of the places until they are done.
  std::vector<JobId> running = dispatched();
  std::size_t of_few = 0;
  for (int round = 0; round < 5; ++round) {
    ASSERT_EQ(running.size(), 4U);
    for (const JobId& each : running) of_few += few.count(each);
    for (const JobId& each : running) end(each);
    running = dispatched();
  }
  EXPECT_EQ(of_few, few.size());
}

TEST_F(WakingTest, TheShareIsWhatAttemptsCostAnHour) {
  router.places[1].price = 10;
  std::vector<JobId> cheap;
  const JobId dear = submit(unlike(1, "1"), "dear");
  const JobId later = submit(unlike(1, "0"), "dear");
  for (int count = 0; count < 5; ++count) cheap.push_back(submit(unlike(1, "0"), "cheap"));
  step();
  router.open(1, 1);
  EXPECT_EQ(dispatched(), std::vector<JobId>{dear});
  router.open(0, 5);
  EXPECT_EQ(dispatched(), cheap) << "five at 1 are less than one at 10";
  end(dear);
  router.open(0, 1);
  EXPECT_EQ(dispatched(), std::vector<JobId>{later}) << "what has ended is not held any more";
}

TEST_F(WakingTest, WhatTenantsHoldIsKnownAgainAfterARestart) {
  submit(unlike(), "first");
  step();
  router.open(0, 1);
  ASSERT_EQ(dispatched().size(), 1U);
  const JobId older = submit(unlike(), "first");
  const JobId younger = submit(unlike(), "second");
  step();
  restart();
  router.open(0, 1);
  EXPECT_EQ(dispatched(), std::vector<JobId>{younger});
  router.open(0, 1);
  EXPECT_EQ(dispatched(), std::vector<JobId>{older});
}

TEST_F(WakingTest, AJobIsNotWokenForASiteThatItIsKeptFrom) {
  router.places[0].room = 1;
  const JobId job = submit(unlike(1, "0"));
  step();
  lifecycle->from_site(SiteId{"s0"}, ToBroker{Refused{{job, 1}, RefusalCode::no_capacity, "", {}}},
                       now);
  EXPECT_TRUE(dispatched().empty()) << "the refusal gave the room back";
  router.open(0, 1);
  EXPECT_TRUE(dispatched().empty());
  EXPECT_EQ(of<Dispatch>(advance(3s)).size(), 1U) << "until the exclusion is over";
}

TEST_F(WakingTest, APausingJobIsNotWoken) {
  options.refusals_per_pass = 1;
  options.pause_base = 5s;
  restart();
  router.places[0].room = 1;
  const JobId job = submit(unlike());
  step();
  lifecycle->from_site(SiteId{"s0"}, ToBroker{Refused{{job, 1}, RefusalCode::no_capacity, "", {}}},
                       now);
  step();
  forget_calls();
  router.open(1, 1);
  EXPECT_TRUE(dispatched().empty());
  EXPECT_TRUE(router.checked.empty());
  EXPECT_EQ(of<Dispatch>(advance(6s)).size(), 1U);
}

TEST_F(WakingTest, TriesAgainWithoutAnyChangeButNeverAllAtOnce) {
  options.retries_max = 10;
  restart();
  for (int count = 0; count < 100; ++count) submit(unlike());
  step();
  forget_calls();
  advance(9s);
  EXPECT_TRUE(router.decided.empty());
  now.mono += 1s;
  now.wall += 1s;
  lifecycle->tick(now);
  step();
  EXPECT_EQ(router.decided.size(), 10U);
  advance(1s);
  EXPECT_EQ(router.decided.size(), 100U);
  EXPECT_EQ(std::set<JobId>(router.decided.begin(), router.decided.end()).size(), 100U);
}

TEST_F(WakingTest, ExplainsOncePerQueueAndAnewAfterItWasTried) {
  const JobId job = submit(unlike());
  EXPECT_EQ(lifecycle->waiting_decision(job, now), nullptr) << "not tried yet";
  step();
  ASSERT_NE(lifecycle->waiting_decision(job, now), nullptr);
  const Wall::time_point first = lifecycle->waiting_decision(job, now)->decided_at;
  move_to(now.mono + 1s);
  EXPECT_EQ(lifecycle->waiting_decision(job, now)->decided_at, first);
  move_to(now.mono + 30s);
  EXPECT_EQ(lifecycle->waiting_decision(job, now)->decided_at, now.wall);
}

}  // namespace
}  // namespace tradewind
