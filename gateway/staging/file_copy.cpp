#include "gateway/staging/file_copy.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "state/identity/digest.h"
#include "state/identity/encoding.h"

namespace tradewind {
namespace {

constexpr std::size_t chunk_bytes = 256 * 1024;

// Reads `from` from its start, digests it, and writes it to `to` unless that is -1.
Result<Digested> pass(int from, int to, std::string_view field, std::string_view name,
                      std::uint64_t bytes_max, StagingBudget& budget, const std::stop_token& stop) {
  const auto wrong = [&](ErrorCode code, const std::string& what, std::string remedy) {
    return fail(code, std::string(field), fmt::format("{}: {}", name, what), std::move(remedy));
  };
  std::vector<char> chunk(chunk_bytes);
  Sha256 digest;
  Digested result;
  while (true) {
    if (stop.stop_requested()) return wrong(ErrorCode::unavailable, "stopped", "");
    const ssize_t got =
        ::pread(from, chunk.data(), chunk.size(), static_cast<off_t>(result.size_bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return wrong(ErrorCode::unavailable, fmt::format("cannot be read: {}", std::strerror(errno)),
                   "check the disk");
    }
    if (got == 0) break;
    const std::string_view bytes(chunk.data(), static_cast<std::size_t>(got));
    if (result.size_bytes + bytes.size() > bytes_max) {
      return wrong(ErrorCode::too_large, fmt::format("has more than {} bytes", bytes_max),
                   fmt::format("the site stages files of at most {} bytes", bytes_max));
    }
    if (!budget.take_bytes(bytes.size())) {
      return wrong(ErrorCode::too_large, "the attempt's files have too many bytes together",
                   "move less data, or ask the site to raise its limit");
    }
    digest.update(bytes);
    if (to >= 0 && !write_all(to, bytes)) {
      return wrong(ErrorCode::unavailable,
                   fmt::format("cannot be written: {}", std::strerror(errno)),
                   "check the space on the disk");
    }
    result.size_bytes += bytes.size();
  }
  result.sha256 = hex(digest.finish());
  return result;
}

}  // namespace

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Result<Digested> copy_and_digest(int from, int to, std::string_view field, std::string_view name,
                                 std::uint64_t bytes_max, StagingBudget& budget,
                                 const std::stop_token& stop) {
  // A clone is of one moment, so it is the copy that is digested, not the file that may change.
  if (::ioctl(to, FICLONE, from) == 0) {
    const std::string path = fmt::format("/proc/self/fd/{}", to);
    const int again = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (again >= 0) {
      auto digested = pass(again, -1, field, name, bytes_max, budget, stop);
      ::close(again);
      return digested;
    }
    if (::ftruncate(to, 0) != 0) {
      return fail(ErrorCode::unavailable, std::string(field),
                  fmt::format("{}: cannot be written: {}", name, std::strerror(errno)), "");
    }
  }
  return pass(from, to, field, name, bytes_max, budget, stop);
}

Result<Digested> digest_file(int fd, std::string_view field, std::string_view name,
                             std::uint64_t bytes_max, StagingBudget& budget,
                             const std::stop_token& stop) {
  return pass(fd, -1, field, name, bytes_max, budget, stop);
}

}  // namespace tradewind
