#include "broker/core/url_key.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

TEST(UrlKey, IsTheSameForEverySpellingOfOneUrl) {
  const std::string key = url_key("https://data.example/genomes/h1.bam");
  for (const char* other :
       {"http://data.example/genomes/h1.bam", "HTTPS://Data.EXAMPLE/genomes/h1.bam",
        "https://data.example:443/genomes/h1.bam", "http://data.example:80/genomes/h1.bam",
        "https://data.example:0443/genomes/h1.bam", "https://data.example:/genomes/h1.bam",
        "https://data.example./genomes/h1.bam", "https://me:secret@data.example/genomes/h1.bam",
        "https://data.example/genomes/h1.bam#part", "https://data.example/genomes/h1.bam?",
        "https://data.example/genomes/%681.bam", "https://data.example/genomes%2Fh1.bam",
        "https://data.example//genomes/./x/../h1.bam", "https://data.example/genomes/%2e/h1.bam",
        "https://data%2eexample/genomes/h1.bam", "https://data.example/../genomes/h1.bam/"}) {
    EXPECT_EQ(url_key(other), key) << other;
  }
  EXPECT_EQ(url_key("file:///srv/data/genome"), url_key("file:///srv//data/./x/../genome/"));
  EXPECT_EQ(url_key("file:///srv/a%20b"), url_key("file:///srv/a b"));
  EXPECT_EQ(url_key("https://[2001:DB8::1]:443/x"), url_key("https://[2001:db8::1]/x"));
  EXPECT_EQ(url_key("https://data.example"), url_key("https://data.example/"));
}

TEST(UrlKey, TellsWhatIsDifferentApart) {
  const char* const all[] = {"https://data.example/a",
                             "https://data.example/A",
                             "https://data.example:8443/a",
                             "https://other.example/a",
                             "https://data.example/a?b",
                             "https://data.example/a?c",
                             "https://data.example/a%3Fb",
                             "https://[2001:db8::1]:8/a",
                             "https://[2001:db8::1]/a",
                             "file:///a",
                             "file:///a?b",
                             "https://a/",
                             "https://data.example/a/b"};
  for (const char* one : all) {
    for (const char* other : all) {
      if (one != other) EXPECT_NE(url_key(one), url_key(other)) << one << " " << other;
    }
  }
}

TEST(UrlKey, LosesItsQueryButNotAnEscapedQuestionMark) {
  EXPECT_EQ(without_query(url_key("https://data.example/a?token=1")),
            url_key("https://data.example/a"));
  EXPECT_EQ(without_query(url_key("https://data.example/a%3Fb")),
            url_key("https://data.example/a%3fb"));
  EXPECT_EQ(without_query(url_key("file:///a?b")), url_key("file:///a?b"));
}

TEST(UrlKey, TakesWhateverBytesItIsGiven) {
  for (const char* each : {"", ":", "file:", "http:", "https://", "https://@:/?#", "%", "https://%",
                           "https://a/%", "https://a/%4", "https://a/%zz", "x"}) {
    EXPECT_EQ(url_key(each), url_key(each));
  }
  EXPECT_EQ(url_key("https://a/%4"), "//a/%4");
  EXPECT_EQ(url_key("https://a/%41"), "//a/A");
}

}  // namespace
}  // namespace tradewind
