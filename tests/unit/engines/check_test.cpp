#include <gmock/gmock.h>

#include "gateway/engines/assignment_check.h"
#include "tests/unit/engines/engine_fixture.h"

namespace tradewind {
namespace {

using testing::HasSubstr;

class AssignmentCheck : public test::EngineFixture {
 protected:
  // The field of the error; "" when there is none.
  std::string field_of(const Assignment& assignment) {
    const Status checked = check_assignment(assignment, options, Programs::here);
    if (checked) return "";
    EXPECT_FALSE(checked.error().message.empty());
    EXPECT_FALSE(checked.error().remedy.empty()) << describe(checked.error());
    return checked.error().field;
  }
  Assignment good() {
    Assignment assignment = command({"/bin/sh", "-c", "true"});
    assignment.inputs = {content("/data/x", "x")};
    assignment.outputs = {output("/work/out", "out")};
    assignment.volumes = {"/scratch"};
    return assignment;
  }
};

TEST_F(AssignmentCheck, TakesAGoodOne) {
  EXPECT_EQ(field_of(good()), "");
}

TEST_F(AssignmentCheck, RefusesSystemPathsNamingTheField) {
  for (const char* each : {"/usr/x", "/etc/passwd", "/proc/1/x", "/dev/shm/x", "/bin/x", "/sbin/x",
                           "/lib/x", "/lib64/x", "/sys/x", "/boot/x"}) {
    Assignment assignment = good();
    assignment.inputs[0].path = each;
    EXPECT_EQ(field_of(assignment), "inputs[0].path") << each;
    assignment = good();
    assignment.outputs[0].path = each;
    EXPECT_EQ(field_of(assignment), "outputs[0].path") << each;
    assignment = good();
    assignment.volumes[0] = each;
    EXPECT_EQ(field_of(assignment), "volumes[0]") << each;
    assignment = good();
    assignment.executors[0].workdir = each;
    EXPECT_EQ(field_of(assignment), "executors[0].workdir") << each;
    assignment = good();
    assignment.executors[0].stdout_path = each;
    EXPECT_EQ(field_of(assignment), "executors[0].stdout") << each;
  }
}

TEST_F(AssignmentCheck, RefusesMalformedPaths) {
  const std::string nul("/a\0b", 4);
  const std::string longer = "/" + std::string(5000, 'x');
  const std::string part = "/work/" + std::string(256, 'x');
  for (const std::string& each :
       {std::string("relative"), std::string(""), std::string("/"), std::string("/work/../x"),
        std::string("/work//x"), std::string("/work/./x"), nul, longer, part}) {
    Assignment assignment = good();
    assignment.inputs[0].path = each;
    EXPECT_EQ(field_of(assignment), "inputs[0].path") << each;
  }
  Assignment assignment = good();
  assignment.inputs.push_back(assignment.inputs[0]);
  EXPECT_EQ(field_of(assignment), "inputs[1].path");
  assignment = good();
  assignment.outputs[0].path = "/out";  // a file in the root directory
  EXPECT_EQ(field_of(assignment), "outputs[0].path");
  assignment.outputs[0].type = FileType::directory;
  EXPECT_EQ(field_of(assignment), "");
  assignment.outputs[0].path = "/work/*.txt";
  assignment.outputs[0].path_prefix = "/data";
  EXPECT_EQ(field_of(assignment), "outputs[0].path_prefix");
  assignment.outputs[0].path = "/w*/x";
  assignment.outputs[0].path_prefix = "/";
  EXPECT_EQ(field_of(assignment), "outputs[0].path");
}

TEST_F(AssignmentCheck, RefusesCommandsThatCannotBe) {
  Assignment assignment = good();
  assignment.executors[0].command.clear();
  EXPECT_EQ(field_of(assignment), "executors[0].command");
  assignment.executors[0].command = {""};
  EXPECT_EQ(field_of(assignment), "executors[0].command");
  assignment.executors[0].command = {"sh", std::string("a\0b", 3)};
  EXPECT_EQ(field_of(assignment), "executors[0].command");
  assignment.executors[0].command = {"/usr/bin/no-such-program"};
  EXPECT_EQ(field_of(assignment), "executors[0].command[0]");
  assignment.executors[0].command = {"/opt/brought/by/the/job"};
  EXPECT_EQ(field_of(assignment), "");
  assignment.executors[0].env = {{"A=B", "x"}};
  EXPECT_EQ(field_of(assignment), "executors[0].env");
  assignment.executors.clear();
  EXPECT_EQ(field_of(assignment), "executors");
  assignment = good();
  assignment.pool = PoolId{"other"};
  EXPECT_EQ(field_of(assignment), "pool");
  assignment = good();
  assignment.run_seconds_max = 0;
  EXPECT_EQ(field_of(assignment), "run_seconds_max");
}

TEST_F(AssignmentCheck, RefusesUrlsThatThePolicyDoesNotLetPass) {
  const auto input_url = [&](const std::string& url) {
    Assignment assignment = good();
    assignment.inputs[0].content.clear();
    assignment.inputs[0].replicas = {{.url = url, .site = {}, .region = {}}};
    return field_of(assignment);
  };
  EXPECT_EQ(input_url("https://example.org/x"), "");
  EXPECT_EQ(input_url("file://" + (scratch / "in/x").string()), "");
  for (const char* each : {"file:///etc/passwd", "s3://bucket/x", "x", "http://", "http://a b/",
                           "file://host/x", "file:x", "javascript:1"}) {
    EXPECT_EQ(input_url(each), "inputs[0].url") << each;
  }
  Assignment assignment = good();
  assignment.outputs[0].url = "file:///etc/cron.d/x";
  EXPECT_EQ(field_of(assignment), "outputs[0].url");
  options.staging.http_allowed = false;
  EXPECT_EQ(input_url("https://example.org/x"), "inputs[0].url");
}

TEST_F(AssignmentCheck, IsAlsoMadeAtTheStart) {
  open();
  if (!engine) return;
  Assignment assignment = good();
  assignment.inputs[0].path = "/etc/passwd";
  engine->start(test::attempt(), assignment);
  const EndReport report = end_of(test::attempt());
  EXPECT_EQ(report.code, EndCode::engine_failed);
  EXPECT_THAT(report.detail, HasSubstr("inputs[0].path"));
  engine->start({JobId{"../../etc"}, 1}, good());
  EXPECT_EQ(end_of({JobId{"../../etc"}, 1}).code, EndCode::engine_failed);
}

TEST(SandboxMode, IsReadFromTheSiteFile) {
  EXPECT_EQ(*parse_sandbox_mode("engine.sandbox", "bubblewrap"), SandboxMode::bubblewrap);
  EXPECT_EQ(*parse_sandbox_mode("engine.sandbox", "none"), SandboxMode::none);
  const auto wrong = parse_sandbox_mode("engine.sandbox", "docker");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().field, "engine.sandbox");
  EXPECT_EQ(*parse_cgroup_use("engine.cgroups", "auto"), CgroupUse::automatic);
  EXPECT_EQ(*parse_cgroup_use("engine.cgroups", "off"), CgroupUse::off);
  EXPECT_FALSE(parse_cgroup_use("engine.cgroups", ""));
}

}  // namespace
}  // namespace tradewind
