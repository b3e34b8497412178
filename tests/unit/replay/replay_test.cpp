// Decisions made again from what the log says, and what is found when it says something else.
#include "broker/audit/replay.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/replay/story.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

using testing::Story;

Story two_sites() {
  Story story;
  story.admit(sample::site("aa-north-1", {sample::pool("cpu", 10'000)}));
  story.admit(sample::site("bb-south-1", {sample::pool("cpu", 20'000)}));
  return story;
}

// Replaces the first occurrence in the leaf that has `mark`.
std::vector<Bytes> tampered(std::vector<Bytes> leaves, const std::string& mark,
                            const std::string& from, const std::string& to) {
  for (Bytes& each : leaves) {
    if (each.find(mark) == Bytes::npos) continue;
    const auto at = each.find(from);
    EXPECT_NE(at, Bytes::npos) << each;
    each.replace(at, from.size(), to);
    return leaves;
  }
  ADD_FAILURE() << "no leaf has " << mark;
  return leaves;
}

TEST(Replay, MakesEveryDecisionAgain) {
  Story story = two_sites();
  const JobId first = story.submit(sample::job());
  EXPECT_EQ(story.place(first).chosen->site.value, "aa-north-1");
  const JobId second = story.submit(sample::job());
  story.refuse(first);
  story.place(first);
  story.place(second);
  story.grant(second);
  story.wait(std::chrono::seconds(20));
  const JobId third = story.submit(sample::job());
  story.place(third);
  story.end(second);
  const auto outcome = story.replay();
  ASSERT_TRUE(outcome.status) << describe(outcome.status.error());
  EXPECT_EQ(outcome.counts.decisions, 4U);
  EXPECT_EQ(outcome.counts.different, 0U);
  EXPECT_EQ(outcome.counts.signatures, 6U);
}

TEST(Replay, KnowsAfterARestartWhatTheBrokerKnowsThen) {
  Story story = two_sites();
  const JobId first = story.submit(sample::job());
  story.place(first);
  story.restart();
  story.admit(sample::site("bb-south-1", {sample::pool("cpu", 20'000)}));
  const JobId second = story.submit(sample::job());
  EXPECT_EQ(story.place(second).chosen->site.value, "bb-south-1");
  story.grant(first);
  const auto outcome = story.replay();
  ASSERT_TRUE(outcome.status) << describe(outcome.status.error());
  EXPECT_EQ(outcome.counts.decisions, 2U);
  EXPECT_EQ(outcome.counts.different, 0U);
}

TEST(Replay, KnowsWhichSitesTheBrokerDidNotTrust) {
  Story story = two_sites();
  const auto lost = [&] {
    story.wait(std::chrono::seconds(1));
    const JobId job = story.submit(sample::job());
    const SiteId site = story.place(job).chosen->site;
    story.grant(job);
    story.lose(job);
    return site.value;
  };
  for (int count = 0; count < 3; ++count) EXPECT_EQ(lost(), "aa-north-1");
  const Decision distrusted = story.place(story.submit(sample::job()));
  EXPECT_EQ(distrusted.chosen->site.value, "bb-south-1");
  ASSERT_EQ(distrusted.rejections.size(), 1U);
  EXPECT_EQ(distrusted.rejections[0].reason, ReasonCode::distrusted);
  story.wait(std::chrono::seconds(30));
  const JobId trial = story.submit(sample::job());
  EXPECT_EQ(story.place(trial).chosen->site.value, "aa-north-1");
  EXPECT_EQ(story.place(story.submit(sample::job())).chosen->site.value, "bb-south-1");
  story.grant(trial);
  story.end(trial);
  EXPECT_EQ(story.place(story.submit(sample::job())).chosen->site.value, "aa-north-1");
  const auto outcome = story.replay();
  ASSERT_TRUE(outcome.status) << describe(outcome.status.error());
  EXPECT_EQ(outcome.counts.decisions, 7U);
  EXPECT_EQ(outcome.counts.different, 0U);
}

TEST(Replay, FindsACostThatIsOneMillionthTooHigh) {
  Story story = two_sites();
  const JobId job = story.submit(sample::job());
  story.place(job);
  story.place(story.submit(sample::job()));
  for (Entry& each : story.entries()) {
    if (auto* decided = std::get_if<JobDecided>(&each.body); decided != nullptr) {
      if (decided->attempt.job == job) ++decided->decision.chosen->cost.compute.micros;
    }
  }
  const auto outcome = story.replay();
  ASSERT_TRUE(outcome.status) << describe(outcome.status.error());
  EXPECT_EQ(outcome.counts.decisions, 2U);
  ASSERT_EQ(outcome.counts.different, 1U);
  EXPECT_FALSE(outcome.decisions[0].same);
  EXPECT_EQ(outcome.decisions[0].subject, job.value + "#1");
  EXPECT_EQ(outcome.decisions[0].where, "decision.chosen.cost.compute");
  EXPECT_EQ(outcome.decisions[0].logged, "\"0.040001\"");
  EXPECT_EQ(outcome.decisions[0].replayed, "\"0.04\"");
  EXPECT_TRUE(outcome.decisions[1].same);
}

TEST(Replay, FindsADearerSiteThatWasChosen) {
  Story story = two_sites();
  story.place(story.submit(sample::job()));
  const auto outcome =
      story.replay(tampered(story.leaves(), "job.decided", R"("chosen":{"site":"aa-north-1")",
                            R"("chosen":{"site":"bb-south-1")"));
  ASSERT_EQ(outcome.counts.different, 1U);
  EXPECT_EQ(outcome.decisions[0].where, "decision.chosen.site");
}

TEST(Replay, OpensTenantsWhereSitesNameThem) {
  SiteRecord closed = sample::site("aa-north-1", {sample::pool("cpu", 10'000)});
  closed.policy.tenants_allowed = {TenantId{"physics"}};
  Story story;
  story.admit(closed);
  story.admit(sample::site("bb-south-1", {sample::pool("cpu", 20'000)}));
  EXPECT_EQ(story.place(story.submit(sample::job(), "physics")).chosen->site.value, "aa-north-1");
  EXPECT_EQ(story.place(story.submit(sample::job(), "biology")).chosen->site.value, "bb-south-1");
  const auto outcome = story.replay();
  ASSERT_TRUE(outcome.status) << describe(outcome.status.error());
  EXPECT_EQ(outcome.counts.different, 0U);
  for (const Bytes& each : story.leaves()) {
    if (each.find("market.recorded") == Bytes::npos) {
      EXPECT_EQ(each.find("physics"), Bytes::npos) << "sites tell of tenants, the broker does not";
    }
  }
}

TEST(Replay, RefusesAnOpeningThatTheLeafDoesNotCommitTo) {
  SiteRecord closed = sample::site("aa-north-1", {sample::pool("cpu", 10'000)});
  closed.policy.tenants_allowed = {TenantId{"physics"}};
  Story story;
  story.admit(closed);
  story.place(story.submit(sample::job(), "physics"));
  const auto leaves = story.leaves();
  for (Entry& each : story.entries()) {
    if (auto* job = std::get_if<JobSubmitted>(&each.body)) job->tenant.value = "biology";
  }
  const auto outcome = story.replay(leaves);
  ASSERT_FALSE(outcome.status);
  EXPECT_EQ(outcome.status.error().code, ErrorCode::corrupt);
}

TEST(Replay, FollowsAQuarantineFromItsProofUntilTheSiteHasAnotherKey) {
  const SiteRecord cheap = sample::site("aa-north-1", {sample::pool("cpu", 10'000)});
  Story story = two_sites();
  EXPECT_EQ(story.place(story.submit(sample::job())).chosen->site.value, "aa-north-1");
  story.quarantine(sample::sheet(cheap));
  EXPECT_EQ(story.place(story.submit(sample::job())).chosen->site.value, "bb-south-1");
  story.admit(cheap);  // under a new key
  EXPECT_EQ(story.place(story.submit(sample::job())).chosen->site.value, "aa-north-1");
  const auto outcome = story.replay();
  ASSERT_TRUE(outcome.status) << describe(outcome.status.error());
  EXPECT_EQ(outcome.counts.decisions, 3U);
  EXPECT_EQ(outcome.counts.different, 0U);
}

TEST(Replay, RefusesAQuarantineWhoseProofIsNone) {
  for (const auto spoil : {+[](Equivocation& proof) { proof.second = proof.first; },
                           +[](Equivocation& proof) { proof.second.signature[0] ^= 1; }}) {
    Story spoiled = two_sites();
    spoiled.place(spoiled.submit(sample::job()));
    spoiled.quarantine(sample::sheet(sample::site("aa-north-1", {sample::pool("cpu", 10'000)})));
    spoiled.place(spoiled.submit(sample::job()));
    for (Entry& each : spoiled.entries()) {
      if (auto* quarantined = std::get_if<SiteQuarantined>(&each.body)) spoil(quarantined->proof);
    }
    const auto outcome = spoiled.replay();
    ASSERT_FALSE(outcome.status);
    EXPECT_EQ(outcome.status.error().code, ErrorCode::corrupt);
  }
}

TEST(Replay, RefusesARecordThatItsSiteDidNotSign) {
  Story story = two_sites();
  story.place(story.submit(sample::job()));
  Story other = two_sites();
  other.place(other.submit(sample::job()));
  std::vector<Bytes> leaves = story.leaves();
  const auto is_sheet = [](const Bytes& leaf) {
    return leaf.find("\"reason\":\"quote\"") != Bytes::npos;
  };
  const auto at = std::find_if(leaves.begin(), leaves.end(), is_sheet) - leaves.begin();
  leaves[static_cast<std::size_t>(at)] = other.leaves()[static_cast<std::size_t>(at)];
  const auto outcome = story.replay(leaves);
  ASSERT_FALSE(outcome.status);
  EXPECT_NE(outcome.status.error().field.find("signature"), std::string::npos);
}

TEST(Replay, RefusesWhatIsNoLogOfABroker) {
  Story story = two_sites();
  const JobId job = story.submit(sample::job());
  story.place(job);
  story.grant(job);
  const std::vector<Bytes> leaves = story.leaves();
  const auto refused = [&](const std::string& mark, const std::string& from,
                           const std::string& to) {
    const auto outcome = story.replay(tampered(leaves, mark, from, to));
    EXPECT_FALSE(outcome.status) << mark << ": " << to;
    if (!outcome.status) {
      EXPECT_EQ(outcome.status.error().code, ErrorCode::corrupt);
      EXPECT_NE(outcome.status.error().field.find("leaf "), std::string::npos);
    }
  };
  refused("job.submitted", "\"id\":\"1\"", "\"id\":\"2\"");
  refused("job.submitted", "\"recordedtime\":\"2", "\"recordedtime\":\"1");
  refused("job.submitted", "\"nodes\":1", "\"nodes\":-1");
  refused("job.submitted", "\"objective\":\"cheapest\"", "\"objective\":\"dearest\"");
  refused("job.submitted", "job.submitted", "job.forgotten");
  refused("job.submitted", "{", "[");
  refused("job.decided", job.value + "#1", job.value + "#2");
  refused("job.decided", "\"units_per_node\":1", "\"units_per_node\":4294967296");
  refused("attempt.granted", job.value, "j0000000000zzz");
  std::vector<Bytes> doubled = leaves;
  doubled.push_back(leaves.back());
  EXPECT_FALSE(story.replay(doubled).status);
  std::vector<Bytes> shortened(leaves.begin() + 1, leaves.end());
  EXPECT_FALSE(story.replay(shortened).status);
}

}  // namespace
}  // namespace tradewind
