#include "broker/api/places.h"

namespace tradewind {
namespace {

constexpr auto kRefreshAfter = std::chrono::seconds(5);

}  // namespace

Places::Places(const MarketSnapshot& market) {
  for (const SiteView& site : market.sites) {
    for (const Pool& pool : site.record.pools) {
      places_[{site.record.site, pool.id}] =
          PoolPlace{site.record.region.value, std::string(to_string(pool.architecture))};
    }
  }
}

const PoolPlace* Places::find(const SiteId& site, const PoolId& pool) const {
  const auto found = places_.find({site, pool});
  return found == places_.end() ? nullptr : &found->second;
}

void PlaceDirectory::with(std::function<void(std::shared_ptr<const Places>)> use) {
  std::shared_ptr<const Places> known;
  bool old = false;
  {
    const std::lock_guard lock(mutex_);
    known = places_;
    const auto now = std::chrono::steady_clock::now();
    old = now - refreshed_ > kRefreshAfter;
    if (old && known != nullptr) refreshed_ = now;  // others need not ask again meanwhile
  }
  if (known == nullptr) {
    refresh(std::move(use));
    return;
  }
  if (old) refresh([](const std::shared_ptr<const Places>&) {});
  use(std::move(known));
}

void PlaceDirectory::refresh(std::function<void(std::shared_ptr<const Places>)> use) {
  service_.market([self = shared_from_this(), use = std::move(use)](Result<MarketSnapshot> market) {
    std::shared_ptr<const Places> places;
    {
      const std::lock_guard lock(self->mutex_);
      if (market) {
        self->places_ = std::make_shared<const Places>(*market);
        self->refreshed_ = std::chrono::steady_clock::now();
      }
      places = self->places_ != nullptr ? self->places_ : std::make_shared<const Places>();
    }
    use(std::move(places));
  });
}

}  // namespace tradewind
