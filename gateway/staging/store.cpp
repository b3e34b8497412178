#include "gateway/staging/store.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "gateway/staging/file_copy.h"
#include "gateway/staging/http_transfer.h"
#include "gateway/staging/s3.h"

namespace tradewind {
namespace {

struct Task {
  const StagingPolicy& policy;
  std::string field;
  const Output& output;
  const RootedDirectory& files;
  const RootedDirectory& kept;
  StagingBudget& budget;
  const std::stop_token& stop;
  Stored stored;

  Error named(Error error) const {
    if (error.field.empty()) error.field = field;
    return error;
  }
};

bool has_wildcards(std::string_view path) {
  return path.find_first_of("*?[") != std::string_view::npos;
}

// --- to a file: URL

Status copy_to_machine(Task& task, const UniqueFd& from, const std::string& url, OutputFile& file) {
  const std::string field = task.field + ".url";
  const auto path = path_of_file_url(field, url);
  if (!path) return fail(path.error());
  for (const auto& each : task.policy.file_write_roots) {
    const auto below = path->lexically_relative(each.lexically_normal());
    if (below.empty() || *below.begin() == "..") continue;
    const auto root = RootedDirectory::open(each, Links::beneath);
    if (!root) return fail(root.error());
    // Hidden under a name of its own until it is whole: a reader sees the old file or the new one.
    static std::atomic<std::uint64_t> copies{0};
    const auto hidden =
        (below.parent_path() /
         fmt::format(".{}.{}.{}", below.filename().string().substr(0, 128), ::getpid(), ++copies))
            .string();
    auto to = root->create_file(hidden, 0644);
    if (!to) return fail(task.named(to.error()));
    const auto digested = copy_and_digest(from.get(), to->get(), task.field, file.path,
                                          task.policy.file_bytes_max, task.budget, task.stop);
    Status done = digested ? ok() : Status(fail(digested.error()));
    // Success is reported to the broker, so the bytes must survive a crash of this machine.
    if (done && ::fsync(to->get()) != 0) {
      done = fail(ErrorCode::unavailable, field,
                  fmt::format("{} cannot be synced: {}", path->string(), std::strerror(errno)),
                  "check the disk");
    }
    if (done) done = root->rename(hidden, below.string());
    if (!done) {
      root->remove_file(hidden);
      return fail(task.named(done.error()));
    }
    const auto directory = root->open_directory(below.parent_path().string());
    if (directory) ::fsync(directory->get());
    file.size_bytes = digested->size_bytes;
    file.sha256 = digested->sha256;
    return ok();
  }
  return fail(ErrorCode::forbidden, field,
              fmt::format("{} is in none of the directories that this site lets jobs write",
                          path->string()),
              "ask the site which directories are open");
}

// --- kept at the site

Status keep(Task& task, const UniqueFd& from, OutputFile& file) {
  const auto digested = digest_file(from.get(), task.field, file.path, task.policy.file_bytes_max,
                                    task.budget, task.stop);
  if (!digested) return fail(digested.error());
  file.size_bytes = digested->size_bytes;
  file.sha256 = digested->sha256;
  // A second name of the same file costs nothing; the place is on the same disk.
  auto placeholder = task.kept.create_file(file.path, 0644);
  if (!placeholder) return fail(task.named(placeholder.error()));
  const std::string original = fmt::format("/proc/self/fd/{}", from.get());
  const std::string link = file.path + ".link";
  const auto directory =
      task.kept.open_directory(std::filesystem::path(file.path).parent_path().string());
  if (directory &&
      ::linkat(AT_FDCWD, original.c_str(), directory->get(),
               std::filesystem::path(link).filename().c_str(), AT_SYMLINK_FOLLOW) == 0) {
    return task.kept.rename(link, file.path);
  }
  StagingPolicy counted_already = task.policy;
  counted_already.attempt_bytes_max = UINT64_MAX;
  StagingBudget unbounded(counted_already);
  const auto copied = copy_and_digest(from.get(), placeholder->get(), task.field, file.path,
                                      task.policy.file_bytes_max, unbounded, task.stop);
  return copied ? ok() : Status(fail(copied.error()));
}

// --- any

Status store_file(Task& task, const std::string& path, const std::string& url) {
  if (!task.budget.take_file()) {
    return fail(ErrorCode::too_large, task.field,
                fmt::format("the attempt has more than {} output files", task.policy.files_max),
                "put the files into one archive");
  }
  const auto fd = task.files.open_file(path);
  if (!fd) {
    if (fd.error().code == ErrorCode::not_found) {
      return fail(ErrorCode::not_found, task.field + ".path",
                  fmt::format("the job did not make {}", path),
                  "let the command write the file there, or drop the output");
    }
    return fail(task.named(fd.error()));
  }
  OutputFile file{.path = path, .url = without_credentials(url), .size_bytes = 0, .sha256 = {}};
  if (url.empty()) {
    file.url.clear();
    if (const Status done = keep(task, *fd, file); !done) return done;
  } else {
    const auto scheme = check_url(task.field + ".url", url);
    if (!scheme) return fail(scheme.error());
    if (*scheme == UrlScheme::file) {
      if (const Status done = copy_to_machine(task, *fd, url, file); !done) return done;
    } else {
      const auto digested = digest_file(fd->get(), task.field, path, task.policy.file_bytes_max,
                                        task.budget, task.stop);
      if (!digested) return fail(digested.error());
      const std::string field = task.field + ".url";
      if (*scheme == UrlScheme::s3) {
        const Status sent = s3_upload(task.policy, field, url, fd->get(), digested->size_bytes,
                                      digested->sha256, task.stop);
        if (!sent) return sent;
      } else {
        const auto sent = send(task.policy, field, plain_target(url), "PUT",
                               HttpBody{fd->get(), 0, digested->size_bytes}, task.stop);
        if (!sent) return fail(sent.error());
      }
      file.size_bytes = digested->size_bytes;
      file.sha256 = digested->sha256;
    }
  }
  task.stored.files.push_back(std::move(file));
  return ok();
}

// `url` is the directory's own.
Status store_directory(Task& task, const std::string& path, const std::string& url) {
  std::vector<std::string> open{""};
  std::uint64_t directories = 0;
  while (!open.empty()) {
    const std::string directory = std::move(open.back());
    open.pop_back();
    const auto entries = task.files.list(path + "/" + directory, task.policy.files_max);
    if (!entries) {
      if (entries.error().code == ErrorCode::not_found && directory.empty()) {
        return fail(ErrorCode::not_found, task.field + ".path",
                    fmt::format("the job did not make the directory {}", path),
                    "let the command make it, or drop the output");
      }
      return fail(task.named(entries.error()));
    }
    for (const auto& each : *entries) {
      const std::string below = directory.empty() ? each.name : directory + "/" + each.name;
      if (each.type == S_IFREG) {
        if (const Status done =
                store_file(task, path + "/" + below, url.empty() ? url : url_below(url, below));
            !done) {
          return done;
        }
      } else if (each.type == S_IFDIR && !each.symbolic_link) {
        if (++directories > task.policy.files_max) {
          return fail(ErrorCode::too_large, task.field,
                      fmt::format("{} holds more than {} directories", path, task.policy.files_max),
                      "put the files into one archive");
        }
        open.push_back(below);
      } else if (task.stored.notes.size() < 16) {
        task.stored.notes.push_back(
            fmt::format("left out {}/{}: neither a file nor a link to one", path, below));
      }
    }
  }
  return ok();
}

// The paths below `files` that match the pattern, component by component.
Result<std::vector<std::string>> matches(const Task& task, const std::string& pattern) {
  std::vector<std::string> found{""};
  for (const auto& component : std::filesystem::path(pattern).relative_path()) {
    const std::string wanted = component.string();
    if (wanted.empty() || wanted == ".") continue;
    std::vector<std::string> next;
    for (const auto& each : found) {
      if (!has_wildcards(wanted)) {
        next.push_back(each + "/" + wanted);
        continue;
      }
      const auto here = task.files.look(each);
      if (!here) return fail(here.error());
      if (here->type != S_IFDIR) continue;
      const auto entries = task.files.list(each, task.policy.files_max);
      if (!entries) return fail(entries.error());
      for (const auto& entry : *entries) {
        if (::fnmatch(wanted.c_str(), entry.name.c_str(), FNM_PERIOD | FNM_NOESCAPE) == 0) {
          next.push_back(each + "/" + entry.name);
        }
      }
      if (next.size() > task.policy.files_max) {
        return fail(ErrorCode::too_large, task.field + ".path",
                    fmt::format("the wildcards match more than {} files", task.policy.files_max),
                    "put the files into one archive");
      }
    }
    found = std::move(next);
  }
  return found;
}

Status store_matches(Task& task) {
  const auto found = matches(task, task.output.path);
  if (!found) return fail(task.named(found.error()));
  std::string prefix = task.output.path_prefix;
  while (prefix.ends_with('/')) prefix.pop_back();
  std::size_t stored = 0;
  for (const auto& each : *found) {
    const auto entry = task.files.look(each);
    if (!entry) return fail(task.named(entry.error()));
    std::string_view after = each;
    if (after.starts_with(prefix)) after.remove_prefix(prefix.size());
    while (after.starts_with('/')) after.remove_prefix(1);
    const std::string url =
        task.output.url.empty() ? std::string{} : url_below(task.output.url, after);
    Status done = ok();
    if (entry->type == S_IFREG) {
      done = store_file(task, each, url);
    } else if (entry->type == S_IFDIR && task.output.type == FileType::directory) {
      done = store_directory(task, each, url);
    } else {
      continue;
    }
    if (!done) return done;
    ++stored;
  }
  if (stored == 0) task.stored.notes.push_back(fmt::format("nothing matches {}", task.output.path));
  return ok();
}

Status store_any(Task& task) {
  const Output& output = task.output;
  if (!output.url.empty()) {
    const Status allowed = check_target(task.policy, task.field + ".url", output.url);
    if (!allowed) return allowed;
  }
  if (!output.path_prefix.empty() && has_wildcards(output.path)) return store_matches(task);
  if (output.type == FileType::directory) return store_directory(task, output.path, output.url);
  return store_file(task, output.path, output.url);
}

}  // namespace

Result<Stored> store(const StagingPolicy& policy, std::string_view field, const Output& output,
                     const RootedDirectory& files, const RootedDirectory& kept,
                     StagingBudget& budget, const std::stop_token& stop) {
  Task task{policy, std::string(field), output, files, kept, budget, stop, {}};
  if (const Status done = store_any(task); !done) return fail(done.error());
  return std::move(task.stored);
}

}  // namespace tradewind
