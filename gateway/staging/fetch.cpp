#include "gateway/staging/fetch.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/staging/data_cache.h"
#include "gateway/staging/file_copy.h"
#include "gateway/staging/http_transfer.h"
#include "gateway/staging/s3.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"

namespace tradewind {
namespace {

// One call's arguments, so that the steps below need not repeat them.
struct Task {
  const StagingPolicy& policy;
  std::string field;
  const Input& input;
  const RootedDirectory& files;
  StagingBudget& budget;
  const std::stop_token& stop;

  Error named(Error error) const {
    if (error.field.empty()) error.field = field;
    return error;
  }
};

std::uint64_t milliseconds_since(std::chrono::steady_clock::time_point start) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::steady_clock::now() - start)
                                        .count());
}

mode_t mode_of(bool executable) {
  return executable ? 0755 : 0644;
}

Status set_mode(const UniqueFd& fd, bool executable) {
  // By fchmod, for the umask does not count here.
  if (::fchmod(fd.get(), mode_of(executable)) == 0) return ok();
  return fail(ErrorCode::unavailable, "",
              fmt::format("its mode cannot be set: {}", std::strerror(errno)));
}

Status check_digest(const Task& task, const std::string& sha256) {
  if (task.input.sha256.empty() || task.input.sha256 == sha256) return ok();
  return fail(
      ErrorCode::corrupt, task.field + ".sha256",
      fmt::format("{} has the sha256 {}, not {}", task.input.path, sha256, task.input.sha256),
      "check the digest in the job, or the file");
}

Result<Fetched> write_content(const Task& task) {
  const std::string& content = task.input.content;
  if (!task.budget.take_file() || !task.budget.take_bytes(content.size())) {
    return fail(ErrorCode::too_large, task.field, "the attempt's files are too many or too large",
                "move less data, or ask the site to raise its limit");
  }
  auto fd = task.files.create_file(task.input.path, mode_of(task.input.executable));
  if (!fd) return fail(task.named(fd.error()));
  if (!write_all(fd->get(), content)) {
    return fail(ErrorCode::unavailable, task.field,
                fmt::format("{} cannot be written: {}", task.input.path, std::strerror(errno)),
                "check the space on the site's disk");
  }
  if (const Status set = set_mode(*fd, task.input.executable); !set) {
    return fail(task.named(set.error()));
  }
  Fetched fetched;
  fetched.input.size_bytes = content.size();
  fetched.input.sha256 = hex(sha256(content));
  return fetched;
}

// The allowed directory that holds the path, and the path below it.
struct Source {
  RootedDirectory root;
  std::string path;
};
Result<Source> source_of(const Task& task, const std::string& url) {
  const std::string field = task.field + ".url";
  const auto path = path_of_file_url(field, url);
  if (!path) return fail(path.error());
  for (const auto& each : task.policy.file_read_roots) {
    const auto below = path->lexically_relative(each.lexically_normal());
    if (below.empty() || *below.begin() == "..") continue;
    auto root = RootedDirectory::open(each, Links::beneath);
    if (!root) return fail(root.error());
    return Source{std::move(*root), below.string()};
  }
  return fail(
      ErrorCode::forbidden, field,
      fmt::format("{} is in none of the directories that this site lets jobs read", path->string()),
      "ask the site which directories are open");
}

Status take_file(const Task& task) {
  if (task.budget.take_file()) return ok();
  return fail(ErrorCode::too_large, task.field,
              fmt::format("the attempt has more than {} files", task.policy.files_max),
              "put the files into one archive");
}

// A copy of the open file.
Result<Digested> copy_file(const Task& task, const UniqueFd& original, const std::string& to,
                           bool executable) {
  auto copy = task.files.create_file(to, mode_of(executable));
  if (!copy) return fail(task.named(copy.error()));
  auto digested = copy_and_digest(original.get(), copy->get(), task.field, to,
                                  task.policy.file_bytes_max, task.budget, task.stop);
  if (!digested) return fail(digested.error());
  if (const Status set = set_mode(*copy, executable); !set) return fail(task.named(set.error()));
  return digested;
}

Result<Digested> copy_file(const Task& task, const Source& source, const std::string& from,
                           const std::string& to, bool executable) {
  if (const Status taken = take_file(task); !taken) return fail(taken.error());
  auto original = source.root.open_file(from);
  if (!original) return fail(task.named(original.error()));
  struct stat status{};
  const bool was_executable =
      ::fstat(original->get(), &status) == 0 && (status.st_mode & S_IXUSR) != 0;
  return copy_file(task, *original, to,
                   executable || (task.input.type == FileType::directory && was_executable));
}

