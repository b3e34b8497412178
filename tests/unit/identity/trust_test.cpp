#include "state/identity/trust.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "state/identity/authority.h"
#include "state/identity/trust_files.h"
#include "tests/unit/identity/scratch.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

const Wall::time_point kTrustTime{1'800'000'000s};

std::vector<Bytes> public_keys(const std::vector<SigningKey>& keys) {
  std::vector<Bytes> all;
  for (const SigningKey& each : keys) all.push_back(each.public_key());
  std::sort(all.begin(), all.end());
  return all;
}

class Trust : public ::testing::Test {
 protected:
  // The next version as the first says it, changed and signed by these.
  SignedTrust next(const std::vector<SigningKey>& signers,
                   const std::function<void(TrustRecord&)>& change = {}) const {
    SignedTrust trust{authority_.trust().newest(), {}};
    trust.record.version = 2;
    trust.record.expires += 24h;
    if (change) change(trust.record);
    for (const SigningKey& each : signers) sign_trust(trust, each);
    return trust;
  }
  const std::vector<SigningKey>& roots() const { return authority_.root_keys(); }
  std::vector<SigningKey> first_roots(std::size_t count) const {
    return {roots().begin(), roots().begin() + static_cast<std::ptrdiff_t>(count)};
  }
  Status extended(const SignedTrust& trust) const {
    TrustChain chain = authority_.trust();
    return chain.extend(trust);
  }

  CertificateAuthority authority_ =
      *CertificateAuthority::create(FederationId{"example"}, kTrustTime);
};

TEST_F(Trust, IsTextThatReadsAsItIsWritten) {
  const SignedTrust& first = authority_.trust().all().front();
  const std::string text = to_text(first);
  const auto read = parse_trust(text);
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(read->record, first.record);
  EXPECT_EQ(read->signatures, first.signatures);
  EXPECT_EQ(text.substr(0, 38), "tradewind-trust-v1\nfederation example\n");
  EXPECT_EQ(trust_sha256(first.record), sha256(text.substr(0, text.find("\n\n") + 1)));
}

TEST_F(Trust, HasOneSpelling) {
  const std::string text = to_text(authority_.trust().all().front());
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string other = text;
    other.replace(other.find(from), from.size(), to);
    return other;
  };
  for (const std::string& each :
       {text + "\n", text + "x", text.substr(1), std::string(), changed("\n\n", "\n"),
        changed("version 1", "version 01"), changed("version 1", "version 0"),
        changed("threshold 2", "threshold 4"), changed("threshold 2", "threshold 0"),
        changed("version 1\n", "version 1\nnote x\n"), changed("root ", "root  "),
        changed("root ", "ROOT "), changed("tradewind-trust-v1", "tradewind-trust-v2"),
        text + text.substr(text.rfind("signature "))}) {
    EXPECT_FALSE(parse_trust(each)) << each.substr(0, 200);
  }
  for (std::size_t i = 0; i < text.size(); i += 7) {
    EXPECT_FALSE(parse_trust(text.substr(0, i)) &&
                 text.substr(0, i).find("\nsignature") == std::string::npos &&
                 text.substr(0, i).find("\n\n") == std::string::npos);
  }
  EXPECT_EQ(parse_trust(text + std::string(limits::trust_record_bytes_max, 'x')).error().code,
            ErrorCode::too_large);
}

TEST_F(Trust, IsNotBelievedWithTooFewSignaturesOfItsOwnRoots) {
  SignedTrust first = authority_.trust().all().front();
  first.signatures.clear();
  sign_trust(first, roots()[1]);
  EXPECT_EQ(TrustChain::from(first).error().code, ErrorCode::unauthenticated);
  sign_trust(first, SigningKey::generate());
  EXPECT_FALSE(TrustChain::from(first));
  // A signature under another key's name is none.
  first.signatures[roots()[0].public_key()] = first.signatures[roots()[1].public_key()];
  EXPECT_FALSE(TrustChain::from(first));
  sign_trust(first, roots()[2]);
  EXPECT_TRUE(TrustChain::from(first));
  first.record.expires += 1s;
  EXPECT_FALSE(TrustChain::from(first));
}

TEST_F(Trust, GoesOnWithEnoughRootsOfTheVersionBefore) {
  EXPECT_TRUE(extended(next(first_roots(2))));
  EXPECT_TRUE(extended(next({roots()[0], roots()[2]})));
  EXPECT_EQ(extended(next(first_roots(1))).error().code, ErrorCode::unauthenticated);
  EXPECT_FALSE(extended(next({roots()[0], SigningKey::generate()})));
}

TEST_F(Trust, RootsChangeOnlyWithEnoughOfTheOldAndOfTheNew) {
  const std::vector<SigningKey> others = {SigningKey::generate(), SigningKey::generate(),
                                          SigningKey::generate()};
  const auto to_others = [&](TrustRecord& record) { record.roots = public_keys(others); };
  EXPECT_FALSE(extended(next({others[0], others[1]}, to_others)));
  EXPECT_FALSE(extended(next(roots(), to_others)));
  EXPECT_FALSE(extended(next({roots()[0], roots()[1], others[0]}, to_others)));
  const SignedTrust changed = next({roots()[0], roots()[1], others[0], others[2]}, to_others);
  TrustChain chain = authority_.trust();
  ASSERT_TRUE(chain.extend(changed));
  // The former roots have no say any more.
  SignedTrust third = changed;
  third.record.version = 3;
  third.signatures.clear();
  for (const SigningKey& each : roots()) sign_trust(third, each);
  EXPECT_FALSE(chain.extend(third));
  sign_trust(third, others[0]);
  sign_trust(third, others[1]);
  EXPECT_TRUE(chain.extend(third));
  EXPECT_EQ(chain.newest().version, 3U);
}

