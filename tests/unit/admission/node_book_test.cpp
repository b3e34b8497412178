#include "gateway/admission/node_book.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>

namespace tradewind {
namespace {

TEST(NodeBook, PrefersTheFullestNodesThatFit) {
  NodeBook book(3, 4);
  book.take({1}, 2);
  EXPECT_EQ(book.best_fit(1, 2), std::vector<std::uint32_t>{1});
  EXPECT_EQ(book.best_fit(1, 3), std::vector<std::uint32_t>{0});
  EXPECT_EQ(book.best_fit(3, 2), (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(book.best_fit(3, 3), std::nullopt);
  EXPECT_EQ(book.best_fit(4, 1), std::nullopt);
  EXPECT_EQ(book.best_fit(1, 5), std::nullopt);
}

TEST(NodeBook, KnowsWhichNodesItHas) {
  NodeBook book(2, 4);
  EXPECT_TRUE(book.fits({0, 1}, 4));
  EXPECT_FALSE(book.fits({2}, 1));
  EXPECT_FALSE(book.fits({0, 0}, 1));
  EXPECT_FALSE(book.fits({1, 0}, 1));
  book.take({0}, 1);
  EXPECT_FALSE(book.fits({0}, 4));
}

TEST(NodeBook, ItsFiguresAddUpWhateverIsTakenAndGivenBack) {
  NodeBook book(5, 6);
  std::mt19937 random(1);
  std::vector<std::pair<std::vector<std::uint32_t>, std::uint32_t>> held;
  std::uint32_t taken = 0;
  for (int i = 0; i < 2'000; ++i) {
    const auto count = static_cast<std::uint32_t>(random() % 3 + 1);
    const auto units = static_cast<std::uint32_t>(random() % 6 + 1);
    if (const auto nodes = book.best_fit(count, units); nodes && random() % 2 == 0) {
      book.take(*nodes, units);
      held.emplace_back(*nodes, units);
      taken += count * units;
    } else if (!held.empty()) {
      const std::size_t which = random() % held.size();
      book.give_back(held[which].first, held[which].second);
      taken -= static_cast<std::uint32_t>(held[which].first.size()) * held[which].second;
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
    }
    ASSERT_EQ(book.units_free(), book.units() - taken);
    ASSERT_LE(book.units_free_node(), 6U);
    ASSERT_GE(book.units_free_node() * book.nodes(), book.units_free());
  }
}

}  // namespace
}  // namespace tradewind
