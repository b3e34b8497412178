#include "schemas/url.h"

#include <gtest/gtest.h>

#include "schemas/ascii.h"

namespace tradewind {
namespace {

TEST(Url, IsOfTheWebOrAFileByHowItBegins) {
  for (const char* web : {"http://a/b", "https://a", "s3://bucket/key", "http:a"}) {
    EXPECT_TRUE(is_web_url(web)) << web;
    EXPECT_FALSE(is_file_url(web)) << web;
  }
  EXPECT_TRUE(is_file_url("file:///data"));
  for (const char* neither : {"", "/data", "ftp://a", "httpx://a", "HTTP://a", "s3"}) {
    EXPECT_FALSE(is_web_url(neither)) << neither;
    EXPECT_FALSE(is_file_url(neither)) << neither;
  }
}

TEST(Url, BehindHttpComesTheHost) {
  EXPECT_EQ(behind_http("http://host:80/path"), "host:80/path");
  EXPECT_EQ(behind_http("https://"), "");
  for (const char* other : {"", "http:/host", "httpx://host", "s3://host", " http://host"}) {
    EXPECT_EQ(behind_http(other), std::nullopt) << other;
  }
}

TEST(Ascii, OnlyItsOwnLettersAndDigitsCount) {
  EXPECT_EQ(ascii_lower("AZ az [@] É"), "az az [@] É");
  EXPECT_EQ(trimmed(" \t a b\t "), "a b");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed("\na\n"), "\na\n");
  EXPECT_EQ(trimmed("\r\n a\n", " \r\n"), "a");
  EXPECT_EQ(hex_digit('0'), 0);
  EXPECT_EQ(hex_digit('f'), 15);
  EXPECT_EQ(hex_digit('A'), 10);
  for (const char other : {'g', 'G', '/', ':', '`', '@', '\0'}) EXPECT_EQ(hex_digit(other), -1);
  EXPECT_TRUE(is_lower_hex("09af"));
  EXPECT_FALSE(is_lower_hex("0A"));
}

}  // namespace
}  // namespace tradewind
