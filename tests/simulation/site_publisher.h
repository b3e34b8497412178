// What a simulated site says of itself, true or not: its site record and quote sheets, signed.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gateway/admission/admission.h"
#include "schemas/record.h"
#include "schemas/site.h"

namespace tradewind::simulation {

// How a site behaves (stage.h).
enum class Behaviour : std::uint8_t {
  honest,
  overclaims,
  refuses,
  never_runs,
  never_answers,
  equivocates,
  slow,
};
// Nothing when no behaviour is called so.
std::optional<Behaviour> read_behaviour(std::string_view name);

// Of one life of a gateway. The versions rise.
class SitePublisher {
 public:
  SitePublisher(SiteRecord site, std::uint64_t epoch)
      : site_(std::move(site)), version_{epoch, 0} {}

  struct Publication {
    RecordVersion version;  // of the sheet
    Wall::time_point valid_until{};
    QuoteSheet sheet;
    std::vector<SignedRecord> records;  // the site record first; a liar's second sheet too
  };
  Publication publish(const std::vector<PoolCapacity>& capacity, SiteState state,
                      Behaviour behaviour, std::int64_t price_ppm, const Member& member,
                      Wall::time_point now);
  // For refusals; empty before the first.
  const SignedRecord& newest_sheet() const { return newest_; }
  const RecordVersion& site_version() const { return site_version_; }

 private:
  RecordHeader header(RecordKind kind, const Member& member, Wall::duration validity,
                      Wall::time_point now);

  SiteRecord site_;
  RecordVersion version_;
  // The site record as it was last signed.
  std::optional<SiteRecord> described_;
  Wall::time_point described_at_{};
  Bytes described_key_;
  SignedRecord site_record_;
  RecordVersion site_version_;
  SignedRecord newest_;
};

}  // namespace tradewind::simulation
