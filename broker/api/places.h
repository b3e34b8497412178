// Where pools are: decisions name site and pool, answers to people also region and architecture.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "broker/core/service.h"

namespace tradewind {

struct PoolPlace {
  std::string region;
  std::string architecture;
};
class Places {
 public:
  Places() = default;
  explicit Places(const MarketSnapshot& market);
  // Null when the pool is not known (any more).
  const PoolPlace* find(const SiteId& site, const PoolId& pool) const;

 private:
  std::map<std::pair<SiteId, PoolId>, PoolPlace> places_;
};

// The places as of the last few seconds; any thread.
class PlaceDirectory : public std::enable_shared_from_this<PlaceDirectory> {
 public:
  explicit PlaceDirectory(Service& service) : service_(service) {}
  // Calls `use`, at once with what is known, or, the very first time, once something is; then on a
  // broker thread.
  void with(std::function<void(std::shared_ptr<const Places>)> use);

 private:
  void refresh(std::function<void(std::shared_ptr<const Places>)> use);

  Service& service_;
  std::mutex mutex_;  // guards what follows
  std::shared_ptr<const Places> places_;
  std::chrono::steady_clock::time_point refreshed_{};
};

}  // namespace tradewind
