// Inviting and suspending members, and what gateways ask for: to join, and to renew.
#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "broker/api/api.h"
#include "broker/api/json_reader.h"
#include "schemas/limits.h"
#include "state/identity/encoding.h"
#include "state/identity/renewal.h"

namespace tradewind {
namespace {

constexpr std::int64_t kInviteSecondsDefault = 900;
constexpr std::int64_t kInviteSecondsMax = 30LL * 24 * 3600;
constexpr std::int64_t kUnitsMax = 10'000'000;

void invite(const std::shared_ptr<Api>& api, Call call) {
  const auto document = parse_json("body", call.request.body);
  if (!document) return call.reject(document.error());
  Reading reading;
  ObjectReader in(reading, *document, "");
  SiteId site;
  std::uint32_t units_max = 0;
  std::int64_t ttl = kInviteSecondsDefault;
  if (!in.text("site", site.value)) in.refuse("site", "it is missing", "give the site's id");
  in.keep(check_name("site", site.value));
  in.whole("units_max", units_max, 0, kUnitsMax);
  in.number("ttl_seconds", ttl, 1, kInviteSecondsMax);
  in.finish();
  if (reading.error) return call.reject(*reading.error);
  api->service.invite(site, units_max, std::chrono::seconds(ttl), [call](Result<Invite> made) {
    if (!made) return call.reject(made.error());
    call.answer(201, json::object{{"site", made->site.value},
                                  {"token", made->token},
                                  {"expires", to_rfc3339(made->expires)}});
  });
}

json::object record_to_json(const SignedRecord& record) {
  return {{"body", base64_encode(record.body)}, {"signature", base64_encode(record.signature)}};
}

json::object answer_to_json(const JoinAnswer& answer) {
  json::array members;
  for (const SignedRecord& each : answer.members) members.push_back(record_to_json(each));
  return {{"certificate_pem", answer.certificate_pem},
          {"member", record_to_json(answer.member)},
          {"members", std::move(members)}};
}

// Reads what a gateway sends; bytes are in base64. The first fault is kept.
class GatewayReader {
 public:
  explicit GatewayReader(const json::value& document) : in_(reading_, document, "") {}

  std::string required(std::string_view name, std::size_t bytes_max) {
    std::string text;
    if (!in_.text(name, text, bytes_max)) {
      in_.refuse(name, "it is missing", "the gateway's commands send it");
    }
    return text;
  }
  SiteId site() {
    SiteId site{required("site", 63)};
    in_.keep(check_name("site", site.value));
    return site;
  }
  // Of any length when `size` is 0.
  Bytes bytes(std::string_view name, std::size_t size = 0) {
    return decoded(name, required(name, 256), size);
  }
  Bytes bytes_or_none(std::string_view name, std::size_t size) {
    std::string text;
    return in_.text(name, text, 256) ? decoded(name, text, size) : Bytes{};
  }
  std::uint64_t number(std::string_view name) {
    std::int64_t number = 0;
    in_.number(name, number, 0, std::numeric_limits<std::int64_t>::max());
    return static_cast<std::uint64_t>(number);
  }
  // The first fault, also of members that nobody asked for.
  Status finish() {
    in_.finish();
    return reading_.error ? Status(fail(*reading_.error)) : ok();
  }

 private:
  Bytes decoded(std::string_view name, const std::string& text, std::size_t size) {
    auto bytes = base64_decode(name, text);
    if (!bytes) {
      in_.keep(fail(bytes.error()));
      return {};
    }
    if (size != 0 && bytes->size() != size) {
      in_.refuse(name, fmt::format("it has {} bytes", bytes->size()),
                 fmt::format("give {} bytes", size));
    }
    return std::move(*bytes);
  }

