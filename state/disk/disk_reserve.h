// The free space that a store keeps for the work it has taken: below it, its owner takes nothing
// new, while what runs is still written to its end. One thread, its owner's; the free space is
// asked for at most once a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

// Bytes that are free to this process on the file system of the folder.
Result<std::uint64_t> free_bytes(const std::filesystem::path& directory);

class DiskReserve {
 public:
  // Of a broker or a gateway, unless its options say otherwise: the write-ahead log and the tables
  // that a store has not written yet, and what a busy minute of ends adds.
  static constexpr std::uint32_t mib_default = 512;
  static constexpr std::uint32_t mib_max = 1U << 20;  // a TiB
  static constexpr std::chrono::seconds interval{1};

  // `free` is asked for the free bytes; a folder that cannot be asked counts as one with room. A
  // reserve of 0 is always there.
  DiskReserve(std::function<Result<std::uint64_t>()> free, std::uint32_t reserve_mib);

  // Looks when it is time to. Whether low() has changed.
  bool look(Mono::time_point now);
  // From less than the reserve on, until there is an eighth more than it.
  bool low() const { return low_; }
  std::uint64_t free() const { return free_bytes_; }  // as of the last look
  std::uint64_t reserve() const { return reserve_bytes_; }
  Mono::time_point next_look() const { return next_look_; }
  // ErrorCode::unavailable with the numbers while low(), of the field "disk".
  Status status() const;

 private:
  std::function<Result<std::uint64_t>()> ask_;
  std::uint64_t reserve_bytes_;
  std::uint64_t free_bytes_ = 0;
  bool low_ = false;
  Mono::time_point next_look_ = Mono::time_point::min();
};

}  // namespace tradewind
