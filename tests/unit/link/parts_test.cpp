#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/link/auth_table.h"
#include "state/link/endpoint.h"
#include "state/link/send_queue.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Bytes kKeyA(32, 'a');
const Bytes kKeyB(32, 'b');
const NodeId kA{"site/a"};
const NodeId kB{"site/b"};

TEST(AuthTable, AllowsExactlyTheKeyOfTheNode) {
  AuthTable table;
  ASSERT_TRUE(table.set(kKeyA, kA));
  ASSERT_TRUE(table.set(kKeyB, kB));
  EXPECT_TRUE(table.allowed(kKeyA, kA));
  EXPECT_FALSE(table.allowed(kKeyB, kA));
  EXPECT_FALSE(table.allowed(kKeyA, kB));
  EXPECT_FALSE(table.allowed("", NodeId{"site/c"}));
  EXPECT_EQ(table.find(kKeyB), kB);
  EXPECT_EQ(table.find(Bytes(32, 'c')), std::nullopt);
}

TEST(AuthTable, ForgetsTheFormerKeyOfANode) {
  AuthTable table;
  ASSERT_TRUE(table.set(kKeyA, kA));
  ASSERT_TRUE(table.set(kKeyA, kA));
  ASSERT_TRUE(table.set(kKeyB, kA));
  EXPECT_FALSE(table.allowed(kKeyA, kA));
  EXPECT_TRUE(table.allowed(kKeyB, kA));
  EXPECT_EQ(table.size(), 1U);
  table.remove(kA);
  table.remove(kA);
  EXPECT_EQ(table.find(kKeyB), std::nullopt);
  EXPECT_EQ(table.size(), 0U);
}

TEST(AuthTable, AllowsTheFormerKeyBesideTheNewOneUntilItIsNotNamedAnyMore) {
  AuthTable table;
  const NodeId node{"site/a"};
  const Bytes former(32, 'f');
  const Bytes next(32, 'n');
  ASSERT_TRUE(table.set(former, node));
  ASSERT_TRUE(table.set(next, node, former));
  EXPECT_TRUE(table.allowed(former, node));
  EXPECT_TRUE(table.allowed(next, node));
  EXPECT_EQ(table.find(former), node);
  EXPECT_EQ(table.size(), 2U);
  EXPECT_FALSE(table.set(former, NodeId{"site/b"}));
  EXPECT_FALSE(table.set(Bytes(32, 'x'), NodeId{"site/b"}, next));
  EXPECT_EQ(table.find(Bytes(32, 'x')), std::nullopt);
  ASSERT_TRUE(table.set(next, node));
  EXPECT_FALSE(table.allowed(former, node));
  EXPECT_EQ(table.find(former), std::nullopt);
  EXPECT_FALSE(table.set(next, node, "short"));
  table.remove(node);
  EXPECT_EQ(table.size(), 0U);
}

TEST(AuthTable, KeepsMembersOnly) {
  AuthTable table;
  ASSERT_TRUE(table.set(kKeyA, kA));
  ASSERT_TRUE(table.set(kKeyB, kB, Bytes(32, 'f')));
  table.retain([](const NodeId& node) { return node == kA; });
  EXPECT_TRUE(table.allowed(kKeyA, kA));
  EXPECT_EQ(table.size(), 1U);
  table.retain([](const NodeId&) { return false; });
  EXPECT_EQ(table.size(), 0U);
}

TEST(AuthTable, DoesNotLetANodeClaimItsNeighboursKey) {
  AuthTable table;
  ASSERT_TRUE(table.set(kKeyA, kA));
  const Status claimed = table.set(kKeyA, kB);
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().code, ErrorCode::conflict);
  EXPECT_THAT(describe(claimed.error()), HasSubstr("site/a"));
  EXPECT_EQ(table.find(kKeyA), kA);
  EXPECT_EQ(table.set("short", kB).error().code, ErrorCode::invalid);
}

TEST(Endpoint, IsTcpWithHostAndPortAndNothingElse) {
  for (const char* good : {"tcp://127.0.0.1:7411", "tcp://gateway.example.org:1",
                           "tcp://[2001:db8::7]:65535", "tcp://osaka-1_a:80"}) {
    EXPECT_TRUE(check_peer_endpoint("endpoint", good)) << good;
    EXPECT_TRUE(check_bind_endpoint("endpoint", good)) << good;
  }
  for (const char* bad : {"",
                          "tcp://",
                          "tcp://a",
                          "tcp://a:",
                          "tcp://:80",
                          "tcp://a:0",
                          "tcp://a:65536",
                          "tcp://a:8x",
                          "tcp://a:-1",
                          "tcp://a:000080",
                          "ipc:///tmp/x",
                          "inproc://zeromq.zap.01",
                          "tcp://a;b:80",
                          "tcp://eth0;10.0.0.1:80",
                          "tcp://*:80",
                          "tcp://a b:80",
                          "tcp://[::1:80",
                          "tcp://::1:80",
                          "tcp://[a]:80",
                          "tcp://[fe80::1%eth0]:80",
                          "udp://a:80",
                          "TCP://a:80",
                          "tcp://-a:80",
                          "tcp://a:80/x"}) {
    const Status checked = check_peer_endpoint("endpoint", bad);
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().code, ErrorCode::invalid);
    EXPECT_EQ(checked.error().field, "endpoint");
  }
  EXPECT_TRUE(check_bind_endpoint("bind", "tcp://*:0"));
  EXPECT_TRUE(check_bind_endpoint("bind", "tcp://0.0.0.0:7411"));
  EXPECT_FALSE(check_bind_endpoint("bind", "tcp://*:*"));
  EXPECT_FALSE(check_bind_endpoint("bind", "ipc:///tmp/x"));
}

TEST(SendQueue, IsBoundedInNumberBytesAndAge) {
  SendQueue queue({3, 10, 1'000ms});
  const Mono::time_point start{};
  EXPECT_TRUE(queue.push(1, "12345", start));
  EXPECT_FALSE(queue.push(1, "123456", start)) << "11 bytes";
  EXPECT_TRUE(queue.push(2, "12345", start + 600ms));
  EXPECT_TRUE(queue.push(2, "", start + 600ms));
  EXPECT_FALSE(queue.push(2, "", start + 600ms)) << "a fourth message";
  EXPECT_EQ(queue.expire(start + 1'000ms), 0U);
  EXPECT_EQ(queue.expire(start + 1'001ms), 1U);
  EXPECT_EQ(queue.front().channel, 2);
  EXPECT_TRUE(queue.push(1, "12345", start + 1'001ms)) << "room came back";
  queue.pop();
  EXPECT_EQ(queue.clear(), 2U);
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.push(1, "1234567890", start));
}

}  // namespace
}  // namespace tradewind
