// The publishing thread: what is durable is soon shown, what it needs of witnesses it waits for,
// and it ends with everything published.
#include "broker/audit/log_publisher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "state/transparency/cosignature.h"
#include "state/transparency/witness.h"
#include "state/transparency/witness_request.h"
#include "tests/unit/audit/sample_log.h"

namespace tradewind {
namespace {

using sample::TemporaryDirectory;
using std::chrono::milliseconds;

const VerifierKey kKey{sample::kOrigin, KeyType::ed25519, sample::log_key().public_key()};

// A real witness, asked without a network between; away when told so.
class OneWitness : public Cosigners {
 public:
  OneWitness() : witness_("witness.example", SigningKey::generate()) { witness_.trust(kKey); }
  Cosigned gather(const Checkpoint& checkpoint, BytesView signed_note,
                  const ConsistencyProver& prove) override {
    ++asked;
    if (away) return Cosigned{{}, false, {"witness.example: away"}};
    const auto proof = prove(size_);
    EXPECT_TRUE(proof) << describe(proof.error());
    const auto output = witness_.add_checkpoint(
        format_witness_request({size_, *proof, Bytes(signed_note)}), system_now().wall);
    EXPECT_EQ(output.answer.status, 200) << output.answer.body;
    size_ = checkpoint.head.size;
    const auto note = parse_note(format_note(parse_note(signed_note).value()) + output.answer.body);
    EXPECT_TRUE(note);
    return Cosigned{{note->signatures.back()}, true, {}};
  }
  const VerifierKey& key() const { return witness_.verifier_key(); }
  std::atomic<bool> away{false};
  std::atomic<int> asked{0};

