// One attempt's directory, `<root>/<attempt>/`:
//   files/   what the job sees of its own: files/data/x is /data/x; gone once it has ended
//   kept/    outputs without a URL
//   log/     out and err, what all executors wrote
//   state/   end: the report, once it has ended; forgotten: when its end was acknowledged
// All calls block, but for paths and names; none is tied to a thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "gateway/staging/unique_fd.h"
#include "schemas/dispatch.h"
#include "schemas/ids.h"
#include "schemas/result.h"

namespace tradewind {

class AttemptDirectory {
 public:
  // Fails with ErrorCode::invalid for an id that cannot name a directory.
  static Result<AttemptDirectory> of(const std::filesystem::path& root, const AttemptId& attempt);

  // Of a name that name() gave.
  static AttemptDirectory named(const std::filesystem::path& root, const std::string& name) {
    return AttemptDirectory(root / name);
  }

  std::string name() const { return path_.filename().string(); }
  std::filesystem::path files() const { return path_ / "files"; }
  std::filesystem::path kept() const { return path_ / "kept"; }
  std::filesystem::path log(LogStream stream) const {
    return path_ / "log" / (stream == LogStream::out ? "out" : "err");
  }
  // Where a container's runtime writes the number of the process above the job's.
  std::filesystem::path container_process() const { return state() / "container"; }
  // The gateway's own; no job sees it.
  std::filesystem::path state() const { return path_ / "state"; }
  bool exists() const;

  // Fails with ErrorCode::conflict when it is there already.
  Status create() const;
  // Durable when it returns. Tails are left out if the report would be too large to be read back.
  Status write_end(EndReport report) const;
  // The same for a report that is told whether it is recorded or not: only a restart needs the
  // record. Gives it back, saying so where it is not.
  EndReport record_end(EndReport report) const;
  // Nothing when the attempt has not ended; corrupt when its record cannot be read.
  Result<std::optional<EndReport>> read_end() const;
  // As Engine::read_log, of an attempt that is `live` or not.
  Result<LogChunk> read_log(const AttemptId& attempt, bool live, LogStream stream,
                            std::uint64_t offset, std::uint32_t bytes_max) const;
  void remove_files() const;
  void mark_forgotten() const;

 private:
  explicit AttemptDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// One engine owns the directory of attempts: two would sweep each other's. Fails with
// ErrorCode::conflict.
Result<UniqueFd> lock_attempts(const std::filesystem::path& root);

// Removes the directories of attempts that were forgotten longer than `retention` ago, and those
// not touched for `abandoned_retention`, except the ones named in `live`.
void sweep_attempts(const std::filesystem::path& root, const std::set<std::string>& live,
                    std::chrono::seconds retention, std::chrono::seconds abandoned_retention);

}  // namespace tradewind
