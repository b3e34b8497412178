#include "gateway/staging/range_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace tradewind {
namespace {

using Range = RangeBook::Range;

TEST(RangeBook, GivesPiecesInOrderAndTakesThemBackFirst) {
  RangeBook book(100, 10, 30);
  EXPECT_EQ(book.missing_bytes(), 90U);
  const auto first = book.take();
  const auto second = book.take();
  EXPECT_EQ(first, (Range{10, 40}));
  EXPECT_EQ(second, (Range{40, 70}));
  EXPECT_EQ(book.take(), (Range{70, 100}));
  EXPECT_FALSE(book.take());
  book.advance(70, 70);
  EXPECT_EQ(book.beginning_bytes(), 10U);
  book.advance(40, 25);
  book.give_back(40);
  EXPECT_EQ(book.beginning_bytes(), 25U);
  EXPECT_EQ(book.take(), (Range{25, 40}));
  book.advance(40, 40);
  EXPECT_EQ(book.beginning_bytes(), 70U);
  book.advance(100, 100);
  EXPECT_EQ(book.missing_bytes(), 0U);
  EXPECT_EQ(book.beginning_bytes(), 100U);
}

TEST(RangeBook, PiecesGrowWithTheFile) {
  RangeBook large(64ULL << 30, 0, 16ULL << 20);
  EXPECT_EQ(large.take()->end, 1ULL << 30);
  RangeBook huge(1ULL << 40, 0, 16ULL << 20);
  EXPECT_EQ(huge.take()->end, 1ULL << 30);
  RangeBook nothing(0, 0, 1);
  EXPECT_FALSE(nothing.take());
  EXPECT_EQ(RangeBook(5, 5, 1).missing_bytes(), 0U);
}

TEST(RangeBook, WhatIsKeptComesBack) {
  std::mt19937 draw(1);
  for (int round = 0; round < 200; ++round) {
    RangeBook book(100'000, draw() % 50'000, 1 + draw() % 500);
    std::vector<Range> taken;
    for (int step = 0; step < 200; ++step) {
      if (const auto piece = book.take()) taken.push_back(*piece);
      if (taken.empty()) break;
      const std::size_t which = draw() % taken.size();
      Range& one = taken[which];
      if (draw() % 3 != 0) {
        one.at += draw() % (one.end - one.at + 1);
        book.advance(one.end, one.at);
        if (one.at != one.end) continue;
      } else {
        book.give_back(one.end);
      }
      taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(which));
    }
    const std::string kept = book.encode();
    ASSERT_EQ(kept.size(), RangeBook::encoded_bytes);
    const auto again = RangeBook::decode(kept, 1);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->size_bytes(), book.size_bytes());
    EXPECT_EQ(again->beginning_bytes(), book.beginning_bytes());
    // With very many gaps, some of what is there is told as missing.
    EXPECT_GE(again->missing_bytes(), book.missing_bytes());
    EXPECT_LE(again->missing_bytes(), book.size_bytes() - book.beginning_bytes());
  }
}

TEST(RangeBook, TakesNoBookThatIsNone) {
  const std::string good = RangeBook(100, 10, 30).encode();
  ASSERT_TRUE(RangeBook::decode(good, 30));
  EXPECT_FALSE(RangeBook::decode(good.substr(1), 30));
  EXPECT_FALSE(RangeBook::decode(std::string(RangeBook::encoded_bytes, 'x'), 30));
  for (const std::size_t word :
       {0U, 2U, 3U, 4U}) {  // the magic number, the count, a gap's two ends
    std::string bad = good;
    bad[8 * word + 7] = '\x7f';
    EXPECT_FALSE(RangeBook::decode(bad, 30)) << word;
  }
}

}  // namespace
}  // namespace tradewind
