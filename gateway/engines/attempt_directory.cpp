#include "gateway/engines/attempt_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "schemas/codec.h"
#include "schemas/limits.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t end_bytes_max = limits::frame_bytes_max;

// Also what a job made unreadable for its own owner.
void remove_tree(const fs::path& tree) {
  std::error_code problem;
  fs::remove_all(tree, problem);
  if (!problem) return;
  std::error_code ignored;
  // Each directory is opened to its owner before the iterator enters it.
  fs::permissions(tree, fs::perms::owner_all, fs::perm_options::add | fs::perm_options::nofollow,
                  ignored);
  fs::recursive_directory_iterator each(tree, ignored);
  for (const fs::recursive_directory_iterator end; each != end; each.increment(ignored)) {
    if (each->is_symlink(ignored) || !each->is_directory(ignored)) continue;
    fs::permissions(each->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
  }
  fs::remove_all(tree, ignored);
}

}  // namespace

Result<AttemptDirectory> AttemptDirectory::of(const fs::path& root, const AttemptId& attempt) {
  const std::string& job = attempt.job.value;
  const bool fits = !job.empty() && job.size() <= 64 && std::ranges::all_of(job, [](char each) {
    return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
           (each >= '0' && each <= '9') || each == '-';
  });
  if (!fits) {
    return fail(ErrorCode::invalid, "attempt", "the job's id is not of the form of an id",
                "give it as the broker made it");
  }
  return AttemptDirectory(root / fmt::format("{}.{}", job, attempt.number));
}

bool AttemptDirectory::exists() const {
  std::error_code ignored;
  return fs::exists(path_, ignored);
}

Status AttemptDirectory::create() const {
  std::error_code problem;
  if (!fs::create_directory(path_, problem)) {
    if (!problem) {
      return fail(ErrorCode::conflict, path_.string(), "the attempt's directory is there already");
    }
    return fail(ErrorCode::unavailable, path_.string(),
                fmt::format("cannot be made: {}", problem.message()), "check the site's disk");
  }
  // What a tenant brings is nobody's business on this machine.
  fs::permissions(path_, fs::perms::owner_all, problem);
  for (const char* each : {"files", "kept", "log", "state"}) {
    if (!problem) fs::create_directory(path_ / each, problem);
  }
  if (problem) {
    return fail(ErrorCode::unavailable, path_.string(),
                fmt::format("cannot be made: {}", problem.message()), "check the site's disk");
  }
  return ok();
}

Status AttemptDirectory::write_end(EndReport report) const {
  Bytes bytes = encode(report);
  if (bytes.size() > end_bytes_max) {
    for (auto& each : report.executors) each.stdout_tail.clear();
    for (auto& each : report.executors) each.stderr_tail.clear();
    bytes = encode(report);
  }
  return store_file(state() / "end", bytes, private_mode);
}

EndReport AttemptDirectory::record_end(EndReport report) const {
  if (const Status recorded = write_end(report); !recorded) {
    report.system_log.push_back("the end is not recorded at the site: " +
                                describe(recorded.error()));
  }
  return report;
}

Result<std::optional<EndReport>> AttemptDirectory::read_end() const {
  const auto bytes = load_file(state() / "end", end_bytes_max);
  if (!bytes) {
    if (bytes.error().code == ErrorCode::not_found) return std::optional<EndReport>{};
    return fail(bytes.error());
  }
  auto report = decode_end_report(*bytes);
  if (!report) return fail(report.error());
  return std::optional(std::move(*report));
}

Result<LogChunk> AttemptDirectory::read_log(const AttemptId& attempt, bool live, LogStream stream,
                                            std::uint64_t offset, std::uint32_t bytes_max) const {
  LogChunk chunk;
  chunk.attempt = attempt;
  chunk.offset = offset;
  if (!live && !exists()) {
    chunk.known = false;
    chunk.end = true;
    return chunk;
  }
  const auto failed = [this, stream] {
    return fail(ErrorCode::unavailable, log(stream).string(),
                fmt::format("the log cannot be read: {}", std::strerror(errno)),
                "check the site's disk");
  };
  const UniqueFd fd(::open(log(stream).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    // Not made yet, or never: the attempt ended before its log began.
    if (errno != ENOENT) return failed();
    chunk.end = !live;
    return chunk;
  }
  const std::size_t wanted = std::min<std::size_t>(bytes_max, limits::log_chunk_bytes_max);
  chunk.data.resize(wanted);
  const ssize_t got = ::pread(fd.get(), chunk.data.data(), wanted, static_cast<off_t>(offset));
  if (got < 0) return failed();
  chunk.data.resize(static_cast<std::size_t>(got));
  chunk.end = !live && (wanted == 0 ? false : chunk.data.size() < wanted);
  return chunk;
}

Result<UniqueFd> lock_attempts(const fs::path& root) {
  const fs::path path = root / "lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) {
    return fail(ErrorCode::unavailable, path.string(),
                fmt::format("cannot be made: {}", std::strerror(errno)), "check the disk");
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::conflict, "attempts_directory",
                fmt::format("another engine uses {}", root.string()),
                "stop it, or give each its own directory");
  }
  return fd;
}

void AttemptDirectory::remove_files() const {
  remove_tree(files());
}

void AttemptDirectory::mark_forgotten() const {
  std::error_code ignored;
  if (!fs::exists(state(), ignored)) return;
  static_cast<void>(store_file(state() / "forgotten", "", private_mode));
}

void sweep_attempts(const fs::path& root, const std::set<std::string>& live,
                    std::chrono::seconds retention, std::chrono::seconds abandoned_retention) {
  const auto now = fs::file_time_type::clock::now();
  const auto older = [&now](const fs::path& path, std::chrono::seconds age) {
    std::error_code missing;
    const auto at = fs::last_write_time(path, missing);
    return !missing && now - at >= age;
  };
  std::error_code problem;
  for (fs::directory_iterator each(root, problem), end; !problem && each != end;
       each.increment(problem)) {
    std::error_code ignored;
    const fs::path path = each->path();
    if (!each->is_directory(ignored) || live.contains(path.filename().string())) continue;
    if (older(path / "state" / "forgotten", retention) ||
        older(path / "state", abandoned_retention)) {
      remove_tree(path);
    }
  }
}

}  // namespace tradewind
