#include "tests/engines/engine_under_test.h"

#include <unistd.h>

#include <fstream>
#include <tuple>

#include <fmt/format.h>

#include "schemas/ids.h"
#include "tests/engines/fake_kubernetes.h"
#include "tests/engines/shell_output.h"

namespace tradewind::test {
namespace {

// Down again when the process ends.
struct Cluster {
  Scratch scratch;
  std::string missing;
  std::string no_accounting;
  std::string url;
  std::string user;
  Cluster() {
    // Slurm's daemons are other users.
    std::filesystem::permissions(scratch.path(), std::filesystem::perms(0755));
    const std::string up =
        fmt::format("{} up {} --cpus 16 --memory-mib 16000 --gpus 2 --later --conf MinJobAge=2",
                    TRADEWIND_SLURM, (scratch / "cluster").string());
    auto [status, said] = output_of(up + (SlurmCluster::wants_accounting ? " --accounting" : ""));
    if (SlurmCluster::wants_accounting && status == skipped) {
      no_accounting = said.empty() ? "no accounting" : said;
      std::tie(status, said) = output_of(up);
    }
    if (status != 0) {
      missing = said.empty() ? "it could not be started" : said;
      if (status != skipped) ADD_FAILURE() << missing;
      return;
    }
    url = said.substr(0, said.find(' '));
    user = said.substr(said.find(' ') + 1);
    user.erase(user.find_last_not_of('\n') + 1);
  }
  ~Cluster() {
    output_of(std::string(TRADEWIND_SLURM) + " down " + (scratch / "cluster").string());
  }
};

Cluster& cluster() {
  static Cluster one;
  return one;
}

// Down again when the process ends.
struct FederationBehind {
  Scratch scratch;
  std::string url;
  FederationBehind() {
    const auto [status, said] = tell("up", " --sites " TRADEWIND_TES_SITES);
    if (status != 0) ADD_FAILURE() << said;
    std::ifstream env(scratch / "federation/env");
    const std::string word = "export TRADEWIND_URL=";
    for (std::string line; std::getline(env, line);) {
      if (line.starts_with(word)) url = line.substr(word.size());
    }
  }
  ~FederationBehind() { tell("down", ""); }