  Reading reading_;
  ObjectReader in_;
};

constexpr std::size_t kCsrBytesMax = 16 * 1024;

Result<JoinRequest> read_join(const std::string& body) {
  const auto document = parse_json("body", body);
  if (!document) return fail(document.error());
  GatewayReader in(*document);
  JoinRequest request;
  request.token = in.required("token", 512);
  request.site = in.site();
  request.csr_pem = in.required("csr_pem", kCsrBytesMax);
  request.curve_key = in.bytes("curve_key", public_key_bytes);
  request.proof = in.bytes("proof");
  if (auto good = in.finish(); !good) return fail(std::move(good.error()));
  return request;
}

Result<RenewalRequest> read_renewal(const std::string& body) {
  const auto document = parse_json("body", body);
  if (!document) return fail(document.error());
  GatewayReader in(*document);
  RenewalRequest request;
  request.site = in.site();
  request.challenge = in.bytes("challenge", challenge_bytes);
  request.renewals = in.number("renewals");
  request.id = in.bytes("id", limits::renewal_id_bytes);
  request.csr_pem = in.required("csr_pem", kCsrBytesMax);
  request.curve_key = in.bytes("curve_key", public_key_bytes);
  request.proof = in.bytes("proof", signature_bytes);
  request.former_proof = in.bytes_or_none("former_proof", signature_bytes);
  if (auto good = in.finish(); !good) return fail(std::move(good.error()));
  return request;
}

bool too_many(RateLimit& limit, const Call& call, const char* what) {
  if (limit.take(std::chrono::steady_clock::now())) return false;
  call.reject(Error{ErrorCode::exhausted, "", what, "try again in a second"});
  return true;
}

// Nothing secret: whoever walks them checks each by the one before.
void trust(const std::shared_ptr<Api>& api, Call call) {
  const std::string after = call.request.parameter("after").value_or("0");
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(after.data(), after.data() + after.size(), version);
  if (error != std::errc() || end != after.data() + after.size()) {
    return call.reject(Error{ErrorCode::invalid, "after", "it is no version of a trust record",
                             "give the newest version that you have, or 0"});
  }
  json::array texts;
  for (const std::string& each : api->service.trust(version)) {
    texts.emplace_back(each);
  }
  call.answer(200, json::object{{"trust", std::move(texts)}});
}

// No bearer token: the join token is the proof.
void join(const std::shared_ptr<Api>& api, Call call) {
  if (too_many(api->join_limit, call, "too many joins at once")) return;
  auto request = read_join(call.request.body);
  if (!request) return call.reject(request.error());
  api->service.join(std::move(*request), [call](Result<JoinAnswer> answer) {
    if (!answer) return call.reject(answer.error());
    call.answer(200, answer_to_json(*answer));
  });
}

// No bearer token here either: the identity key proves who it is.
void challenge(const std::shared_ptr<Api>& api, Call call) {
  if (too_many(api->renewal_limit, call, "too many renewals at once")) return;
  const auto document = parse_json("body", call.request.body);
  if (!document) return call.reject(document.error());
  GatewayReader in(*document);
  const SiteId site = in.site();
  if (const auto good = in.finish(); !good) return call.reject(good.error());
  api->service.challenge(site, [call](Result<Bytes> made) {
    if (!made) return call.reject(made.error());
    call.answer(200, json::object{{"challenge", base64_encode(*made)}});
  });
}

void renew(const std::shared_ptr<Api>& api, Call call) {
  if (too_many(api->renewal_limit, call, "too many renewals at once")) return;
  auto request = read_renewal(call.request.body);
  if (!request) return call.reject(request.error());
  api->service.renew(std::move(*request), [call](Result<JoinAnswer> answer) {
    if (!answer) return call.reject(answer.error());
    call.answer(200, answer_to_json(*answer));
  });
}

void allow_recovery(const std::shared_ptr<Api>& api, Call call) {
  const auto site = site_of(NodeId{call.captures[0]});
  if (!site) return call.reject(site.error());
  api->service.allow_recovery(*site, call.caller.principal,
                              [call, site = *site](Result<std::monostate> done) {
                                if (!done) return call.reject(done.error());
                                call.answer(200, json::object{{"site", site.value}});
                              });
}

void member_state(const std::shared_ptr<Api>& api, Call call) {
  const auto document = parse_json("body", call.request.body);
  if (!document) return call.reject(document.error());
  Reading reading;
  ObjectReader in(reading, *document, "");
  std::size_t state = 0;
  if (!in.word("state", {"active", "suspended", "revoked"}, state)) {
    in.refuse("state", "it is missing", "give active, suspended or revoked");
  }
  in.finish();
  if (reading.error) return call.reject(*reading.error);
  const NodeId node{call.captures[0]};
  api->service.set_member_state(
      node, static_cast<MemberState>(state), call.caller.principal,
      [call, node, state](Result<std::monostate> done) {
        if (!done) return call.reject(done.error());
        call.answer(
            200, json::object{{"node", node.value},
                              {"state", json::string(to_string(static_cast<MemberState>(state)))}});
      });
}

}  // namespace

void add_member_routes(std::vector<Route>& routes) {
  routes.push_back({"POST", "/v1/invites", Verb::invite_site, invite});
  routes.push_back({"GET", "/v1/trust", Verb::open, trust});
  routes.push_back({"POST", "/v1/join", Verb::open, join});
  routes.push_back({"POST", "/v1/renewals/challenge", Verb::open, challenge});
  routes.push_back({"POST", "/v1/renewals", Verb::open, renew});
  routes.push_back({"POST", "/v1/members/{node...}/state", Verb::change_member, member_state});
  routes.push_back({"POST", "/v1/members/{node...}/recovery", Verb::change_member, allow_recovery});
}

}  // namespace tradewind
