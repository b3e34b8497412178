// What keeps a journal's directory honest beside the store itself: a lock, so that two brokers
// never write one store, and the numbers of the last acknowledged entry and of the leaves in the
// last signed checkpoint in files of their own, so that a store which lost its newest part is not
// taken for a whole one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "schemas/result.h"

namespace tradewind {

// An open file that is closed with its owner.
class OwnedFile {
 public:
  explicit OwnedFile(int descriptor) : descriptor_(descriptor) {}
  ~OwnedFile();
  OwnedFile(const OwnedFile&) = delete;
  OwnedFile& operator=(const OwnedFile&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// Held as long as the object lives; the system gives it back when the process ends in whatever way.
// Fails with ErrorCode::conflict when somebody else holds it.
class DirectoryLock {
 public:
  static Result<std::unique_ptr<DirectoryLock>> take(const std::filesystem::path& directory);

 private:
  explicit DirectoryLock(int descriptor) : file_(descriptor) {}
  OwnedFile file_;
};

// A file of sixteen bytes, a number and its complement, most significant first: `last-sequence`,
// `last-checkpoint`.
//
// It is written after each commit of what it counts and not synced: it survives the process, and
// after a power cut it may be older than the store but never newer, which is all that the
// comparison needs.
class LastNumber {
 public:
  // Opens the file. Where there is none, makes it with number 0 when `fresh`, and fails with
  // ErrorCode::corrupt otherwise.
  static Result<std::unique_ptr<LastNumber>> open(const std::filesystem::path& directory,
                                                  const std::string& name, bool fresh);
  // As it was found in the file.
  std::uint64_t found() const { return found_; }
  Status write(std::uint64_t number);

 private:
  LastNumber(int descriptor, std::string name) : file_(descriptor), name_(std::move(name)) {}
  OwnedFile file_;
  std::string name_;
  std::uint64_t found_ = 0;
};

}  // namespace tradewind