 private:
  std::pair<int, std::string> tell(const std::string& what, const std::string& more) {
    return output_of(fmt::format("TRADEWIND_BIN={} TRADEWIND_DATA={} {} {} {}{}", TRADEWIND_BIN,
                                 std::filesystem::temp_directory_path().string(),
                                 TRADEWIND_FEDERATION, what, (scratch / "federation").string(),
                                 more));
  }
};

FederationBehind& federation_behind() {
  static FederationBehind one;
  return one;
}

}  // namespace

std::string TesServer::url() {
  return federation_behind().url + "/ga4gh/tes/v1";
}
std::filesystem::path TesServer::token_file() {
  return federation_behind().scratch / "federation/user.token";
}

std::string SlurmCluster::missing() {
  return cluster().missing;
}
std::string SlurmCluster::no_accounting() {
  return cluster().no_accounting;
}
std::filesystem::path SlurmCluster::folder() {
  return cluster().scratch / "cluster";
}
std::string SlurmCluster::url() {
  return cluster().url;
}
std::string SlurmCluster::later_url() {
  std::ifstream file(folder() / "later_url");
  std::string url;
  file >> url;
  return url;
}
std::string SlurmCluster::user() {
  return cluster().user;
}

void SlurmCluster::tell(const std::string& what, const std::string& name) {
  const auto [status, said] =
      output_of(fmt::format("{} {} {} {}", TRADEWIND_SLURM, what, folder().string(), name));
  ASSERT_EQ(status, 0) << said;
}

std::string SlurmCluster::run(const std::string& command) {
  return output_of(fmt::format("SLURM_CONF={} {}", (folder() / "slurm.conf").string(), command))
      .second;
}

std::string name_of(Kind kind) {
  switch (kind) {
    case Kind::process: return "Process";
    case Kind::slurm: return "Slurm";
    case Kind::slurm_commands: return "SlurmByCommands";
    case Kind::slurm_later: return "SlurmByLaterVersions";
    case Kind::batch: return "Batch";
    case Kind::tes: return "Tes";
    case Kind::kubernetes: return "Kubernetes";
  }
  return "";
}

EngineUnderTest::EngineUnderTest(Kind kind) : kind_(kind) {
  ProcessEngineOptions& node = options.node;
  node.attempts_directory = scratch / "attempts";
  node.pools = {{PoolId{"pool"}, host_architecture()}};
  node.staging.file_read_roots = {scratch / "in"};
  node.staging.file_write_roots = {scratch / "out"};
  node.stop_grace = std::chrono::milliseconds(500);
  std::filesystem::create_directories(scratch / "in");
  std::filesystem::create_directories(scratch / "out");
  options.exchange_directory = scratch / "exchange";
  options.programs = {{host_architecture(), TRADEWIND_ATTEMPT}};
  SlurmPool pool;
  pool.pool.id = PoolId{"pool"};
  pool.pool.architecture = host_architecture();
  pool.pool.nodes = 2;
  pool.pool.node = Resources{16, 16'000, 0, 0};
  pool.pool.unit = Resources{1, 256, 0, 0};
  pool.partition = "main";
  options.pools = {pool};
  options.settle_time = std::chrono::seconds(2);
  options.accounting_time = std::chrono::seconds(20);
  options.calm_time = std::chrono::seconds(5);
  options.poll_interval = std::chrono::milliseconds(200);
  options.news_interval = std::chrono::milliseconds(20);
  tes.attempts_directory = scratch / "attempts";
  tes.form.image = "debian:12";
  tes.settle_time = std::chrono::seconds(2);
  tes.poll_interval = std::chrono::milliseconds(100);
}

void EngineUnderTest::open() {
  const auto on_event = [this](EngineEvent event) {
    phases[event.attempt].push_back(event.phase);
    if (event.phase != AttemptPhase::ended) return;
    ++ended[event.attempt];
    reports[event.attempt] = event.report.value_or(EndReport{});
  };
  Result<std::unique_ptr<Engine>> made = fail(ErrorCode::unavailable, "", "");
  if (kind_ == Kind::slurm || kind_ == Kind::slurm_commands || kind_ == Kind::slurm_later) {
    const std::string missing = SlurmCluster::missing();
    if (!missing.empty()) GTEST_SKIP() << missing;
    SlurmAccess& access = options.access;
    access.user = SlurmCluster::user();
    if (kind_ != Kind::slurm_commands) {
      if (access.url.empty()) {
        access.url = kind_ == Kind::slurm ? SlurmCluster::url() : SlurmCluster::later_url();
      }
      if (access.token_file.empty()) access.token_file = SlurmCluster::folder() / "token";
    } else {
      if (access.commands.empty()) access.commands = SlurmCluster::folder() / "bin";
    }
    made = make_slurm_engine(*io, options, on_event);
  } else if (kind_ == Kind::batch) {
    const std::string missing = PrivateGridEngine::missing();
    if (!missing.empty()) GTEST_SKIP() << missing;
    BatchEngineOptions batch;
    static_cast<QueueEngineOptions&>(batch) = options;
    batch.calm_time = std::chrono::seconds(1);
    batch.commands = commands ? *commands : PrivateGridEngine::commands();
    batch.user = PrivateGridEngine::user();
    batch.pools = {options.pools[0].pool};
    made = make_batch_engine(*io, batch, on_event);
  } else if (kind_ == Kind::kubernetes) {
    const std::string missing = FakeKubernetes::missing();
    if (!missing.empty()) GTEST_SKIP() << missing;
    made = make_kubernetes_engine(*io, FakeKubernetes::options(options, scratch / "kubernetes"),
                                  on_event);
  } else if (kind_ == Kind::tes) {
    tes.access.url = TesServer::url();
    tes.access.token_file = TesServer::token_file();
    const bool boxed = options.node.sandbox == SandboxMode::bubblewrap;
    tes.pools = {{options.pools[0].pool, {boxed ? "site:boxed" : "site:open"}, {}}};
    made = make_tes_engine(*io, tes, on_event);
  } else {
    made = make_process_engine(*io, options.node, on_event);
  }
  if (!made && made.error().field == "sandbox") GTEST_SKIP() << describe(made.error());
  ASSERT_TRUE(made) << describe(made.error());
  engine = std::move(*made);
}

void EngineUnderTest::close() {
  engine.reset();
  io = std::make_unique<boost::asio::io_context>();
}

bool EngineUnderTest::until(const std::function<bool()>& holds, std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    io->restart();
    io->run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

void EngineUnderTest::await_up() {
  ASSERT_TRUE(until([this] { return engine->check(shell("true")).has_value(); }))
      << describe(engine->check(shell("true")).error());
}

void EngineUnderTest::start(const AttemptId& id, const Assignment& assignment) {
  await_up();
  const Status fine = engine->check(assignment);
  ASSERT_TRUE(fine) << describe(fine.error());
  engine->start(id, assignment);
}

EndReport EngineUnderTest::end_of(const AttemptId& id) {
  EXPECT_TRUE(until([&] { return reports.contains(id); })) << "the attempt did not end";
  EXPECT_EQ(ended[id], 1);
  return reports[id];
}

bool EngineUnderTest::is_running(const AttemptId& id) const {
  const auto found = phases.find(id);
  return found != phases.end() && found->second.back() == AttemptPhase::running;
}

std::string EngineUnderTest::log(const AttemptId& id, LogStream stream) {
  const auto chunk = engine->read_log(id, stream, 0, 100'000);
  return chunk ? chunk->data : describe(chunk.error());
}

AttemptId EngineUnderTest::attempt(std::uint32_t number) const {
  const std::uint64_t test = stable_hash(scratch.path().string());
  return {JobId{fmt::format("j{:013x}", test & 0xfffffffffffff)}, number};
}

Assignment EngineUnderTest::shell(const std::string& script) const {
  Assignment assignment;
  assignment.tenant = TenantId{"tenant"};
  assignment.pool = PoolId{"pool"};
  assignment.units = 1;
  assignment.run_seconds_max = 60;
  assignment.executors.resize(1);
  assignment.executors[0].command = {"sh", "-c", script};
  return assignment;
}

// Outputs would be stored at the end only: the sandbox shows the folder of what is told outside.
Assignment EngineUnderTest::told(const std::string& work) const {
  const std::string file = (scratch / "told").string();
  return shell(fmt::format("echo start >> {0}; {1} && echo end >> {0}", file, work));
}

std::string EngineUnderTest::held() const {
  return fmt::format("while [ ! -e {} ]; do sleep 0.05; done", (scratch / "let_go").string());
}

void EngineUnderTest::let_go() const {
  std::ofstream(scratch / "let_go") << "\n";
}

int EngineUnderTest::lines(const std::string& word) const {
  std::ifstream file(scratch / "told");
  std::string line;
  int count = 0;
  while (std::getline(file, line)) count += line == word ? 1 : 0;
  return count;
}

int EngineUnderTest::starts() const {
  return lines("start");
}
int EngineUnderTest::ends() const {
  return lines("end");
}

}  // namespace tradewind::test
