#include "gateway/site_findings.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "schemas/limits.h"
#include "state/gossip/round_trip.h"

namespace tradewind {
namespace {

// Between pieces of news of one kind. What is measured of the network waits so long for its first
// as well: its next issue is soon enough.
constexpr auto interval = std::chrono::seconds(60);

}  // namespace

SiteFindings::SiteFindings(SiteId site, Store& store,
                           std::function<std::vector<RoundTrip>()> round_trips)
    : site_(std::move(site)), store_(store), round_trips_(std::move(round_trips)) {}

Status SiteFindings::begin(const SiteFile& file) {
  if (!file.staging.cache_directory.empty()) {
    auto cache = DataCache::open(file.staging.cache_directory, file.staging.cache_bytes_max);
    if (!cache) return fail(cache.error());
    cache_ = std::move(*cache);
  }
  performance_.learn(file.learnt);
  const auto learnt = store_.learnt();
  if (!learnt) return fail(learnt.error());
  for (const auto& [each, text] : *learnt) {
    if (const Status restored = performance_.restore(each, text); !restored) {
      spdlog::warn("performance.forgotten error=\"{}\"", describe(restored.error()));
    }
  }
  return ok();
}

void SiteFindings::fill(SiteRecord& record) {
  if (cache_) {
    cache_seen_ = cache_->changed();
    record.holdings = cache_->holdings(limits::holdings_per_site_max);
  }
  put_learnt(record);
}

void SiteFindings::staged(const RegionId& region, const StagedFile& transfer,
                          Wall::time_point now) {
  bandwidths_.add(region, transfer, now);
}

void SiteFindings::ended(const Assignment& assignment, const EndReport& report) {
  if (auto learnt = performance_.ended(assignment, report)) unkept_.insert(std::move(*learnt));
}

bool SiteFindings::measured_due(Now now) {
  if (!measured_at_) measured_at_ = now.mono;
  if (now.mono - *measured_at_ < interval) return false;
  measured_at_ = now.mono;
  return true;
}

std::optional<std::vector<HoldingLabel>> SiteFindings::new_holdings(const SiteRecord& told,
                                                                    Now now) {
  if (!cache_ || (cache_told_ && now.mono - *cache_told_ < interval)) return std::nullopt;
  const std::int64_t seen = cache_->changed();
  if (std::exchange(cache_seen_, seen) == seen) return std::nullopt;
  std::vector<HoldingLabel> holdings = cache_->holdings(limits::holdings_per_site_max);
  if (holdings == told.holdings) return std::nullopt;
  cache_told_ = now.mono;
  spdlog::info("cache.told site={} holdings={}", site_.value, holdings.size());
  return holdings;
}

Result<std::optional<SiteRecord>> SiteFindings::news(const SiteRecord& told, Now now) {
  std::optional<SiteRecord> next;
  const auto change = [&]() -> SiteRecord& { return next ? *next : next.emplace(told); };
  if (measured_due(now)) {
    std::vector<RoundTrip> round_trips = round_trips_();
    std::vector<Bandwidth> bandwidths = bandwidths_.row(now.wall);
    if (row_change_matters(told.round_trips, round_trips) ||
        row_change_matters(told.bandwidths, bandwidths)) {
      change().round_trips = std::move(round_trips);
      change().bandwidths = std::move(bandwidths);
    }
  }
  if (auto holdings = new_holdings(told, now)) change().holdings = std::move(*holdings);
  if (unkept_.empty() || (performance_told_ && now.mono - *performance_told_ < interval)) {
    return next;
  }
  performance_told_ = now.mono;
  if (const Status kept = keep(); !kept) return fail(kept.error());
  SiteRecord learnt = told;
  put_learnt(learnt);
  if (learnt.pools == told.pools) return next;
  change().pools = std::move(learnt.pools);
  for (const auto& [each, factor] : performance_.factors()) {
    spdlog::info("performance.learnt site={} pool={} class={} ppm={} successes={} tenants={}",
                 site_.value, each.first.value, each.second, factor.ppm, factor.successes,
                 factor.tenants);
  }
  return next;
}

Status SiteFindings::take_over(const SiteFile& file, const SiteRecord& told, SiteRecord& record) {
  record.round_trips = told.round_trips;
  record.bandwidths = told.bandwidths;
  record.holdings = told.holdings;
  if (const Status kept = keep(); !kept) return kept;
  performance_.learn(file.learnt);
  put_learnt(record);
  return ok();
}

Status SiteFindings::keep() {
  std::map<LearntClass, std::string> texts;
  for (const LearntClass& each : std::exchange(unkept_, {})) {
    texts[each] = performance_.encode(each);
  }
  return store_.keep_learnt(texts);
}

void SiteFindings::put_learnt(SiteRecord& record) const {
  for (const auto& [learnt, factor] : performance_.factors()) {
    const auto pool = std::ranges::find(record.pools, learnt.first, &Pool::id);
    if (pool != record.pools.end()) pool->performance_ppm[learnt.second] = factor.ppm;
  }
}

}  // namespace tradewind
