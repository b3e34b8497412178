// The examples of the Amazon S3 API reference, "Signature Calculations for the Authorization
// Header".
#include "gateway/staging/s3_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/identity/digest.h"
#include "state/identity/encoding.h"

namespace tradewind {
namespace {

using testing::HasSubstr;

const S3Credentials credentials{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
const std::string host = "examplebucket.s3.amazonaws.com";

std::string signature(const S3Request& request,
                      const std::map<std::string, std::string>& also_signed = {}) {
  const std::string line = s3_signature(request, credentials, "us-east-1",
                                        wall_from_ms(1'369'353'600'000), also_signed)[0];
  return line.substr(line.find("Signature=") + 10);
}

TEST(S3Signature, SignsTheExampleThatGetsAnObject) {
  EXPECT_EQ(signature({"GET", host, "/test.txt", {}, hex(sha256(""))}, {{"range", "bytes=0-9"}}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(S3Signature, SignsTheExampleThatPutsAnObject) {
  const S3Request request{"PUT",
                          host,
                          "/" + s3_encoded("test$file.text", true),
                          {},
                          hex(sha256("Welcome to Amazon S3."))};
  EXPECT_EQ(signature(request, {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                                {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(S3Signature, SignsTheExamplesWithAQuery) {
  EXPECT_EQ(signature({"GET", host, "/", {{"lifecycle", ""}}, hex(sha256(""))}),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(signature({"GET", host, "/", {{"max-keys", "2"}, {"prefix", "J"}}, hex(sha256(""))}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(S3Signature, EncodesWhatTheReferenceSays) {
  EXPECT_EQ(s3_encoded("a b/ü+=~", true), "a%20b/%C3%BC%2B%3D~");
  EXPECT_EQ(s3_encoded("a/b", false), "a%2Fb");
}

}  // namespace
}  // namespace tradewind