Result<Fetched> copy_directory(const Task& task, const Source& source) {
  if (const Status made = task.files.make_directories(task.input.path); !made) {
    return fail(task.named(made.error()));
  }
  std::vector<std::pair<std::string, std::string>> lines;  // relative path, sha256
  std::vector<std::string> open{""};                       // directories still to be read
  Fetched fetched;
  fetched.files = 0;
  while (!open.empty()) {
    const std::string directory = std::move(open.back());
    open.pop_back();
    const auto entries = source.root.list(source.path + "/" + directory, task.policy.files_max);
    if (!entries) return fail(task.named(entries.error()));
    for (const auto& each : *entries) {
      const std::string below = directory.empty() ? each.name : directory + "/" + each.name;
      const std::string target = task.input.path + "/" + below;
      if (each.type == S_IFDIR && !each.symbolic_link) {
        // Directories count as files do, or an endless tree of empty ones would have no bound.
        if (const Status taken = take_file(task); !taken) return fail(taken.error());
        if (const Status made = task.files.make_directories(target); !made) {
          return fail(task.named(made.error()));
        }
        open.push_back(below);
      } else if (each.type == S_IFREG) {
        const auto copied = copy_file(task, source, source.path + "/" + below, target, false);
        if (!copied) return fail(copied.error());
        lines.emplace_back(below, copied->sha256);
        fetched.input.size_bytes += copied->size_bytes;
        ++fetched.files;
      } else {
        return fail(
            ErrorCode::forbidden, task.field + ".url",
            fmt::format("{} in the directory is a special file, or a link to something else "
                        "than a file in the site's open directories",
                        below),
            "replace it by the file that is meant");
      }
    }
  }
  std::ranges::sort(lines);
  Sha256 digest;
  for (const auto& [path, sha256] : lines) digest.update(fmt::format("{}  {}\n", sha256, path));
  fetched.input.sha256 = hex(digest.finish());
  return fetched;
}

Result<Fetched> copy_from_machine(const Task& task, const std::string& url) {
  const auto source = source_of(task, url);
  if (!source) return fail(source.error());
  if (task.input.type == FileType::directory) return copy_directory(task, *source);
  const auto copied =
      copy_file(task, *source, source->path, task.input.path, task.input.executable);
  if (!copied) return fail(copied.error());
  Fetched fetched;
  fetched.input.size_bytes = copied->size_bytes;
  fetched.input.sha256 = copied->sha256;
  return fetched;
}

// A download into the file, with its time.
Result<Fetched> download_timed(const Task& task, const StagingPolicy& policy,
                               const std::string& url, const UniqueFd& fd, StagingBudget& budget) {
  const auto started = std::chrono::steady_clock::now();
  const auto scheme = check_url(task.field + ".url", url);
  if (!scheme) return fail(scheme.error());
  const auto target = *scheme == UrlScheme::s3 ? s3_target(policy, task.field + ".url", url)
                                               : Result<HttpTarget>(plain_target(url));
  if (!target) return fail(target.error());
  const auto got = download(policy, task.field + ".url", *target, fd.get(), task.input.sha256,
                            budget, task.stop);
  if (!got) return fail(got.error());
  Fetched fetched;
  fetched.input.size_bytes = got->size_bytes;
  fetched.input.sha256 = got->sha256;
  fetched.resumed_bytes = got->resumed_bytes;
  fetched.tries = got->tries;
  fetched.ranges = got->ranges;
  fetched.network_bytes = got->size_bytes - got->begun_bytes;
  fetched.network_milliseconds = milliseconds_since(started);
  return fetched;
}

Result<Fetched> fetch_http(const Task& task, const std::string& url) {
  // A name that no other input of the job has by chance.
  const std::string partial = (std::filesystem::path(task.input.path).parent_path() /
                               fmt::format(".tradewind-part-{:016x}", stable_hash(task.input.path)))
                                  .string();
  auto fd = task.files.create_file(partial, mode_of(task.input.executable));
  if (!fd) return fail(task.named(fd.error()));
  auto fetched = download_timed(task, task.policy, url, *fd, task.budget);
  if (!fetched) {
    task.files.remove_file(partial);
    return fetched;
  }
  if (const Status set = set_mode(*fd, task.input.executable); !set) {
    return fail(task.named(set.error()));
  }
  if (const Status renamed = task.files.rename(partial, task.input.path); !renamed) {
    return fail(task.named(renamed.error()));
  }
  return fetched;
}

