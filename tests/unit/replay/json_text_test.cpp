#include "broker/audit/json_text.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "broker/audit/json_read.h"

namespace tradewind {
namespace {

TEST(JsonText, WritesMembersInOneWay) {
  JsonText out;
  out.open();
  out.add("text", "a");
  out.add("number", -3);
  out.add("large", UINT64_MAX);
  out.add("flag", true);
  out.add("money", Money{1'250'000});
  out.open_list("list");
  out.element("x");
  out.element(7);
  out.close_list();
  out.open("inner");
  out.close();
  out.open_list("objects");
  out.open();
  out.add("at", Wall::time_point(std::chrono::microseconds(1'700'000'000'000'042)));
  out.close();
  out.open();
  out.close();
  out.close_list();
  out.close();
  EXPECT_EQ(out.text(),
            R"({"text":"a","number":-3,"large":18446744073709551615,"flag":true,"money":"1.25",)"
            R"("list":["x",7],"inner":{},"objects":[{"at":"2023-11-14T22:13:20.000042Z"},{}]})");
}

TEST(JsonText, EscapesWhatMustBeAndKeepsEveryOtherCharacter) {
  EXPECT_EQ(json_string("q\" b\\ n\n t\t z\x01 d\x7f"),
            R"("q\" b\\ n\u000a t\u0009 z\u0001 d\u007f")");
  EXPECT_EQ(json_string("\xc3\xa9 \xe4\xba\xac \xf0\x9f\x8c\x8a"),
            "\"\xc3\xa9 \xe4\xba\xac \xf0\x9f\x8c\x8a\"");
  EXPECT_EQ(json_string(std::string("a\xff\xc3(\xed\xa0\x80z")),
            "\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"")
      << "bytes that are no UTF-8 are replaced one by one";
}

TEST(JsonText, WritesTimesThatReadBackToTheMicrosecond) {
  for (const std::int64_t micros : {0LL, 1LL, 999'999LL, 951'782'400'000'000LL,
                                    1'709'164'800'123'456LL, 253'402'300'799'999'999LL}) {
    const Wall::time_point at{std::chrono::microseconds(micros)};
    const auto read = parse_rfc3339("at", time_text(at));
    ASSERT_TRUE(read) << time_text(at);
    EXPECT_EQ(*read, at) << time_text(at);
  }
}

TEST(JsonRead, NamesTheFirstFaultAndReadsOnAsIfTheRestWereAbsent) {
  const auto document = read_json("it", R"({"n":-1,"t":5,"f":"x","m":"1.2.3"})");
  ASSERT_TRUE(document);
  std::optional<Error> error;
  const JsonMembers in(document->get_object(), error);
  EXPECT_EQ(in.number<std::uint32_t>("n"), 0U);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->field, "n");
  EXPECT_EQ(in.text("t"), "");
  EXPECT_FALSE(in.flag("f"));
  EXPECT_EQ(error->field, "n") << "the first stays";
  EXPECT_FALSE(read_json("it", "[1]"));
  EXPECT_FALSE(read_json("it", "{} {}"));
  EXPECT_FALSE(read_json("it", std::string(100, '[')));
}

}  // namespace
}  // namespace tradewind
