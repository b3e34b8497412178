// A directory out of which no path leads. Every path is resolved by the kernel (openat2) with the
// directory as its root, so neither "..", nor a symbolic link, nor one that is swapped meanwhile
// leaves it. Paths are relative to the directory; a leading "/" changes nothing. Any thread, no
// state but the descriptor.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/staging/unique_fd.h"
#include "schemas/result.h"

namespace tradewind {

// What symbolic links inside may do.
enum class Links {
  // "/x" means x below the directory: for an attempt's files, where it is what the job saw.
  as_root,
  // Only relative links that stay below; absolute ones fail: for directories of the machine.
  beneath,
};

class RootedDirectory {
 public:
  // Fails with not_found or unavailable, naming the path.
  static Result<RootedDirectory> open(const std::filesystem::path& path, Links links);

  struct Entry {
    std::string name;
    bool symbolic_link = false;
    mode_t type = 0;  // S_IFREG, S_IFDIR…, after following a symbolic link; 0: leads nowhere
    std::uint64_t size_bytes = 0;
  };

  // A regular file for reading. Anything else (a pipe, a device, a directory) fails with invalid,
  // none with not_found, a link out of the directory with forbidden.
  Result<UniqueFd> open_file(std::string_view path) const;
  // A regular file for writing and reading, made or emptied; its directories are made as well.
  Result<UniqueFd> create_file(std::string_view path, mode_t mode) const;
  // Makes the directory and those above it.
  Status make_directories(std::string_view path) const;
  // Opens a directory inside for listing or renaming in.
  Result<UniqueFd> open_directory(std::string_view path) const;
  // What a path leads to; type 0 when nothing.
  Result<Entry> look(std::string_view path) const;
  // The entries of a directory inside, by name. Fails with too_large over `entries_max`.
  Result<std::vector<Entry>> list(std::string_view path, std::size_t entries_max) const;
  // Renames within the directory, replacing what was there.
  Status rename(std::string_view from, std::string_view to) const;
  // Removes a file if it is there.
  void remove_file(std::string_view path) const;

  int descriptor() const { return fd_.get(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  RootedDirectory(UniqueFd fd, std::filesystem::path path, Links links)
      : fd_(std::move(fd)), path_(std::move(path)), links_(links) {}
  // errno in the error's code when it is negative.
  int open_raw(std::string_view path, int flags, mode_t mode) const;
  Error error(std::string_view path, int number) const;

  UniqueFd fd_;
  std::filesystem::path path_;
  Links links_ = Links::beneath;
};

}  // namespace tradewind
