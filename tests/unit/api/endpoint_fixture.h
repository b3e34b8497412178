// An endpoint over a fake broker, with a token for each role in two tenants.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "broker/api/auth.h"
#include "broker/api/endpoint.h"
#include "broker/api/json.h"
#include "broker/api/ndjson.h"
#include "schemas/assert.h"
#include "tests/unit/api/fake_service.h"
#include "tests/unit/api/openapi_check.h"
#include "tests/unit/api/raw_client.h"

namespace tradewind::testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "tradewind-api-XXXXXX").string();
    TRADEWIND_ASSERT(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::filesystem::path path;
};

class EndpointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto file = directory_.path / "tokens.toml";
    const auto issue = [&](const char* name, Role role, const char* tenant) {
      auto secret = issue_token(file, name, role, TenantId{tenant}, std::nullopt);
      EXPECT_TRUE(secret.has_value());
      return secret.value_or("");
    };
    alice = issue("alice", Role::user, "alpha");
    amy = issue("amy", Role::user, "alpha");
    bob = issue("bob", Role::user, "beta");
    centre = issue("centre", Role::centre, "");
    auditor = issue("auditor", Role::auditor, "");
    operator_ = issue("operator", Role::operator_, "gamma");
    options_.tokens_file = file;
    start();
  }
  void start() {
    auto endpoint = start_endpoint(options_, service, log_);
    ASSERT_TRUE(endpoint.has_value()) << describe(endpoint.error());
    endpoint_ = std::move(*endpoint);
  }

  // Every answer must be as the document of the API has it.
  RawResponse call(std::string_view method, std::string_view target, std::string_view token = {},
                   std::string_view body = {}, std::string_view headers = {}) {
    RawClient client(endpoint_->port());
    std::string lines(headers);
    if (!token.empty()) lines += "Authorization: Bearer " + std::string(token) + "\r\n";
    const bool ndjson = lines.find(ndjson_type) != std::string::npos;
    client.send(request_text(method, target, body, lines));
    RawResponse response = client.read(method == "HEAD");
    EXPECT_EQ(
        answer_fault(method, target, body, ndjson ? ndjson_type : "application/json", response), "")
        << method << " " << target << " was answered " << response.status << " " << response.body;
    return response;
  }
  RawResponse get(std::string_view target, std::string_view token) {
    return call("GET", target, token);
  }
  RawResponse post(std::string_view target, std::string_view token, std::string_view body = {}) {
    return call("POST", target, token, body);
  }
  static json::value parsed(const RawResponse& response) {
    auto value = parse_json("response", response.body);
    EXPECT_TRUE(value.has_value()) << response.status << " " << response.body;
    return value ? *value : json::value(json::object());
  }
  static std::string text_of(const json::value& value) {
    const auto* text = value.if_string();
    return text == nullptr ? "(no text)" : std::string(text->data(), text->size());
  }
  static std::string at(const json::value& value, std::string_view pointer) {
    boost::system::error_code error;
    const json::value* found =
        value.find_pointer(json::string_view(pointer.data(), pointer.size()), error);
    if (found == nullptr) return "(absent)";
    return found->is_string() ? text_of(*found) : to_text(*found);
  }
  // Submits and gives the id.
  JobId submit(std::string_view token, std::string_view document) {
    const RawResponse response = post("/v1/jobs", token, document);
    EXPECT_EQ(response.status, 201) << response.body;
    return JobId{at(parsed(response), "/id")};
  }

  TemporaryDirectory directory_;
  FakeService service;
  EndpointOptions options_;
  PublishedLog* log_ = nullptr;
  std::unique_ptr<Endpoint> endpoint_;  // after the service, which must outlive it
  std::string alice, amy, bob, centre, auditor, operator_;
};

// A decision that chose a site, with one runner-up and one rejection.
inline Decision sample_decision(const std::string& site = "alpha-1") {
  Decision decision;
  decision.outcome = Outcome::placed;
  decision.decided_at = wall_from_ms(1'700'000'000'000);
  Candidate chosen;
  chosen.site = SiteId{site};
  chosen.pool = PoolId{"cpu"};
  chosen.units = 2;
  chosen.rate = MoneyPerHour{360'000};
  chosen.billed_seconds = 100;
  chosen.cost.compute = Money{10'000};
  chosen.cost.data_in = Money{500};
  chosen.cost.total = Money{10'500};
  chosen.finish.run_seconds = 100;
  chosen.finish.total_seconds = 110;
  decision.chosen = chosen;
  Candidate other = chosen;
  other.site = SiteId{"beta-1"};
  other.cost.total = Money{20'500};
  other.finish.total_seconds = 90;
  decision.runners_up = {other};
  Rejection rejection;
  rejection.site = SiteId{"gamma-1"};
  rejection.pool = PoolId{"gpu"};
  rejection.reason = ReasonCode::memory;
  rejection.wanted = 4096;
  rejection.offered = 2048;
  rejection.detail = "needs 4096 MiB of memory, has 2048";
  decision.rejections = {rejection};
  decision.pools_considered = 3;
  decision.pools_adequate = 2;
  return decision;
}

inline Decision sample_waiting() {
  Decision decision = sample_decision();
  decision.outcome = Outcome::waiting;
  decision.chosen.reset();
  decision.runners_up.clear();
  decision.rejections[0].reason = ReasonCode::capacity;
  decision.rejections[0].detail = "wants 2 units, 0 are free";
  decision.pools_adequate = 0;
  return decision;
}

inline MarketSnapshot sample_market() {
  MarketSnapshot market;
  SiteView site;
  site.record.site = SiteId{"alpha-1"};
  site.record.region = RegionId{"eu-west"};
  site.record.jurisdiction = Jurisdiction{"FR"};
  site.record.provider = "Alpha";
  Pool pool;
  pool.id = PoolId{"cpu"};
  pool.architecture = Architecture::amd64;
  pool.nodes = 2;
  pool.node = Resources{8, 16'384, 0, 0};
  pool.unit = Resources{1, 2'048, 0, 0};
  pool.performance_ppm["default"] = ppm_one;
  pool.tariff.cpu_hour = MoneyPerHour{40'000};
  pool.tariff.gib_hour = MoneyPerHour{5'000};
  site.record.pools.push_back(pool);
  pool.id = PoolId{"gpu"};
  pool.architecture = Architecture::arm64;
  pool.accelerator = Accelerator{"cuda", "h100-sxm", 80, Interconnect::nvlink};
  site.record.pools.push_back(pool);
  site.record.policy.tenants_denied = {TenantId{"mallory"}};
  QuoteSheet sheet;
  sheet.site = site.record.site;
  PoolQuote quote;
  quote.pool = PoolId{"cpu"};
  quote.units_free = 12;
  quote.price_ppm = 1'500'000;
  sheet.pools = {quote};
  site.sheet = sheet;
  site.sheet_header.issued = system_now().wall;
  site.sheet_header.valid_until = system_now().wall + std::chrono::hours(1);
  market.sites = {site};
  site.record.site = SiteId{"beta-1"};
  site.record.region = RegionId{"us-east"};
  site.sheet.reset();
  market.sites.push_back(site);
  market.members = {{NodeId{"site/alpha-1"}, MemberState::active}};
  market.drops = {{"expired", 3}};
  return market;
}

}  // namespace tradewind::testing
