#include "gateway/daemon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "tests/unit/gateway/small_federation.h"
#include "tests/unit/gateway/temporary_directory.h"
#include "tests/unit/transparency/signed_log.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

const SiteId zurich{"eu-zurich-1"};
const SiteId iowa{"us-iowa-1"};

// Runs nothing: the test says how each attempt goes on.
class PuppetEngine : public Engine {
 public:
  explicit PuppetEngine(OnEvent on_event) : on_event_(std::move(on_event)) {}

  std::optional<EngineCapacity> capacity(const PoolId&) const override { return std::nullopt; }
  Status check(const Assignment&) const override { return ok(); }
  void start(const AttemptId& attempt, const Assignment&) override { started.push_back(attempt); }
  void set_lease(const AttemptId& attempt, Mono::time_point at) override { leases[attempt] = at; }
  void stop(const AttemptId& attempt, EndCode code) override {
    stopped.emplace_back(attempt, code);
  }
  Result<LogChunk> read_log(const AttemptId& attempt, LogStream, std::uint64_t offset,
                            std::uint32_t bytes_max) override {
    if (logs.count(attempt) == 0) return fail(ErrorCode::not_found, "attempt", "not known");
    LogChunk chunk;
    chunk.attempt = attempt;
    chunk.offset = offset;
    chunk.data = logs[attempt].substr(offset, bytes_max);
    return chunk;
  }
  std::vector<AttemptId> adopt(const std::vector<AttemptId>&) override { return {}; }
  void forget(const AttemptId& attempt) override { forgotten.push_back(attempt); }

  void report(const AttemptId& attempt, AttemptPhase phase) {
    on_event_(EngineEvent{attempt, phase, std::nullopt});
  }
  void end(const AttemptId& attempt, EndCode code) {
    EndReport report;
    report.code = code;
    report.started = true;
    on_event_(EngineEvent{attempt, AttemptPhase::ended, report});
  }

  std::vector<AttemptId> started;
  std::map<AttemptId, Mono::time_point> leases;
  std::vector<std::pair<AttemptId, EndCode>> stopped;
  std::vector<AttemptId> forgotten;
  std::map<AttemptId, std::string> logs;

 private:
  OnEvent on_event_;
};

std::string site_text(const SiteId& site, const std::string& cpu_hour, const std::string& state) {
  return "[site]\nid = \"" + site.value + "\"\nregion = \"" +
         site.value.substr(0, site.value.size() - 2) + "\"\njurisdiction = \"CH\"\n" +
         "provider = \"Test\"\nstate = \"" + state +
         "\"\n[link]\nlisten = \"tcp://127.0.0.1:0\"\n" +
         "[[pool]]\nid = \"cpu\"\narchitecture = \"amd64\"\nnodes = 2\n" +
         "node = { cpus = 4, memory_gib = 4 }\ntariff = { cpu_hour = \"" + cpu_hour + "\" }\n";
}

// One site's gateway with a puppet engine.
struct Site {
  Site(boost::asio::io_context& loop, const SiteId& id, std::filesystem::path where)
      : io(loop), site(id), directory(std::move(where)) {
    describe_as("0.1", "active");
  }

  void describe_as(const std::string& cpu_hour, const std::string& state) {
    std::ofstream(file()) << site_text(site, cpu_hour, state);
  }
  std::string file() const { return (directory.parent_path() / (site.value + ".toml")).string(); }
  std::string ready_file() const {
    return (directory.parent_path() / (site.value + ".ready")).string();
  }

  Status start() {
    auto parts = load_daemon_parts(file(), directory, {}, system_now());
    if (!parts) return fail(parts.error());
    DaemonOptions options;
    options.directory = directory;
    options.site_file = file();
    options.ready_file = ready_file();
    auto started =
        Daemon::start(io, options, std::move(*parts),
                      [this](Engine::OnEvent on_event) -> Result<std::unique_ptr<Engine>> {
                        auto made = std::make_unique<PuppetEngine>(std::move(on_event));
                        engine = made.get();
                        return std::unique_ptr<Engine>(std::move(made));
                      });
    if (!started) return fail(started.error());
    daemon = std::move(*started);
    return ok();
  }
  void stop() {
    daemon.reset();
    engine = nullptr;
  }

  boost::asio::io_context& io;
  SiteId site;
  std::filesystem::path directory;
  PuppetEngine* engine = nullptr;
  std::unique_ptr<Daemon> daemon;
};

class GatewayDaemon : public ::testing::Test {
 protected:
  void SetUp() override {
    zurich_.emplace(io_, zurich, directory_.path() / "zurich");
    broker_.know(federation_.join(zurich_->directory, zurich, 2, {broker_.record()}));
  }

