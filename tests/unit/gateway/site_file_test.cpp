#include "gateway/site_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/unit/gateway/site_file_text.h"

namespace tradewind {
namespace {

using namespace site_text;
using ::testing::HasSubstr;

TEST(SiteFile, ReadsEveryKey) {
  const auto file = parse(whole_file);
  ASSERT_TRUE(file) << describe(file.error());
  const SiteRecord& record = file->record;
  EXPECT_EQ(record.site.value, "de-berlin-1");
  EXPECT_EQ(record.region.value, "de-berlin");
  EXPECT_EQ(record.jurisdiction.value, "DE");
  EXPECT_EQ(record.provider, "Spree Computing");
  EXPECT_EQ(record.state, SiteState::active);
  EXPECT_EQ(record.labels.at("tier"), "research");
  EXPECT_TRUE(record.endpoint.empty());
  EXPECT_EQ(record.carbon_g_kwh, 300u);
  EXPECT_EQ(file->link.listen, "tcp://0.0.0.0:7401");
  EXPECT_EQ(file->link.advertise, "tcp://gateway.example.org:7401");

  ASSERT_EQ(record.pools.size(), 2u);
  const Pool& gpu = record.pools[0];
  EXPECT_EQ(gpu.architecture, Architecture::amd64);
  EXPECT_EQ(gpu.node, (Resources{96, 1024 * 1024, 4096 * 1024, 8}));
  EXPECT_EQ(gpu.accelerator, (Accelerator{"cuda", "h100-sxm", 80, Interconnect::nvlink}));
  EXPECT_EQ(gpu.performance_ppm.at("default"), 1'200'000);
  EXPECT_EQ(gpu.performance_ppm.at("training"), 2'500'000);
  EXPECT_EQ(gpu.performance_ppm.at("inference"), 3'000'000);
  EXPECT_EQ(file->learnt,
            (std::map<LearntClass, std::int64_t>{{{PoolId{"gpu"}, "inference"}, 3'000'000}}));
  EXPECT_EQ(gpu.tariff.currency, "EUR");
  EXPECT_EQ(gpu.tariff.node_hour.micros, 500'000);
  EXPECT_EQ(gpu.tariff.accelerator_hour.micros, 2'250'000);
  EXPECT_EQ(gpu.tariff.preemptible_ppm, 400'000);
  EXPECT_TRUE(gpu.tariff.preemptible_only);
  EXPECT_EQ(gpu.unit_watts, 700U);
  EXPECT_EQ(gpu.tariff.interruptions_ppm_hour, 10'000);
  EXPECT_EQ(gpu.tariff.increment_seconds, 60u);
  EXPECT_EQ(gpu.tariff.minimum_seconds, 120u);
  EXPECT_EQ(gpu.tariff.fixed_fee.micros, 10'000);
  EXPECT_EQ(gpu.price_curve, (PriceCurve{2'500'000, 6}));
  EXPECT_EQ(gpu.labels.at("room"), "north");

  const Pool& cpu = record.pools[1];
  EXPECT_EQ(cpu.unit, (Resources{2, 512, 10 * 1024, 0}));
  EXPECT_EQ(cpu.tariff.gib_hour.micros, 1'000'000);
  EXPECT_EQ(cpu.performance_ppm.at("default"), ppm_one);

  ASSERT_EQ(record.network.size(), 2u);
  EXPECT_EQ(record.network[0].peer, "region:us-iowa");
  EXPECT_EQ(record.network[0].egress.micros, 20'000);
  EXPECT_EQ(record.network[0].ingress.micros, 1'000);
  EXPECT_EQ(record.network[0].bandwidth_mbit, 1'000u);
  EXPECT_EQ(record.network[0].rtt_ms, 110u);
  EXPECT_EQ(record.network[1].peer, "default");

  EXPECT_EQ(record.policy.tenants_allowed, std::vector<TenantId>{TenantId{"physics"}});
  EXPECT_EQ(record.policy.tenants_denied, std::vector<TenantId>{TenantId{"mining"}});
  EXPECT_EQ(record.policy.run_seconds_max, 86'400u);
  EXPECT_EQ(file->energy_quota_wh, 500'000);
  EXPECT_EQ(file->engine.sandbox, SandboxMode::none);
  EXPECT_EQ(file->engine.emulators.at(Architecture::arm64), "/usr/bin/qemu-aarch64-static");
  EXPECT_EQ(file->engine.read_only, std::vector<std::string>{"/opt/suite/lib"});
  using Paths = std::vector<std::filesystem::path>;
  EXPECT_EQ(file->staging.file_read_roots, (Paths{"/srv/data", "/srv/in"}));
  EXPECT_EQ(file->staging.file_write_roots, Paths{"/srv/data/out"});
  EXPECT_FALSE(file->staging.http_allowed);
  EXPECT_TRUE(file->staging.allow_private_hosts);
  EXPECT_EQ(file->staging.file_bytes_max, std::uint64_t{512} << 20);
  EXPECT_EQ(file->staging.attempt_bytes_max, std::uint64_t{2} << 30);
  EXPECT_EQ(file->staging.files_max, 100u);
  EXPECT_EQ(file->staging.cache_directory, "/srv/data/kept");
  EXPECT_EQ(file->staging.cache_bytes_max, std::uint64_t{256} << 20);
  EXPECT_EQ(file->staging.ranges_max, 8U);
}

TEST(SiteFile, AUnitIsByDefaultOneAcceleratorOrOneCpuWithItsShareOfTheNode) {
  const auto file = parse(with("unit = { cpus = 2, memory_gib = 0.5, disk_gib = 10 }\n", ""));
  ASSERT_TRUE(file) << describe(file.error());
  EXPECT_EQ(file->record.pools[0].unit, (Resources{12, 128 * 1024, 512 * 1024, 1}));
  EXPECT_EQ(file->record.pools[1].unit, (Resources{1, 512, 12'800, 0}));
}

TEST(SiteFile, SummaryTellsUnitsAndTheirPrice) {
  const auto file = parse(whole_file);
  ASSERT_TRUE(file);
  const std::string text = summary(*file);
  EXPECT_THAT(text, HasSubstr("site de-berlin-1 in de-berlin (DE)"));
  EXPECT_THAT(text, HasSubstr("32 units"));
  EXPECT_THAT(text, HasSubstr("40 units of 2 CPUs, 512 MiB at 0.54 USD an hour"));
}

struct Malformed {
  std::string name;
  std::string from;
  std::string to;
  std::string field;
  std::string message;
  std::string remedy;
};

class MalformedSiteFile : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedSiteFile, IsRefusedWithFileLineFieldAndRemedy) {
  const Malformed& each = GetParam();
  const auto file = parse(with(each.from, each.to));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::invalid);
  EXPECT_EQ(file.error().field, each.field);
  EXPECT_THAT(file.error().message, ::testing::MatchesRegex("site\\.toml:[0-9]+: .*"));
  EXPECT_THAT(file.error().message, HasSubstr(each.message));
  EXPECT_THAT(file.error().remedy, HasSubstr(each.remedy));
  EXPECT_FALSE(file.error().remedy.empty());
}

const std::vector<Malformed> malformed = {
    {"BrokenToml", "[policy]", "[policy", "", "", "correct the TOML"},
    {"UnknownSection", "[energy]", "[enrgy]", "enrgy", "no such key", "energy"},
    {"UnknownSiteKey", "region =", "regoin =", "site.regoin", "no such key", "region"},
    {"UnknownTariffKey", "cpu_hour = \"0.04\"", "cpu_hours = \"0.04\"", "pool[0].tariff.cpu_hours",
     "no such key", "cpu_hour"},
    {"MissingRegion", "region = \"de-berlin\"\n", "", "site.region", "is missing", "add region"},
    {"MissingTariff", "tariff = { cpu_hour = \"0.02\", gib_hour = 1 }", "", "pool[1].tariff",
     "is missing", "cpu_hour"},
    {"MissingNodes", "nodes = 10\n", "", "pool[1].nodes", "is missing", "1 to"},
    {"SiteNameWithCapitals", "id = \"de-berlin-1\"", "id = \"Berlin\"", "site.id", "Berlin", ""},
    {"JurisdictionInLowerCase", "\"DE\"", "\"de\"", "site.jurisdiction", "de", ""},
    {"UnknownState", "state = \"active\"", "state = \"asleep\"", "site.state", "asleep",
     "draining"},
    {"IdIsANumber", "id = \"gpu\"", "id = 7", "pool[0].id", "7 is a whole number", "quotes"},
    {"MoneyAsAFloat", "cpu_hour = \"0.02\"", "cpu_hour = 0.02", "pool[1].tariff.cpu_hour",
     "0.02 is a floating-point number", "cpu_hour = \"0.02\""},
    {"MoneyWithSevenPlaces", "cpu_hour = \"0.02\"", "cpu_hour = \"0.0000001\"",
     "pool[1].tariff.cpu_hour", "0.0000001", "six places"},
    {"MoneyNegative", "cpu_hour = \"0.02\"", "cpu_hour = \"-1\"", "pool[1].tariff.cpu_hour",
     "-1 is out of range", "from 0"},
    {"MoneyHuge", "gib_hour = 1 ", "gib_hour = 99999999 ", "pool[1].tariff.gib_hour",
     "out of range", "1000000"},
    {"MoneyOfWords", "egress_per_gb = \"0.09\"", "egress_per_gb = \"cheap\"",
     "network[1].egress_per_gb", "cheap", "1.25"},
    {"CurrencyOfTwoLetters", "\"EUR\"", "\"eu\"", "pool[0].tariff.currency", "eu", "ISO 4217"},
    {"PreemptibleAboveOnDemand", "preemptible = \"0.4\"", "preemptible = 1.5",
     "pool[0].tariff.preemptible", "1.5 is out of range", "from 0 to 1"},
    {"PreemptibleOnlyOfNothing", "preemptible = \"0.4\"", "preemptible = 0",
     "pool[0].tariff.preemptible_only", "nothing is sold as preemptible", "share of the price"},
    {"PowerBeyondABound", "unit_watts = 700", "unit_watts = 1000001", "pool[0].unit_watts",
     "out of range", "1000000"},
    {"IncrementZero", "increment_seconds = 60", "increment_seconds = 0",
     "pool[0].tariff.increment_seconds", "0 is out of range", "1 to 86400"},
    {"PerformanceNan", "default = 1.2", "default = nan", "pool[0].performance.default",
     "is no decimal number", "write a decimal"},
    {"PerformanceInfinite", "default = 1.2", "default = inf", "pool[0].performance.default",
     "is no decimal number", "write a decimal"},
    {"PerformanceNegativeZero", "default = 1.2", "default = -0.0", "pool[0].performance.default",
     "is out of range", "give a decimal from"},
    {"PerformanceZero", "default = 1.2", "default = 0", "pool[0].performance.default",
     "out of range", "0.000001"},
    {"PerformanceTooExact", "default = 1.2", "default = 1.23456789", "pool[0].performance.default",
     "more than six", "round"},
    {"LearntAndFixed", "learn = { inference", "learn = { training = 1, inference", "pool[0].learn",
     "\"training\" is in performance too", "leave it in performance"},
    {"LearntFromZero", "inference = 3", "inference = 0", "pool[0].learn.inference", "out of range",
     "0.000001"},
    {"NoRanges", "ranges = 8", "ranges = 0", "staging.ranges", "0 is out of range", "1 to 16"},
    {"UnknownArchitecture", "\"arm64\"\nnodes", "\"vax\"\nnodes", "pool[1].architecture", "vax",
     ""},
    {"NegativeNodes", "nodes = 10", "nodes = -10", "pool[1].nodes", "-10 is out of range", "1 to"},
    {"NodesAsText", "nodes = 10", "nodes = \"10\"", "pool[1].nodes", "a string", "whole number"},
    {"TooManyUnits", "nodes = 10\nnode = { cpus = 8, memory_gib = 4, disk_gib = 100 }",
     "nodes = 1000000\nnode = { cpus = 80, memory_gib = 40, disk_gib = 1000 }", "pool[1].nodes",
     "units", "larger unit"},
    {"NodeWithoutMemory", "memory_gib = 4,", "memory_gib = 0,", "pool[1].node.memory_gib",
     "without memory", "GiB"},
    {"UnitLargerThanNode", "unit = { cpus = 2", "unit = { cpus = 9", "pool[1].unit", "9 CPUs",
     "fits into the node"},
    {"UnitOddMemory", "memory_gib = 0.5", "memory_gib = 0.3", "pool[1].unit.memory_gib", "0.3",
     "MiB"},
    {"AcceleratorNotDescribed",
     "accelerator = { family = \"cuda\", model = \"h100-sxm\", memory_gib = 80, interconnect = "
     "\"nvlink\" }",
     "", "pool[0].accelerator", "is missing", "family"},
    {"AcceleratorNotThere", "node = { cpus = 8,",
     "accelerator = { family = \"cuda\", model = \"a\", memory_gib = 1 }\nnode = { cpus = 8,",
     "pool[1].accelerator", "has none", "node.accelerators"},
    {"UnknownInterconnect", "\"nvlink\"", "\"string\"", "pool[0].accelerator.interconnect",
     "string", ""},
    {"SamePoolTwice", "id = \"cpu\"", "id = \"gpu\"", "pool[1].id", "two pools", "of its own"},
    {"CurveExponentTooHigh", "exponent = 6", "exponent = 17", "pool[0].price_curve.exponent",
     "17 is out of range", "1 to 16"},
    {"NetworkIsNoList", "[[pool]]\nid = \"gpu\"", "network = 3\n[[pool]]\nid = \"gpu\"",
     "link.network", "no such key", "advertise"},
    {"UnknownPeer", "\"region:us-iowa\"", "\"us-iowa\"", "network[0].peer", "us-iowa", "region:ID"},
    {"SamePeerTwice", "peer = \"region:us-iowa\"", "peer = \"default\"", "network[1].peer",
     "two rows", "keep one"},
    {"RttNegative", "rtt_ms = 110", "rtt_ms = -1", "network[0].rtt_ms", "-1", "0 to 10000"},
    {"ListenIsNoEndpoint", "tcp://0.0.0.0:7401", "0.0.0.0:7401", "link.listen", "0.0.0.0:7401",
     "tcp://HOST:PORT"},
    {"ListenPortTooHigh", "tcp://0.0.0.0:7401", "tcp://0.0.0.0:74010", "link.listen", "74010",
     "tcp://HOST:PORT"},
    {"WildcardWithoutAdvertise", "advertise = \"tcp://gateway.example.org:7401\"", "",
     "link.advertise", "is missing", "other sites"},
    {"AdvertiseWithoutPort", "tcp://gateway.example.org:7401", "tcp://gateway.example.org:0",
     "link.advertise", "gateway.example.org", "real host and port"},
    {"TenantsAsText", "tenants_allowed = [\"physics\"]", "tenants_allowed = \"physics\"",
     "policy.tenants_allowed", "is not a list", "[\"…\""},
    {"RunTimeZero", "run_seconds_max = 86400", "run_seconds_max = 0", "policy.run_seconds_max",
     "0 is out of range", "1 to"},
    {"QuotaNegative", "quota_wh = 500000", "quota_wh = -5", "energy.quota_wh", "-5", "0 to"},
    {"UnknownEngine", "kind = \"process\"", "kind = \"lsf\"", "engine.kind", "lsf", "process"},
    {"UnknownSandbox", "sandbox = \"none\"", "sandbox = \"jail\"", "engine.sandbox", "jail",
     "bubblewrap"},
    {"EmulatorRelative", "\"/usr/bin/qemu-aarch64-static\"", "\"qemu\"", "engine.emulators.arm64",
     "qemu", "path"},
    {"RelativeRoot", "\"/srv/in\"", "\"srv/in\"", "staging.file_roots", "srv/in", "start"},
    {"UnsetVariable", "${DATA}/out", "${NOWHERE}/out", "staging.write_roots", "NOWHERE", "export"},
    {"OpenVariable", "${DATA}/out", "${DATA/out", "staging.write_roots", "without its }",
     "${NAME}"},
    {"CacheWithoutADirectory", "cache = { directory = \"${DATA}/kept\", ", "cache = { ",
     "staging.cache.directory", "missing", "directory"},
    {"CacheWithoutAQuota", ", gib = 0.25 }", " }", "staging.cache.gib", "missing", "GiB"},
    {"FlagInQuotes", "http = false", "http = \"false\"", "staging.http", "neither true nor false",
     "without quotes"},
    {"LabelIsANumber", "room = \"north\"", "room = 3", "pool[0].labels.room", "3", "quotes"},
    {"SectionIsNoTable", "[energy]\ncarbon_g_kwh = 300\nquota_wh = 500000", "[policy.energy]",
     "policy.energy", "no such key", "tenants_allowed"},
};

INSTANTIATE_TEST_SUITE_P(SiteFile, MalformedSiteFile, ::testing::ValuesIn(malformed),
                         [](const auto& each) { return each.param.name; });

TEST(SiteFile, ContractsStandInTheRecord) {
  const auto with = [](const std::string& contract) {
    return parse_site_file(whole_file + "\n[[contract]]\n" + contract, "site.toml",
                           [](const std::string&) { return std::optional<std::string>("/data"); });
  };
  const std::string good =
      "id = \"acme-2027\"\ntenant = \"acme\"\npool = \"cpu\"\nunits = 12\n"
      "valid_from = \"2027-01-01T00:00:00Z\"\nvalid_until = \"2028-01-01T00:00:00Z\"\n";
  const auto file = with(good);
  ASSERT_TRUE(file) << describe(file.error());
  ASSERT_EQ(file->record.contracts.size(), 1U);
  const Contract& contract = file->record.contracts[0];
  EXPECT_EQ(contract.tenant.value, "acme");
  EXPECT_EQ(contract.units, 12U);
  EXPECT_EQ(to_rfc3339(contract.valid_from).substr(0, 10), "2027-01-01");
  EXPECT_THAT(summary(*file), HasSubstr("acme-2027"));
  const auto refused = [&](std::string_view from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    const auto wrong = with(text);
    EXPECT_FALSE(wrong) << to;
    return wrong ? std::string() : wrong.error().field;
  };
  EXPECT_EQ(refused("units = 12", "units = 41"), "contract[0].units") << "the pool has 40";
  EXPECT_EQ(refused("\"cpu\"", "\"tpu\""), "contract[0].units");
  EXPECT_EQ(refused("2028", "2026"), "contract[0].valid_until");
  EXPECT_EQ(refused("2027-01-01T", "2027-13-01T"), "contract[0].valid_from");
  EXPECT_EQ(refused("units = 12\n", ""), "contract[0].units");
  EXPECT_EQ(refused("tenant", "tenants"), "contract[0].tenants");
}

TEST(SiteFile, TheLineIsTheLineOfTheFault) {
  const auto file =
      parse_site_file("[site]\nid = \"a\"\nregion = \"b\"\nregoin = \"b\"\n", "sites/a.toml");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("sites/a.toml:4: "));
}

TEST(SiteFile, AFileOverTheLimitIsRefusedNamingTheLimit) {
  const auto file = parse_site_file(std::string(site_file_bytes_max + 1, '#'), "big.toml");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::too_large);
  EXPECT_THAT(file.error().remedy, HasSubstr("262144"));
}

TEST(SiteFile, DeepNestingAndBinaryRubbishAreErrorsNotCrashes) {
  EXPECT_FALSE(parse("a = " + std::string(100'000, '[')));
  EXPECT_FALSE(parse(std::string("\0\xff\xfe[[[", 6)));
  EXPECT_FALSE(parse(""));
}

TEST(SiteFile, AMissingFileIsNamed) {
  const auto file = load_site_file("/nowhere/site.toml");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::not_found);
  EXPECT_THAT(file.error().message, HasSubstr("/nowhere/site.toml"));
}

TEST(SiteFile, TheSampleSitesAreGood) {
  const auto environment_of_samples = [](const std::string& name) -> std::optional<std::string> {
    return name == "TRADEWIND_DATA" ? std::optional<std::string>("/srv/tradewind") : std::nullopt;
  };
  int count = 0;
  for (const auto& each : std::filesystem::recursive_directory_iterator(TRADEWIND_SAMPLE_SITES)) {
    if (each.path().extension() != ".toml") continue;
    const auto file = load_site_file(each.path().string(), environment_of_samples);
    EXPECT_TRUE(file) << each.path() << ": " << describe(file.error());
    ++count;
  }
  EXPECT_EQ(count, 8);
}

}  // namespace
}  // namespace tradewind
