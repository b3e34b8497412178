// What is believed of a record: within bounds whole, beyond them not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "schemas/codec.h"
#include "schemas/limits.h"
#include "tests/unit/schemas/samples.h"

namespace tradewind::testing {
namespace {

template <class Body>
void expect_refused(std::string_view field, const std::function<void(Record&, Body&)>& spoil) {
  Sampler full;
  Record record = full.record<Body>();
  ASSERT_TRUE(decode_record(encode(record)));
  spoil(record, std::get<Body>(record.body));
  const auto result = decode_record(encode(record));
  ASSERT_FALSE(result) << field;
  EXPECT_EQ(result.error().field, field) << describe(result.error());
  EXPECT_FALSE(result.error().message.empty());
}
void expect_site_refused(std::string_view field, const std::function<void(SiteRecord&)>& spoil) {
  expect_refused<SiteRecord>(field, [&](Record&, SiteRecord& site) { spoil(site); });
}
void expect_pool_refused(std::string_view field, const std::function<void(Pool&)>& spoil) {
  expect_site_refused(field, [&](SiteRecord& site) { spoil(site.pools[0]); });
}
void expect_quote_refused(std::string_view field, const std::function<void(PoolQuote&)>& spoil) {
  expect_refused<QuoteSheet>(field, [&](Record&, QuoteSheet& sheet) { spoil(sheet.pools[0]); });
}

TEST(RecordCodec, RefusesWhoSpeaksForAnother) {
  expect_refused<SiteRecord>("header.subject",
                             [](Record&, SiteRecord& site) { site.site.value = "somebody-else"; });
  expect_refused<QuoteSheet>("header.subject", [](Record& record, QuoteSheet&) {
    record.header.subject.value = "broker/eu-1";
  });
  expect_refused<Member>("header.member",
                         [](Record&, Member& member) { member.number.value += 1; });
  expect_refused<Member>("header.kind",
                         [](Record& record, Member&) { record.header.kind = RecordKind::site; });
}

TEST(RecordCodec, RefusesHeadersThatCannotBe) {
  for (const char* node : {"", "jp-osaka-1", "site/", "site/UP", "moon/base", "site/a/b"}) {
    expect_refused<SiteRecord>(
        "header.subject", [&](Record& record, SiteRecord&) { record.header.subject.value = node; });
  }
  expect_refused<QuoteSheet>("header.valid_until", [](Record& record, QuoteSheet&) {
    record.header.valid_until = record.header.issued;
  });
  expect_refused<QuoteSheet>("header.issued", [](Record& record, QuoteSheet&) {
    record.header.issued = Wall::time_point(Wall::duration(-1));
  });
}

TEST(RecordCodec, BoundsEachKindByItsOwnSize) {
  Sampler full;
  Record record = full.record<QuoteSheet>();
  auto& pools = std::get<QuoteSheet>(record.body).pools;
  PoolQuote pool = pools[0];
  pools.clear();
  for (std::size_t i = 0; i < limits::pools_per_site_max; ++i) {
    pool.pool.value = std::string(55, 'x') + "-" + std::to_string(i);
    pools.push_back(pool);
  }
  auto& contracts = std::get<QuoteSheet>(record.body).contracts;
  contracts.clear();
  for (std::size_t i = 0; i < limits::contracts_per_site_max; ++i) {
    contracts.push_back({ContractId{std::string(60, 'x') + "-" + std::to_string(i)}, 1});
  }
  const Bytes bytes = encode(record);
  ASSERT_LE(bytes.size(), limits::quote_sheet_bytes_max);
  EXPECT_TRUE(decode_record(bytes));

  Record member = full.record<Member>();
  std::get<Member>(member.body).endpoint = "tcp://" + std::string(2'100, 'x');
  const auto refused = decode_record(encode(member));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::too_large);
  EXPECT_EQ(refused.error().field, "member record");
  EXPECT_FALSE(decode_record_header(encode(member)));
}

TEST(RecordCodec, RefusesContractsThatHoldNothingOrMoreThanTheirPool) {
  const auto units = [](const Pool& pool) { return pool.nodes * units_per_node(pool); };
  expect_site_refused("contract.units", [](SiteRecord& s) { s.contracts[0].units = 0; });
  expect_site_refused("contract.tenant", [](SiteRecord& s) { s.contracts[0].tenant.value = "A"; });
  expect_site_refused("contract.valid_until", [](SiteRecord& s) {
    s.contracts[0].valid_until = s.contracts[0].valid_from;
  });
  expect_site_refused("contracts", [](SiteRecord& s) { s.contracts[0].pool.value = "gone"; });
  expect_site_refused("contracts", [](SiteRecord& s) { s.contracts[1].id = s.contracts[0].id; });
  expect_site_refused("contracts",
                      [&](SiteRecord& s) { s.contracts[0].units = units(s.pools[0]) + 1; });
  // Together more than there is, but only while both are in force.
  SiteRecord site = std::get<SiteRecord>(Sampler().record<SiteRecord>().body);
  site.contracts[1].pool = site.contracts[0].pool;
  site.contracts[0].units = site.contracts[1].units = units(site.pools[0]);
  EXPECT_EQ(overbooked(site), nullptr);
  site.contracts[0].valid_until = site.contracts[1].valid_from + Wall::duration(1);
  EXPECT_EQ(overbooked(site), &site.contracts[1]);
}

TEST(RecordCodec, RefusesNodesFreeBeyondFreeAndIdleUnits) {
  expect_refused<QuoteSheet>("quote.units_free_node", [](Record&, QuoteSheet& sheet) {
    sheet.contracts.clear();
    sheet.pools[0].units_free_node = sheet.pools[0].units_free + 1;
  });
  expect_refused<QuoteSheet>("quote.nodes_free", [](Record&, QuoteSheet& sheet) {
    sheet.contracts.resize(1);
    sheet.contracts[0].units_idle = 2;
    sheet.pools[0].units_free_node = 0;
    sheet.pools[0].nodes_free = sheet.pools[0].units_free + 3;
  });
  expect_refused<QuoteSheet>("quote.contracts", [](Record&, QuoteSheet& sheet) {
    sheet.contracts[1].contract = sheet.contracts[0].contract;
  });
}

TEST(RecordCodec, RefusesKeysOfAnotherSize) {
  expect_refused<Member>("member.identity_key",
                         [](Record&, Member& member) { member.identity_key.pop_back(); });
  expect_refused<Member>("member.curve_key",
                         [](Record&, Member& member) { member.curve_key.push_back('x'); });
}

TEST(RecordCodec, RefusesEndpointsThatWouldLeadBackIntoTheReader) {
  for (const char* endpoint : {"ipc:///run/x", "inproc://broker", "host:7500", "tcp:/x"}) {
    expect_site_refused("endpoint", [&](SiteRecord& site) { site.endpoint = endpoint; });
    expect_refused<Member>("member.endpoint",
                           [&](Record&, Member& member) { member.endpoint = endpoint; });
  }
}

TEST(RecordCodec, RefusesTextThatATerminalWouldObey) {
  for (const char* text : {"\x1b[2J", "a\nb", "\x7f", "\xc2\x9b", "\xff", "\xc3", "\xc0\x80",
                           "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    expect_site_refused("provider", [&](SiteRecord& site) { site.provider = text; });
    expect_site_refused("labels", [&](SiteRecord& site) { site.labels["key"] = text; });
  }
}

TEST(RecordCodec, RefusesPricesOutOfBounds) {
  for (const std::int64_t price :
       {std::int64_t{-1}, limits::price_micros_max + 1, INT64_MAX, INT64_MIN}) {
    expect_pool_refused("tariff.node_hour", [&](Pool& pool) { pool.tariff.node_hour = {price}; });
    expect_pool_refused("tariff.cpu_hour", [&](Pool& pool) { pool.tariff.cpu_hour = {price}; });
    expect_pool_refused("tariff.gib_hour", [&](Pool& pool) { pool.tariff.gib_hour = {price}; });
    expect_pool_refused("tariff.accelerator_hour",
                        [&](Pool& pool) { pool.tariff.accelerator_hour = {price}; });
    expect_pool_refused("tariff.fixed_fee", [&](Pool& pool) { pool.tariff.fixed_fee = {price}; });
    expect_site_refused("network.egress",
                        [&](SiteRecord& site) { site.network[0].egress = {price}; });
    expect_site_refused("network.ingress",
                        [&](SiteRecord& site) { site.network[1].ingress = {price}; });
  }
}

TEST(RecordCodec, RefusesTariffsThatCannotBeBilled) {
  expect_pool_refused("tariff.currency", [](Pool& pool) { pool.tariff.currency = "usd"; });
  expect_pool_refused("tariff.increment_seconds",
                      [](Pool& pool) { pool.tariff.increment_seconds = 0; });
  expect_pool_refused("tariff.increment_seconds",
                      [](Pool& pool) { pool.tariff.increment_seconds = 86'401; });
  expect_pool_refused("tariff.minimum_seconds",
                      [](Pool& pool) { pool.tariff.minimum_seconds = UINT32_MAX; });
  expect_pool_refused("tariff.preemptible_ppm",
                      [](Pool& pool) { pool.tariff.preemptible_ppm = ppm_one + 1; });
  expect_pool_refused("tariff.preemptible_only", [](Pool& pool) {
    pool.tariff.preemptible_ppm = 0;
    pool.tariff.preemptible_only = true;
  });
  expect_pool_refused("pool.unit_watts", [](Pool& pool) { pool.unit_watts = 1'000'001; });
  expect_pool_refused("tariff.interruptions_ppm_hour",
                      [](Pool& pool) { pool.tariff.interruptions_ppm_hour = -1; });
  expect_pool_refused("price_curve.exponent", [](Pool& pool) { pool.price_curve.exponent = 17; });
  expect_pool_refused("price_curve.a_ppm", [](Pool& pool) { pool.price_curve.a_ppm = -1; });
}

TEST(RecordCodec, RefusesPoolsThatCannotExist) {
  expect_pool_refused("pool.id", [](Pool& pool) { pool.id.value = "a/b"; });
  expect_pool_refused("pool.unit", [](Pool& pool) { pool.unit = Resources{}; });
  expect_pool_refused("pool.unit", [](Pool& pool) { pool.unit.cpus = pool.node.cpus + 1; });
  expect_pool_refused("pool.unit", [](Pool& pool) {
    pool.nodes = limits::pool_nodes_max;
    pool.node = pool.unit = Resources{1'000'000, 0, 0, 0};
    pool.unit.cpus = 1;
  });
  expect_pool_refused("pool.nodes", [](Pool& pool) { pool.nodes = limits::pool_nodes_max + 1; });
  expect_pool_refused("pool.node.memory_mib",
                      [](Pool& pool) { pool.node.memory_mib = UINT64_MAX; });
  expect_pool_refused("pool.performance_ppm",
                      [](Pool& pool) { pool.performance_ppm.erase("default"); });
  expect_pool_refused("pool.performance_ppm",
                      [](Pool& pool) { pool.performance_ppm["default"] = 0; });
  expect_pool_refused("pool.performance_ppm", [](Pool& pool) {
    pool.performance_ppm["default"] = limits::performance_ppm_max + 1;
  });
  expect_site_refused("pools", [](SiteRecord& site) { site.pools[1].id = site.pools[0].id; });
  expect_site_refused("pools", [](SiteRecord& site) {
    site.pools.resize(limits::pools_per_site_max + 1, site.pools[0]);
  });
}

TEST(RecordCodec, RefusesNetworkRowsThatCannotBe) {
  for (const char* peer : {"", "site:", "site:UP", "region:", "jurisdiction:jp", "planet:mars"}) {
    expect_site_refused("network.peer", [&](SiteRecord& site) { site.network[0].peer = peer; });
  }
  expect_site_refused(
      "network", [](SiteRecord& site) { site.network[0].peer = site.network[1].peer = "default"; });
  expect_site_refused("network.rtt_ms",
                      [](SiteRecord& site) { site.network[0].rtt_ms = limits::rtt_ms_max + 1; });
  expect_site_refused("network.bandwidth_mbit",
                      [](SiteRecord& site) { site.network[0].bandwidth_mbit = UINT64_MAX; });
}

TEST(RecordCodec, RefusesQuotesThatCannotBe) {
  expect_quote_refused("quote.price_ppm", [](PoolQuote& quote) { quote.price_ppm = 0; });
  expect_quote_refused("quote.price_ppm", [](PoolQuote& quote) { quote.price_ppm = -1; });
  expect_quote_refused("quote.price_ppm",
                       [](PoolQuote& quote) { quote.price_ppm = limits::price_ppm_max + 1; });
  expect_quote_refused("quote.wait_seconds",
                       [](PoolQuote& quote) { quote.wait_seconds = UINT32_MAX; });
  expect_refused<QuoteSheet>("quote.energy_left_wh",
                             [](Record&, QuoteSheet& sheet) { sheet.energy_left_wh = -2; });
  expect_refused<QuoteSheet>(
      "quote.pools", [](Record&, QuoteSheet& sheet) { sheet.pools[1].pool = sheet.pools[0].pool; });
}

TEST(RecordCodec, RefusesJurisdictionsAndPoliciesThatAreNone) {
  expect_site_refused("jurisdiction", [](SiteRecord& site) { site.jurisdiction.value = "Japan"; });
  expect_site_refused("region", [](SiteRecord& site) { site.region.value = "JP-Osaka"; });
  expect_site_refused("policy.tenants_denied",
                      [](SiteRecord& site) { site.policy.tenants_denied[0].value = ""; });
  expect_site_refused("carbon_g_kwh", [](SiteRecord& site) { site.carbon_g_kwh = UINT32_MAX; });
  const auto measured = [](std::vector<RoundTrip> rows) {
    return [rows = std::move(rows)](SiteRecord& site) { site.round_trips = rows; };
  };
  const auto achieved = [](std::vector<Bandwidth> rows) {
    return [rows = std::move(rows)](SiteRecord& site) { site.bandwidths = rows; };
  };
  const RegionId a{"a"};
  expect_site_refused("bandwidths.in_mbit", achieved({{a, 0, 0, {}}}));
  expect_site_refused("bandwidths.in_mbit", achieved({{a, UINT32_MAX, 0, {}}}));
  expect_site_refused("bandwidths.out_mbit", achieved({{a, 0, UINT32_MAX, {}}}));
  expect_site_refused("bandwidths", achieved({{RegionId{"b"}, 9, 0, {}}, {a, 9, 0, {}}}));
  expect_site_refused("bandwidths", achieved({{a, 9, 0, {}}, {a, 9, 0, {}}}));
  expect_site_refused("bandwidths.region", achieved({{RegionId{"a b"}, 9, 0, {}}}));
  const auto held = [](std::vector<HoldingLabel> labels) {
    return [labels = std::move(labels)](SiteRecord& site) { site.holdings = labels; };
  };
  expect_site_refused("holdings", held({{0, 0}}));
  expect_site_refused("holdings", held({{2, 1}, {1, 2}}));
  expect_site_refused("holdings", held({{1, 2}, {1, 2}}));
  expect_site_refused("holdings",
                      held(std::vector(limits::holdings_per_site_max + 1, HoldingLabel{1, 1})));
  expect_site_refused("bandwidths", achieved(std::vector(limits::measured_regions_max + 1,
                                                         Bandwidth{a, 9, 0, {}})));
  expect_site_refused("round_trips.code", measured({{RegionId{"a"}, 0}}));
  expect_site_refused("round_trips", measured({{RegionId{"b"}, 9}, {RegionId{"a"}, 9}}));
  expect_site_refused("round_trips", measured({{RegionId{"a"}, 9}, {RegionId{"a"}, 9}}));
  expect_site_refused("round_trips.region", measured({{RegionId{"a b"}, 9}}));
  expect_site_refused("round_trips", measured(std::vector(limits::measured_regions_max + 1,
                                                          RoundTrip{RegionId{"a"}, 9})));
  expect_site_refused("state", [](SiteRecord& site) { site.state = static_cast<SiteState>(3); });
}

}  // namespace
}  // namespace tradewind::testing