  // Until the broker holds a quote sheet of the site.
  bool sheet_arrives(const SiteId& site) {
    return run_until(io_, [&] { return broker_.find(site, RecordKind::quote) != nullptr; });
  }
  AttemptId dispatch(const std::string& sequence) {
    const AttemptId attempt{job_id(Sequence{std::stoull(sequence)}), 1};
    dispatch_as(broker_, attempt, Term{1});
    return attempt;
  }
  void dispatch_as(SpeakingBroker& broker, const AttemptId& attempt, Term term) {
    const Accepted* sheet = broker.find(zurich, RecordKind::quote);
    ASSERT_NE(sheet, nullptr);
    Dispatch dispatch;
    dispatch.attempt = attempt;
    dispatch.lease_seconds = 60;
    Assignment& assignment = dispatch.assignment;
    assignment.tenant = TenantId{"physics"};
    assignment.pool = PoolId{"cpu"};
    assignment.units = 1;
    assignment.resources = Resources{1, 512, 0, 0};
    assignment.executors = {Executor{"", {"true"}, "", "", "", "", {}, false}};
    assignment.run_seconds_max = 600;
    assignment.price_ppm = std::get<QuoteSheet>(sheet->record.body).pools.at(0).price_ppm;
    assignment.rate = MoneyPerHour{1'000'000};
    assignment.quote_version = sheet->record.header.version;
    broker.say(zurich, ToGateway{term, dispatch});
  }
  template <class Message>
  bool hears(std::size_t count) {
    return run_until(io_, [&] { return broker_.heard<Message>().size() >= count; });
  }

  template <class Message>
  bool hears_within_a_moment() {
    return run_until(
        io_, [&] { return !broker_.heard<Message>().empty(); }, std::chrono::seconds(1));
  }

  boost::asio::io_context io_{1};
  TemporaryDirectory directory_;
  SmallFederation federation_;
  SpeakingBroker broker_{io_, federation_};
  std::optional<Site> zurich_;
};

TEST_F(GatewayDaemon, PublishesItsSiteWithTheBoundPortAndAQuoteSheet) {
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(sheet_arrives(zurich));
  const Accepted* site = broker_.find(zurich, RecordKind::site);
  ASSERT_NE(site, nullptr);
  const auto& record = std::get<SiteRecord>(site->record.body);
  EXPECT_EQ(record.endpoint, zurich_->daemon->endpoint());
  EXPECT_THAT(record.endpoint, ::testing::MatchesRegex("tcp://.*127\\.0\\.0\\.1.*:[1-9][0-9]*"));
  const Accepted* quote = broker_.find(zurich, RecordKind::quote);
  const auto& sheet = std::get<QuoteSheet>(quote->record.body);
  ASSERT_EQ(sheet.pools.size(), 1u);
  EXPECT_EQ(sheet.pools[0].units_free, 8u);
  EXPECT_EQ(sheet.pools[0].price_ppm, ppm_one);
  EXPECT_TRUE(run_until(io_, [&] { return std::filesystem::exists(zurich_->ready_file()); }));
}

TEST_F(GatewayDaemon, TwoSitesLearnOfEachOtherThroughTheBroker) {
  Site other(io_, iowa, directory_.path() / "iowa");
  broker_.know(federation_.join(other.directory, iowa, 3, {broker_.record()}));
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(other.start());
  EXPECT_TRUE(run_until(io_, [&] {
    return zurich_->daemon->gossip().find(site_node(iowa), RecordKind::quote) != nullptr &&
           other.daemon->gossip().find(site_node(zurich), RecordKind::quote) != nullptr;
  }));
}

