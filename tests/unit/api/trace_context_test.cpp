#include "broker/api/trace_context.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tradewind {
namespace {

TEST(TraceContext, KeepsAWellFormedTraceAndNothingElse) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_EQ(trace_parent(good), good);
  for (const std::string& bad :
       std::vector<std::string>{std::string(), good + "-x", good.substr(1), "ff" + good.substr(2),
                                "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
                                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x"}) {
    EXPECT_EQ(trace_parent(bad), "") << bad;
  }
}

}  // namespace
}  // namespace tradewind
