// What the site says of itself: signs its site record and its quote sheets, each under a version
// that was durable before it was used, and knows when a new one is due. One thread; reads no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gateway/admission/admission.h"
#include "gateway/store.h"
#include "schemas/ids.h"
#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/site.h"
#include "schemas/time.h"
#include "state/gossip/flow_control.h"
#include "state/identity/keys.h"

namespace tradewind {

struct SignedSheet {
  SignedRecord signed_record;
  RecordVersion version;
  QuoteSheet sheet;
  Wall::time_point valid_until{};
};

class Publisher {
 public:
  // `store` must outlive it.
  Publisher(SigningKey key, MemberNumber number, Store& store);

  // This key signs from now on: record and sheet are due at once.
  void sign_with(SigningKey key);
  // What the next record and sheets say. A record is due at once when it says something new.
  void describe_site(SiteRecord record, std::optional<std::int64_t> energy_quota_wh);
  const SiteRecord& site() const { return site_; }
  // Certified ceiling of the site's free units; 0: none.
  void set_units_max(std::uint32_t units_max) { units_max_ = units_max; }

  // The site record, when one is due: after a change, every `site_refresh`, and when the clock
  // was set back, since nobody believes a record from the future. It goes without its holdings
  // where it would be too large with them. Fails with too_large when it is over
  // limits::site_record_bytes_max all the same, or as the store does.
  Result<std::optional<SignedRecord>> due_site(Now now);
  // A quote sheet of what admission has left, when one is worth publishing: always
  // limits::publish_interval_max after the last; limits::publish_interval_min after it when
  // something has changed; when units have become free, limits::publish_gap after it. In the long
  // run there is one each limits::publish_interval_min at most, and at once limits::publish_burst.
  Result<std::optional<SignedSheet>> due_sheet(const std::vector<PoolCapacity>& capacity, Now now);

  // Capacity or prices changed: the next sheet may be worth more than the regular one.
  void capacity_changed() { changed_ = hurries_ = true; }
  // When to ask for the next due sheet.
  Mono::time_point next_due() const;
  // For refusals; empty before the first.
  const SignedRecord& newest_sheet() const { return newest_; }

  static constexpr auto site_validity = std::chrono::hours(24);
  static constexpr auto site_refresh = std::chrono::hours(6);
  static_assert(site_validity < limits::site_validity_max && site_refresh < site_validity);

 private:
  RecordHeader header(RecordKind kind, RecordVersion version, Wall::duration validity,
                      Now now) const;

  SigningKey key_;
  MemberNumber number_;
  Store& store_;
  SiteRecord site_;
  std::int64_t energy_quota_wh_ = -1;
  std::uint32_t units_max_ = 0;
  bool site_due_ = true;
  Mono::time_point site_published_{};
  Wall::time_point site_issued_{};
  bool changed_ = true;
  bool hurries_ = true;  // perhaps: it has not been looked at since
  PaceLimit pace_{limits::publish_interval_min, limits::publish_burst};
  std::optional<QuoteSheet> last_;
  Mono::time_point last_at_{};
  SignedRecord newest_;
};

}  // namespace tradewind
