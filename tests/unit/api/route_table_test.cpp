// Which handler a path leads to.
#include "broker/api/route_table.h"

#include <gtest/gtest.h>

#include "broker/api/http_message.h"

namespace tradewind::testing {
namespace {

TEST(RouteTable, MatchesLiteralsCapturesVerbsAndTails) {
  RouteTable table;
  table.add("GET", "/a/{id}", 1);
  table.add("POST", "/a/{id}:cancel", 2);
  table.add("POST", "/m/{node...}/state", 3);
  table.add("GET", "/a", 4);
  using Kind = RouteTable::Match::Kind;
  EXPECT_EQ(table.match("GET", "/a/x").route, 1U);
  EXPECT_EQ(table.match("GET", "/a/x").captures, std::vector<std::string>{"x"});
  EXPECT_EQ(table.match("HEAD", "/a/x").route, 1U);
  EXPECT_EQ(table.match("POST", "/a/x:cancel").captures, std::vector<std::string>{"x"});
  EXPECT_EQ(table.match("POST", "/a/x%3acancel").route, 2U);
  EXPECT_EQ(table.match("GET", "/a/x:cancel").kind, Kind::no_method);
  EXPECT_EQ(table.match("POST", "/a/:cancel").kind, Kind::no_path);
  EXPECT_EQ(table.match("POST", "/m/site/x/state").captures, std::vector<std::string>{"site/x"});
  EXPECT_EQ(table.match("POST", "/m/state").kind, Kind::no_path);
  EXPECT_EQ(table.match("GET", "/a/").route, 4U);
  EXPECT_EQ(table.match("GET", "/a//x").kind, Kind::no_path);
  EXPECT_EQ(table.match("GET", "/a/x/y").kind, Kind::no_path);
  EXPECT_EQ(table.match("GET", "/a/%zz").kind, Kind::no_path);
  EXPECT_EQ(table.match("GET", "").kind, Kind::no_path);
  EXPECT_EQ(table.match("GET", "*").kind, Kind::no_path);
  EXPECT_EQ(table.match("GET", std::string(1000, '/')).kind, Kind::no_path);
  EXPECT_EQ(table.match("PUT", "/a").methods.size(), 1U);
}

TEST(HttpMessage, DecodesQueries) {
  const auto query = parse_query("a=1&b=x%20y+z&c&=d&a=2&");
  ASSERT_TRUE(query.has_value());
  using Pair = std::pair<std::string, std::string>;
  EXPECT_EQ(*query,
            (std::vector<Pair>{{"a", "1"}, {"b", "x y z"}, {"c", ""}, {"", "d"}, {"a", "2"}}));
  EXPECT_FALSE(parse_query("a=%").has_value());
  EXPECT_FALSE(parse_query("a=%00").has_value());
  std::string many;
  for (int i = 0; i < 300; ++i) many += "a=1&";
  EXPECT_EQ(parse_query(many).error().code, ErrorCode::too_large);
}

TEST(HttpMessage, HeaderValuesCannotEndTheHeader) {
  HttpResponse response;
  response.headers.emplace_back("X", "a\r\nSet-Cookie: b");
  const std::string head = response_head(response, BodyFraming{0, false}, true);
  EXPECT_EQ(head.find("\r\nSet-Cookie"), std::string::npos);
}

}  // namespace
}  // namespace tradewind::testing