// Whether the cache may have the input, or may keep it.
bool is_kept(const Task& task) {
  const Input& input = task.input;
  return !task.policy.cache_directory.empty() && !input.sha256.empty() && !input.holding.none() &&
         (input.size_bytes == 0 || input.size_bytes >= DataCache::file_bytes_min);
}

// From the cache, which gets it first where it lacks it. Nothing when the cache does not do, for
// the reason in `problem`.
Result<std::optional<Fetched>> fetch_kept(const Task& task, const std::string& url,
                                          std::string& problem) {
  const auto without = [&problem](std::string why) {
    problem = std::move(why);
    return std::optional<Fetched>();
  };
  const auto cache = DataCache::open(task.policy.cache_directory, task.policy.cache_bytes_max);
  if (!cache) return without(describe(cache.error()));
  StagingPolicy policy = task.policy;
  policy.file_bytes_max = std::min(policy.file_bytes_max, cache->file_bytes_max());
  if (task.input.size_bytes > policy.file_bytes_max)
    return without("it is too large for the cache");
  while (true) {
    auto place =
        cache->take(task.input.holding, task.input.sha256, task.input.size_bytes, task.stop);
    if (!place && task.stop.stop_requested()) return fail(task.named(place.error()));
    if (!place) return without(describe(place.error()));
    if (!*place) return without("the cache is full of what is in use");
    Fetched fetched;
    fetched.was_held = (*place)->complete;
    if (!fetched.was_held) {
      // The copy counts towards the attempt; what is kept is the site's.
      StagingBudget budget(policy);
      auto got = download_timed(task, policy, url, (*place)->fd, budget);
      if (!got) {
        if (got.error().code != ErrorCode::too_large) return fail(got.error());
        cache->drop(**place);
        return without("it is too large for the cache");
      }
      fetched = std::move(*got);
      if (const Status kept = cache->complete(**place); !kept) {
        fetched.cache_problem = describe(kept.error());
      }
    }
    const auto copied = copy_file(task, (*place)->fd, task.input.path, task.input.executable);
    if (!copied) return fail(copied.error());
    if (copied->sha256 != task.input.sha256) {
      cache->drop(**place);
      // What has come just now and is wrong already is no matter of this file.
      if (!fetched.was_held) return without("the disk of the cache gives other bytes than it got");
      continue;
    }
    fetched.input.size_bytes = copied->size_bytes;
    fetched.input.sha256 = copied->sha256;
    return std::optional(std::move(fetched));
  }
}

Result<Fetched> fetch_web(const Task& task, const std::string& url) {
  if (const Status taken = take_file(task); !taken) return fail(taken.error());
  std::string problem;
  if (is_kept(task)) {
    auto kept = fetch_kept(task, url, problem);
    if (!kept) return fail(kept.error());
    if (*kept) return std::move(**kept);
  }
  auto fetched = fetch_http(task, url);
  if (fetched) fetched->cache_problem = std::move(problem);
  return fetched;
}

Result<Fetched> fetch_any(const Task& task) {
  if (!task.input.content.empty() || task.input.replicas.empty()) return write_content(task);
  const std::string& url = task.input.replicas.front().url;
  if (const Status allowed = check_source(task.policy, task.field + ".url", url); !allowed) {
    return fail(allowed.error());
  }
  const auto scheme = check_url(task.field + ".url", url);
  if (!scheme) return fail(scheme.error());
  if (*scheme == UrlScheme::file) return copy_from_machine(task, url);
  if (task.input.type == FileType::directory) {
    return fail(ErrorCode::invalid, task.field + ".type",
                "a directory can be staged from a file: URL only",
                "give an archive, or one input for each file");
  }
  return fetch_web(task, url);
}

}  // namespace

Result<Fetched> fetch(const StagingPolicy& policy, std::string_view field, const Input& input,
                      const RootedDirectory& files, StagingBudget& budget,
                      const std::stop_token& stop) {
  const Task task{policy, std::string(field), input, files, budget, stop};
  const auto started = std::chrono::steady_clock::now();
  auto fetched = fetch_any(task);
  if (!fetched) return fetched;
  if (const Status same = check_digest(task, fetched->input.sha256); !same) {
    return fail(same.error());
  }
  fetched->input.path = input.path;
  if (input.content.empty() && !input.replicas.empty()) {
    fetched->input.url = without_credentials(input.replicas.front().url);
  }
  fetched->input.milliseconds = milliseconds_since(started);
  return fetched;
}

}  // namespace tradewind
