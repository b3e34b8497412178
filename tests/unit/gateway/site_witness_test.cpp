#include "gateway/site_witness.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "schemas/codec.h"
#include "schemas/limits.h"
#include "state/transparency/limits.h"
#include "tests/unit/gateway/osaka.h"
#include "tests/unit/gateway/temporary_directory.h"
#include "tests/unit/transparency/signed_log.h"

namespace tradewind {
namespace {

using testing::SignedLog;
using namespace std::chrono_literals;

const FederationId federation{"trade"};
const NodeId broker = broker_node("eu-1");
constexpr Wall::time_point kNow{1'700'000'000s};

Member member(const NodeId& node, const std::string& log_key) {
  Member made;
  made.node = node;
  made.log_key = log_key;
  return made;
}

// A limit on file sizes, which the store's log is over, stands in for a full disk.
bool fill_disk(Store& store) {
  constexpr std::size_t limit = 256 * 1024;
  if (!store.write_admission({{"filler", Bytes(limit, 'x')}})) return false;
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{limit, limit};
  return ::setrlimit(RLIMIT_FSIZE, &tight) == 0;
}

struct SiteWitnessTest : ::testing::Test {
  SiteWitnessTest() { start(); }

  Result<std::unique_ptr<SiteWitness>> open() {
    witness.reset();
    store.reset();
    auto opened = Store::open(directory.path() / "store", system_now());
    if (!opened) return fail(opened.error());
    store = std::move(*opened);
    return SiteWitness::open(osaka, federation, *load_or_make_witness_key(directory.path()),
                             *store);
  }
  // Again: what it knows then is on disk.
  void start() {
    auto opened = open();
    ASSERT_TRUE(opened) << describe(opened.error());
    witness = std::move(*opened);
    witness->learn(member(broker, format_verifier_key(log.log_key)));
  }
  CosignAnswer ask(const Bytes& body) {
    const auto answer = witness->answer({++last_request, body}, kNow);
    EXPECT_TRUE(answer) << describe(answer.error());
    if (!answer) return {};
    EXPECT_EQ(answer->request, last_request);
    return *answer;
  }
  VerifierKey own_key() const {
    return site_witness_line(osaka, federation, *load_or_make_witness_key(directory.path())).key;
  }
  // The answer is a good cosignature of the checkpoint of this size.
  void expect_cosigned(const CosignAnswer& answer, std::uint64_t size) const {
    ASSERT_EQ(answer.status, 200) << answer.body;
    const VerifierKey key = own_key();
    const auto opened = open_checkpoint(log.checkpoint(log.log.heads.at(size)) + answer.body,
                                        log.log_key, std::span(&key, 1));
    ASSERT_TRUE(opened) << describe(opened.error());
    ASSERT_EQ(opened->cosignatures.size(), 1U);
    EXPECT_EQ(opened->cosignatures[0].cosigned_seconds, 1'700'000'000U);
  }

  TemporaryDirectory directory;
  SignedLog log;
  std::unique_ptr<Store> store;
  std::unique_ptr<SiteWitness> witness;
  std::uint64_t last_request = 6;
};

TEST_F(SiteWitnessTest, CosignsWhatContinuesAndKnowsItAfterARestart) {
  expect_cosigned(ask(log.request(0, 300)), 300);
  start();
  const CosignAnswer stale = ask(log.request(0, 700));
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.content_type, "text/x.tlog.size");
  EXPECT_EQ(stale.body, "300\n");
  expect_cosigned(ask(log.request(300, 700)), 700);
}

TEST_F(SiteWitnessTest, AfterARestartItCosignsNeitherAForkNorARollbackNorAnOldCheckpoint) {
  expect_cosigned(ask(log.request(0, 3)), 3);
  expect_cosigned(ask(log.request(3, 300)), 300);
  start();
  EXPECT_EQ(ask(log.fork(300, 700)).status, 422);
  EXPECT_EQ(ask(log.fork(300, 300)).status, 422);
  // The log as it was before: cosigned once, and never again.
  EXPECT_EQ(ask(log.request(3, 3)).status, 409);
  EXPECT_EQ(ask(log.request(0, 3)).status, 409);
  EXPECT_EQ(ask(format_witness_request({300, {}, log.checkpoint(log.log.heads.at(3))})).status,
            400);
  EXPECT_EQ(ask("old 300\n").status, 400);
}

TEST_F(SiteWitnessTest, AFullDiskGivesNoSignature) {
  expect_cosigned(ask(log.request(0, 3)), 3);
  witness.reset();
  store.reset();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    start();
    if (!fill_disk(*store)) ::_exit(2);
    const auto answer = witness->answer({1, log.request(3, 300)}, kNow);
    ::_exit(!answer && answer.error().code == ErrorCode::unavailable ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  start();
  EXPECT_EQ(ask(log.request(0, 3)).body, "3\n");
  expect_cosigned(ask(log.request(3, 300)), 300);
}

TEST_F(SiteWitnessTest, KnowsTheLogsThatBrokersNameAndNoOthers) {
  const SignedLog other("log.example/2");
  EXPECT_EQ(ask(other.request(0, 3)).status, 404);
  const NodeId second = broker_node("us-1");
  witness->learn(member(second, format_verifier_key(other.log_key)));
  EXPECT_EQ(ask(other.request(0, 3)).status, 200);
  Member revoked = member(second, format_verifier_key(other.log_key));
  revoked.state = MemberState::revoked;
  witness->learn(revoked);
  EXPECT_EQ(ask(other.request(3, 300)).status, 404);
  EXPECT_EQ(ask(log.request(0, 3)).status, 200);
  witness->learn(member(second, "no key at all"));
  witness->learn(member(second, format_verifier_key(own_key())));
  EXPECT_EQ(ask(other.request(3, 300)).status, 404);
}

TEST_F(SiteWitnessTest, AKeyThatAnotherBrokerStillNamesStaysTrusted) {
  const NodeId second = broker_node("us-1");
  witness->learn(member(second, format_verifier_key(log.log_key)));
  witness->learn(member(second, ""));
  EXPECT_EQ(ask(log.request(0, 3)).status, 200);
}

TEST_F(SiteWitnessTest, ALogThatChangesItsKeyIsTheSameLog) {
  EXPECT_EQ(ask(log.request(0, 300)).status, 200);
  const SignedLog again;  // the same entries under the same origin, and another key
  EXPECT_EQ(ask(again.request(300, 700)).status, 403);
  witness->learn(member(broker, format_verifier_key(again.log_key)));
  EXPECT_EQ(ask(log.request(300, 700)).status, 403);
  EXPECT_EQ(ask(again.request(0, 700)).status, 409);
  EXPECT_EQ(ask(again.request(300, 700)).status, 200);
}

TEST_F(SiteWitnessTest, DoesNotStartWithAnotherKeyThanItCosignedWith) {
  EXPECT_EQ(ask(log.request(0, 3)).status, 200);
  std::filesystem::remove(directory.path() / "witness.key");
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::corrupt);
  EXPECT_FALSE(opened.error().remedy.empty());
}

TEST_F(SiteWitnessTest, AnyRequestOfTheSpecificationFitsAndAnswersAreBounded) {
  const Bytes body =
      format_witness_request({limits::tree_size_max, std::vector<Hash>(limits::proof_hashes_max),
                              Bytes(limits::note_bytes_max, 'x')});
  EXPECT_TRUE(decode_to_gateway(encode(ToGateway{Term{1}, CosignCheckpoint{1, body}})));
  EXPECT_LE(ask(body).body.size(), limits::cosign_answer_bytes_max);
  const std::string origin(limits::note_bytes_max / 2, 'o');
  EXPECT_LE(ask(SignedLog(origin).request(0, 3)).body.size(), limits::cosign_answer_bytes_max);
}

}  // namespace
}  // namespace tradewind
