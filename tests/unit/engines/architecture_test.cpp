#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/unit/engines/engine_fixture.h"

namespace tradewind {
namespace {

using test::attempt;
using testing::HasSubstr;

constexpr const char* emulator = "/usr/bin/qemu-aarch64-static";

class ProcessEngineArchitecture : public test::EngineFixture {
 protected:
  // A program that tells its architecture, as an executable input.
  std::optional<Input> program(const std::string& compiler, const std::string& name) {
    scratch.write(name + ".cpp", R"(#include <cstdio>
int main(int argc, char** argv) {
#ifdef __aarch64__
  std::printf("arm64 %d %s\n", argc, argv[argc - 1]);
#else
  std::printf("amd64 %d %s\n", argc, argv[argc - 1]);
#endif
})");
    const std::string call = compiler + " -static -o " + (scratch / ("in/" + name)).string() + " " +
                             (scratch / (name + ".cpp")).string() + " 2>/dev/null";
    if (std::system(call.c_str()) != 0) return std::nullopt;
    Input input;
    input.path = "/work/" + name;
    input.executable = true;
    input.replicas = {
        {.url = "file://" + (scratch / ("in/" + name)).string(), .site = {}, .region = {}}};
    return input;
  }
};

TEST_F(ProcessEngineArchitecture, RunsProgramsOfAnArm64PoolByAnEmulator) {
  if (host_architecture() != Architecture::amd64 || ::access(emulator, X_OK) != 0) {
    GTEST_SKIP() << "no amd64 machine with " << emulator;
  }
  const auto foreign = program("aarch64-linux-gnu-g++", "foreign");
  const auto native = program("g++", "native");
  if (!foreign || !native) GTEST_SKIP() << "no cross compiler";
  options.pools[PoolId{"arm"}] = Architecture::arm64;
  options.emulators = {{Architecture::arm64, emulator}};
  open();
  if (!engine) return;

  Assignment assignment = command({"./foreign", "a", "b"});
  assignment.pool = PoolId{"arm"};
  assignment.inputs = {*foreign};
  EXPECT_EQ(run(assignment, attempt(1)).executors.at(0).stdout_tail, "arm64 3 b\n");
  // Found by PATH, too; and the system's own programs are there.
  assignment = command({"foreign"});
  assignment.pool = PoolId{"arm"};
  assignment.executors[0].env["PATH"] = "/work:/usr/bin";
  assignment.executors.push_back(shell("echo system").executors[0]);
  assignment.inputs = {*foreign};
  const EndReport both = run(assignment, attempt(2));
  EXPECT_EQ(both.executors.at(0).stdout_tail, "arm64 1 foreign\n");
  EXPECT_EQ(both.executors.at(1).stdout_tail, "system\n");

  // As on a real machine, the other architecture's programs do not run.
  assignment = command({"/work/native"});
  assignment.pool = PoolId{"arm"};
  assignment.inputs = {*native};
  const EndReport wrong = run(assignment, attempt(3));
  EXPECT_EQ(wrong.code, EndCode::failed);
  EXPECT_EQ(wrong.executors.at(0).exit_code, 126);
  EXPECT_THAT(wrong.executors.at(0).stderr_tail, HasSubstr("for amd64, and the pool is arm64"));
  assignment.pool = PoolId{"pool"};
  EXPECT_EQ(run(assignment, attempt(4)).executors.at(0).stdout_tail, "amd64 1 /work/native\n");
  assignment = command({"/work/foreign"});
  assignment.inputs = {*foreign};
  EXPECT_EQ(run(assignment, attempt(5)).executors.at(0).exit_code, 126);
}

TEST_F(ProcessEngineArchitecture, RefusesAPoolThatTheMachineCannotBe) {
  options.pools[PoolId{"z"}] = Architecture::s390x;
  const auto made = make_process_engine(io, options, [](EngineEvent) {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::invalid);
  EXPECT_EQ(made.error().field, "pools.z.architecture");
  EXPECT_THAT(made.error().remedy, HasSubstr("emulators.s390x"));
}

}  // namespace
}  // namespace tradewind
