#include "gateway/engines/container_words.h"

#include <gmock/gmock.h>

namespace tradewind {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

ContainerRun sample() {
  ContainerRun run;
  run.name = "c1";
  run.image = "abc";
  run.command = {"sh", "-c", "{image} {command}"};
  run.workdir = "/work/{image}";
  return run;
}

TEST(ContainerWords, AJobsOwnWordsAreNoPlaceholders) {
  const auto words = run_words({}, sample());
  EXPECT_THAT(words, Contains("--workdir=/work/{image}"));
  EXPECT_THAT(words, Contains("--entrypoint=[\"sh\"]"));
  EXPECT_EQ(words.back(), "{image} {command}");
}

TEST(ContainerWords, NoNetworkUnlessTheJobAskedForIt) {
  ContainerRun run = sample();
  EXPECT_THAT(run_words({}, run), Contains("--network=none"));
  run.network = true;
  EXPECT_THAT(run_words({}, run), Contains("--network=private"));
}

TEST(ContainerWords, LimitsMountsAndDevicesAreHandedOn) {
  ContainerRun run = sample();
  run.memory_bytes = 1 << 20;
  run.cpus = 2;
  run.mounts = {{"/a/work", "/work", false}, {"/opt/models", "/opt/models", true}};
  run.devices = {"/dev/nvidia0"};
  const auto words = run_words({}, run);
  for (const char* each : {"--memory=1048576", "--cpus=2", "--volume=/a/work:/work:rw",
                           "--volume=/opt/models:/opt/models:ro", "--device=/dev/nvidia0"}) {
    EXPECT_THAT(words, Contains(each));
  }
}

TEST(ContainerWords, ASiteWritesARunOfItsOwn) {
  ContainerOptions options;
  options.run = {"run", "--name={name}", "{network}", "{image}", "{command}"};
  EXPECT_TRUE(check_run_words("run", options.run));
  EXPECT_THAT(run_words(options, sample()), ElementsAre("run", "--name=c1", "--network=none", "abc",
                                                        "sh", "-c", "{image} {command}"));
  EXPECT_FALSE(check_run_words("run", {"run", "{image}"}));
  EXPECT_FALSE(check_run_words("run", {"run", "{imag}", "{image}", "{command}"}));
}

TEST(ContainerWords, ApptainerRunsByDigestBelowOurselves) {
  ContainerOptions options;
  options.runtime = ContainerRuntime::apptainer;
  ContainerRun run = sample();
  run.image = "quay.io/lab/sim@sha256:1";
  const auto words = run_words(options, run);
  EXPECT_EQ(words.front(), "exec");
  EXPECT_THAT(words, Contains("docker://quay.io/lab/sim@sha256:1"));
  EXPECT_THAT(words, Not(Contains(testing::HasSubstr("--memory"))));
  EXPECT_FALSE(lives_apart(options.runtime));
}

TEST(ContainerOptions, ComeBackFromTheSettingsOfANode) {
  ContainerOptions options;
  options.runtime = ContainerRuntime::apptainer;
  options.options = {"--debug"};
  options.images = {"quay.io/lab"};
  options.pull = ImagePull::never;
  EXPECT_EQ(container_options_from_json(to_json(options)), options);
}

}  // namespace
}  // namespace tradewind
