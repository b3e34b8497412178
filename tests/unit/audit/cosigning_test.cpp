// From a panel through the broker's core and its links to the gateways' witnesses, and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <future>
#include <thread>

#include "broker/audit/witness_panel.h"
#include "broker/core/core.h"
#include "gateway/daemon.h"
#include "state/identity/authority.h"
#include "state/identity/certificates.h"
#include "state/identity/join.h"
#include "tests/unit/journal/sample_store.h"
#include "tests/unit/transparency/signed_log.h"

namespace tradewind {
namespace {

using ::testing::IsEmpty;
using testing::SignedLog;

// A site that only witnesses.
class IdleEngine final : public Engine {
 public:
  std::optional<EngineCapacity> capacity(const PoolId&) const override { return std::nullopt; }
  Status check(const Assignment&) const override { return ok(); }
  void start(const AttemptId&, const Assignment&) override {}
  void set_lease(const AttemptId&, Mono::time_point) override {}
  void stop(const AttemptId&, EndCode) override {}
  Result<LogChunk> read_log(const AttemptId&, LogStream, std::uint64_t, std::uint32_t) override {
    return fail(ErrorCode::not_found, "attempt", "not known");
  }
  std::vector<AttemptId> adopt(const std::vector<AttemptId>&) override { return {}; }
  void forget(const AttemptId&) override {}
};

class Cosigning : public ::testing::Test {
 protected:
  ~Cosigning() override { stop_gateways(); }

  void start_broker(const std::string& log_key) {
    core_.reset();
    journal_.reset();
    journal_ = sample::open(directory_.path() / "journal");
    CoreOptions options;
    options.self = broker_node("main");
    options.link_bind = link_;
    options.log_key = log_key;
    options.on_cosigned = [this](const SiteId& site, const CosignAnswer& answer) {
      panel_->answer(site, answer.request, answer.status, answer.body);
    };
    auto core =
        Core::start(options, *journal_, std::make_shared<const CertificateAuthority>(authority_),
                    identity_, curve_keys_);
    ASSERT_TRUE(core) << describe(core.error());
    core_ = std::move(*core);
    link_ = core_->link_endpoint();
  }
  template <class T, class Ask>
  static Result<T> answer(Ask ask) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    auto future = promise->get_future();
    ask([promise](Result<T> result) { promise->set_value(std::move(result)); });
    return future.get();
  }
  std::filesystem::path home(const SiteId& site) const { return directory_.path() / site.value; }
  // By the core itself, as its endpoint would have it.
  void join(const SiteId& site) {
    const auto keys = load_or_make_keys(home(site));
    const auto invite = answer<Invite>([&](Reply<Invite> reply) {
      core_->invite(site, 0, std::chrono::seconds(60), std::move(reply));
    });
    ASSERT_TRUE(invite);
    const auto token = parse_join_token(invite->token);
    const auto joined = answer<JoinAnswer>([&](Reply<JoinAnswer> reply) {
      core_->join(
          {invite->token, site, *make_csr(keys->identity, site_node(site), authority_.federation()),
           keys->curve.public_key, make_join_proof(keys->identity, *token, keys->curve.public_key)},
          std::move(reply));
    });
    ASSERT_TRUE(joined) << describe(joined.error());
    const Now now = system_now();
    const auto membership = check_membership(
        {joined->certificate_pem, authority_.trust(), joined->members}, *keys, now.wall);
    ASSERT_TRUE(membership) << describe(membership.error());
    const auto store = Store::open(store_directory(home(site)), now);
    ASSERT_TRUE(store);
    ASSERT_TRUE(save_membership(home(site), **store, *membership));
    std::ofstream(home(site) / "site.toml")
        << "[site]\nid = \"" << site.value << "\"\nregion = \"eu-zurich\"\njurisdiction = \"CH\"\n"
        << "provider = \"Test\"\n[link]\nlisten = \"tcp://127.0.0.1:0\"\n"
        << "[[pool]]\nid = \"cpu\"\narchitecture = \"amd64\"\nnodes = 1\n"
        << "node = { cpus = 4, memory_gib = 4 }\ntariff = { cpu_hour = \"0.1\" }\n";
  }
  void start_gateway(const SiteId& site) {
    DaemonOptions options;
    options.directory = home(site);
    options.site_file = (home(site) / "site.toml").string();
    auto parts = load_daemon_parts(options.site_file, home(site), {}, system_now());
    ASSERT_TRUE(parts) << describe(parts.error());
    auto started = Daemon::start(io_, options, std::move(*parts),
                                 [](Engine::OnEvent) -> Result<std::unique_ptr<Engine>> {
                                   return std::make_unique<IdleEngine>();
                                 });
    ASSERT_TRUE(started) << describe(started.error());
    gateways_.push_back(std::move(*started));
  }
  void run_gateways() {
    io_.restart();
    loop_ = std::thread([this] {
      const auto work = boost::asio::make_work_guard(io_);
      io_.run();
    });
  }
  void stop_gateways() {
    io_.stop();
    if (loop_.joinable()) loop_.join();
    gateways_.clear();
  }
  // Of all these sites.
  void sit(const std::vector<SiteId>& sites) {
    Policy policy;
    PolicyGroup group{"all-of-them", sites.size(), {}};
    for (const SiteId& each : sites) {
      policy.witnesses.push_back(
          site_witness_line(each, authority_.federation(), *load_or_make_witness_key(home(each))));
      group.members.push_back(each.value);
    }
    policy.groups.push_back(group);
    policy.quorum = group.name;
    auto panel = WitnessPanel::create(
        policy, std::chrono::milliseconds(500),
        [this](const SiteId& site, Bytes body, std::uint64_t request) {
          core_->ask_to_cosign(site, CosignCheckpoint{request, std::move(body)});
        });
    ASSERT_TRUE(panel) << describe(panel.error());
    panel_ = std::move(*panel);
  }
  Cosigned gather(std::uint64_t size) {
    const TreeHead head = log_.log.heads.at(size);
    return panel_->gather({log_.origin, head, {}}, log_.checkpoint(head),
                          [&](std::uint64_t old_size) -> Result<std::vector<Hash>> {
                            return log_.proof(old_size, size);
                          });
  }
  // Again until all are connected and know the log.
  Cosigned gather_at_last(std::uint64_t size) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    Cosigned cosigned = gather(size);
    while (!cosigned.quorum && std::chrono::steady_clock::now() < end) cosigned = gather(size);
    EXPECT_TRUE(cosigned.quorum) << ::testing::PrintToString(cosigned.missing);
    return cosigned;
  }

