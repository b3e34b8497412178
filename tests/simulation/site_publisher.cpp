#include "tests/simulation/site_publisher.h"

#include <algorithm>
#include <utility>

#include "schemas/limits.h"
#include "tests/simulation/membership.h"

namespace tradewind::simulation {
namespace {

constexpr std::pair<std::string_view, Behaviour> kBehaviours[] = {
    {"honest", Behaviour::honest},
    {"overclaims", Behaviour::overclaims},
    {"refuses", Behaviour::refuses},
    {"never-runs", Behaviour::never_runs},
    {"never-answers", Behaviour::never_answers},
    {"equivocates", Behaviour::equivocates},
    {"slow", Behaviour::slow},
};
constexpr std::uint32_t kOverclaim = 10;

QuoteSheet make_sheet(const SiteId& site, const std::vector<PoolCapacity>& capacity,
                      std::uint32_t times, std::int64_t price_ppm) {
  QuoteSheet sheet;
  sheet.site = site;
  for (const PoolCapacity& each : capacity) {
    std::uint32_t free = each.units_free;
    for (const ContractQuote& idle : each.contracts) {
      free += idle.units_idle;
      sheet.contracts.push_back(idle);
    }
    const std::int64_t used = std::int64_t{each.units} - free;
    const std::int64_t curve =
        ppm_one + 2 * ppm_one * used * used /
                      std::max<std::int64_t>(1, std::int64_t{each.units} * each.units);
    sheet.pools.push_back({each.pool, each.units_free * times, each.units_free_node,
                           each.nodes_free * times, each.wait_seconds,
                           std::max<std::int64_t>(1, curve * price_ppm / ppm_one)});
  }
  return sheet;
}

}  // namespace

std::optional<Behaviour> read_behaviour(std::string_view name) {
  for (const auto& [each, behaviour] : kBehaviours) {
    if (each == name) return behaviour;
  }
  return std::nullopt;
}

RecordHeader SitePublisher::header(RecordKind kind, const Member& member, Wall::duration validity,
                                   Wall::time_point now) {
  RecordHeader header;
  header.kind = kind;
  header.subject = member.node;
  header.member = member.number;
  ++version_.version;
  header.version = version_;
  header.issued = now;
  header.valid_until = now + validity;
  return header;
}

SitePublisher::Publication SitePublisher::publish(const std::vector<PoolCapacity>& capacity,
                                                  SiteState state, Behaviour behaviour,
                                                  std::int64_t price_ppm, const Member& member,
                                                  Wall::time_point now) {
  const std::uint32_t times = behaviour == Behaviour::overclaims ? kOverclaim : 1;
  SiteRecord says = site_;
  says.state = state;
  for (Pool& each : says.pools) each.nodes *= times;
  // Also when the clock was set back: before, nobody believed a record from the future.
  if (described_ != says || described_key_ != member.identity_key || now < described_at_) {
    const RecordHeader at = header(RecordKind::site, member, std::chrono::hours(24), now);
    site_version_ = at.version;
    site_record_ = sign(Record{at, says}, member.identity_key);
    described_ = std::move(says);
    described_at_ = now;
    described_key_ = member.identity_key;
  }
  const RecordHeader at = header(RecordKind::quote, member, limits::quote_validity, now);
  Publication publication{at.version,
                          at.valid_until,
                          make_sheet(site_.site, capacity, times, price_ppm),
                          {site_record_}};
  newest_ = sign(Record{at, publication.sheet}, member.identity_key);
  publication.records.push_back(newest_);
  if (behaviour == Behaviour::equivocates) {
    const QuoteSheet other = make_sheet(site_.site, capacity, times, price_ppm / 2);
    publication.records.push_back(sign(Record{at, other}, member.identity_key));
  }
  return publication;
}

}  // namespace tradewind::simulation
