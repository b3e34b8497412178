// What a site keeps of staged inputs for later attempts: one file for each label and digest, in a
// directory that the gateway and its nodes share with nobody. Whoever has the label of a digest may
// have the bytes (schemas/holding.h); a job gets a copy and never the file itself. All state is in
// the directory, so several processes may use it at once, on several machines where its file system
// has locks. Blocking; any thread.
//
// A file is fetched under a second name, synced, and renamed when its digest is right. What a crash
// leaves of it is gone on with later. Beyond the quota, the files that were not used for the
// longest go, but none that is in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/staging/unique_fd.h"
#include "schemas/holding.h"
#include "schemas/result.h"

namespace tradewind {

class DataCache {
 public:
  // Files in it; more are as good as bytes beyond the quota.
  static constexpr std::size_t files_max = 4'096;
  // Smaller files cost as much to look up as to fetch, and are not worth a line in a site record.
  static constexpr std::uint64_t file_bytes_min = 1024 * 1024;

  // Makes the directory. Holds at most `bytes_max`, and what is being fetched just now.
  static Result<DataCache> open(const std::filesystem::path& directory, std::uint64_t bytes_max);

  // Of one file; larger ones would leave nothing for others.
  std::uint64_t file_bytes_max() const { return bytes_max_ / 2; }

  // A file in use: it is not removed until the place is gone.
  struct Place {
    UniqueFd fd;            // for reading; and for writing, where it is not complete
    bool complete = false;  // else it holds the beginning, perhaps nothing, and is this caller's
                            // alone to go on with
    std::string name;       // in the directory
  };
  // The file, or the place to fetch it to, with room for `size_bytes`. Waits while somebody else
  // fetches it. Nothing when the quota leaves no room; fails with unavailable when stopped or when
  // the disk does not do.
  Result<std::optional<Place>> take(const HoldingLabel& label, const std::string& sha256,
                                    std::uint64_t size_bytes, const std::stop_token& stop) const;
  // What was fetched has the digest: keeps it.
  Status complete(Place& place) const;
  // It is not what it should be, or is too much: removes it.
  void drop(const Place& place) const;

  // The labels of the files that were used last, at most `count_max`, rising.
  std::vector<HoldingLabel> holdings(std::size_t count_max) const;
  // Differs when files have come or gone.
  std::int64_t changed() const;

 private:
  struct File;
  DataCache(UniqueFd directory, std::uint64_t bytes_max)
      : directory_(std::move(directory)), bytes_max_(bytes_max) {}
  std::vector<File> files() const;  // used last first
  // For the file of that name, which may have begun to come, or for none.
  bool make_room(std::uint64_t bytes, std::string_view for_part) const;
  // Whether the open file still has the name.
  bool is_named(const UniqueFd& fd, const std::string& name) const;

  UniqueFd directory_;
  std::uint64_t bytes_max_ = 0;
};

}  // namespace tradewind
