#include "schemas/ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tradewind {
namespace {

TEST(Ids, JobIdsSortAsTheirSequencesDo) {
  const std::vector<std::uint64_t> sequences = {0,
                                                1,
                                                31,
                                                32,
                                                33,
                                                1'023,
                                                1'024,
                                                1ULL << 40U,
                                                job_sequence_max.value - 1,
                                                job_sequence_max.value};
  for (const BrokerTag broker : {BrokerTag{}, tag_of(broker_node("eu-1"))}) {
    std::vector<JobId> ids;
    for (const std::uint64_t each : sequences) ids.push_back(job_id(Sequence{each}, broker));
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
    EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
    for (const JobId& each : ids) EXPECT_TRUE(is_job_id(each.value)) << each.value;
    for (std::size_t at = 0; at < ids.size(); ++at) {
      EXPECT_EQ(submitted_at(ids[at]).value, sequences[at]);
      EXPECT_EQ(submitted_at(array_task_id(ids[at], 3)).value, sequences[at]);
    }
  }
  EXPECT_EQ(submitted_at(JobId{"none"}).value, 0U);
}

TEST(Ids, JobIdsAreCrockfordDigits) {
  EXPECT_EQ(job_id(Sequence{1}).value, "j0000000000001");
  EXPECT_EQ(job_id(Sequence{32}).value, "j0000000000010");
  EXPECT_EQ(job_id(job_sequence_max).value, "j0000zzzzzzzzz");
  EXPECT_EQ(job_id(job_sequence_max, BrokerTag{(1U << 19U) - 1}).value, "jfzzzzzzzzzzzz");
}

TEST(Ids, TwoBrokersNeverGiveTheSameJobId) {
  const NodeId eu = broker_node("eu-1");
  const NodeId us = broker_node("us-1");
  const JobId job = job_id(Sequence{7}, tag_of(eu));
  // In every store and at every site: it must not change.
  EXPECT_EQ(job.value, "j96fn000000007");
  EXPECT_NE(job, job_id(Sequence{7}, tag_of(us)));
  EXPECT_TRUE(may_be_of(job, eu));
  EXPECT_TRUE(may_be_of(array_task_id(job, 3), eu));
  EXPECT_FALSE(may_be_of(job, us));
  EXPECT_FALSE(may_be_of(JobId{"none"}, eu));
}

TEST(Ids, AnIdFromBeforeThereWereTagsMayBeOfAnyBrokerAndSortsFirst) {
  const NodeId eu = broker_node("eu-1");
  const JobId before = job_id(Sequence{9});
  EXPECT_TRUE(may_be_of(before, eu));
  EXPECT_TRUE(may_be_of(before, broker_node("us-1")));
  EXPECT_LT(before, job_id(Sequence{10}, tag_of(eu)));
}

TEST(Ids, EveryBrokerHasATag) {
  for (int i = 0; i < 10'000; ++i) {
    const BrokerTag tag = tag_of(broker_node(std::to_string(i)));
    EXPECT_GT(tag.value, 0U);
    EXPECT_LT(tag.value, 1U << 19U);
  }
}

TEST(Ids, TasksOfAnArraySortByIndexBehindTheirArray) {
  const JobId array = job_id(Sequence{7});
  EXPECT_EQ(array_task_id(array, 0).value, "j0000000000007-00000");
  EXPECT_EQ(array_task_id(array, 99'999).value, "j0000000000007-99999");
  EXPECT_LT(array, array_task_id(array, 0));
  EXPECT_LT(array_task_id(array, 9), array_task_id(array, 10));
  EXPECT_LT(array_task_id(array, 99'999), job_id(Sequence{8}));
  EXPECT_TRUE(is_job_id(array_task_id(array, 12).value));
}

TEST(Ids, KnowsWhatIsNoJobId) {
  for (const char* text :
       {"", "j", "j000000000001", "j00000000000011", "k0000000000001", "j000000000000i",
        "j000000000000O", "J0000000000001", "j0000000000001-", "j0000000000001-0000",
        "j0000000000001-0000a", "j0000000000001-000000", "j0000000000001_00000"}) {
    EXPECT_FALSE(is_job_id(text)) << text;
  }
}

TEST(Ids, AttemptsReadBackAsTheyAreWritten) {
  for (const AttemptId& attempt :
       {AttemptId{job_id(Sequence{1}), 1}, AttemptId{array_task_id(job_id(Sequence{9}), 4), 17},
        AttemptId{job_id(job_sequence_max), UINT32_MAX}}) {
    EXPECT_EQ(parse_attempt(to_string(attempt)).value(), attempt);
  }
  EXPECT_EQ(to_string(AttemptId{job_id(Sequence{1}), 2}), "j0000000000001#2");
}

TEST(Ids, KnowsWhatIsNoAttempt) {
  for (const char* text :
       {"", "#", "j0000000000001", "j0000000000001#", "j0000000000001#0", "j0000000000001#-1",
        "j0000000000001#+1", "j0000000000001# 1", "j0000000000001#1x", "j0000000000001#4294967296",
        "j0000000000001##1", "x#1"}) {
    const auto result = parse_attempt(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, ErrorCode::invalid);
  }
}

TEST(Ids, NamesAreShortAndPlain) {
  for (const std::string name : {"a", "0", "jp-osaka-1", "a--b"}) {
    EXPECT_TRUE(check_name("site", name)) << name;
  }
  EXPECT_TRUE(check_name("site", std::string(63, 'a')));
  EXPECT_FALSE(check_name("site", std::string(64, 'a')));
  for (const std::string name : {"", "-a", "a-", "A", "a_b", "a.b", "a b", "a/b", "é", "..", "-"}) {
    const Status status = check_name("site", name);
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().field, "site");
    EXPECT_EQ(status.error().code, ErrorCode::invalid);
  }
  EXPECT_FALSE(check_name("site", std::string_view("a\0b", 3)));
}

TEST(Ids, AnErrorQuotesNoMoreThanItsReaderCanUse) {
  EXPECT_LT(check_name("site", std::string(100'000, 'A')).error().message.size(), 200U);
  EXPECT_LT(parse_attempt(std::string(100'000, 'A')).error().message.size(), 200U);
}

TEST(Ids, JurisdictionsAreTwoCapitals) {
  EXPECT_TRUE(check_jurisdiction("jurisdiction", "JP"));
  for (const char* text : {"", "J", "jp", "JPN", "J1", "日"}) {
    EXPECT_FALSE(check_jurisdiction("jurisdiction", text)) << text;
  }
}

TEST(Ids, ANodeTellsItsSite) {
  EXPECT_EQ(site_node(SiteId{"jp-osaka-1"}).value, "site/jp-osaka-1");
  EXPECT_EQ(site_of(site_node(SiteId{"jp-osaka-1"})).value(), SiteId{"jp-osaka-1"});
  EXPECT_EQ(site_of(broker_node("eu-1")).error().code, ErrorCode::not_found);
}

TEST(Ids, TiesFallTheSameWayOnEveryMachine) {
  // FNV-1a's published test vectors.
  static_assert(stable_hash("") == 0xcbf29ce484222325ULL);
  static_assert(stable_hash("a") == 0xaf63dc4c8601ec8cULL);
  static_assert(stable_hash("foobar") == 0x85944171f73967e8ULL);
}

}  // namespace
}  // namespace tradewind
