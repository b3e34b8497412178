#include "gateway/store.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/unit/gateway/temporary_directory.h"

namespace tradewind {
namespace {

Now at_seconds(std::int64_t seconds) {
  Now now;
  now.wall = wall_from_ms(seconds * 1'000);
  return now;
}

std::unique_ptr<Store> open(const TemporaryDirectory& directory, std::int64_t seconds = 1'000) {
  auto store = Store::open(directory.path() / "store", at_seconds(seconds));
  EXPECT_TRUE(store) << describe(store.error());
  return store ? std::move(*store) : nullptr;
}

TEST(Store, KeepsWhatAdmissionWroteAndNothingItErased) {
  const TemporaryDirectory directory;
  {
    auto store = open(directory);
    ASSERT_TRUE(store->write_admission({{"t/1", Bytes("one")}, {"t/2", Bytes("two\0x", 5)}}));
    ASSERT_TRUE(store->write_admission({{"t/1", std::nullopt}, {"term", Bytes("7")}}));
  }
  auto store = open(directory);
  const auto stored = store->read_admission();
  ASSERT_TRUE(stored);
  const std::vector<StoreWrite> expected = {{"t/2", Bytes("two\0x", 5)}, {"term", Bytes("7")}};
  EXPECT_EQ(*stored, expected);
}

TEST(Store, AcknowledgedWritesSurviveAnAbruptEndOfTheProcess) {
  const TemporaryDirectory directory;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = Store::open(directory.path() / "store", at_seconds(1'000));
    const bool good = store && (*store)->write_admission({{"held", Bytes("attempt")}}) &&
                      (*store)->next_version();
    ::_exit(good ? 0 : 1);  // without closing anything
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  auto store = open(directory, 2'000);
  const auto stored = store->read_admission();
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->size(), 1u);
  EXPECT_EQ(stored->front().value, "attempt");
  const auto version = store->next_version();
  ASSERT_TRUE(version);
  EXPECT_EQ(version->epoch, 2'000'000u);
}

TEST(Store, VersionsRiseOverRestartsWhateverTheClockSays) {
  const TemporaryDirectory directory;
  RecordVersion last;
  for (const std::int64_t seconds : {1'000, 1'000, 500, 2'000}) {
    auto store = open(directory, seconds);
    for (int i = 0; i < 300; ++i) {
      const auto version = store->next_version();
      ASSERT_TRUE(version);
      ASSERT_LT(last, *version);
      last = *version;
    }
  }
}

TEST(Store, AnOldCopyOfItGivesNoVersionASecondTime) {
  const TemporaryDirectory directory;
  (void)open(directory, 1'000);
  const auto copy = directory.path() / "copy";
  std::filesystem::copy(directory.path() / "store", copy, std::filesystem::copy_options::recursive);
  RecordVersion last;
  {
    auto store = open(directory, 1'010);
    for (int i = 0; i < 300; ++i) last = store->next_version().value();
  }
  const auto restored = Store::open(copy, at_seconds(1'020));
  ASSERT_TRUE(restored) << describe(restored.error());
  EXPECT_LT(last, (*restored)->next_version().value());
}

TEST(Store, NoTwoStartsFromOneOldCopyGiveAVersionTwiceThoughTheClockIsBehind) {
  const TemporaryDirectory directory;
  (void)open(directory, 1'000);
  std::set<std::uint64_t> epochs;
  for (int i = 0; i < 4; ++i) {
    const auto copy = directory.path() / std::to_string(i);
    std::filesystem::copy(directory.path() / "store", copy,
                          std::filesystem::copy_options::recursive);
    const auto restored = Store::open(copy, at_seconds(500));
    ASSERT_TRUE(restored) << describe(restored.error());
    const RecordVersion version = (*restored)->next_version().value();
    EXPECT_GT(version.epoch, 1'000'000U);
    EXPECT_TRUE(epochs.insert(version.epoch).second)
        << "or an honest site is proved to tell two stories";
  }
}

TEST(Store, KeepsTheNewestRecordOfEachMember) {
  const TemporaryDirectory directory;
  {
    auto store = open(directory);
    ASSERT_TRUE(store->keep_member(NodeId{"site/a"}, {Bytes("old"), Bytes(64, 's')}));
    ASSERT_TRUE(store->keep_member(NodeId{"site/a"}, {Bytes("new"), Bytes(64, 't')}));
    ASSERT_TRUE(store->keep_member(NodeId{"broker/b"}, {Bytes("broker"), Bytes(64, 'u')}));
  }
  auto store = open(directory);
  const auto members = store->members();
  ASSERT_TRUE(members) << describe(members.error());
  ASSERT_EQ(members->size(), 2u);
  EXPECT_EQ(members->at(0).body, "broker");
  EXPECT_EQ(members->at(1), (SignedRecord{Bytes("new"), Bytes(64, 't')}));
}

TEST(Store, WhatWasLearntCanBeReadBesideTheGatewayThatKeepsIt) {
  const TemporaryDirectory directory;
  const auto store = open(directory);
  const LearntClass training{PoolId{"gpu"}, "training"};
  const LearntClass inference{PoolId{"gpu"}, "inference"};
  ASSERT_TRUE(store->keep_learnt({{training, "one"}, {inference, "two"}}));
  ASSERT_TRUE(store->keep_learnt({{training, "three"}}));
  const auto beside = Store::look(directory.path() / "store");
  ASSERT_TRUE(beside) << describe(beside.error());
  EXPECT_EQ(*(*beside)->learnt(),
            (std::map<LearntClass, std::string>{{training, "three"}, {inference, "two"}}));
  EXPECT_FALSE(Store::look(directory.path() / "none"));
}

TEST(Store, ASecondGatewayOnTheSameDirectoryIsRefused) {
  const TemporaryDirectory directory;
  const auto first = open(directory);
  const auto second = Store::open(directory.path() / "store", at_seconds(1'000));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(second.error().remedy.empty());
}

TEST(Store, ADirectoryThatIsNotOursIsAnErrorNotACrash) {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() / "store") << "a file";
  EXPECT_FALSE(Store::open(directory.path() / "store", at_seconds(1'000)));
}

}  // namespace
}  // namespace tradewind