TEST_F(GatewayDaemon, TakesFromARelayOnlyWhatItsSignersSignedAndNothingOlder) {
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(sheet_arrives(zurich));
  const Gossip& gossip = zurich_->daemon->gossip();
  const NodeKeys keys{SigningKey::generate(), CurveKeys::generate()};
  broker_.know(federation_.admit(site_node(iowa), 3, keys));
  ASSERT_TRUE(
      run_until(io_, [&] { return gossip.find(site_node(iowa), RecordKind::member) != nullptr; }));

  const SiteRecord site = parse_site_file(site_text(iowa, "0.1", "active"), "iowa", {})->record;
  const auto signed_by = [&](const SigningKey& key, std::uint64_t version) {
    const Now now = system_now();
    return make_record(key,
                       RecordHeader{RecordKind::site, site_node(iowa), MemberNumber{3},
                                    RecordVersion{1, version}, now.wall, now.wall + 1h},
                       site);
  };
  const SignedRecord older = signed_by(keys.identity, 1);
  const SignedRecord newest = signed_by(keys.identity, 2);
  SignedRecord changed = signed_by(keys.identity, 3);
  changed.body[changed.body.size() / 2] ^= 1;
  SignedRecord swapped = signed_by(keys.identity, 3);
  swapped.signature = newest.signature;
  SignedRecord flipped = signed_by(keys.identity, 3);
  flipped.signature[17] ^= 4;
  const SignedRecord another_sites = signed_by(broker_.identity_key(), 3);
  const auto relay = [&](std::vector<SignedRecord> records) {
    broker_.say(zurich, Channel::gossip,
                encode(GossipMessage{7, GossipAck{std::move(records), {}}}));
  };
  relay({changed, swapped, flipped, another_sites, newest, older});
  const auto drops = [&](DropReason reason) {
    const auto& counted = gossip.counters().dropped;
    const auto place = counted.find(reason);
    return place == counted.end() ? 0 : place->second;
  };
  const auto held = [&] { return gossip.find(site_node(iowa), RecordKind::site); };
  ASSERT_TRUE(run_until(io_, [&] { return held() != nullptr; }));
  EXPECT_EQ(held()->record.header.version, (RecordVersion{1, 2}));
  EXPECT_GE(drops(DropReason::old), 1u);
  // The flipped bit of the body may also have made it unreadable.
  EXPECT_EQ(drops(DropReason::wrong_signature) + drops(DropReason::malformed) +
                drops(DropReason::insane_values),
            4u);
  EXPECT_GE(drops(DropReason::wrong_signature), 3u);

  // Very many of them are not even checked: 64 at once, and ten a second, are.
  const std::uint64_t checked = drops(DropReason::wrong_signature);
  const std::uint64_t unchecked = drops(DropReason::too_often);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) relay(std::vector<SignedRecord>(50, flipped));
  ASSERT_TRUE(run_until(io_, [&] {
    return drops(DropReason::wrong_signature) + drops(DropReason::too_often) >=
           checked + unchecked + 1000;
  }));
  const auto tenths = (std::chrono::steady_clock::now() - begun) / 100ms;
  EXPECT_LE(drops(DropReason::wrong_signature),
            checked + 64 + static_cast<std::uint64_t>(tenths) + 1);
}

