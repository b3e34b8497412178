// How much of one kind of work is under way at a time, in all and of a tenant, so that memory is
// bounded and no tenant's flood is what the others wait for.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "schemas/ids.h"

namespace tradewind {

// Any thread.
class TenantSlots {
 public:
  TenantSlots(std::size_t all_max, std::size_t tenant_max)
      : all_max_(all_max), tenant_max_(tenant_max) {}

  // Taken until it is destroyed; null when there is none. Not after the slots themselves.
  std::shared_ptr<void> take(const TenantId& tenant) {
    const std::lock_guard lock(mutex_);
    const auto found = taken_.find(tenant);
    if (count_ >= all_max_ || (found != taken_.end() && found->second >= tenant_max_)) {
      return nullptr;
    }
    ++count_;
    ++taken_[tenant];
    return std::shared_ptr<void>(
        this, [tenant](void* slots) { static_cast<TenantSlots*>(slots)->give_back(tenant); });
  }

 private:
  void give_back(const TenantId& tenant) {
    const std::lock_guard lock(mutex_);
    --count_;
    const auto found = taken_.find(tenant);
    if (--found->second == 0) taken_.erase(found);
  }

  const std::size_t all_max_;
  const std::size_t tenant_max_;
  std::mutex mutex_;  // guards what follows
  std::size_t count_ = 0;
  std::map<TenantId, std::size_t> taken_;
};

}  // namespace tradewind
