#include "broker/audit/witness_panel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "schemas/limits.h"
#include "state/transparency/cosignature.h"
#include "state/transparency/witness.h"
#include "tests/unit/transparency/signed_log.h"

namespace tradewind {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SignedLog;
using ::testing::SizeIs;
using namespace std::chrono_literals;

constexpr Wall::time_point kNow{1'700'000'000s};
constexpr auto kPatience = std::chrono::milliseconds(20'000);
constexpr auto kImpatience = std::chrono::milliseconds(20);

struct Asked {
  SiteId site;
  Bytes body;
  std::uint64_t request = 0;
};

// A site with a real witness, and what becomes of its answers on the way.
struct Site {
  explicit Site(const SiteId& id) : site(id), witness(id.value + ".trade/witness", key) {}
  PolicyWitness line() const { return {site.value, witness.verifier_key(), "site:" + site.value}; }

  SiteId site;
  SigningKey key = SigningKey::generate();
  Witness witness;
  std::vector<std::uint64_t> asked_from;  // the old sizes of requests
  bool silent = false;
  std::function<void(Witness::Answer&)> on_the_way = [](Witness::Answer&) {};
};

struct WitnessPanelTest : ::testing::Test {
  WitnessPanelTest() {
    for (Site* each : {&a, &b, &c}) each->witness.trust(log.log_key);
  }
  ~WitnessPanelTest() override { finish(); }

  // Of sites a, b and c.
  void sit(const std::string& quorum, std::chrono::milliseconds timeout = kPatience) {
    finish();
    Bytes text;
    for (const Site* each : {&a, &b, &c}) text += format_witness_line(each->line());
    auto policy = parse_policy(text + quorum);
    ASSERT_TRUE(policy) << describe(policy.error());
    auto made = WitnessPanel::create(*policy, timeout,
                                     [this](const SiteId& site, Bytes body, std::uint64_t request) {
                                       asked.push_back({site, body, request});
                                       on_link({site, std::move(body), request});
                                     });
    ASSERT_TRUE(made) << describe(made.error());
    panel = std::move(*made);
  }
  // Answers come on other threads, as they do.
  void on_link(Asked request) {
    Site& site = *sites.at(request.site.value);
    if (site.silent) return;
    links.emplace_back([this, &site, request = std::move(request)] {
      const auto parsed = parse_witness_request(request.body);
      ASSERT_TRUE(parsed);
      site.asked_from.push_back(parsed->old_size);
      Witness::Answer answer = site.witness.add_checkpoint(request.body, kNow).answer;
      site.on_the_way(answer);
      panel->answer(site.site, request.request, answer.status, answer.body);
    });
  }
  void finish() {
    for (std::thread& each : links) each.join();
    links.clear();
  }

  Cosigned gather(std::uint64_t size) {
    const TreeHead head = log.log.heads.at(size);
    Cosigned cosigned = panel->gather({log.origin, head, {}}, log.checkpoint(head),
                                      [&](std::uint64_t old_size) -> Result<std::vector<Hash>> {
                                        return log.proof(old_size, size);
                                      });
    finish();
    return cosigned;
  }
  // Each is a good cosignature of the checkpoint of this size, by these sites.
  void expect_good(const Cosigned& cosigned, std::uint64_t size, std::vector<const Site*> by) {
    std::vector<VerifierKey> keys;
    for (const Site* each : by) keys.push_back(each->witness.verifier_key());
    Bytes note = log.checkpoint(log.log.heads.at(size));
    for (const NoteSignature& each : cosigned.signatures) note += format_signature_line(each);
    const auto opened = open_checkpoint(note, log.log_key, keys);
    ASSERT_TRUE(opened) << describe(opened.error());
    EXPECT_EQ(opened->cosignatures.size(), by.size());
    EXPECT_EQ(cosigned.signatures.size(), by.size());
  }

  SignedLog log;
  Site a{SiteId{"eu-a-1"}}, b{SiteId{"eu-b-1"}}, c{SiteId{"eu-c-1"}};
  std::map<std::string, Site*> sites{{"eu-a-1", &a}, {"eu-b-1", &b}, {"eu-c-1", &c}};
  std::unique_ptr<WitnessPanel> panel;
  std::vector<Asked> asked;
  std::vector<std::thread> links;
};

const std::string kAll = "group g all eu-a-1 eu-b-1 eu-c-1\nquorum g\n";
const std::string kTwo = "group g 2 eu-a-1 eu-b-1 eu-c-1\nquorum g\n";

TEST_F(WitnessPanelTest, GathersWhatThePolicyAsksForAndRemembersTheSizes) {
  sit(kAll);
  for (const std::uint64_t size : {3U, 300U, 700U, 700U}) {
    const Cosigned cosigned = gather(size);
    EXPECT_TRUE(cosigned.quorum);
    EXPECT_THAT(cosigned.missing, IsEmpty());
    expect_good(cosigned, size, {&a, &b, &c});
  }
  EXPECT_THAT(a.asked_from, ElementsAre(0, 3, 300, 700));
}

TEST_F(WitnessPanelTest, AfterARestartItLearnsTheSizesFromTheAnswersAndAsksAgainAtOnce) {
  sit(kAll);
  EXPECT_TRUE(gather(300).quorum);
  sit(kAll);
  const Cosigned cosigned = gather(700);
  EXPECT_TRUE(cosigned.quorum);
  expect_good(cosigned, 700, {&a, &b, &c});
  EXPECT_THAT(a.asked_from, ElementsAre(0, 0, 300));
}

TEST_F(WitnessPanelTest, DoesNotWaitForMoreThanTheQuorum) {
  sit(kTwo);
  c.silent = true;
  const Cosigned cosigned = gather(3);
  EXPECT_TRUE(cosigned.quorum);
  expect_good(cosigned, 3, {&a, &b});
  EXPECT_THAT(cosigned.missing, ElementsAre("eu-c-1: it was not needed"));
}

TEST_F(WitnessPanelTest, TellsWhoDidNotAnswerInTime) {
  sit(kAll, kImpatience);
  b.silent = true;
  const Cosigned cosigned = gather(3);
  EXPECT_FALSE(cosigned.quorum);
  EXPECT_THAT(cosigned.missing, ::testing::Contains("eu-b-1: no answer in 20 ms"));
}

TEST_F(WitnessPanelTest, DoesNotWaitOnceAllHaveAnsweredAndTheQuorumCannotBeHad) {
  sit(kAll);
  b.on_the_way = [](Witness::Answer& answer) { answer = {500, "text/plain", "no\ndisk\x1b[m"}; };
  const Cosigned cosigned = gather(3);
  EXPECT_FALSE(cosigned.quorum);
  expect_good(cosigned, 3, {&a, &c});
  EXPECT_THAT(cosigned.missing, ElementsAre("eu-b-1: it answered 500: no?disk?[m"));
}

TEST_F(WitnessPanelTest, ALiarsSignatureDoesNotCount) {
  Site stranger{b.site};  // the same name, another key
  const Bytes text = format_checkpoint({log.origin, log.log.heads.at(3), {}});
  const std::vector<std::function<void(Witness::Answer&)>> lies = {
      [&](Witness::Answer& answer) { answer.body[answer.body.size() - 8] ^= 1; },
      [&](Witness::Answer& answer) {
        answer.body = format_signature_line(
            cosign_note(text, b.site.value + ".trade/witness", stranger.key, 1'700'000'000));
      },
      [&](Witness::Answer& answer) {
        answer.body = format_signature_line(
            cosign_note("another text\n", b.site.value + ".trade/witness", b.key, 1'700'000'000));
      },
      // Another witness's good one.
      [&](Witness::Answer& answer) {
        answer.body = format_signature_line(
            cosign_note(text, a.site.value + ".trade/witness", a.key, 1'700'000'000));
      },
      // What it did sign, as a text of its own.
      [&](Witness::Answer& answer) { answer.body = "more\n\n" + answer.body; },
      [&](Witness::Answer& answer) { answer.body.clear(); },
      [&](Witness::Answer& answer) { answer.body = Bytes(5'000, '\0'); }};
  for (const auto& lie : lies) {
    sit(kAll);
    b.on_the_way = [&](Witness::Answer& answer) {
      if (answer.status == 200) lie(answer);
    };
    const Cosigned cosigned = gather(3);
    EXPECT_FALSE(cosigned.quorum);
    expect_good(cosigned, 3, {&a, &c});
    ASSERT_THAT(cosigned.missing, SizeIs(1));
    EXPECT_THAT(cosigned.missing[0], HasSubstr("eu-b-1: it answered with no "));
  }
}

TEST_F(WitnessPanelTest, AWitnessIsAskedOnceMoreAndNotForever) {
  sit(kAll);
  b.on_the_way = [](Witness::Answer& answer) { answer = {409, "text/x.tlog.size", "3\n"}; };
  EXPECT_FALSE(gather(300).quorum);
  EXPECT_THAT(b.asked_from, ElementsAre(0, 3));
  for (const char* body : {"", "3", "03\n", "3\n\n", "x\n", "99999999999999999999\n"}) {
    b.asked_from.clear();
    b.on_the_way = [&](Witness::Answer& answer) { answer = {409, "", body}; };
    EXPECT_FALSE(gather(300).quorum) << body;
    EXPECT_THAT(b.asked_from, SizeIs(1));
  }
}

TEST_F(WitnessPanelTest, TellsWhenAWitnessSawMoreThanTheLogHas) {
  sit(kAll);
  EXPECT_TRUE(gather(700).quorum);
  const Cosigned cosigned = gather(300);
  EXPECT_FALSE(cosigned.quorum);
  EXPECT_THAT(cosigned.signatures, IsEmpty());
  EXPECT_EQ(cosigned.missing.at(0),
            "eu-a-1: it saw size 700 of this log, which is more than it has");
}

TEST_F(WitnessPanelTest, AProofThatCannotBeMadeLeavesTheOthers) {
  sit(kTwo);
  EXPECT_TRUE(gather(3).quorum);
  const TreeHead head = log.log.heads.at(300);
  const Cosigned cosigned = panel->gather({log.origin, head, {}}, log.checkpoint(head),
                                          [](std::uint64_t) -> Result<std::vector<Hash>> {
                                            return fail(ErrorCode::corrupt, "tile", "is gone");
                                          });
  EXPECT_FALSE(cosigned.quorum);
  EXPECT_THAT(cosigned.missing.at(0), HasSubstr("no proof from size 3"));
}

TEST_F(WitnessPanelTest, IgnoresWhatNobodyAskedForAndWhatComesLate) {
  sit(kAll, kImpatience);
  for (Site* each : {&a, &b, &c}) each->silent = true;
  const Cosigned nobody = gather(3);
  EXPECT_THAT(nobody.signatures, IsEmpty());
  ASSERT_THAT(asked, SizeIs(3));
  // Too late; by whom it was not asked; of a site that is no witness; too long.
  const Bytes good = a.witness.add_checkpoint(asked[0].body, kNow).answer.body;
  panel->answer(a.site, asked[0].request, 200, good);
  panel->answer(SiteId{"us-x-1"}, 1, 200, good);
  panel->answer(a.site, 999, 200, good);
  const auto meddle = [&](const SiteId& as, const Bytes& body) {
    return std::thread([this, as, body] {
      for (std::uint64_t request = 0; request < 10; ++request) {
        panel->answer(as, request, 200, body);
      }
    });
  };
  links.push_back(meddle(SiteId{"us-x-1"}, good));
  links.push_back(meddle(a.site, Bytes(limits::cosign_answer_bytes_max + 1, 'x')));
  const Cosigned cosigned = gather(3);
  EXPECT_FALSE(cosigned.quorum);
  EXPECT_THAT(cosigned.signatures, IsEmpty());
}

TEST_F(WitnessPanelTest, AsksNobodyWhenNoQuorumIsAskedFor) {
  sit("quorum none\n");
  const Cosigned cosigned = gather(3);
  EXPECT_TRUE(cosigned.quorum);
  EXPECT_THAT(asked, IsEmpty());
}

TEST(WitnessPanel, NeedsWitnessesThatAreSitesEachOnce) {
  const SigningKey key = SigningKey::generate();
  const auto created = [&](const std::vector<std::string>& urls) {
    Policy policy;
    for (const std::string& each : urls) {
      policy.witnesses.push_back(
          {"w" + each, {"w/" + each, KeyType::cosignature, key.public_key()}, each});
    }
    return WitnessPanel::create(policy, kPatience, [](const SiteId&, Bytes, std::uint64_t) {});
  };
  EXPECT_TRUE(created({"site:eu-a-1", "site:eu-b-1"}));
  for (const std::string& url : {"", "site:", "site:Eu", "sit", "https://w.example/", "eu-a-1"}) {
    const auto refused = created({"site:eu-b-1", url});
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().code, ErrorCode::invalid);
    EXPECT_THAT(refused.error().remedy, HasSubstr("witness-key"));
  }
  EXPECT_FALSE(created({"site:eu-a-1", "site:eu-a-1"}));
}

}  // namespace
}  // namespace tradewind
