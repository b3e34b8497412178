#include "gateway/engines/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "gateway/engines/launch.h"
#include "gateway/staging/file_copy.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;

// Of /etc; keys, passwords and the machine's configuration stay out.
constexpr std::array<const char*, 10> etc_always{
    "/etc/alternatives", "/etc/group",     "/etc/ld.so.cache", "/etc/ld.so.conf",
    "/etc/ld.so.conf.d", "/etc/localtime", "/etc/mime.types",  "/etc/nsswitch.conf",
    "/etc/passwd",       "/etc/timezone"};
constexpr std::array<const char*, 7> etc_for_network{
    "/etc/resolv.conf", "/etc/hosts",     "/etc/host.conf",      "/etc/services",
    "/etc/protocols",   "/etc/ssl/certs", "/etc/ssl/openssl.cnf"};

std::vector<std::string> system_mounts() {
  std::vector<std::string> mounts{"--ro-bind", "/usr", "/usr"};
  for (const char* name : {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}) {
    const fs::path path = fs::path("/") / name;
    std::error_code ignored;
    if (fs::is_symlink(path, ignored)) {
      mounts.insert(mounts.end(), {"--symlink", fs::read_symlink(path, ignored), path});
    } else if (fs::is_directory(path, ignored)) {
      mounts.insert(mounts.end(), {"--ro-bind", path, path});
    }
  }
  for (const char* path : etc_always) mounts.insert(mounts.end(), {"--ro-bind-try", path, path});
  mounts.insert(mounts.end(), {"--proc", "/proc", "--dev", "/dev", "--dir", "/run"});
  return mounts;
}

