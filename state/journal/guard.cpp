#include "state/journal/guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "state/journal/keys.h"

namespace tradewind {
namespace {

tl::unexpected<Error> system_failure(const std::filesystem::path& path, const char* what) {
  const int number = errno;
  return fail(ErrorCode::unavailable, path.string(),
              fmt::format("cannot {}: {}", what, std::strerror(number)),
              "check the path, its owner and the space left on its disk");
}

std::string encoded(std::uint64_t number) {
  return sequence_key(Sequence{number}) + sequence_key(Sequence{~number});
}

bool write_whole(int descriptor, const std::string& bytes) {
  ssize_t written = 0;
  do {
    written = ::pwrite(descriptor, bytes.data(), bytes.size(), 0);
  } while (written < 0 && errno == EINTR);
  if (written >= 0 && static_cast<std::size_t>(written) != bytes.size()) errno = ENOSPC;
  return written >= 0 && static_cast<std::size_t>(written) == bytes.size();
}

bool sync_directory(const std::filesystem::path& directory) {
  const OwnedFile opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return opened.get() >= 0 && ::fsync(opened.get()) == 0;
}

}  // namespace

OwnedFile::~OwnedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::take(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return system_failure(path, "open the lock file");
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(descriptor));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_failure(path, "lock the journal");
    return fail(ErrorCode::conflict, directory.string(), "the journal is in use by another process",
                "stop the broker that uses it, or give this one a directory of its own");
  }
  return lock;
}

Result<std::unique_ptr<LastNumber>> LastNumber::open(const std::filesystem::path& directory,
                                                     const std::string& name, bool fresh) {
  const std::filesystem::path path = directory / name;
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno != ENOENT) return system_failure(path, "open the file");
    if (!fresh) {
      return fail(
          ErrorCode::corrupt, path.string(),
          "the file is missing although the journal holds what it counts: whether the newest "
          "of that is still there cannot be told",
          "restore the whole directory from one backup");
    }
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made < 0) return system_failure(path, "make the file");
    std::unique_ptr<LastNumber> file(new LastNumber(made, name));
    if (!write_whole(made, encoded(0)) || ::fsync(made) != 0 || !sync_directory(directory)) {
      return system_failure(path, "write the file");
    }
    return file;
  }

  std::unique_ptr<LastNumber> file(new LastNumber(descriptor, name));
  std::array<char, 17> bytes{};
  const ssize_t count = ::pread(descriptor, bytes.data(), bytes.size(), 0);
  if (count < 0) return system_failure(path, "read the file");
  const std::string text(bytes.data(), static_cast<std::size_t>(count));
  const auto sequence = parse_sequence_key(std::string_view(text).substr(0, 8));
  if (!sequence || text != encoded(sequence->value)) {
    return fail(ErrorCode::corrupt, path.string(),
                fmt::format("its {} bytes are not a number and its complement", count),
                "restore the whole directory from one backup");
  }
  file->found_ = sequence->value;
  return file;
}

Status LastNumber::write(std::uint64_t number) {
  if (!write_whole(file_.get(), encoded(number))) {
    return fail(ErrorCode::unavailable, name_,
                fmt::format("cannot write: {}", std::strerror(errno)),
                "check the space left on the journal's disk");
  }
  return ok();
}

}  // namespace tradewind
