// The program itself, as a centre runs it: check, join, run, SIGTERM.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <fstream>
#include <iterator>
#include <mutex>

#include "gateway/engines/process_engine.h"
#include "state/identity/encoding.h"
#include "state/identity/join.h"
#include "tests/unit/gateway/fake_broker.h"
#include "tests/unit/gateway/osaka.h"
#include "tests/unit/gateway/small_federation.h"
#include "tests/unit/gateway/temporary_directory.h"

extern char** environ;

namespace tradewind {
namespace {

using ::testing::HasSubstr;

std::string contents(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The gateway's program; killed with the test at the latest.
class Program {
 public:
  Program(std::vector<std::string> arguments, const std::filesystem::path& output) {
    arguments.insert(arguments.begin(), TRADEWIND_GATEWAY_BINARY);
    std::vector<char*> values;
    for (std::string& each : arguments) values.push_back(each.data());
    values.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    EXPECT_EQ(::posix_spawn(&pid_, values[0], &actions, nullptr, values.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Program() {
    if (running()) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  bool running() {
    if (status_) return false;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
    return !status_;
  }
  void signal(int number) const { ::kill(pid_, number); }
  // Exit code; -1 when a signal ended it.
  int code() const { return status_ && WIFEXITED(*status_) ? WEXITSTATUS(*status_) : -1; }

 private:
  pid_t pid_ = -1;
  std::optional<int> status_;
};

class GatewayProgram : public ::testing::Test {
 protected:
  int run_to_end(std::vector<std::string> arguments) {
    Program program(std::move(arguments), output());
    EXPECT_TRUE(run_until(io_, [&] { return !program.running(); }));
    return program.code();
  }
  std::filesystem::path output() const { return directory_.path() / "output"; }
  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }

  // Answers a join as a broker's endpoint does.
  FakeBroker::Answer admit(const std::string& body) {
    const auto request = boost::json::parse(body).as_object();
    const auto text = [&](const char* key) { return std::string(request.at(key).as_string()); };
    const auto identity_key = csr_public_key(text("csr_pem"));
    const auto curve_key = base64_decode("curve_key", text("curve_key"));
    const NodeId node = site_node(SiteId{text("site")});
    const auto json_of = [](const SignedRecord& record) {
      return boost::json::object{{"body", base64_encode(record.body)},
                                 {"signature", base64_encode(record.signature)}};
    };
    const CertificateAuthority& authority = federation_.authority();
    const std::lock_guard lock(mutex_);
    joined_ = federation_.admit(node, 2, *identity_key, *curve_key, "");
    return {200,
            boost::json::serialize(boost::json::object{
                {"certificate_pem", *authority.issue(text("csr_pem"), node, std::chrono::hours(24),
                                                     system_now().wall)},
                {"member", json_of(*joined_)},
                {"members", boost::json::array{json_of(broker_.record())}}})};
  }

  void join_as_osaka() {
    std::ofstream(path("site.toml"))
        << "[site]\nid = \"jp-osaka-1\"\nregion = \"jp-osaka\"\njurisdiction = \"JP\"\n"
           "provider = \"Test\"\n[link]\nlisten = \"tcp://127.0.0.1:0\"\n"
           "[[pool]]\nid = \"cpu\"\narchitecture = \""
        << to_string(host_architecture())
        << "\"\nnodes = 1\nnode = { cpus = 4, memory_gib = 4 }\n"
           "tariff = { cpu_hour = \"0.1\" }\n[engine]\nsandbox = \"none\"\n";
    EXPECT_EQ(run_to_end({"check", "--site", path("site.toml")}), 0);
    EXPECT_THAT(contents(output()), HasSubstr("4 units of 1 CPUs, 1024 MiB at 0.1 USD an hour"));
    const JoinToken token = make_join_token(trust_sha256(federation_.authority().trust().newest()));
    {
      const FakeBroker endpoint([this](const std::string& target, const std::string& body) {
        return target == "/v1/join" ? admit(body) : trust_answer(federation_.authority().trust());
      });
      ASSERT_EQ(run_to_end({"join", endpoint.url(), "--token", to_string(token), "--dir", path("d"),
                            "--site", path("site.toml")}),
                0)
          << contents(output());
    }
    ASSERT_TRUE(joined_);
    broker_.know(*joined_);
  }
  std::vector<std::string> run_arguments() const {
    return {"run", "--dir", path("d"), "--ready-file", path("ready"), "--log-file", path("log")};
  }
  bool becomes_ready() {
    return run_until(io_, [&] {
      return broker_.find(osaka, RecordKind::quote) != nullptr &&
             std::filesystem::exists(path("ready"));
    });
  }
  AttemptId dispatch(const std::vector<std::string>& command) {
    Dispatch dispatch;
    dispatch.attempt = AttemptId{job_id(Sequence{7}), 1};
    Assignment& assignment = dispatch.assignment;
    assignment.tenant = TenantId{"physics"};
    assignment.pool = PoolId{"cpu"};
    assignment.units = 1;
    assignment.resources = Resources{1, 512, 0, 0};
    assignment.executors = {Executor{"", command, "", "", "", "", {}, false}};
    assignment.run_seconds_max = 120;
    assignment.rate = MoneyPerHour{1'000'000};
    assignment.quote_version = broker_.find(osaka, RecordKind::quote)->record.header.version;
    broker_.say(osaka, ToGateway{Term{1}, dispatch});
    return dispatch.attempt;
  }

  boost::asio::io_context io_{1};
  TemporaryDirectory directory_;
  SmallFederation federation_;
  SpeakingBroker broker_{io_, federation_};
  std::mutex mutex_;  // the endpoint answers on a thread of its own
  std::optional<SignedRecord> joined_;
};

TEST_F(GatewayProgram, TellsItsVersionAndRefusesAWrongSiteFile) {
  EXPECT_EQ(run_to_end({"--version"}), 0);
  EXPECT_THAT(contents(output()), HasSubstr("tradewind-gateway "));
  std::ofstream(path("site.toml")) << "[site]\nid = \"x\"\nwhere = 1\n";
  EXPECT_EQ(run_to_end({"check", "--site", path("site.toml")}), 1);
  EXPECT_THAT(contents(output()), HasSubstr("site.toml:3: no such key"));
  EXPECT_NE(run_to_end({"run"}), 0);
  EXPECT_EQ(run_to_end({"run", "--dir", path("nowhere")}), 1);
  EXPECT_THAT(contents(output()), HasSubstr("has not joined a federation"));
}

TEST_F(GatewayProgram, PrintsTheLineByWhichAPolicyNamesItsWitness) {
  ASSERT_NO_FATAL_FAILURE(join_as_osaka());
  std::filesystem::remove(output());
  ASSERT_EQ(run_to_end({"witness-key", "--dir", path("d")}), 0);
  const auto policy = parse_policy(contents(output()) + "quorum jp-osaka-1\n");
  ASSERT_TRUE(policy) << describe(policy.error());
  ASSERT_EQ(policy->witnesses.size(), 1u);
  const auto key = load_or_make_witness_key(path("d"));
  EXPECT_EQ(policy->witnesses[0],
            site_witness_line(osaka, federation_.authority().federation(), *key));
  EXPECT_EQ(policy->witnesses[0].key.name, "jp-osaka-1.trade/witness");
  EXPECT_EQ(policy->witnesses[0].url, "site:jp-osaka-1");
}

TEST_F(GatewayProgram, JoinsRunsAJobAndEndsOnSigterm) {
  ASSERT_NO_FATAL_FAILURE(join_as_osaka());
  Program gateway(run_arguments(), output());
  ASSERT_TRUE(becomes_ready()) << contents(path("log")) << contents(output());
  EXPECT_THAT(contents(path("ready")), HasSubstr("tcp://"));
  EXPECT_THAT(contents(path("log")), HasSubstr("gateway.ready site=jp-osaka-1 endpoint=tcp://"));

  dispatch({"echo", "hello"});
  ASSERT_TRUE(run_until(io_, [&] { return !broker_.heard<AttemptEnded>().empty(); }))
      << contents(path("log"));
  const EndReport report = broker_.heard<AttemptEnded>().front().report;
  EXPECT_EQ(report.code, EndCode::succeeded) << report.detail;
  ASSERT_EQ(report.executors.size(), 1u);
  EXPECT_EQ(report.executors[0].stdout_tail, "hello\n");
  EXPECT_EQ(broker_.heard<Granted>().size(), 1u);

  gateway.signal(SIGTERM);
  ASSERT_TRUE(run_until(io_, [&] { return !gateway.running(); }));
  EXPECT_EQ(gateway.code(), 0);
  EXPECT_THAT(contents(path("log")), HasSubstr("gateway.stopping"));
  EXPECT_FALSE(std::filesystem::exists(path("ready")));
}

TEST_F(GatewayProgram, KilledUnderAJobItReportsTheJobInterruptedOnceItIsBack) {
  ASSERT_NO_FATAL_FAILURE(join_as_osaka());
  std::optional<Program> gateway;
  gateway.emplace(run_arguments(), output());
  ASSERT_TRUE(becomes_ready()) << contents(path("log")) << contents(output());
  const AttemptId attempt = dispatch({"sleep", "60"});
  ASSERT_TRUE(run_until(io_, [&] {
    const auto statuses = broker_.heard<AttemptStatus>();
    return !statuses.empty() && statuses.back().phase == AttemptPhase::running;
  })) << contents(path("log"));
  gateway->signal(SIGKILL);
  ASSERT_TRUE(run_until(io_, [&] { return !gateway->running(); }));
  EXPECT_TRUE(broker_.heard<AttemptEnded>().empty());

  gateway.emplace(run_arguments(), output());
  ASSERT_TRUE(run_until(io_, [&] { return !broker_.heard<AttemptEnded>().empty(); }))
      << contents(path("log")) << contents(output());
  const AttemptEnded ended = broker_.heard<AttemptEnded>().front();
  EXPECT_EQ(ended.attempt, attempt);
  EXPECT_EQ(ended.report.code, EndCode::interrupted);
  gateway->signal(SIGTERM);
  EXPECT_TRUE(run_until(io_, [&] { return !gateway->running(); }));
}

}  // namespace
}  // namespace tradewind
