#include "gateway/engines/image_reference.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

std::string name_of(std::string_view text) {
  const auto image = parse_image_reference("image", text);
  return image ? image->text() : "refused";
}

TEST(ImageReference, ANameIsNotTooLongInFullEither) {
  const std::string fits(512 - std::string("docker.io/library/:latest").size(), 'x');
  const auto image = parse_image_reference("image", fits);
  ASSERT_TRUE(image);
  EXPECT_TRUE(parse_image_reference("image", image->text()));
  EXPECT_FALSE(parse_image_reference("image", fits + "x"));
}

TEST(ImageReference, NamesWithoutARegistryAreDockerHubs) {
  EXPECT_EQ(name_of("debian"), "docker.io/library/debian:latest");
  EXPECT_EQ(name_of("debian:12"), "docker.io/library/debian:12");
  EXPECT_EQ(name_of("docker.io/debian:12"), "docker.io/library/debian:12");
  EXPECT_EQ(name_of("lab/sim:v1"), "docker.io/lab/sim:v1");
}

TEST(ImageReference, AHostMakesARegistry) {
  EXPECT_EQ(name_of("quay.io/lab/sim"), "quay.io/lab/sim:latest");
  EXPECT_EQ(name_of("Quay.IO/lab/sim"), "quay.io/lab/sim:latest");
  EXPECT_EQ(name_of("localhost/sim:1"), "localhost/sim:1");
  EXPECT_EQ(name_of("registry:5000/sim:1"), "registry:5000/sim:1");
  EXPECT_EQ(name_of("quay.io/lab/sim:1@" + digest), "quay.io/lab/sim@" + digest);
}

TEST(ImageReference, WhatIsNoNameIsRefused) {
  for (const std::string text : {"",           "-v",
                                 "--help",     "oci:/etc",
                                 "dir:/etc/x", "docker-archive:/tmp/x.tar",
                                 "a//b",       "../b",
                                 "/etc",       "quay.io/",
                                 "Debian",     "a b",
                                 "a:b:c",      "a@sha256:12",
                                 "a@md5:00",   "a:",
                                 "x:80/../y",  "registry:99999999/a",
                                 "a/\nb",      "docker://debian"}) {
    EXPECT_EQ(name_of(text), "refused") << text;
  }
  EXPECT_EQ(name_of(std::string(600, 'a')), "refused");
}

TEST(ImageReference, ASiteAllowsRepositoriesAndWhatLiesInThemAndNothingThatOnlyBeginsLikeThem) {
  const auto allowed = [](std::string_view name, const std::string& prefix) {
    return image_allowed(parse_image_reference("image", name).value(), {prefix});
  };
  EXPECT_TRUE(allowed("quay.io/lab/sim", "quay.io/lab"));
  EXPECT_TRUE(allowed("quay.io/lab/sim", "quay.io/lab/"));
  EXPECT_TRUE(allowed("quay.io/lab/sim:7", "quay.io/lab/sim"));
  EXPECT_TRUE(allowed("debian", "docker.io"));
  EXPECT_FALSE(allowed("quay.io/lab2/sim", "quay.io/lab"));
  EXPECT_FALSE(allowed("quay.io/labs", "quay.io/lab"));
  EXPECT_FALSE(allowed("quay.io.evil.example/lab/sim", "quay.io"));
  EXPECT_FALSE(allowed("debian", ""));
}

TEST(ImageFacts, AreReadFromAnObjectOrAListOfOne) {
  const std::string id(64, 'b');
  const std::string one =
      R"({"Id":")" + id + R"(","Digest":")" + digest + R"(","Architecture":"arm64","Os":"linux"})";
  for (const std::string& text : {one, "[" + one + "]"}) {
    const auto facts = read_image_facts("image", text);
    ASSERT_TRUE(facts);
    EXPECT_EQ(*facts, (ImageFacts{id, digest, "arm64"}));
  }
}

TEST(ImageFacts, WhatDoesNotTellDigestAndArchitectureIsCorrupt) {
  const std::string good = R"({"Digest":")" + digest + R"(","Architecture":"amd64"})";
  for (const std::string& text :
       {std::string("[]"), std::string("{"), std::string("7"), "[" + good + "," + good + "]",
        std::string(R"({"Digest":"sha256:1","Architecture":"amd64"})"),
        R"({"Digest":")" + digest + R"(","Architecture":7})", std::string(5'000, '[')}) {
    EXPECT_FALSE(read_image_facts("image", text)) << text.substr(0, 80);
  }
}

}  // namespace
}  // namespace tradewind
