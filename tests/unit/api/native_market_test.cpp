// Sites, offers, the market's history and rates by the native API.
#include <gtest/gtest.h>

#include "tests/unit/api/native_fixture.h"

namespace tradewind::testing {
namespace {

TEST_F(NativeApiTest, TheMarketsHistoryIsASeriesAPoolByPages) {
  const MarketSnapshot market = sample_market();
  const SiteView& site = market.sites[0];
  service.history.add(site.record, *site.sheet, system_now().wall);
  SiteRecord other = site.record;
  other.site = SiteId{"zeta-1"};
  service.history.add(other, *site.sheet, system_now().wall);
  const json::value first = parsed(get("/v1/market/history?limit=1&step_seconds=600", centre));
  EXPECT_EQ(at(first, "/step_seconds"), "600");
  EXPECT_EQ(at(first, "/series/0/site"), "alpha-1");
  EXPECT_EQ(at(first, "/series/0/points/0/unit_price_per_hour"), "0.075");
  EXPECT_EQ(at(first, "/series/0/points/0/units_free"), "12");
  EXPECT_EQ(at(first, "/next_cursor"), "alpha-1/cpu");
  const json::value second = parsed(get("/v1/market/history?cursor=alpha-1/cpu", alice));
  EXPECT_EQ(at(second, "/series/0/site"), "zeta-1");
  EXPECT_EQ(at(second, "/next_cursor"), "(absent)");
  EXPECT_EQ(at(parsed(get("/v1/market/history?site=none", alice)), "/series"), "[]");
  for (const char* query :
       {"step_seconds=61", "step_seconds=x", "limit=0", "limit=101", "cursor=x"}) {
    const RawResponse refused = get(std::string("/v1/market/history?") + query, alice);
    EXPECT_EQ(refused.status, 400) << query;
    EXPECT_NE(at(parsed(refused), "/remedy"), "(absent)") << query;
  }
}

TEST_F(NativeApiTest, AQuarantinedSiteIsShownAndOffersNothing) {
  MarketSnapshot market = sample_market();
  market.sites[0].quarantined = true;
  market.sites[0].record.bandwidths = {{RegionId{"jp-osaka"}, 900, 0, system_now().wall}};
  service.set_market(market);
  const json::value sites = parsed(get("/v1/sites", alice));
  EXPECT_EQ(at(sites, "/sites/0/quarantined"), "true");
  EXPECT_EQ(at(sites, "/sites/0/quote_sheet/valid"), "false");
  EXPECT_EQ(at(sites, "/sites/1/quarantined"), "false");
  EXPECT_EQ(at(sites, "/sites/0/bandwidth_measured/0/in_mbit"), "900");
  EXPECT_EQ(at(sites, "/sites/0/bandwidth_measured/0/out_mbit"), "(absent)");
  EXPECT_NE(at(sites, "/sites/0/bandwidth_measured/0/age_ms"), "(absent)");
  const json::value offers = parsed(get("/v1/offers", alice));
  EXPECT_FALSE(offers.at("offers").as_array().empty());
  for (const json::value& each : offers.at("offers").as_array()) {
    EXPECT_NE(each.at("site"), "alpha-1");
  }
}

TEST_F(NativeApiTest, SitesAndOffersShowPricesAndAges) {
  service.set_market(sample_market());
  const json::value sites = parsed(get("/v1/sites", alice));
  EXPECT_EQ(at(sites, "/sites/0/id"), "alpha-1");
  EXPECT_EQ(at(sites, "/sites/0/pools/1/accelerator/model"), "h100-sxm");
  EXPECT_EQ(at(sites, "/sites/0/pools/0/tariff/cpu_hour"), "0.04");
  EXPECT_EQ(at(sites, "/sites/0/quote_sheet/valid"), "true");
  EXPECT_EQ(at(sites, "/sites/1/quote_sheet"), "(absent)");
  EXPECT_EQ(at(sites, "/sites/0/policy"), "(absent)") << "whom a site denies is not for users";
  EXPECT_EQ(at(parsed(get("/v1/sites/alpha-1", auditor)), "/policy/tenants_denied/0"), "mallory");
  EXPECT_EQ(get("/v1/sites/nowhere", alice).status, 404);

  const json::value offers = parsed(get("/v1/offers", alice));
  EXPECT_EQ(offers.at("offers").as_array().size(), 4U);
  // 0.04 for the CPU and 2 GiB at 0.005, at one and a half times the tariff.
  EXPECT_EQ(at(offers, "/offers/0/unit_price_per_hour"), "0.075");
  EXPECT_EQ(at(offers, "/offers/0/units_free"), "12");
  EXPECT_EQ(at(offers, "/offers/0/units"), "16");
  EXPECT_EQ(at(offers, "/offers/0/quote_valid"), "true");
  EXPECT_EQ(at(offers, "/offers/2/quote_valid"), "false");
  EXPECT_EQ(at(offers, "/offers/0/trust/ppm"), "1000000");
  EXPECT_EQ(at(offers, "/offers/0/trust/state"), "trusted");
  EXPECT_EQ(at(offers, "/offers/0/trust/until"), "(absent)");
  EXPECT_EQ(at(sites, "/sites/0/trust/state"), "trusted");
  const auto rows = [&](const char* query) {
    return parsed(get(std::string("/v1/offers?") + query, alice)).at("offers").as_array().size();
  };
  EXPECT_EQ(rows("architecture=arm64"), 2U);
  EXPECT_EQ(rows("region=us-east"), 2U);
  EXPECT_EQ(rows("accelerator=cuda"), 2U);
  EXPECT_EQ(rows("accelerator=h100-sxm&site=beta-1"), 1U);
  EXPECT_EQ(rows("accelerator=none"), 2U);
  EXPECT_EQ(get("/v1/offers?architecture=vax", alice).status, 400);
  const json::value market = parsed(get("/v1/market", centre));
  EXPECT_EQ(at(market, "/drops/expired"), "3");
  EXPECT_EQ(at(market, "/members/0/state"), "active");
  EXPECT_EQ(at(market, "/federation"), "test-federation");
}

TEST_F(NativeApiTest, OperatorsSetTheRatesAndEverybodyReadsThem) {
  EXPECT_EQ(at(parsed(get("/v1/rates", centre)), "/version"), "0");
  const RawResponse set =
      call("PUT", "/v1/rates", operator_, R"({"rates":{"EUR":"1.08","JPY":"0.0067"}})");
  EXPECT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(service.calls().back(), "rates by operator on any");
  const json::value rates = parsed(get("/v1/rates", alice));
  EXPECT_EQ(at(rates, "/version"), "1");
  EXPECT_EQ(at(rates, "/accounting_currency"), "USD");
  EXPECT_EQ(at(rates, "/rates/JPY"), "0.0067");
  call("PUT", "/v1/rates", operator_,
       R"({"replaces":1,"accounting_currency":"CHF","rates":{"USD":"0.9"}})");
  EXPECT_EQ(service.calls().back(), "rates by operator on 1");
  EXPECT_EQ(at(parsed(get("/v1/rates", alice)), "/accounting_currency"), "CHF");
  EXPECT_EQ(call("PUT", "/v1/rates", auditor, R"({"rates":{}})").status, 403);
  const std::pair<const char*, const char*> wrong[] = {
      {"{}", "rates"},
      {R"({"rates":[]})", "rates"},
      {R"({"rates":{"EUR":1.08}})", "rates.EUR"},
      {R"({"rates":{"EUR":"1.0000001"}})", "rates.EUR"},
      {R"({"rates":{"EUR":"0"}})", "rates.EUR"},
      {R"({"rates":{"EUR":"-1"}})", "rates.EUR"},
      {R"({"rates":{"euro":"1"}})", "rates"},
      {R"({"rates":{"CHF":"1"}})", "rates.CHF"},
      {R"({"rates":{},"accounting_currency":"US"})", "accounting_currency"},
      {R"({"rates":{},"replaces":-1})", "replaces"},
      {R"({"rates":{},"more":1})", "more"},
  };
  for (const auto& [body, field] : wrong) {
    const RawResponse response = call("PUT", "/v1/rates", operator_, body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_EQ(at(parsed(response), "/field"), field) << body;
  }
}

}  // namespace
}  // namespace tradewind::testing