 private:
  Witness witness_;
  std::uint64_t size_ = 0;
};

class PublisherTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    publisher_.reset();
    log_.reset();
    journal_.reset();
    journal_ = sample::open(directory_.path());
    ASSERT_NE(journal_, nullptr);
    if (journal_->last().value == 0) sample::grow(*journal_, 10);
    log_ = std::make_unique<PublishedLog>(*journal_, journal_->log(), sample::leaf_writer(), kKey);
  }
  void start(LogPublisherOptions options = {}, Cosigners* cosigners = nullptr) {
    auto writer = sample::recover(*journal_);
    ASSERT_TRUE(writer) << describe(writer.error());
    publisher_ = LogPublisher::start(options, std::move(*writer), *log_, cosigners);
  }
  std::uint64_t shown_size() const {
    const auto shown = log_->shown();
    return shown == nullptr ? 0 : shown->checkpoint.head.size;
  }
  // Waits until it holds; the limit is for a test that fails.
  template <class Condition>
  static bool comes(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return true;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<PublishedLog> log_;
  std::unique_ptr<LogPublisher> publisher_;
};

TEST_F(PublisherTest, WhatIsDurableIsShownAndVerifies) {
  start();
  EXPECT_TRUE(comes([&] { return shown_size() == 10; }));
  sample::grow(*journal_, 600);
  EXPECT_TRUE(comes([&] { return shown_size() == 600; }));
  EXPECT_TRUE(open_checkpoint(log_->shown()->note, kKey));
  EXPECT_TRUE(sample::audit_whole(journal_->log()));
  EXPECT_EQ(log_->state().written, 600U);
  EXPECT_TRUE(log_->state().quorum);
}

TEST_F(PublisherTest, NeverTwoCheckpointsWithinTheInterval) {
  const auto begin = std::chrono::steady_clock::now();
  start({.interval = milliseconds(50)});
  for (std::uint64_t last = 11; log_->state().publications < 5; ++last) {
    sample::grow(*journal_, last);
  }
  publisher_->stop();
  const auto passed = std::chrono::steady_clock::now() - begin;
  EXPECT_LE(log_->state().publications, static_cast<std::uint64_t>(passed / milliseconds(50)) + 1);
}

TEST_F(PublisherTest, StoppingPublishesWhatIsDurable) {
  start();
  sample::grow(*journal_, 400);
  publisher_->stop();
  EXPECT_EQ(shown_size(), 400U);
  publisher_->stop();
}

TEST_F(PublisherTest, AfterARestartTheCheckpointIsShownAtOnce) {
  start();
  publisher_->stop();
  const Bytes note = log_->shown()->note;
  open();
  start({.interval = std::chrono::hours(1)});
  EXPECT_TRUE(comes([&] { return log_->shown() != nullptr; }));
  EXPECT_EQ(log_->shown()->note, note);
  publisher_.reset();
}

TEST_F(PublisherTest, CosignaturesStandUnderWhatIsShownAndKeepARestart) {
  OneWitness witness;
  const std::vector<VerifierKey> witnesses{witness.key()};
  start({}, &witness);
  EXPECT_TRUE(comes([&] { return shown_size() == 10; }));
  sample::grow(*journal_, 300);
  EXPECT_TRUE(comes([&] { return shown_size() == 300; }));
  publisher_->stop();
  EXPECT_EQ(open_checkpoint(log_->shown()->note, kKey, witnesses)->cosignatures.size(), 1U);
  EXPECT_EQ(log_->shown()->cosignatures, 1U);
  EXPECT_EQ(**journal_->log().checkpoint(), log_->shown()->note);
}

TEST_F(PublisherTest, WithoutAQuorumItIsShownAndSaysSo) {
  OneWitness witness;
  witness.away = true;
  start({.interval = milliseconds(20), .retry = milliseconds(20)}, &witness);
  EXPECT_TRUE(comes([&] { return shown_size() == 10; }));
  EXPECT_FALSE(log_->state().quorum);
  EXPECT_EQ(log_->state().missing, std::vector<std::string>{"witness.example: away"});
  EXPECT_NE(log_->metrics({}).find("tradewind_log_quorum 0"), std::string::npos);
  witness.away = false;
  EXPECT_TRUE(comes([&] { return log_->state().quorum; }));
  EXPECT_TRUE(comes([&] { return log_->shown()->cosignatures == 1; }));
}

TEST_F(PublisherTest, WhereAQuorumIsRequiredNothingIsShownBeforeItIsThere) {
  OneWitness witness;
  witness.away = true;
  start({.interval = milliseconds(20), .retry = milliseconds(20), .require_quorum = true},
        &witness);
  EXPECT_TRUE(comes([&] { return witness.asked > 3; }));
  sample::grow(*journal_, 20);
  EXPECT_TRUE(comes([&] { return log_->state().written == 20; }));
  EXPECT_EQ(log_->shown(), nullptr);
  witness.away = false;
  EXPECT_TRUE(comes([&] { return shown_size() == 20; }));
  EXPECT_EQ(log_->shown()->cosignatures, 1U);
}

TEST_F(PublisherTest, ABrokerWhoseTermIsOverSignsNothingMore) {
  start({.interval = milliseconds(20)});
  EXPECT_TRUE(comes([&] { return shown_size() == 10; }));
  sample::set_term(*journal_, 2);
  sample::grow(*journal_, 20);
  EXPECT_TRUE(comes([&] { return log_->state().error.has_value(); }));
  EXPECT_EQ(log_->state().error->code, ErrorCode::conflict);
  EXPECT_EQ(shown_size(), 10U);
  EXPECT_NE(log_->metrics({}).find("tradewind_log_publishing 0"), std::string::npos);
}

TEST_F(PublisherTest, ACheckpointThatIsChangedBehindItsBackStopsIt) {
  start({.interval = milliseconds(20)});
  EXPECT_TRUE(comes([&] { return shown_size() == 10; }));
  const auto before = *journal_->log().checkpoint();
  const Bytes text = format_checkpoint(log_->shown()->checkpoint);
  const NoteSignature other = cosign_note(text, "other.example", SigningKey::generate(), 1);
  const Bytes next = *before + format_signature_line(other);
  ASSERT_TRUE(journal_->log().swap_checkpoint(before, next, Term{1}));
  sample::grow(*journal_, 20);
  EXPECT_TRUE(comes([&] { return log_->state().error.has_value(); }));
  EXPECT_EQ(log_->state().error->code, ErrorCode::conflict);
  EXPECT_EQ(**journal_->log().checkpoint(), next);
}

TEST_F(PublisherTest, CommitsAndPublicationsGoOnBesideEachOther) {
  start({.interval = milliseconds(1)});
  sample::grow(*journal_, 20'000);
  publisher_->stop();
  EXPECT_EQ(shown_size(), 20'000U);
  EXPECT_FALSE(log_->state().error);
  EXPECT_TRUE(sample::audit_whole(journal_->log()));
  open();
  EXPECT_EQ(journal_->last().value, 20'000U);
}

}  // namespace
}  // namespace tradewind
