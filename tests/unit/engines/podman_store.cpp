#include "tests/unit/engines/podman_store.h"

#include <chrono>

#include "gateway/engines/process_engine.h"
#include "gateway/engines/sandbox.h"
#include "gateway/engines/tool_run.h"

namespace tradewind::test {

using namespace std::chrono_literals;

PodmanStore& PodmanStore::get() {
  static PodmanStore one;
  return one;
}

PodmanStore::PodmanStore() {
  for (const char* program : {"podman", "runc", "busybox"}) {
    if (find_program(program).empty()) missing_ = std::string("there is no program ") + program;
  }
  if (missing_.empty()) make();
}

PodmanStore::~PodmanStore() {
  if (missing_.empty()) static_cast<void>(podman({"rm", "--force", "--all", "--time=0"}));
}

void PodmanStore::make() {
  const std::string folder = (scratch_ / "root").string();
  const std::string tar = (scratch_ / "image.tar").string();
  const auto made = run_tool(
      {"/bin/sh", "-c",
       "set -e; mkdir -p " + folder + "/bin; cd " + folder + "; cp " + find_program("busybox") +
           " bin/busybox; for each in sh cat dd echo false grep ls sleep stat test tr true; do"
           " ln -s busybox bin/$each; done; tar -cf " +
           tar + " ."},
      60s, 1 << 16);
  if (!made) missing_ = describe(made.error());
  const std::string host(to_string(host_architecture()));
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"import", "--quiet", "--arch=" + host, "--change=ENTRYPOINT [\"/bin/false\"]", tar,
            "localhost/tools:1"},
           {"import", "--quiet", host == "arm64" ? "--arch=amd64" : "--arch=arm64", tar,
            "localhost/tools:other"},
           // As root without every capability, limits of its own are what fails.
           {"run", "--rm", "--network=none", "--ulimit=nofile=1024:1024",
            "--ulimit=nproc=1024:1024", "--entrypoint=[\"true\"]", "localhost/tools:1"}}) {
    if (!missing_.empty()) return;
    if (const auto done = podman(words); !done) missing_ = describe(done.error());
  }
}

ContainerOptions PodmanStore::options() const {
  ContainerOptions options;
  options.options = {"--root=" + (scratch_ / "store").string(),
                     "--runroot=" + (scratch_ / "run").string(),
                     "--runtime=runc",
                     "--cgroup-manager=cgroupfs",
                     "--storage-driver=vfs",
                     "--log-level=error"};
  options.images = {"localhost/tools"};
  options.pull = ImagePull::never;
  return options;
}

Result<std::string> PodmanStore::podman(const std::vector<std::string>& words) const {
  std::vector<std::string> argv{find_program("podman")};
  const auto before = options().options;
  argv.insert(argv.end(), before.begin(), before.end());
  argv.insert(argv.end(), words.begin(), words.end());
  return run_tool(argv, 60s, 1 << 20);
}

std::string PodmanStore::containers() const {
  const auto listed = podman({"ps", "--all", "--format={{.Names}}"});
  return listed ? *listed : describe(listed.error());
}

}  // namespace tradewind::test
