// Stores that earlier programs wrote.
#include <gtest/gtest.h>

#include <rocksdb/db.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "schemas/codec.h"
#include "state/journal/entry_group.h"
#include "state/journal/journal.h"
#include "state/journal/keys.h"
#include "tests/unit/journal/sample_store.h"

namespace tradewind {
namespace {

using sample::id;
using sample::record;

// The tables of a closed store.
class RawStore {
 public:
  explicit RawStore(const std::filesystem::path& directory) {
    const std::string path = (directory / "store").string();
    EXPECT_TRUE(rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions{}, path, &names_).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names_) {
      families.emplace_back(name, rocksdb::ColumnFamilyOptions{});
    }
    rocksdb::DB* opened = nullptr;
    EXPECT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions{}, path, families, &handles_, &opened).ok());
    db_.reset(opened);
  }
  ~RawStore() {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      EXPECT_TRUE(db_->DestroyColumnFamilyHandle(handle).ok());
    }
  }
  RawStore(const RawStore&) = delete;
  RawStore& operator=(const RawStore&) = delete;

  std::map<std::string, std::string> rows(const std::string& name) {
    std::map<std::string, std::string> found;
    const std::unique_ptr<rocksdb::Iterator> at(
        db_->NewIterator(rocksdb::ReadOptions{}, table(name)));
    for (at->SeekToFirst(); at->Valid(); at->Next()) {
      found[at->key().ToString()] = at->value().ToString();
    }
    return found;
  }
  void put(const std::string& name, const std::string& key, std::string_view value) {
    EXPECT_TRUE(db_->Put({}, table(name), key, rocksdb::Slice(value.data(), value.size())).ok());
  }

 private:
  rocksdb::ColumnFamilyHandle* table(const std::string& name) {
    return handles_.at(static_cast<std::size_t>(std::ranges::find(names_, name) - names_.begin()));
  }
  std::vector<std::string> names_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::unique_ptr<rocksdb::DB> db_;
};

// In format 4 every row of a job was a record.
void make_format_4(const std::filesystem::path& directory) {
  RawStore(directory).put("default", "format", "4");
}

// In format 3 each entry had a row of its own, and each live job an empty one in `jobs`.
void make_format_3(const std::filesystem::path& directory) {
  RawStore store(directory);
  for (const auto& [key, row] : store.rows("entries")) {
    Sequence number = *parse_sequence_key(key);
    const auto opened = EntryRow::open(row);
    ASSERT_TRUE(opened);
    for (const BytesView entry : opened->entries()) {
      store.put("entries", sequence_key(number), entry);
      ++number.value;
    }
  }
  for (const auto& [job, row] : store.rows("live")) store.put("jobs", job, "");
  store.put("default", "format", "3");
}

// In format 1, too, the records of all jobs were in one table, and the table of live jobs had their
// ids alone.
void make_format_1(const std::filesystem::path& directory) {
  make_format_3(directory);
  RawStore store(directory);
  for (const auto& [job, row] : store.rows("live")) {
    store.put("jobs", job, row);
    store.put("live", job, "");
  }
  store.put("default", "format", "1");
}

void expect_brought_up_to_date(void (*make_older)(const std::filesystem::path&)) {
  const sample::TemporaryDirectory directory;
  auto journal = sample::open(directory.path());
  sample::fill(*journal, 1, 3);
  sample::fill(*journal, 4, 5, "zoology", JobState::failed);
  journal.reset();
  make_older(directory.path());
  for (std::uint64_t opening = 0; opening < 2; ++opening) {
    journal = sample::open(directory.path());
    ASSERT_NE(journal, nullptr);
    std::vector<Bytes> live;
    ASSERT_TRUE(journal->live_jobs([&](Bytes row) { live.push_back(std::move(row)); }));
    EXPECT_EQ(live.size(), 3 + 2 * opening);
    EXPECT_EQ(live.front(), encode(record(1)));
    EXPECT_EQ(*journal->job(id(2)), record(2));
    EXPECT_EQ(*journal->job(id(4)), record(4, "zoology", JobState::failed));
    EXPECT_EQ(sample::list_all(*journal, {}).size(), 5 + 2 * opening);
    EXPECT_EQ(sample::entries(*journal).size(), 5 + 2 * opening);
    // It goes on from there.
    sample::fill(*journal, 6 + 2 * opening, 7 + 2 * opening);
    journal.reset();
  }
}

TEST(JournalFormat, AStoreOfAFormatBeforeIsBroughtUpToDate) {
  expect_brought_up_to_date(make_format_4);
  expect_brought_up_to_date(make_format_3);
  expect_brought_up_to_date(make_format_1);
}

}  // namespace
}  // namespace tradewind