  sample::TemporaryDirectory directory_;
  SignedLog log_;
  CertificateAuthority authority_ =
      *CertificateAuthority::create(FederationId{"trade"}, system_now().wall);
  SigningKey identity_ = SigningKey::generate();
  CurveKeys curve_keys_ = CurveKeys::generate();
  std::string link_ = "tcp://127.0.0.1:0";
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<WitnessPanel> panel_;
  std::unique_ptr<Core> core_;
  boost::asio::io_context io_{1};
  std::vector<std::unique_ptr<Daemon>> gateways_;
  std::thread loop_;
};

TEST_F(Cosigning, GatewaysCosignForTheLogOfABrokerThatTheyHaveJoined) {
  const std::vector<SiteId> sites = {SiteId{"eu-zurich-1"}, SiteId{"eu-zurich-2"}};
  start_broker("");
  for (const SiteId& each : sites) ASSERT_NO_FATAL_FAILURE(join(each));
  sit(sites);
  // They joined before the broker kept a log, and are told of it.
  ASSERT_NO_FATAL_FAILURE(start_broker(format_verifier_key(log_.log_key)));
  for (const SiteId& each : sites) ASSERT_NO_FATAL_FAILURE(start_gateway(each));
  run_gateways();
  EXPECT_EQ(gather_at_last(3).signatures.size(), 2U);
  EXPECT_EQ(gather_at_last(300).signatures.size(), 2U);

  // Both sides forget what is not on disk.
  stop_gateways();
  sit(sites);
  for (const SiteId& each : sites) ASSERT_NO_FATAL_FAILURE(start_gateway(each));
  run_gateways();
  const Cosigned cosigned = gather_at_last(700);
  EXPECT_THAT(cosigned.missing, IsEmpty());
  Bytes note = log_.checkpoint(log_.log.heads.at(700));
  std::vector<VerifierKey> keys;
  for (const SiteId& each : sites) {
    keys.push_back(
        site_witness_line(each, authority_.federation(), *load_or_make_witness_key(home(each)))
            .key);
  }
  for (const NoteSignature& each : cosigned.signatures) note += format_signature_line(each);
  const auto opened = open_checkpoint(note, log_.log_key, keys);
  ASSERT_TRUE(opened) << describe(opened.error());
  EXPECT_EQ(opened->cosignatures.size(), 2U);
}

TEST(CoreOptions, ALogsKeyHasToFitIntoAMemberRecord) {
  const sample::TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  const auto authority = CertificateAuthority::create(FederationId{"trade"}, system_now().wall);
  CoreOptions options;
  options.self = broker_node("main");
  options.log_key = std::string(limits::log_key_bytes_max + 1, 'k');
  const auto core =
      Core::start(options, *journal, std::make_shared<const CertificateAuthority>(*authority),
                  SigningKey::generate(), CurveKeys::generate());
  ASSERT_FALSE(core);
  EXPECT_EQ(core.error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace tradewind
