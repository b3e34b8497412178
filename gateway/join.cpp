#include "gateway/join.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <optional>
#include <string_view>

#include "gateway/broker_request.h"
#include "gateway/renewal.h"
#include "state/identity/certificates.h"
#include "state/identity/encoding.h"
#include "state/identity/join.h"

namespace tradewind {

namespace {

// The request names the node for people who read it. The authority knows its own federation and
// takes nothing but the public key from a request.
const FederationId federation_to_be{"federation-to-be"};

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

// The chain from the record that the invitation names to the broker's newest, which must be in
// force. Nothing that the broker says is believed before.
Result<TrustChain> invited_trust(const BrokerConnection& broker, const Bytes& trust_sha256_wanted,
                                 Wall::time_point now) {
  auto records = fetch_trust(broker, 0);
  if (!records) return fail(records.error());
  std::optional<TrustChain> chain;
  for (SignedTrust& each : *records) {
    if (chain) {
      if (const Status next = chain->extend(std::move(each)); !next) return fail(next.error());
    } else if (trust_sha256(each.record) == trust_sha256_wanted) {
      auto first = TrustChain::from(std::move(each));
      if (!first) return fail(first.error());
      chain = std::move(*first);
    }
  }
  if (!chain) {
    return fail(ErrorCode::unauthenticated, "trust",
                fmt::format("the broker has no trust record with the fingerprint {}, which the "
                            "token wants",
                            hex(trust_sha256_wanted)),
                "check the address and the token; do not go on if both are right");
  }
  if (const Status fresh = chain->check_fresh(now); !fresh) return fail(fresh.error());
  return std::move(*chain);
}

Status keep(const std::filesystem::path& directory, const std::string& url,
            const Membership& membership, Now now) {
  auto store = Store::open(store_directory(directory), now);
  if (!store) return fail(store.error());
  if (Status kept = save_broker_url(directory, url); !kept) return kept;
  if (Status kept = save_renewals(directory, membership.renewals); !kept) return kept;
  return save_membership(directory, **store, membership);
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

  BrokerConnection broker{options.url, options.timeout, nullptr};
  while (!broker.url.empty() && broker.url.back() == '/') broker.url.pop_back();
  auto trust = invited_trust(broker, token->trust_sha256, now.wall);
  if (!trust) return fail(trust.error());
  const auto answer =
      post_to_broker(broker, "/v1/join", request_of(options, *token, *keys, *csr), trust->newest());
  if (!answer) return fail(answer.error());
  auto papers = read_papers(*answer, std::move(*trust));
  if (!papers) return fail(papers.error());
  auto membership = check_membership(std::move(*papers), *keys, now.wall);
  if (!membership) return fail(membership.error());
  if (membership->site != options.site) {
    return fail(ErrorCode::unauthenticated, "certificate_pem",
                fmt::format("the broker admitted {} instead of {}", membership->site.value,
                            options.site.value),
                "ask the operator for a token of this site");
  }
  if (const Status kept = keep(options.directory, broker.url, *membership, now); !kept) {
    return fail(kept.error());
  }
  return membership;
}

}  // namespace tradewind
