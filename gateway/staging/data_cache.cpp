#include "gateway/staging/data_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/staging/http_transfer.h"

namespace tradewind {
namespace {

// NAME is LABEL-SHA256; of one that is not complete NAME.part.
constexpr std::size_t label_digits = 32;
constexpr std::size_t name_characters = label_digits + 1 + 64;
constexpr std::string_view part_suffix = ".part";
constexpr const char* lock_name = "lock";
constexpr std::chrono::milliseconds wait_step{100};

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::int64_t nanoseconds_of(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Error disk_error(const char* what) {
  return {ErrorCode::unavailable, "staging.cache",
          fmt::format("{}: {}", what, std::strerror(errno)), "check the disk of the cache"};
}

}  // namespace

struct DataCache::File {
  std::string name;
  std::uint64_t size_bytes = 0;
  std::int64_t used = 0;
};

Result<DataCache> DataCache::open(const std::filesystem::path& directory, std::uint64_t bytes_max) {
  std::error_code ignored;
  std::filesystem::create_directories(directory, ignored);
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fchmod(fd.get(), 0700) != 0) return fail(disk_error(directory.c_str()));
  return DataCache(std::move(fd), bytes_max);
}

bool DataCache::is_named(const UniqueFd& fd, const std::string& name) const {
  struct stat opened{};
  struct stat named{};
  return ::fstat(fd.get(), &opened) == 0 &&
         ::fstatat(directory_.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

Result<std::optional<DataCache::Place>> DataCache::take(const HoldingLabel& label,
                                                        const std::string& sha256,
                                                        std::uint64_t size_bytes,
                                                        const std::stop_token& stop) const {
  const std::string name = to_string(label) + "-" + sha256;
  const std::string part = name + std::string(part_suffix);
  bool has_room = false;
  while (!stop.stop_requested()) {
    UniqueFd kept(::openat(directory_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (kept) {
      // Shared: it is only removed under an exclusive lock.
      if (::flock(kept.get(), LOCK_SH | LOCK_NB) == 0 && is_named(kept, name)) {
        ::futimens(kept.get(), nullptr);
        return std::optional(Place{std::move(kept), true, name});
      }
      if (!wait_unless_stopped(wait_step, stop)) break;
      continue;
    }
    if (errno != ENOENT) return fail(disk_error("a kept file cannot be read"));
    if (!has_room && !make_room(size_bytes, part)) return std::optional<Place>();
    has_room = true;
    UniqueFd begun(
        ::openat(directory_.get(), part.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!begun) return fail(disk_error("a file cannot be made"));
    if (::flock(begun.get(), LOCK_EX | LOCK_NB) == 0) {
      // It may have been completed, or removed, since the look above.
      struct stat ignored{};
      if (is_named(begun, part)) {
        if (::fstatat(directory_.get(), name.c_str(), &ignored, AT_SYMLINK_NOFOLLOW) != 0) {
          return std::optional(Place{std::move(begun), false, name});
        }
        ::unlinkat(directory_.get(), part.c_str(), 0);  // made in vain
      }
    } else if (!wait_unless_stopped(wait_step, stop)) {
      break;
    }
  }
  return fail(ErrorCode::unavailable, "", "stopped");
}

Status DataCache::complete(Place& place) const {
  const std::string part = place.name + std::string(part_suffix);
  if (::fsync(place.fd.get()) != 0 ||
      ::renameat(directory_.get(), part.c_str(), directory_.get(), place.name.c_str()) != 0 ||
      ::fsync(directory_.get()) != 0) {
    return fail(disk_error("a fetched file cannot be kept"));
  }
  place.complete = true;
  // Others may read it from here on, and it may be larger than was said.
  ::flock(place.fd.get(), LOCK_SH);
  make_room(0, {});
  return ok();
}

void DataCache::drop(const Place& place) const {
  const std::string name = place.complete ? place.name : place.name + std::string(part_suffix);
  if (is_named(place.fd, name)) ::unlinkat(directory_.get(), name.c_str(), 0);
}

std::vector<DataCache::File> DataCache::files() const {
  std::vector<File> files;
  const int again = ::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return files;
  const std::unique_ptr<DIR, CloseDirectory> listing(::fdopendir(again));
  if (!listing) {
    ::close(again);
    return files;
  }
  while (const dirent* const entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name.size() < name_characters) continue;
    struct stat status{};
    if (::fstatat(directory_.get(), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode)) {
      continue;
    }
    files.push_back({std::string(name), static_cast<std::uint64_t>(status.st_size),
                     nanoseconds_of(status.st_mtim)});
  }
  std::ranges::sort(files, [](const File& a, const File& b) {
    return a.used != b.used ? a.used > b.used : a.name < b.name;
  });
  return files;
}

bool DataCache::make_room(std::uint64_t bytes, std::string_view for_part) const {
  // One at a time, or several would each remove what only one must.
  const UniqueFd lock(
      ::openat(directory_.get(), lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0) return false;
  std::vector<File> found = files();
  std::uint64_t sum = 0;
  for (const File& each : found) sum += each.size_bytes;
  std::size_t count = found.size();
  // What has begun to come has its place in `bytes`.
  if (const auto begun = std::ranges::find(found, for_part, &File::name); begun != found.end()) {
    bytes = std::max(bytes, begun->size_bytes);
    sum -= begun->size_bytes;
    --count;
    found.erase(begun);
  }
  const std::size_t files_more = for_part.empty() ? 0 : 1;
  const auto fits = [&] {
    return bytes <= bytes_max_ && sum <= bytes_max_ - bytes && count + files_more <= files_max;
  };
  while (!fits() && !found.empty()) {
    const File oldest = std::move(found.back());
    found.pop_back();
    const UniqueFd fd(
        ::openat(directory_.get(), oldest.name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) continue;  // in use
    if (::unlinkat(directory_.get(), oldest.name.c_str(), 0) != 0) continue;
    sum -= oldest.size_bytes;
    --count;
  }
  return fits();
}

std::vector<HoldingLabel> DataCache::holdings(std::size_t count_max) const {
  std::vector<HoldingLabel> labels;
  for (const File& each : files()) {
    if (labels.size() == count_max) break;
    if (each.name.size() != name_characters || each.size_bytes < file_bytes_min) continue;
    const auto label = parse_holding_label(std::string_view(each.name).substr(0, label_digits));
    if (label && !label->none()) labels.push_back(*label);
  }
  std::ranges::sort(labels);
  const auto again = std::ranges::unique(labels);
  labels.erase(again.begin(), again.end());
  return labels;
}

std::int64_t DataCache::changed() const {
  struct stat status{};
  return ::fstat(directory_.get(), &status) == 0 ? nanoseconds_of(status.st_mtim) : 0;
}

}  // namespace tradewind
