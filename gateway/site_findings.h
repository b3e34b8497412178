// What a site finds out by itself and tells in its record beside what its file says: how far and
// how fast other regions are, which inputs it keeps, and how fast its pools are. It is news at most
// once a minute each, as a site record costs everybody a signature check. One thread; no clock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "gateway/bandwidths.h"
#include "gateway/engines/engine.h"
#include "gateway/performance/learnt_performance.h"
#include "gateway/site_file.h"
#include "gateway/staging/data_cache.h"
#include "gateway/store.h"
#include "schemas/dispatch.h"
#include "schemas/ids.h"
#include "schemas/result.h"
#include "schemas/site.h"
#include "schemas/time.h"

namespace tradewind {

class SiteFindings {
 public:
  // `store`, and what `round_trips` uses, must outlive it. `site` is for its log lines.
  SiteFindings(SiteId site, Store& store, std::function<std::vector<RoundTrip>()> round_trips);

  // First of all and once: opens the cache of inputs, if the file names one, and reads what was
  // learnt in lives before. Fails as these do.
  Status begin(const SiteFile& file);
  // Puts what is known after begin() into the first record.
  void fill(SiteRecord& record);

  // An input or output of an attempt was staged between the site and that region.
  void staged(const RegionId& region, const StagedFile& transfer, Wall::time_point now);
  // An attempt has ended.
  void ended(const Assignment& assignment, const EndReport& report);

  // The record to be published in place of `told`, when enough of it has changed. What was learnt
  // of pools by then is in the store; fails as that does.
  Result<std::optional<SiteRecord>> news(const SiteRecord& told, Now now);
  // Another site file holds, which `record` is of: it gets what `told` says, and what was learnt
  // from the starts that are the same. Fails as the store does.
  Status take_over(const SiteFile& file, const SiteRecord& told, SiteRecord& record);
  // What was learnt and is not in the store yet is. A crash forgets a minute's, which nobody
  // misses.
  Status keep();

  std::map<LearntClass, LearntPerformance::Factor> performance() const {
    return performance_.factors();
  }

 private:
  bool measured_due(Now now);
  std::optional<std::vector<HoldingLabel>> new_holdings(const SiteRecord& told, Now now);
  void put_learnt(SiteRecord& record) const;

  const SiteId site_;
  Store& store_;
  const std::function<std::vector<RoundTrip>()> round_trips_;
  Bandwidths bandwidths_;
  std::optional<Mono::time_point> measured_at_;  // when rows were last looked at
  std::optional<DataCache> cache_;               // nothing: the site keeps no inputs
  std::int64_t cache_seen_ = 0;                  // its DataCache::changed() when last looked at
  std::optional<Mono::time_point> cache_told_;   // when holdings were last news
  LearntPerformance performance_;
  std::set<LearntClass> unkept_;
  std::optional<Mono::time_point> performance_told_;
};

}  // namespace tradewind
