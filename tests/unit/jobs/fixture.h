// A lifecycle with a market that the test decides, and a clock that it moves.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/jobs/lifecycle.h"

namespace tradewind {

// Places each job at the first of `open` that is not excluded; otherwise it waits, or is
// unroutable.
class FakeRouter final : public Router {
 public:
  std::vector<std::string> open{"s1", "s2"};
  bool never = false;
  std::vector<JobId> asked;
  std::map<AttemptId, std::string> outstanding;

  // Whether any job may go somewhere else than before; told once.
  bool changed = false;

  std::optional<Decision> decide(const JobRecord& job, const std::vector<SiteId>& excluded,
                                 Now now) override {
    asked.push_back(job.job);
    for (const std::string& site : open) {
      if (std::count(excluded.begin(), excluded.end(), SiteId{site}) != 0) continue;
      Candidate chosen;
      chosen.site.value = site;
      chosen.pool.value = "cpu";
      chosen.units = 1;
      chosen.rate.micros = 3'600'000'000;  // one unit of money a second
      chosen.billed_seconds = 10;
      chosen.finish.run_seconds = 10;
      Decision decision;
      decision.decided_at = now.wall;
      decision.pools_considered = 2;
      decision.outcome = Outcome::placed;
      decision.chosen = chosen;
      decision.relied_on.quote_version = {1, 7};
      return decision;
    }
    return std::nullopt;
  }
  Decision explain(const JobRecord&, const std::vector<SiteId>&, Now now) override {
    Decision decision;
    decision.decided_at = now.wall;
    decision.pools_considered = 2;
    decision.outcome = never ? Outcome::unroutable : Outcome::waiting;
    return decision;
  }
  RouterChanges changes() override { return {std::exchange(changed, false), false, {}}; }
  JobLacks lacks(const JobRecord&) override { return {}; }
  Opening opening(std::uint32_t) override { return {}; }
  Suits suits(const JobRecord&, const std::vector<SiteId>&, std::uint32_t, Now) override {
    return Suits::no_job_alike;
  }
  std::int64_t price_ppm(const Candidate&) const override { return 1'200'000; }
  void placed(const AttemptId& attempt, const Candidate& chosen) override {
    EXPECT_TRUE(outstanding.emplace(attempt, chosen.site.value).second);
  }
  void settled(const AttemptId& attempt, const Candidate&, bool granted) override {
    EXPECT_EQ(outstanding.erase(attempt), 1U) << to_string(attempt);
    if (granted) ++granted_count;
  }
  // The broker starts anew.
  void forget() { outstanding.clear(); }
  int granted_count = 0;
};

template <class RouterKind>
class LifecycleFixture : public ::testing::Test {
 protected:
  void SetUp() override { restart(); }

  // A broker's new life over what the journal holds.
  void restart() {
    lifecycle = std::make_unique<Lifecycle>(options, router);
    router.forget();
    for (const auto& [id, job] : tables) lifecycle->recover(job);
    std::map<TenantId, Budget> budgets;
    for (const Entry& each : journal) {
      const auto* changed = std::get_if<BudgetChanged>(&each.body);
      if (changed == nullptr) continue;
      budgets.erase(changed->tenant);
      if (changed->budget) budgets.emplace(changed->tenant, *changed->budget);
    }
    for (const auto& [tenant, budget] : budgets) {
      lifecycle->recover_budget(tenant, budget, spent.at(tenant));
    }
    const Wall::time_point newest = journal.empty() ? Wall::time_point{} : journal.back().at;
    lifecycle->begin(Term{++term}, newest, now);
    step();
  }
  // One batch: commits it, which may take a while, and keeps what it says.
  LifecycleOutput step(std::chrono::seconds commit = {}) {
    LifecycleOutput output = lifecycle->take(now);
    move_to(now.mono + commit);
    lifecycle->sent(now);
    journal.insert(journal.end(), output.entries.begin(), output.entries.end());
    for (const ChangedJob& job : output.jobs) tables[job->job] = *job;
    for (const auto& [tenant, now_spent] : output.spent) {
      spent.erase(tenant);
      if (now_spent) spent.emplace(tenant, *now_spent);
    }
    EXPECT_EQ(fold(journal), tables) << "the tables must be the fold of the journal";
    for (const SendToSite& each : output.sends) EXPECT_EQ(each.message.term.value, term);
    return output;
  }
  // Time passes, with every tick that is asked for on the way.
  std::vector<SendToSite> advance(std::chrono::seconds span) {
    std::vector<SendToSite> sends;
    const Mono::time_point end = now.mono + span;
    while (true) {
      const Mono::time_point next = std::max(now.mono, lifecycle->next_tick());
      if (next > end) break;
      move_to(next);
      lifecycle->tick(now);
      for (SendToSite& each : step().sends) sends.push_back(std::move(each));
    }
    move_to(end);
    return sends;
  }
  void move_to(Mono::time_point at) {
    now.wall += at - now.mono;
    now.mono = at;
  }

