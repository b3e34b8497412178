#include "state/disk/disk_reserve.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace tradewind {
namespace {

constexpr std::uint64_t mib = 1ULL << 20;

}  // namespace

Result<std::uint64_t> free_bytes(const std::filesystem::path& directory) {
  struct statvfs found{};
  if (::statvfs(directory.c_str(), &found) != 0) {
    return fail(ErrorCode::unavailable, directory.string(),
                "cannot tell its free space: " + std::generic_category().message(errno),
                "check the path and its owner");
  }
  return static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
}

DiskReserve::DiskReserve(std::function<Result<std::uint64_t>()> free, std::uint32_t reserve_mib)
    : ask_(std::move(free)), reserve_bytes_(reserve_mib * mib) {}

bool DiskReserve::look(Mono::time_point now) {
  if (now < next_look_) return false;
  next_look_ = now + interval;
  const auto free = ask_();
  if (!free) return false;
  free_bytes_ = *free;
  const std::uint64_t wanted = low_ ? reserve_bytes_ + reserve_bytes_ / 8 : reserve_bytes_;
  return std::exchange(low_, free_bytes_ < wanted) != low_;
}

Status DiskReserve::status() const {
  if (!low_) return ok();
  return fail(ErrorCode::unavailable, "disk",
              fmt::format("{} MiB are free, and {} are kept for the work that was taken",
                          free_bytes_ / mib, reserve_bytes_ / mib),
              "try again later; the operator must free space");
}

}  // namespace tradewind
