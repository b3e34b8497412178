// How many bytes and files the transfers of one attempt may still move. Shared by the threads that
// stage it.
#pragma once

#include <atomic>
#include <cstdint>

#include "gateway/staging/policy.h"

namespace tradewind {

class StagingBudget {
 public:
  explicit StagingBudget(const StagingPolicy& policy)
      : bytes_(policy.attempt_bytes_max), files_(policy.files_max) {}

  // Takes all of it or, when less is left, nothing.
  bool take_bytes(std::uint64_t count) { return take(bytes_, count); }
  bool take_file() { return take(files_, 1); }
  // Of a transfer that starts anew.
  void give_back_bytes(std::uint64_t count) { bytes_ += count; }
  std::uint64_t files_left() const { return files_; }

 private:
  static bool take(std::atomic<std::uint64_t>& left, std::uint64_t count) {
    std::uint64_t now = left;
    while (now >= count) {
      if (left.compare_exchange_weak(now, now - count)) return true;
    }
    return false;
  }
  std::atomic<std::uint64_t> bytes_;
  std::atomic<std::uint64_t> files_;
};

}  // namespace tradewind