  JobSpec spec() const {
    JobSpec job;
    job.name = "sample";
    job.resources.cpus = 1;
    Variant variant;
    variant.name = "only";
    variant.architectures = {Architecture::amd64};
    variant.duration_seconds = 10;
    Executor executor;
    executor.command = {"true"};
    variant.executors = {executor};
    job.variants = {variant};
    return job;
  }
  JobId submit(JobSpec job, const std::string& tenant = "acme") {
    const JobId id = job_id(Sequence{journal.size() + lifecycle->entries_pending() + 1});
    lifecycle->submit(JobSubmitted{id, TenantId{tenant}, "ada", "key", std::move(job)}, now);
    return id;
  }
  // Submitted and dispatched to s1.
  JobId dispatched(JobSpec job) {
    const JobId id = submit(std::move(job));
    step();
    EXPECT_EQ(state(id), JobState::dispatching);
    return id;
  }
  JobId running(JobSpec job, const std::string& site = "s1") {
    const JobId id = dispatched(std::move(job));
    granted(site, {id, 1});
    status(site, {id, 1}, AttemptPhase::running);
    return id;
  }

  LifecycleOutput from(const std::string& site, decltype(ToBroker::body) body) {
    lifecycle->from_site(SiteId{site}, ToBroker{std::move(body)}, now);
    return step();
  }
  LifecycleOutput granted(const std::string& site, const AttemptId& attempt) {
    return from(site, Granted{attempt});
  }
  LifecycleOutput refused(const std::string& site, const AttemptId& attempt,
                          RefusalCode code = RefusalCode::no_capacity) {
    return from(site, Refused{attempt, code, "full", {}});
  }
  LifecycleOutput status(const std::string& site, const AttemptId& attempt, AttemptPhase phase) {
    return from(site, AttemptStatus{attempt, phase, now.wall});
  }
  LifecycleOutput ended(const std::string& site, const AttemptId& attempt, EndCode code,
                        Money charge = {}) {
    AttemptEnded message{attempt, {}};
    message.report.code = code;
    message.report.started = true;
    message.report.charge = charge;
    return from(site, message);
  }

  JobState state(const JobId& job) const { return tables.at(job).state; }
  template <class Body>
  static std::vector<std::pair<std::string, Body>> of(const std::vector<SendToSite>& sends) {
    std::vector<std::pair<std::string, Body>> result;
    for (const SendToSite& each : sends) {
      if (const auto* body = std::get_if<Body>(&each.message.body)) {
        result.emplace_back(each.site.value, *body);
      }
    }
    return result;
  }

  LifecycleOptions options;
  RouterKind router;
  std::unique_ptr<Lifecycle> lifecycle;
  std::vector<Entry> journal;
  std::map<JobId, JobRecord> tables;
  std::map<TenantId, BudgetSpent> spent;  // of budgets
  std::uint64_t term = 0;
  Now now{Mono::time_point(std::chrono::seconds(1'000)), wall_from_ms(1'790'000'000'000)};
};

using LifecycleTest = LifecycleFixture<FakeRouter>;

}  // namespace tradewind
