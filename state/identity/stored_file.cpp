#include "state/identity/stored_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "state/identity/encoding.h"
#include "state/identity/random.h"

namespace tradewind {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  bool open() const { return number_ >= 0; }
  int number() const { return number_; }

 private:
  int number_;
};

tl::unexpected<Error> system_failure(const std::filesystem::path& file, std::string_view doing) {
  const int number = errno;
  return fail(number == ENOENT ? ErrorCode::not_found : ErrorCode::unavailable, file.string(),
              std::string(doing) + ": " + std::strerror(number));
}

Status write_all(int number, BytesView bytes, const std::filesystem::path& file) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(number, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return system_failure(file, "cannot write");
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok();
}

Status write_new(const std::filesystem::path& file, BytesView bytes, mode_t mode) {
  const Descriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!out.open()) return system_failure(file, "cannot create");
  // The process's umask may have taken bits away.
  if (::fchmod(out.number(), mode) != 0) return system_failure(file, "cannot set the mode");
  if (const Status written = write_all(out.number(), bytes, file); !written) return written;
  if (::fsync(out.number()) != 0) return system_failure(file, "cannot sync");
  return ok();
}

Result<Bytes> load(const std::filesystem::path& file, std::size_t bytes_max, bool secret) {
  const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!in.open()) return system_failure(file, "cannot open");
  struct stat facts{};
  if (::fstat(in.number(), &facts) != 0) return system_failure(file, "cannot stat");
  if (!S_ISREG(facts.st_mode))
    return fail(ErrorCode::unavailable, file.string(), "is not a regular file");
  if (secret && (facts.st_mode & 077) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(facts.st_mode & 07777));
    return fail(ErrorCode::forbidden, file.string(),
                std::string("mode ") + mode + " lets others than its owner access a private key",
                "chmod 600 it");
  }
  Bytes bytes;
  char buffer[16 * 1024];
  while (true) {
    const ssize_t count = ::read(in.number(), buffer, sizeof buffer);
    if (count < 0) {
      if (errno == EINTR) continue;
      return system_failure(file, "cannot read");
    }
    if (count == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(count));
    if (bytes.size() > bytes_max) {
      return fail(ErrorCode::too_large, file.string(),
                  "is over the limit of " + std::to_string(bytes_max) + " bytes");
    }
  }
}

}  // namespace

Status store_file(const std::filesystem::path& file, BytesView bytes, mode_t mode) {
  std::filesystem::path fresh = file;
  fresh += ".new-" + hex(random_bytes(6));
  if (const Status written = write_new(fresh, bytes, mode); !written) {
    ::unlink(fresh.c_str());
    return written;
  }
  if (::rename(fresh.c_str(), file.c_str()) != 0) {
    const auto failure = system_failure(file, "cannot rename into place");
    ::unlink(fresh.c_str());
    return failure;
  }
  const std::filesystem::path folder =
      file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.open() || ::fsync(directory.number()) != 0)
    return system_failure(folder, "cannot sync the folder");
  return ok();
}

Result<Bytes> load_file(const std::filesystem::path& file, std::size_t bytes_max) {
  return load(file, bytes_max, false);
}
Result<Bytes> load_private_file(const std::filesystem::path& file, std::size_t bytes_max) {
  return load(file, bytes_max, true);
}

std::string file_stamp(const std::filesystem::path& file) {
  struct stat seen{};
  if (::stat(file.c_str(), &seen) != 0) return "absent";
  return std::to_string(seen.st_mtim.tv_sec) + "." + std::to_string(seen.st_mtim.tv_nsec) + "/" +
         std::to_string(seen.st_size) + "/" + std::to_string(seen.st_ino);
}

}  // namespace tradewind