TEST_F(Trust, ASmallerThresholdNeedsTheFormerOneStill) {
  const auto one = [](TrustRecord& record) { record.threshold = 1; };
  EXPECT_FALSE(extended(next(first_roots(1), one)));
  EXPECT_TRUE(extended(next(first_roots(2), one)));
  const auto all = [](TrustRecord& record) { record.threshold = 3; };
  EXPECT_FALSE(extended(next(first_roots(2), all)));
  EXPECT_TRUE(extended(next(roots(), all)));
}

TEST_F(Trust, TakesNoGapNoRollbackAndNoFork) {
  TrustChain chain = authority_.trust();
  EXPECT_FALSE(chain.extend(next(roots(), [](TrustRecord& record) { record.version = 3; })));
  EXPECT_FALSE(chain.extend(
      next(roots(), [](TrustRecord& record) { record.federation = FederationId{"another"}; })));
  const SignedTrust second = next(roots());
  ASSERT_TRUE(chain.extend(second));
  // What is held already changes nothing.
  EXPECT_TRUE(chain.extend(second));
  EXPECT_TRUE(chain.extend(authority_.trust().all().front()));
  EXPECT_EQ(chain.all().size(), 2U);
  const SignedTrust fork = next(roots(), [](TrustRecord& record) { record.expires += 24h; });
  EXPECT_EQ(chain.extend(fork).error().code, ErrorCode::conflict);
  const SignedTrust old_fork = next(roots(), [](TrustRecord& record) { record.version = 1; });
  EXPECT_EQ(chain.extend(old_fork).error().code, ErrorCode::conflict);
  EXPECT_EQ(chain.newest(), second.record);
}

TEST_F(Trust, IsOverWhenItsNewestVersionIs) {
  TrustChain chain = authority_.trust();
  const Wall::time_point end = chain.newest().expires;
  EXPECT_TRUE(chain.check_fresh(end - 1s));
  EXPECT_EQ(chain.check_fresh(end).error().code, ErrorCode::unauthenticated);
  ASSERT_TRUE(chain.extend(next(roots())));
  EXPECT_TRUE(chain.check_fresh(end));
}

TEST_F(Trust, NamesKeysInBoundsAndOrder) {
  const auto refused = [&](const std::function<void(TrustRecord&)>& change) {
    TrustRecord record = authority_.trust().newest();
    change(record);
    return !trust_body(record);
  };
  EXPECT_TRUE(refused([](TrustRecord& record) { record.roots.clear(); }));
  EXPECT_TRUE(refused([](TrustRecord& record) { std::swap(record.roots[0], record.roots[1]); }));
  EXPECT_TRUE(refused([](TrustRecord& record) { record.roots[1] = record.roots[0]; }));
  EXPECT_TRUE(refused([](TrustRecord& record) { record.roots[0].pop_back(); }));
  EXPECT_TRUE(refused([](TrustRecord& record) { record.registry_keys.clear(); }));
  EXPECT_TRUE(refused(
      [](TrustRecord& record) { record.registry_keys.push_back(record.registry_keys.front()); }));
  EXPECT_TRUE(refused([](TrustRecord& record) { record.issuers.clear(); }));
  EXPECT_TRUE(refused([](TrustRecord& record) { record.issuers.emplace_back("no certificate"); }));
  EXPECT_TRUE(refused([](TrustRecord& record) {
    record.issuers.resize(trust_issuers_max + 1, record.issuers.front());
  }));
  EXPECT_TRUE(refused([](TrustRecord& record) { record.federation.value = "No Name"; }));
  EXPECT_TRUE(refused([](TrustRecord& record) { record.expires = record.issued; }));
}

TEST_F(Trust, IsKeptAsAFileAVersion) {
  const Scratch scratch;
  TrustChain chain = authority_.trust();
  ASSERT_TRUE(save_trust(scratch.path() / "trust", chain));
  ASSERT_TRUE(chain.extend(next(first_roots(2))));
  ASSERT_TRUE(save_trust(scratch.path() / "trust", chain));
  const auto loaded = load_trust(scratch.path() / "trust");
  ASSERT_TRUE(loaded) << describe(loaded.error());
  EXPECT_EQ(loaded->newest(), chain.newest());
  EXPECT_EQ(loaded->all().size(), 2U);
  // Whoever joined later has no first version.
  ASSERT_TRUE(std::filesystem::remove(trust_file(scratch.path() / "trust", 1)));
  EXPECT_EQ(load_trust(scratch.path() / "trust")->newest(), chain.newest());
  ASSERT_TRUE(std::filesystem::remove(trust_file(scratch.path() / "trust", 2)));
  EXPECT_EQ(load_trust(scratch.path() / "trust").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace tradewind
