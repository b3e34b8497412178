// Stores that earlier programs wrote.
#include <gtest/gtest.h>

#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

#include "schemas/codec.h"
#include "state/journal/journal.h"
#include "tests/unit/journal/sample_store.h"

namespace tradewind {
namespace {

using sample::id;
using sample::record;

// In format 1 the records of all jobs were in one table, and the table of live jobs had their ids
// alone.
void make_format_1(const std::filesystem::path& directory) {
  const std::string path = (directory / "store").string();
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions{}, path, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions{});
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions{}, path, families, &handles, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  const auto table = [&](const std::string& name) {
    return handles.at(static_cast<std::size_t>(std::ranges::find(names, name) - names.begin()));
  };
  const rocksdb::WriteOptions write;
  std::unique_ptr<rocksdb::Iterator> at(db->NewIterator(rocksdb::ReadOptions{}, table("live")));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    ASSERT_TRUE(db->Put(write, table("jobs"), at->key(), at->value()).ok());
    ASSERT_TRUE(db->Put(write, table("live"), at->key(), "").ok());
  }
  at.reset();
  ASSERT_TRUE(db->Put(write, table("default"), "format", "1").ok());
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
  }
}

TEST(JournalFormat, AStoreOfTheFormatBeforeIsBroughtUpToDate) {
  const sample::TemporaryDirectory directory;
  auto journal = sample::open(directory.path());
  sample::fill(*journal, 1, 3);
  sample::fill(*journal, 4, 5, "zoology", JobState::failed);
  journal.reset();
  make_format_1(directory.path());
  for (int opening = 0; opening < 2; ++opening) {
    journal = sample::open(directory.path());
    ASSERT_NE(journal, nullptr);
    std::vector<Bytes> live;
    ASSERT_TRUE(journal->live_jobs([&](Bytes row) { live.push_back(std::move(row)); }));
    EXPECT_EQ(live, (std::vector<Bytes>{encode(record(1)), encode(record(2)), encode(record(3))}));
    EXPECT_EQ(*journal->job(id(2)), record(2));
    EXPECT_EQ(*journal->job(id(4)), record(4, "zoology", JobState::failed));
    EXPECT_EQ(sample::list_all(*journal, {}).size(), 5U);
    journal.reset();
  }
}

}  // namespace
}  // namespace tradewind
