// What keeps a journal's directory honest beside the store itself: a lock, so that two brokers
// never write one store, and the number of the last acknowledged entry in a file of its own, so
// that a store which lost its newest entries is not taken for a whole one.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "schemas/ids.h"
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

// The file `last-sequence`: sixteen bytes, the number and its complement, most significant first.
//
// It is written after each commit and not synced: it survives the process, and after a power cut it
// may be older than the store but never newer, which is all that the comparison needs.
class LastSequence {
 public:
  // Opens the file. Where there is none, makes it with number 0 when `fresh`, and fails with
  // ErrorCode::corrupt otherwise.
  static Result<std::unique_ptr<LastSequence>> open(const std::filesystem::path& directory,
                                                    bool fresh);
  // As it was found in the file.
  Sequence found() const { return found_; }
  Status write(Sequence sequence);

 private:
  LastSequence(int descriptor, Sequence found) : file_(descriptor), found_(found) {}
  OwnedFile file_;
  Sequence found_;
};

}  // namespace tradewind
