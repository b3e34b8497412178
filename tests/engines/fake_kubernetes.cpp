#include "tests/engines/fake_kubernetes.h"

#include <signal.h>
#include <sys/wait.h>

#include <thread>

#include <fmt/format.h>

#include "gateway/engines/launch.h"
#include "gateway/engines/sandbox.h"
#include "gateway/engines/tool_run.h"
#include "state/identity/stored_file.h"

namespace tradewind::test {
namespace {

using namespace std::chrono_literals;

// Killed when the process ends.
struct Fake {
  Scratch scratch;
  std::string missing;
  pid_t pid = -1;

  Fake() {
    for (const char* program : {"python3", "openssl", "curl", "bwrap"}) {
      if (find_program(program).empty()) missing = std::string("there is no program ") + program;
    }
    if (!missing.empty()) return;
    LaunchSpec spec;
    spec.argv = {find_program("python3"), TRADEWIND_FAKE_KUBERNETES, folder().string()};
    spec.env = tool_environment();
    spec.standard_error = 2;
    const auto started = launch(spec);
    if (!started) {
      missing = describe(started.error());
      return;
    }
    pid = *started;
    for (int round = 0; round < 3'000 && !std::filesystem::exists(folder() / "url"); ++round) {
      std::this_thread::sleep_for(20ms);
    }
    EXPECT_TRUE(std::filesystem::exists(folder() / "url")) << "the fake did not start";
  }
  ~Fake() {
    if (pid <= 0) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  std::filesystem::path folder() const { return scratch / "kubernetes"; }
};

Fake& fake() {
  static Fake one;
  return one;
}

}  // namespace

std::string FakeKubernetes::missing() {
  return fake().missing;
}

KubernetesAccess FakeKubernetes::access() {
  KubernetesAccess access;
  access.url = load_file(fake().folder() / "url", 256).value();
  access.ca_file = (fake().folder() / "ca.pem").string();
  access.token_file = (fake().folder() / "token").string();
  return access;
}

std::string FakeKubernetes::tell(const std::string& what) {
  const auto said = run_tool({find_program("curl"), "-sS", "--cacert", access().ca_file, "-X",
                              "POST", access().url + "/_test/" + what},
                             60s, 1 << 20);
  EXPECT_TRUE(said) << describe(said.error());
  return said ? *said : "";
}

KubernetesEngineOptions FakeKubernetes::options(const SlurmEngineOptions& like,
                                                const std::filesystem::path& directory) {
  KubernetesEngineOptions options;
  options.access = access();
  options.namespace_name = "federation";
  options.directory = directory;
  KubernetesPool pool;
  pool.pool = like.pools.front().pool;
  pool.selector = {{"pool", "main"}};
  pool.accelerator = "nvidia.com/gpu";
  options.pools = {pool};
  options.job.image = "localhost/tools:1";
  options.job.images = {"localhost"};
  options.job.stop_grace = like.node.stop_grace;
  options.poll_interval = like.poll_interval;
  return options;
}

}  // namespace tradewind::test