// Runs the program to its end, at most five seconds, and gives its standard error when it failed.
Status try_out(const std::vector<std::string>& argv) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorCode::unavailable, "", fmt::format("pipe: {}", std::strerror(errno)));
  }
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  LaunchSpec spec;
  spec.argv = argv;
  spec.env = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  spec.standard_error = writing.get();
  const auto pid = launch(spec);
  if (!pid) return fail(pid.error());
  writing.reset();
  std::string said;
  struct pollfd readable{reading.get(), POLLIN, 0};
  std::array<char, 1024> chunk{};
  while (::poll(&readable, 1, 5'000) == 1) {
    const ssize_t got = ::read(reading.get(), chunk.data(), chunk.size());
    if (got <= 0) break;
    if (said.size() < 4096) said.append(chunk.data(), static_cast<std::size_t>(got));
  }
  int status = 0;
  for (int round = 0; ::waitpid(*pid, &status, WNOHANG) == 0; ++round) {
    if (round == 5'000) ::kill(*pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ok();
  while (said.ends_with('\n')) said.pop_back();
  return fail(ErrorCode::unavailable, "", said.empty() ? "it ended without a word" : said);
}

}  // namespace

Result<UniqueFd> memory_file(std::string_view bytes) {
  UniqueFd fd(::memfd_create("tradewind-sandbox", MFD_CLOEXEC));
  if (!fd || !write_all(fd.get(), bytes) || ::lseek(fd.get(), 0, SEEK_SET) != 0) {
    return fail(ErrorCode::unavailable, "",
                fmt::format("the sandbox's arguments cannot be kept: {}", std::strerror(errno)));
  }
  return fd;
}

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return ::access(name.c_str(), X_OK) == 0 ? fs::absolute(name).string() : std::string{};
  }
  const char* path = std::getenv("PATH");
  std::istringstream directories(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  std::string directory;
  while (std::getline(directories, directory, ':')) {
    const std::string candidate = directory + "/" + name;
    if (directory.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

std::string Sandbox::emulator_path(Architecture architecture) {
  return fmt::format("/run/emulator-{}", to_string(architecture));
}

Result<Sandbox> Sandbox::probe(const ProcessEngineOptions& options) {
  const std::string remedy =
      "install the package bubblewrap and allow user namespaces (in a chroot, bind-mount its "
      "folder "
      "onto itself first: its root must be a mount point), or, where every tenant is trusted, set "
      "sandbox = \"none\"";
  Sandbox sandbox;
  sandbox.program_ = find_program(options.bubblewrap);
  if (sandbox.program_.empty()) {
    return fail(ErrorCode::unavailable, "sandbox",
                fmt::format("there is no program {}", options.bubblewrap), remedy);
  }
  sandbox.system_ = system_mounts();
  for (const auto& each : options.read_only_binds) {
    sandbox.system_.insert(sandbox.system_.end(), {"--ro-bind", each, each});
  }
  for (const auto& [architecture, path] : options.emulators) {
    sandbox.system_.insert(sandbox.system_.end(), {"--ro-bind", path, emulator_path(architecture)});
  }
  const std::vector<std::string> always{
      "--unshare-pid",     "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
      "--die-with-parent", "--new-session", "--cap-drop",    "ALL",
      "--hostname",        "tradewind"};
  std::vector<std::vector<std::string>> candidates{{"--unshare-user", "--disable-userns"},
                                                   {"--unshare-user"}};
  if (::geteuid() == 0) candidates.push_back({});
  Status tried = ok();
  for (auto& candidate : candidates) {
    candidate.insert(candidate.end(), always.begin(), always.end());
    std::vector<std::string> argv{sandbox.program_};
    argv.insert(argv.end(), candidate.begin(), candidate.end());
    argv.push_back("--unshare-net");
    argv.insert(argv.end(), sandbox.system_.begin(), sandbox.system_.end());
    argv.insert(argv.end(), {"--", "/bin/true"});
    tried = try_out(argv);
    if (!tried) continue;
    sandbox.isolation_ = candidate;
    return sandbox;
  }
  return fail(ErrorCode::unavailable, "sandbox",
              fmt::format("bubblewrap does not work here: {}", tried.error().message), remedy);
}

Result<SandboxedCommand> Sandbox::wrap(const std::vector<std::string>& command,
                                       const std::string& workdir,
                                       const std::map<std::string, std::string>& env,
                                       const fs::path& files, const std::set<std::string>& visible,
                                       bool network,
                                       const std::vector<std::string>& devices) const {
  std::vector<std::string> arguments = isolation_;
  if (!network) arguments.push_back("--unshare-net");
  arguments.insert(arguments.end(), system_.begin(), system_.end());
  if (network) {
    for (const char* path : etc_for_network) {
      arguments.insert(arguments.end(), {"--ro-bind-try", path, path});
    }
  }
  for (const auto& name : visible) {
    arguments.insert(arguments.end(), {"--bind", files / name, "/" + name});
  }
  for (const auto& each : devices) {
    arguments.insert(arguments.end(), {"--dev-bind", each, each});
  }
  if (!visible.contains("var")) arguments.insert(arguments.end(), {"--dir", "/var/tmp"});
  arguments.push_back("--clearenv");
  for (const auto& [name, value] : env) {
    arguments.insert(arguments.end(), {"--setenv", name, value});
  }
  arguments.insert(arguments.end(),
                   {"--chdir", workdir, "--json-status-fd", std::to_string(status_descriptor)});
  std::string bytes;
  for (const auto& each : arguments) bytes.append(each).push_back('\0');
  auto file = memory_file(bytes);
  if (!file) return fail(file.error());
  SandboxedCommand wrapped;
  wrapped.arguments = std::move(*file);
  wrapped.argv = {program_, "--args", std::to_string(arguments_descriptor), "--"};
  wrapped.argv.insert(wrapped.argv.end(), command.begin(), command.end());
  return wrapped;
}

SandboxStatus parse_sandbox_status(std::string_view text) {
  const auto number = [text](std::string_view key) -> int {
    const auto at = text.find(key);
    if (at == std::string_view::npos) return -1;
    const char* first = text.data() + at + key.size();
    int value = -1;
    return std::from_chars(first, text.data() + text.size(), value).ec == std::errc{} ? value : -1;
  };
  SandboxStatus status;
  status.init = std::max(number("\"child-pid\": "), 0);
  status.exit_code = number("\"exit-code\": ");
  return status;
}

}  // namespace tradewind
