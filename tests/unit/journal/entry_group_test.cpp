// Entries that lie in one row come back as they were, and bytes that are no row are refused.
#include "state/journal/entry_group.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "schemas/codec.h"
#include "schemas/limits.h"
#include "state/journal/limits.h"
#include "tests/unit/journal/sample_store.h"

namespace tradewind {
namespace {

Bytes row_of(const std::vector<Bytes>& entries) {
  EntryGroup group;
  for (const Bytes& each : entries) group.add(each);
  return group.take();
}

std::vector<Bytes> read(BytesView row) {
  const auto opened = EntryRow::open(row);
  if (!opened) return {};
  return {opened->entries().begin(), opened->entries().end()};
}

TEST(EntryGroup, GivesBackWhatItWasGiven) {
  for (const std::uint64_t count : {1U, 2U, 3U, 100U, 256U}) {
    std::vector<Bytes> entries;
    for (std::uint64_t at = 1; at <= count; ++at) entries.push_back(encode(sample::submitted(at)));
    const Bytes row = row_of(entries);
    EXPECT_EQ(*entries_in(row), count);
    EXPECT_EQ(read(row), entries);
  }
}

TEST(EntryGroup, ARowOfOneIsTheEntryItself) {
  const Bytes entry = encode(sample::submitted(7));
  EXPECT_EQ(row_of({entry}), entry);
}

TEST(EntryGroup, ManyAlikeTakeAFewBytesEach) {
  std::vector<Bytes> entries;
  std::size_t bytes = 0;
  for (std::uint64_t at = 1; at <= 256; ++at) {
    entries.push_back(encode(sample::submitted(at)));
    bytes += entries.back().size();
  }
  EXPECT_LT(row_of(entries).size(), bytes / 3);
}

TEST(EntryGroup, IsFullByCountOrByBytesAndTheLastMayBeOfAnySize) {
  EntryGroup group;
  for (std::uint32_t at = 0; at < limits::entry_group_count; ++at) {
    EXPECT_FALSE(group.full());
    group.add("e");
  }
  EXPECT_TRUE(group.full());
  EXPECT_FALSE(group.take().empty());
  EXPECT_TRUE(group.empty());

  const std::vector<Bytes> entries = {Bytes(limits::entry_group_bytes - 8, 'a'),
                                      Bytes(limits::entry_bytes_max, 'b')};
  group.add(entries[0]);
  EXPECT_FALSE(group.full());
  group.add(entries[1]);
  EXPECT_TRUE(group.full());
  EXPECT_EQ(read(group.take()), entries);
}

TEST(EntryGroup, WhatIsNoRowIsRefused) {
  const Bytes row = row_of({encode(sample::submitted(1)), encode(sample::submitted(2)), "third"});
  for (std::size_t length = 0; length < row.size(); ++length) {
    EXPECT_FALSE(EntryRow::open(BytesView(row).substr(0, length))) << length;
  }
  // A byte that is changed may change an entry, but neither their number nor how many bytes are
  // taken.
  for (std::size_t at = 1; at < row.size(); ++at) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      Bytes other = row;
      other[at] = static_cast<char>(other[at] ^ flip);
      const auto opened = EntryRow::open(other);
      if (!opened) {
        EXPECT_EQ(opened.error().code, ErrorCode::corrupt);
      } else {
        EXPECT_EQ(opened->entries().size(), 3U);
      }
    }
  }
}

}  // namespace
}  // namespace tradewind
