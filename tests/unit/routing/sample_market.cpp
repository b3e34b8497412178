#include "tests/unit/routing/sample_market.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

namespace tradewind::sample {

Pool pool(std::string_view id, std::int64_t cpu_hour, std::uint32_t nodes) {
  Pool result;
  result.id = PoolId{std::string(id)};
  result.nodes = nodes;
  result.node = Resources{16, 64 * 1024, 1'000 * 1024, 0};
  result.unit = Resources{4, 16 * 1024, 250 * 1024, 0};
  result.performance_ppm = {{"default", ppm_one}};
  result.tariff.cpu_hour = MoneyPerHour{cpu_hour};
  return result;
}

SiteRecord site(std::string_view id, std::vector<Pool> pools) {
  SiteRecord result;
  result.site = SiteId{std::string(id)};
  result.region = RegionId{std::string(id.substr(0, id.rfind('-')))};
  std::string jurisdiction(id.substr(0, 2));
  std::ranges::transform(jurisdiction, jurisdiction.begin(),
                         [](char each) { return static_cast<char>(each - 'a' + 'A'); });
  result.jurisdiction = Jurisdiction{jurisdiction};
  result.provider = "institute-" + std::string(id.substr(0, 2));
  result.pools = std::move(pools);
  return result;
}

QuoteSheet sheet(const SiteRecord& site) {
  QuoteSheet result;
  result.site = site.site;
  for (const Pool& each : site.pools) {
    PoolQuote quote;
    quote.pool = each.id;
    quote.units_free_node = units_per_node(each);
    quote.units_free = units_per_node(each) * each.nodes;
    quote.nodes_free = each.nodes;
    result.pools.push_back(quote);
  }
  return result;
}

JobSpec job() {
  JobSpec spec;
  spec.name = "sample";
  spec.resources = Resources{4, 8 * 1024, 0, 0};
  Variant variant;
  variant.name = "any";
  variant.architectures = {Architecture::amd64, Architecture::arm64};
  variant.duration_seconds = 3'600;
  spec.variants = {variant};
  return spec;
}

RecordHeader Market::header(RecordKind kind, const SiteId& site) const {
  RecordHeader result;
  result.kind = kind;
  result.subject = site_node(site);
  result.version = RecordVersion{1, kind == RecordKind::quote ? 7U : 3U};
  result.issued = now - std::chrono::seconds(1);
  result.valid_until = now + std::chrono::seconds(15);
  return result;
}

void Market::add_without_sheet(const SiteRecord& record) {
  view.accept(Record{header(RecordKind::site, record.site), record});
}

void Market::add(const SiteRecord& record, const QuoteSheet& sheet) {
  add_without_sheet(record);
  view.accept(Record{header(RecordKind::quote, record.site), sheet});
}

void Market::add(const SiteRecord& record) {
  add(record, sheet(record));
}

void Market::add_member(const SiteId& site, MemberState state) {
  Member member;
  member.node = site_node(site);
  member.state = state;
  view.accept(Record{header(RecordKind::member, site), member});
}

Decision Market::route(const JobSpec& spec) const {
  return tradewind::route(RouteRequest{spec, tenant, tie_key, excluded}, view, options, now);
}

void Queue::add(const JobSpec& spec, std::size_t count) {
  for (std::size_t each = 0; each < count; ++each) {
    specs.push_back(spec);
    keys.push_back("j" + std::to_string(keys.size()));
  }
}

std::vector<RouteRequest> Queue::requests(const Market& market) const {
  std::vector<RouteRequest> result;
  for (std::size_t job = 0; job < specs.size(); ++job) {
    result.push_back(RouteRequest{specs[job], market.tenant, keys[job], market.excluded});
  }
  return result;
}

Rejection only_rejection(const Decision& decision) {
  EXPECT_EQ(decision.pools_considered, 1U);
  EXPECT_FALSE(decision.chosen.has_value());
  if (decision.rejections.size() != 1) {
    ADD_FAILURE() << decision.rejections.size() << " rejections";
    return {};
  }
  return decision.rejections.front();
}

}  // namespace tradewind::sample