TEST_F(GatewayDaemon, AMemberThatSendsNoiseIsNotHeardForAWhileAndTheOthersAre) {
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(sheet_arrives(zurich));
  SpeakingBroker other(io_, federation_, "eu-2", 4);
  other.know(broker_.find(zurich, RecordKind::member)->signed_record);
  broker_.know(other.record());
  ASSERT_TRUE(run_until(io_, [&] { return other.find(zurich, RecordKind::quote) != nullptr; }));
  const Bytes good = encode(GossipMessage{1, GossipSyn{}});
  // Cut short, deeper than anything is nested, larger than it says, and no message at all.
  std::vector<Bytes> noise = {good.substr(0, good.size() / 2),
                              Bytes(4'096, '\xff'),
                              Bytes(900'000, 'x'),
                              Bytes(64, '\0'),
                              "",
                              good + good};
  const Gossip& gossip = zurich_->daemon->gossip();
  for (int i = 0; i < 200; ++i) {
    for (const Bytes& each : noise) {
      broker_.say(zurich, i % 2 == 0 ? Channel::gossip : Channel::dispatch, each);
    }
  }
  ASSERT_TRUE(run_until(io_, [&] { return gossip.counters().messages_malformed >= 16; }));
  dispatch_as(other, AttemptId{job_id(Sequence{1}, tag_of(broker_node("eu-2"))), 1}, Term{1});
  ASSERT_TRUE(run_until(io_, [&] { return other.heard<Granted>().size() == 1; }));
  // Some 20 in each second that it takes, of 1,200.
  EXPECT_LT(gossip.counters().messages_malformed, 400u) << "the others were not looked at";
  ASSERT_TRUE(run_until(io_, [&] {
    dispatch("2");
    return hears_within_a_moment<Granted>();
  })) << "it is heard again once it stops";
}

TEST_F(GatewayDaemon, GrantsStartsReportsAndForgetsAnAttempt) {
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(sheet_arrives(zurich));
  const AttemptId attempt = dispatch("7");
  ASSERT_TRUE(hears<Granted>(1));
  EXPECT_EQ(broker_.heard<Granted>().at(0).attempt, attempt);
  ASSERT_EQ(zurich_->engine->started, std::vector<AttemptId>{attempt});
  EXPECT_EQ(zurich_->engine->leases.at(attempt),
            zurich_->daemon->admission().find(attempt)->lease_ends);
  // The sheet that follows has one unit less.
  EXPECT_TRUE(run_until(io_, [&] {
    const auto* quote = broker_.find(zurich, RecordKind::quote);
    return quote != nullptr && std::get<QuoteSheet>(quote->record.body).pools.at(0).units_free == 7;
  }));
  zurich_->engine->report(attempt, AttemptPhase::running);
  ASSERT_TRUE(hears<AttemptStatus>(1));
  EXPECT_EQ(broker_.heard<AttemptStatus>().at(0).phase, AttemptPhase::running);
  zurich_->engine->end(attempt, EndCode::succeeded);
  ASSERT_TRUE(hears<AttemptEnded>(1));
  EXPECT_EQ(broker_.heard<AttemptEnded>().at(0).report.code, EndCode::succeeded);
  broker_.say(zurich, ToGateway{Term{1}, AcknowledgeEnd{attempt}});
  EXPECT_TRUE(run_until(io_, [&] { return !zurich_->engine->forgotten.empty(); }));
  EXPECT_TRUE(zurich_->daemon->admission().held().empty());
}

TEST_F(GatewayDaemon, ReadsLogsForBrokersAndSaysWhenThereIsNone) {
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(sheet_arrives(zurich));
  const AttemptId attempt{job_id(Sequence{9}), 1};
  zurich_->engine->logs[attempt] = "hello, federation\n";
  broker_.say(zurich, ToGateway{Term{1}, ReadLog{41, attempt, LogStream::out, 7, 10}});
  ASSERT_TRUE(hears<LogChunk>(1));
  LogChunk chunk = broker_.heard<LogChunk>().at(0);
  EXPECT_EQ(chunk.request, 41u);
  EXPECT_EQ(chunk.data, "federation");
  EXPECT_TRUE(chunk.known);
  broker_.say(zurich, ToGateway{Term{1}, ReadLog{42, AttemptId{job_id(Sequence{10}), 1},
                                                 LogStream::out, 0, 10}});
  ASSERT_TRUE(hears<LogChunk>(2));
  EXPECT_FALSE(broker_.heard<LogChunk>().at(1).known);
}

// The second broker was not known when the site joined: its member record comes by gossip.
TEST_F(GatewayDaemon, ServesEveryBrokerAmongTheMembersAndKeepsTheirAttemptsApart) {
  SpeakingBroker second(io_, federation_, "us-1", 3);
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(sheet_arrives(zurich));
  second.know(broker_.find(zurich, RecordKind::member)->signed_record);
  broker_.know(second.record());
  ASSERT_TRUE(run_until(io_, [&] { return second.find(zurich, RecordKind::quote) != nullptr; }));
  const AttemptId one{job_id(Sequence{7}, tag_of(broker_node("eu-1"))), 1};
  const AttemptId two{job_id(Sequence{7}, tag_of(broker_node("us-1"))), 1};
  dispatch_as(broker_, one, Term{5});
  ASSERT_TRUE(hears<Granted>(1));
  dispatch_as(second, two, Term{1});
  ASSERT_TRUE(run_until(io_, [&] { return !second.heard<Granted>().empty(); }));
  EXPECT_EQ(zurich_->engine->started, (std::vector<AttemptId>{one, two}));

  zurich_->engine->logs[one] = "of the first broker's tenant\n";
  second.say(zurich, ToGateway{Term{1}, ReadLog{41, one, LogStream::out, 0, 100}});
  ASSERT_TRUE(run_until(io_, [&] { return !second.heard<LogChunk>().empty(); }));
  EXPECT_FALSE(second.heard<LogChunk>().at(0).known);
  broker_.say(zurich, ToGateway{Term{5}, ReadLog{42, one, LogStream::out, 0, 100}});
  ASSERT_TRUE(hears<LogChunk>(1));
  EXPECT_TRUE(broker_.heard<LogChunk>().at(0).known);

  zurich_->engine->end(one, EndCode::succeeded);
  zurich_->engine->end(two, EndCode::succeeded);
  ASSERT_TRUE(hears<AttemptEnded>(1));
  ASSERT_TRUE(run_until(io_, [&] { return !second.heard<AttemptEnded>().empty(); }));
  for (const AttemptEnded& each : broker_.heard<AttemptEnded>()) EXPECT_EQ(each.attempt, one);
  for (const AttemptEnded& each : second.heard<AttemptEnded>()) EXPECT_EQ(each.attempt, two);
}

TEST_F(GatewayDaemon, AfterARestartItReportsWhatWasInterruptedUnderNewerVersions) {
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(sheet_arrives(zurich));
  const AttemptId attempt = dispatch("7");
  ASSERT_TRUE(hears<Granted>(1));
  const RecordVersion before = broker_.find(zurich, RecordKind::quote)->record.header.version;
  zurich_->stop();
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(hears<AttemptEnded>(1));
  EXPECT_EQ(broker_.heard<AttemptEnded>().at(0).attempt, attempt);
  EXPECT_EQ(broker_.heard<AttemptEnded>().at(0).report.code, EndCode::interrupted);
  EXPECT_TRUE(zurich_->engine->started.empty());
  EXPECT_TRUE(run_until(io_, [&] {
    return before < broker_.find(zurich, RecordKind::quote)->record.header.version;
  }));
}

TEST_F(GatewayDaemon, AReloadPublishesTheNewPriceAndKeepsWhatRuns) {
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(sheet_arrives(zurich));
  const AttemptId attempt = dispatch("7");
  ASSERT_TRUE(hears<Granted>(1));
  zurich_->describe_as("0.2", "active");
  zurich_->daemon->reload();
  EXPECT_TRUE(run_until(io_, [&] {
    const auto* site = broker_.find(zurich, RecordKind::site);
    return std::get<SiteRecord>(site->record.body).pools.at(0).tariff.cpu_hour.micros == 200'000;
  }));
  EXPECT_EQ(zurich_->daemon->admission().running(), std::vector<AttemptId>{attempt});
  EXPECT_EQ(zurich_->engine->started.size(), 1u);
  zurich_->engine->end(attempt, EndCode::succeeded);
  EXPECT_TRUE(hears<AttemptEnded>(1));
}

TEST_F(GatewayDaemon, AReloadToDrainingStopsSellingAndAWrongFileChangesNothing) {
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(sheet_arrives(zurich));
  std::ofstream(zurich_->file()) << "[site]\nid = 3\n";
  zurich_->daemon->reload();
  EXPECT_EQ(zurich_->daemon->admission().state(), SiteState::active);
  zurich_->describe_as("0.1", "draining");
  zurich_->daemon->reload();
  EXPECT_EQ(zurich_->daemon->admission().state(), SiteState::draining);
  EXPECT_TRUE(run_until(io_, [&] {
    const auto* site = broker_.find(zurich, RecordKind::site);
    const auto* quote = broker_.find(zurich, RecordKind::quote);
    return std::get<SiteRecord>(site->record.body).state == SiteState::draining &&
           std::get<QuoteSheet>(quote->record.body).pools.at(0).units_free == 0;
  }));
}

TEST_F(GatewayDaemon, CosignsForTheLogThatItsBrokerNamesAndRemembersOverARestart) {
  const testing::SignedLog log;
  std::uint64_t request = 0;
  const auto asks = [&](const Bytes& body) -> CosignAnswer {
    broker_.say(zurich, ToGateway{Term{1}, CosignCheckpoint{++request, body}});
    EXPECT_TRUE(hears<CosignAnswer>(request));
    const auto answers = broker_.heard<CosignAnswer>();
    return answers.empty() ? CosignAnswer{} : answers.back();
  };
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(sheet_arrives(zurich));
  EXPECT_EQ(asks(log.request(0, 3)).status, 404);
  // It joined before its broker kept a log, and learns of it by gossip.
  broker_.name_log(federation_, format_verifier_key(log.log_key));
  ASSERT_TRUE(run_until(io_, [&] { return asks(log.request(0, 3)).status != 404; }));
  EXPECT_EQ(asks(log.request(3, 300)).status, 200);
  const RecordVersion before = broker_.find(zurich, RecordKind::quote)->record.header.version;
  zurich_->stop();
  ASSERT_TRUE(zurich_->start());
  ASSERT_TRUE(run_until(io_, [&] {
    return before < broker_.find(zurich, RecordKind::quote)->record.header.version;
  }));
  CosignAnswer answer = asks(log.request(3, 700));
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.body, "300\n");
  answer = asks(log.request(300, 700));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.request, request);
}

TEST_F(GatewayDaemon, ADirectoryThatHasNotJoinedHasNoPartsForOne) {
  const auto parts =
      load_daemon_parts(zurich_->file(), directory_.path() / "nowhere", {}, system_now());
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().code, ErrorCode::not_found);
}

TEST_F(GatewayDaemon, TheSiteFileMustBeTheMembers) {
  std::ofstream(zurich_->file()) << site_text(iowa, "0.1", "active");
  const Status started = zurich_->start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().field, "site.id");
}

}  // namespace
}  // namespace tradewind
