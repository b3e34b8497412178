#include "gateway/engines/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "gateway/staging/unique_fd.h"

namespace tradewind {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

struct Found {
  pid_t parent = 0;
  TreeProcess process;
};

std::optional<Found> read_process(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::array<char, 1024> text{};
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  const std::string_view line(text.data(), static_cast<std::size_t>(size));
  // The name, in parentheses, may hold anything; the last ')' ends it.
  const auto close = line.rfind(')');
  if (close == std::string_view::npos) return std::nullopt;
  std::istringstream rest{std::string(line.substr(close + 1))};
  std::string state;
  Found found;
  found.process.pid = pid;
  rest >> state >> found.parent;
  std::uint64_t ticks = 0;
  std::int64_t value = 0;
  for (int field = 5; field <= 24 && rest >> value; ++field) {  // numbered as in proc(5)
    if (field >= 14 && field <= 17) ticks += static_cast<std::uint64_t>(value);
    if (field == 24 && value > 0) {
      found.process.resident_bytes =
          static_cast<std::uint64_t>(value) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }
  }
  found.process.cpu_milliseconds =
      ticks * 1000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return found;
}

}  // namespace

std::vector<TreeProcess> descendants(pid_t root) {
  std::multimap<pid_t, TreeProcess> by_parent;
  const std::unique_ptr<DIR, CloseDirectory> proc(::opendir("/proc"));
  while (const dirent* each = proc ? ::readdir(proc.get()) : nullptr) {
    const std::string_view name = each->d_name;
    pid_t pid = 0;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (problem != std::errc{} || end != name.data() + name.size()) continue;
    if (const auto found = read_process(pid)) by_parent.emplace(found->parent, found->process);
  }
  std::vector<TreeProcess> tree;
  TreeProcess parent{.pid = root};
  for (std::size_t at = 0;; ++at) {
    const auto [first, last] = by_parent.equal_range(parent.pid);
    for (auto child = first; child != last; ++child) {
      TreeProcess process = child->second;
      process.depth = parent.depth + 1;
      tree.push_back(process);
    }
    by_parent.erase(first, last);
    if (at == tree.size()) return tree;
    parent = tree[at];
  }
}

void signal_descendants(pid_t root, int depth_min, int signal) {
  for (const auto& each : descendants(root)) {
    if (each.depth < depth_min) continue;
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, each.pid, 0)));
    if (!pidfd) continue;
    // Still in the tree after the descriptor was opened: so it is the one that was seen.
    bool same = false;
    pid_t parent = each.pid;
    for (int depth = 0; depth < each.depth && !same; ++depth) {
      const auto now = read_process(parent);
      if (!now) break;
      parent = now->parent;
      same = parent == root;
    }
    if (same) ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0);
  }
}

}  // namespace tradewind
