#include "broker/cli/configuration.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/gateway/temporary_directory.h"

namespace tradewind::cli {
namespace {

using std::filesystem::perms;

class ConfigurationTest : public ::testing::Test {
 protected:
  std::filesystem::path write(const char* name, const std::string& text,
                              perms mode = perms::owner_read | perms::owner_write) {
    const auto file = folder_ / name;
    std::ofstream(file) << text;
    std::filesystem::permissions(file, mode);
    return file;
  }
  Result<Settings> load(const std::string& text, const std::string& profile = "") {
    return load_settings(write("config.toml", text), profile);
  }
  Error refused(const std::string& text, const std::string& profile = "") {
    const auto settings = load(text, profile);
    EXPECT_FALSE(settings) << text;
    return settings ? Error{} : settings.error();
  }

  const TemporaryDirectory directory_;
  const std::filesystem::path folder_ = directory_.path();
};

constexpr const char* kFile = R"(
profile = "home"
url = "https://broker.example.org"
token = "base"
ca_file = "ca.pem"
home_region = "eu-zurich"
tags = {team = "blue", project = "x"}
[profiles.home]
output = "json"
[profiles.work]
url = "https://work.example.org"
tags = {team = "red"}
[profiles.work2]
url = "https://work.example.org"
token = "its own"
tenant = "alpha"
)";

TEST_F(ConfigurationTest, TheProfileGoesOverTheTop) {
  const auto home = load(kFile);
  ASSERT_TRUE(home) << describe(home.error());
  EXPECT_EQ(home->url, "https://broker.example.org");
  EXPECT_EQ(home->token, "base");
  EXPECT_EQ(home->ca_file, folder_ / "ca.pem");
  EXPECT_EQ(home->output, "json");
  EXPECT_EQ(home->job.home_region, "eu-zurich");
  const auto work = load(kFile, "work2");
  EXPECT_EQ(work->url, "https://work.example.org");
  EXPECT_EQ(work->token, "its own");
  EXPECT_EQ(work->tenant, "alpha");
  EXPECT_EQ(work->output, "");
  EXPECT_EQ(load(kFile, "work")->job.tags,
            (std::map<std::string, std::string>{{"team", "red"}, {"project", "x"}}));
}

TEST_F(ConfigurationTest, ATokenIsNotSentToTheBrokerOfAnotherProfile) {
  EXPECT_EQ(load(kFile, "work")->token, "");
}

TEST_F(ConfigurationTest, ATokenMayStandInAFileOfItsOwn) {
  write("token", "secret\n");
  EXPECT_EQ(load("token_file = \"token\"")->token, "secret");
  EXPECT_EQ(load("token_file = \"" + (folder_ / "token").string() + "\"")->token, "secret");
  EXPECT_EQ(refused("token_file = \"token\"\ntoken = \"t\"").field, "token_file");
  EXPECT_EQ(refused("token_file = \"nowhere\"").field, "token_file");
}

TEST_F(ConfigurationTest, AFileWithATokenThatOthersMayReadIsRefusedWithTheRemedy) {
  const perms open = perms::owner_read | perms::owner_write | perms::group_read;
  const auto file = write("open.toml", "token = \"t\"", open);
  const auto refused_file = load_settings(file, "");
  ASSERT_FALSE(refused_file);
  EXPECT_EQ(refused_file.error().remedy, "chmod 600 " + file.string());
  const auto profile = write("open.toml", "[profiles.work]\ntoken = \"t\"", open);
  EXPECT_FALSE(load_settings(profile, "")) << "whichever profile counts";
  const auto secret = write("token", "t", open);
  EXPECT_EQ(refused("token_file = \"token\"").remedy, "chmod 600 " + secret.string());
  EXPECT_TRUE(load_settings(write("open.toml", "url = \"http://x\"", open), ""))
      << "without a secret everybody may";
}

TEST_F(ConfigurationTest, WhatIsNoSettingIsNamed) {
  EXPECT_EQ(refused("colour = \"red\"").field, "colour");
  EXPECT_EQ(refused("[profiles.a]\nprofile = \"b\"", "a").field, "profiles.a.profile");
  EXPECT_EQ(refused("url = 5").field, "url");
  EXPECT_EQ(refused("url = \"\"").field, "url");
  EXPECT_EQ(refused("output = \"xml\"").field, "output");
  EXPECT_EQ(refused("tags = \"x\"").field, "tags");
  EXPECT_EQ(refused("tags = {a = 1}").field, "tags.a");
  EXPECT_EQ(refused("a = ").field, "line 1");
  EXPECT_EQ(refused("[[[").field, "line 1");
  EXPECT_NE(refused("[profiles.a]\n[profiles.b]", "c").remedy.find("a, b"), std::string::npos);
  EXPECT_EQ(refused("profile = \"c\"").field, "profile");
  EXPECT_EQ(refused("profiles = 3", "c").field, "profile");
  EXPECT_FALSE(load_settings(folder_ / "nowhere.toml", ""));
  EXPECT_FALSE(load_settings(folder_, "")) << "a folder";
  EXPECT_TRUE(load(""));
}

}  // namespace
}  // namespace tradewind::cli
