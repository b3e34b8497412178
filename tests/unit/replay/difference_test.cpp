#include "broker/audit/difference.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

TEST(Difference, NamesTheFirstPlaceAndBothValues) {
  const auto found =
      first_difference(R"({"a":{"b":[1,{"c":"x"}]},"d":1})", R"({"a":{"b":[1,{"c":"y"}]},"d":2})");
  EXPECT_EQ(found.where, "a.b[1].c");
  EXPECT_EQ(found.left, "\"x\"");
  EXPECT_EQ(found.right, "\"y\"");
}

TEST(Difference, TellsWhatOnlyOneSideHas) {
  EXPECT_EQ(first_difference(R"({"a":1,"b":2})", R"({"a":1})").where, "b");
  EXPECT_EQ(first_difference(R"({"a":1})", R"({"a":1,"b":2})").right, "2");
  EXPECT_EQ(first_difference(R"({"a":[1]})", R"({"a":[1,2]})").where, "a[1]");
  EXPECT_EQ(first_difference(R"({"a":1})", "no JSON").where, "");
}

}  // namespace
}  // namespace tradewind
