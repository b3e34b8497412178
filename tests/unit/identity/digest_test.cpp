#include "state/identity/digest.h"

#include <gtest/gtest.h>

#include <string>

#include "state/identity/encoding.h"
#include "state/identity/pair_digest.h"

namespace tradewind {
namespace {

// FIPS 180-4's examples.
TEST(Digest, IsThatOfTheStandard) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, OfPiecesIsThatOfTheWholeAndStartsAnew) {
  const std::string text(1'000, 'x');
  Sha256 digest;
  for (const std::size_t cut : {0U, 1U, 63U, 64U, 65U, 999U}) {
    digest.update(BytesView(text).substr(0, cut));
    digest.update(BytesView(text).substr(cut));
    EXPECT_EQ(digest.finish(), sha256(text)) << cut;
  }
  Sha256Digest left;
  Sha256Digest right;
  left.fill('l');
  right.fill('r');
  const Sha256Digest pair = sha256_pair(1, left, right);
  EXPECT_EQ(Bytes(pair.begin(), pair.end()),
            sha256("\x01" + std::string(32, 'l') + std::string(32, 'r')));
}

// RFC 4231, test cases 1, 2 and 6: short keys, and one longer than a block.
TEST(Digest, UnderAKeyIsThatOfTheStandard) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  const HmacSha256 hmac("Jefe");
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(hex(hmac("what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  }
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'),
                            "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace
}  // namespace tradewind
