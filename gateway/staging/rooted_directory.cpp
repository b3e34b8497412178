#include "gateway/staging/rooted_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>

namespace tradewind {
namespace {

std::string relative(std::string_view path) {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  return path.empty() ? "." : std::string(path);
}

struct Split {
  std::string directory;
  std::string name;
};
Split split(std::string_view path) {
  const std::string whole = relative(path);
  const auto slash = whole.rfind('/');
  if (slash == std::string::npos) return {".", whole};
  return {whole.substr(0, slash), whole.substr(slash + 1)};
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

Result<RootedDirectory> RootedDirectory::open(const std::filesystem::path& path, Links links) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    return fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::unavailable, path.string(),
                fmt::format("the directory cannot be opened: {}", std::strerror(errno)));
  }
  return RootedDirectory(std::move(fd), path, links);
}

int RootedDirectory::open_raw(std::string_view path, int flags, mode_t mode) const {
  struct open_how how{};
  // Unlike openat, openat2 refuses flags that have no effect.
  how.flags =
      static_cast<std::uint64_t>(flags | O_CLOEXEC | ((flags & O_PATH) == 0 ? O_NOCTTY : 0));
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve =
      RESOLVE_NO_MAGICLINKS | (links_ == Links::as_root ? RESOLVE_IN_ROOT : RESOLVE_BENEATH);
  const std::string inner = relative(path);
  // The kernel answers EAGAIN when something was renamed while it resolved; then it may look again.
  for (int tries = 0;; ++tries) {
    const long fd = ::syscall(SYS_openat2, fd_.get(), inner.c_str(), &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if ((errno != EAGAIN && errno != EINTR) || tries == 100) return -1;
  }
}

Error RootedDirectory::error(std::string_view path, int number) const {
  const std::string name = "/" + relative(path);
  switch (number) {
    case ENOENT:
    case ENOTDIR: return {ErrorCode::not_found, "", fmt::format("{} is not there", name), ""};
    case EXDEV:
    case ELOOP:
      return {ErrorCode::forbidden, "",
              fmt::format("{} is or goes through a symbolic link that leads elsewhere", name),
              "give the file itself"};
    case EISDIR:
      return {ErrorCode::invalid, "", fmt::format("{} is a directory", name),
              "give the type DIRECTORY"};
    case ENXIO: return {ErrorCode::invalid, "", fmt::format("{} is not a regular file", name), ""};
    case EFBIG:
    case ENOSPC:
    case EDQUOT:
      return {ErrorCode::exhausted, "", fmt::format("{}: {}", name, std::strerror(number)),
              "free space on the site's disk"};
    default:
      return {ErrorCode::unavailable, "", fmt::format("{}: {}", name, std::strerror(number)), ""};
  }
}

Result<UniqueFd> RootedDirectory::open_file(std::string_view path) const {
  // O_NONBLOCK: opening a pipe that a job left there must not wait for a writer.
  UniqueFd fd(open_raw(path, O_RDONLY | O_NONBLOCK, 0));
  if (!fd) return fail(error(path, errno));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail(error(path, errno));
  if (S_ISDIR(status.st_mode)) return fail(error(path, EISDIR));
  if (!S_ISREG(status.st_mode)) return fail(error(path, ENXIO));
  return fd;
}

Result<UniqueFd> RootedDirectory::create_file(std::string_view path, mode_t mode) const {
  if (const Status made = make_directories(split(path).directory); !made) {
    return fail(made.error());
  }
  // Truncated only once it is known to be a regular file.
  UniqueFd fd(open_raw(path, O_RDWR | O_CREAT | O_NONBLOCK, mode));
  if (!fd) return fail(error(path, errno));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail(error(path, errno));
  if (!S_ISREG(status.st_mode)) return fail(error(path, ENXIO));
  if (::ftruncate(fd.get(), 0) != 0) return fail(error(path, errno));
  return fd;
}

Status RootedDirectory::make_directories(std::string_view path) const {
  const std::string whole = relative(path);
  if (whole == ".") return ok();
  std::size_t at = 0;
  while (at != std::string::npos) {
    at = whole.find('/', at + 1);
    const std::string upto = whole.substr(0, at);
    UniqueFd there(open_raw(upto, O_PATH | O_DIRECTORY, 0));
    if (there) continue;
    if (errno != ENOENT) return fail(error(upto, errno));
    const Split parts = split(upto);
    const UniqueFd parent(open_raw(parts.directory, O_PATH | O_DIRECTORY, 0));
    if (!parent) return fail(error(upto, errno));
    if (::mkdirat(parent.get(), parts.name.c_str(), 0755) != 0 && errno != EEXIST) {
      return fail(error(upto, errno));
    }
  }
  return ok();
}

Result<UniqueFd> RootedDirectory::open_directory(std::string_view path) const {
  UniqueFd fd(open_raw(path, O_RDONLY | O_DIRECTORY, 0));
  if (!fd) return fail(error(path, errno));
  return fd;
}

Result<RootedDirectory::Entry> RootedDirectory::look(std::string_view path) const {
  Entry entry;
  entry.name = split(path).name;
  const UniqueFd itself(open_raw(path, O_PATH | O_NOFOLLOW, 0));
  if (!itself) {
    if (errno == ENOENT || errno == ENOTDIR) return entry;
    return fail(error(path, errno));
  }
  struct stat status{};
  if (::fstat(itself.get(), &status) != 0) return fail(error(path, errno));
  entry.symbolic_link = S_ISLNK(status.st_mode);
  if (entry.symbolic_link) {
    const UniqueFd target(open_raw(path, O_PATH, 0));
    if (!target) return entry;  // it leads nowhere, or out
    if (::fstat(target.get(), &status) != 0) return fail(error(path, errno));
  }
  entry.type = status.st_mode & S_IFMT;
  entry.size_bytes = S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0;
  return entry;
}

Result<std::vector<RootedDirectory::Entry>> RootedDirectory::list(std::string_view path,
                                                                  std::size_t entries_max) const {
  auto fd = open_directory(path);
  if (!fd) return fail(fd.error());
  const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(fd->get()));
  if (!directory) return fail(error(path, errno));
  static_cast<void>(fd->release());
  const std::string whole = relative(path);
  std::vector<Entry> entries;
  while (const dirent* each = ::readdir(directory.get())) {
    const std::string name = each->d_name;
    if (name == "." || name == "..") continue;
    if (entries.size() == entries_max) {
      return fail(ErrorCode::too_large, "",
                  fmt::format("/{} holds more than {} entries", whole, entries_max),
                  "put the files into one archive");
    }
    auto entry = look(whole == "." ? name : whole + "/" + name);
    if (!entry) return fail(entry.error());
    entry->name = name;
    entries.push_back(std::move(*entry));
  }
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

Status RootedDirectory::rename(std::string_view from, std::string_view to) const {
  const Split source = split(from);
  const Split target = split(to);
  const UniqueFd source_directory(open_raw(source.directory, O_PATH | O_DIRECTORY, 0));
  if (!source_directory) return fail(error(from, errno));
  const UniqueFd target_directory(open_raw(target.directory, O_PATH | O_DIRECTORY, 0));
  if (!target_directory) return fail(error(to, errno));
  if (::renameat(source_directory.get(), source.name.c_str(), target_directory.get(),
                 target.name.c_str()) != 0) {
    return fail(error(to, errno));
  }
  return ok();
}

void RootedDirectory::remove_file(std::string_view path) const {
  const Split parts = split(path);
  const UniqueFd parent(open_raw(parts.directory, O_PATH | O_DIRECTORY, 0));
  if (parent) ::unlinkat(parent.get(), parts.name.c_str(), 0);
}

}  // namespace tradewind
