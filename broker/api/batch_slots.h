// How many job batches are read at a time: each holds some megabytes, and its answer until its end.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "schemas/ids.h"

namespace tradewind {

// Any thread.
class BatchSlots {
 public:
  static constexpr std::size_t all_max = 32;
  static constexpr std::size_t tenant_max = 8;

  // Taken until it is destroyed; null when there is none. Not after the slots themselves.
  std::shared_ptr<void> take(const TenantId& tenant) {
    const std::lock_guard lock(mutex_);
    const auto found = taken_.find(tenant);
    if (count_ >= all_max || (found != taken_.end() && found->second >= tenant_max)) return nullptr;
    ++count_;
    ++taken_[tenant];
    return std::shared_ptr<void>(
        this, [tenant](void* slots) { static_cast<BatchSlots*>(slots)->give_back(tenant); });
  }

 private:
  void give_back(const TenantId& tenant) {
    const std::lock_guard lock(mutex_);
    --count_;
    const auto found = taken_.find(tenant);
    if (--found->second == 0) taken_.erase(found);
  }

  std::mutex mutex_;  // guards what follows
  std::size_t count_ = 0;
  std::map<TenantId, std::size_t> taken_;
};

}  // namespace tradewind
