#include "gateway/publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "gateway/pricing/quote_sheet.h"
#include "schemas/limits.h"
#include "state/identity/records.h"

namespace tradewind {

Publisher::Publisher(SigningKey key, MemberNumber number, Store& store)
    : key_(std::move(key)), number_(number), store_(store) {}

void Publisher::sign_with(SigningKey key) {
  key_ = std::move(key);
  site_due_ = true;
  changed_ = true;
  last_.reset();
}

void Publisher::describe_site(SiteRecord record, std::optional<std::int64_t> energy_quota_wh) {
  // A record costs everybody a signature check, so none is signed that says the same.
  site_due_ = site_due_ || record != site_;
  site_ = std::move(record);
  energy_quota_wh_ = energy_quota_wh.value_or(-1);
  changed_ = true;
}

RecordHeader Publisher::header(RecordKind kind, RecordVersion version, Wall::duration validity,
                               Now now) const {
  return RecordHeader{kind, site_node(site_.site), number_, version, now.wall, now.wall + validity};
}

Result<std::optional<SignedRecord>> Publisher::due_site(Now now) {
  const bool from_future = now.wall < site_issued_;
  if (!site_due_ && !from_future && now.mono - site_published_ < site_refresh) {
    return std::optional<SignedRecord>();
  }
  const auto version = store_.next_version();
  if (!version) return fail(version.error());
  SignedRecord record =
      make_record(key_, header(RecordKind::site, *version, site_validity, now), site_);
  if (record.body.size() > limits::site_record_bytes_max && !site_.holdings.empty()) {
    SiteRecord shorter = site_;
    shorter.holdings.clear();
    record = make_record(key_, header(RecordKind::site, *version, site_validity, now), shorter);
  }
  if (record.body.size() > limits::site_record_bytes_max) {
    return fail(ErrorCode::too_large, "site",
                fmt::format("the site record has {} bytes", record.body.size()),
                fmt::format("shorten labels and network rows: a record has at most {}",
                            limits::site_record_bytes_max));
  }
  site_due_ = false;
  site_published_ = now.mono;
  site_issued_ = now.wall;
  return std::optional(std::move(record));
}

Result<std::optional<SignedSheet>> Publisher::due_sheet(const std::vector<PoolCapacity>& capacity,
                                                        Now now) {
  if (now.mono < next_due()) return std::optional<SignedSheet>();
  SiteStanding standing;
  standing.energy_left_wh = energy_quota_wh_;
  standing.units_max = units_max_;
  for (const PoolCapacity& each : capacity) {
    standing.pools.push_back(PoolStanding{each.pool, each.units_free, each.units_free_node,
                                          each.nodes_free, each.wait_seconds, each.contracts});
  }
  QuoteSheet sheet = make_quote_sheet(site_, standing);
  if (!worth_publishing(last_, sheet, now.mono - last_at_)) {
    hurries_ = false;
    changed_ = changed_ && now.mono - last_at_ < limits::publish_interval_min;
    return std::optional<SignedSheet>();
  }
  changed_ = false;
  const auto version = store_.next_version();
  if (!version) return fail(version.error());
  SignedSheet result;
  result.version = *version;
  result.valid_until = now.wall + limits::quote_validity;
  result.signed_record =
      make_record(key_, header(RecordKind::quote, *version, limits::quote_validity, now), sheet);
  result.sheet = std::move(sheet);
  last_ = result.sheet;
  last_at_ = now.mono;
  pace_.charge(now.mono);
  newest_ = result.signed_record;
  return std::optional(std::move(result));
}

Mono::time_point Publisher::next_due() const {
  if (!last_) return Mono::time_point::min();
  if (!changed_) return last_at_ + limits::publish_interval_max;
  const Mono::duration gap =
      hurries_ ? Mono::duration(limits::publish_gap) : Mono::duration(limits::publish_interval_min);
  return std::max(pace_.next(), last_at_ + gap);
}

}  // namespace tradewind
