#include "gateway/join.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <optional>
#include <string_view>

#include "gateway/pinned_post.h"
#include "schemas/limits.h"
#include "state/identity/certificates.h"
#include "state/identity/encoding.h"
#include "state/identity/join.h"

namespace tradewind {

namespace {

// The request names the node for people who read it. The authority knows its own federation and
// takes nothing but the public key from a request.
const FederationId federation_to_be{"federation-to-be"};

tl::unexpected<Error> bad_answer(std::string field, std::string message) {
  return fail(ErrorCode::corrupt, std::move(field), std::move(message),
              "check that the URL is that of a Tradewind broker");
}

Result<std::string> text_at(const boost::json::object& object, const char* key) {
  const auto* found = object.if_contains(key);
  if (found == nullptr || !found->is_string()) {
    return bad_answer(key, "is not a text of the broker's answer");
  }
  return std::string(found->as_string());
}

Result<Bytes> bytes_at(const boost::json::object& object, const char* key) {
  const auto text = text_at(object, key);
  if (!text) return fail(text.error());
  return base64_decode(key, *text);
}

Result<SignedRecord> record_of(const boost::json::value& value) {
  if (!value.is_object()) return bad_answer("members", "an entry is no object");
  auto body = bytes_at(value.as_object(), "body");
  if (!body) return fail(body.error());
  auto signature = bytes_at(value.as_object(), "signature");
  if (!signature) return fail(signature.error());
  if (body->size() > limits::member_record_bytes_max || signature->size() != signature_bytes) {
    return bad_answer("members", "an entry is over the limit of a member record");
  }
  return SignedRecord{std::move(*body), std::move(*signature)};
}

Result<MembershipPapers> papers_of(const std::string& answer) {
  boost::system::error_code bad;
  const boost::json::value parsed = boost::json::parse(answer, bad);
  if (bad || !parsed.is_object()) return bad_answer("", "the broker's answer is no JSON object");
  const boost::json::object& object = parsed.as_object();
  MembershipPapers papers;
  auto certificate = text_at(object, "certificate_pem");
  if (!certificate) return fail(certificate.error());
  auto ca = text_at(object, "ca_pem");
  if (!ca) return fail(ca.error());
  auto registry_key = bytes_at(object, "registry_key");
  if (!registry_key) return fail(registry_key.error());
  papers.certificate_pem = std::move(*certificate);
  papers.ca_pem = std::move(*ca);
  papers.registry_key = std::move(*registry_key);

  const auto* own = object.if_contains("member");
  const auto* others = object.if_contains("members");
  if (own == nullptr || others == nullptr || !others->is_array() ||
      others->as_array().size() > limits::sites_max) {
    return bad_answer("members", "the broker's answer has no list of members");
  }
  auto first = record_of(*own);
  if (!first) return fail(first.error());
  papers.members.push_back(std::move(*first));
  for (const boost::json::value& each : others->as_array()) {
    auto record = record_of(each);
    if (!record) return fail(record.error());
    papers.members.push_back(std::move(*record));
  }
  return papers;
}

std::string request_of(const JoinOptions& options, const JoinToken& token, const NodeKeys& keys,
                       const std::string& csr_pem) {
  return boost::json::serialize(boost::json::object{
      {"token", to_string(token)},
      {"site", options.site.value},
      {"csr_pem", csr_pem},
      {"curve_key", base64_encode(keys.curve.public_key)},
      {"proof", base64_encode(make_join_proof(keys.identity, token, keys.curve.public_key))},
  });
}

// A directory serves one site for good: its keys and its attempts are that site's.
Status check_directory(const JoinOptions& options) {
  const auto papers = load_papers(options.directory);
  if (!papers) return papers.error().code == ErrorCode::not_found ? ok() : fail(papers.error());
  const auto named = certificate_name(papers->certificate_pem);
  if (named && named->site != options.site) {
    return fail(ErrorCode::conflict, "dir",
                fmt::format("{} belongs to {}, not to {}", options.directory.string(),
                            named->site.value, options.site.value),
                "give each site a directory of its own");
  }
  return ok();
}

}  // namespace

Result<Membership> join(const JoinOptions& options, Now now) {
  const auto token = parse_join_token(options.token);
  if (!token) return fail(token.error());
  if (const Status free = check_directory(options); !free) return fail(free.error());
  const auto keys = load_or_make_keys(options.directory);
  if (!keys) return fail(keys.error());
  const auto csr = make_csr(keys->identity, site_node(options.site), federation_to_be);
  if (!csr) return fail(csr.error());

  std::string url = options.url;
  while (!url.empty() && url.back() == '/') url.pop_back();
  const auto answer = post_pinned(url + "/v1/join", request_of(options, *token, *keys, *csr),
                                  token->ca_sha256, options.timeout);
  if (!answer) return fail(answer.error());
  auto papers = papers_of(*answer);
  if (!papers) return fail(papers.error());

  // Only now is anything of the answer worth a look: this is the federation of the invitation.
  const auto fingerprint = certificate_sha256(papers->ca_pem);
  if (!fingerprint) return fail(fingerprint.error());
  if (*fingerprint != token->ca_sha256) {
    return fail(ErrorCode::unauthenticated, "ca_pem",
                fmt::format("the broker's CA certificate has the fingerprint {}, the token wants "
                            "{}",
                            hex(*fingerprint), hex(token->ca_sha256)),
                "check the address and the token; do not go on if both are right");
  }
  auto membership = check_membership(std::move(*papers), *keys, now.wall);
  if (!membership) return fail(membership.error());
  if (membership->site != options.site) {
    return fail(ErrorCode::unauthenticated, "certificate_pem",
                fmt::format("the broker admitted {} instead of {}", membership->site.value,
                            options.site.value),
                "ask the operator for a token of this site");
  }
  if (const Status kept = save_membership(options.directory, *membership, now); !kept) {
    return fail(kept.error());
  }
  return membership;
}

}  // namespace tradewind
