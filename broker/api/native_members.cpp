// Inviting, joining and suspending members.
#include <fmt/format.h>

#include "broker/api/api.h"
#include "broker/api/json_reader.h"
#include "schemas/limits.h"
#include "state/identity/encoding.h"

namespace tradewind {
namespace {

constexpr std::int64_t kInviteSecondsDefault = 900;
constexpr std::int64_t kInviteSecondsMax = 30LL * 24 * 3600;
constexpr std::int64_t kUnitsMax = 10'000'000;

void invite(const std::shared_ptr<Api>& api, Call call) {
  if (!api->permits(call, Verb::invite_site)) return;
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

Result<JoinRequest> read_join(const std::string& body) {
  const auto document = parse_json("body", body);
  if (!document) return fail(document.error());
  Reading reading;
  ObjectReader in(reading, *document, "");
  JoinRequest request;
  std::string curve_key;
  std::string proof;
  const auto required = [&](std::string_view name, std::string& out, std::size_t bytes_max) {
    if (!in.text(name, out, bytes_max)) {
      in.refuse(name, "it is missing", "the gateway's join command sends it");
    }
  };
  required("token", request.token, 512);
  required("site", request.site.value, 63);
  in.keep(check_name("site", request.site.value));
  required("csr_pem", request.csr_pem, 16 * 1024);
  required("curve_key", curve_key, 64);
  required("proof", proof, 256);
  in.finish();
  if (reading.error) return fail(*reading.error);
  auto key_bytes = base64_decode("curve_key", curve_key);
  if (!key_bytes) return fail(key_bytes.error());
  if (key_bytes->size() != 32) {
    return fail(ErrorCode::invalid, "curve_key", fmt::format("it has {} bytes", key_bytes->size()),
                "give a public key of 32 bytes");
  }
  auto proof_bytes = base64_decode("proof", proof);
  if (!proof_bytes) return fail(proof_bytes.error());
  request.curve_key = std::move(*key_bytes);
  request.proof = std::move(*proof_bytes);
  return request;
}

// No bearer token: the join token is the proof.
void join(const std::shared_ptr<Api>& api, Call call) {
  if (!api->join_limit.take(std::chrono::steady_clock::now())) {
    return call.reject(
        Error{ErrorCode::exhausted, "", "too many joins at once", "try again in a second"});
  }
  auto request = read_join(call.request.body);
  if (!request) return call.reject(request.error());
  api->service.join(std::move(*request), [call](Result<JoinAnswer> answer) {
    if (!answer) return call.reject(answer.error());
    json::array members;
    for (const SignedRecord& each : answer->members) members.push_back(record_to_json(each));
    call.answer(200, json::object{{"certificate_pem", answer->certificate_pem},
                                  {"ca_pem", answer->ca_pem},
                                  {"member", record_to_json(answer->member)},
                                  {"members", std::move(members)},
                                  {"registry_key", base64_encode(answer->registry_key)}});
  });
}

void member_state(const std::shared_ptr<Api>& api, Call call) {
  if (!api->permits(call, Verb::change_member)) return;
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
      node, static_cast<MemberState>(state), [call, node, state](Result<std::monostate> done) {
        if (!done) return call.reject(done.error());
        call.answer(
            200, json::object{{"node", node.value},
                              {"state", json::string(to_string(static_cast<MemberState>(state)))}});
      });
}

}  // namespace

void add_member_routes(std::vector<Route>& routes) {
  routes.push_back({"POST", "/v1/invites", Face::native, Needs::caller, 0, invite});
  routes.push_back({"POST", "/v1/join", Face::native, Needs::nothing, 0, join});
  routes.push_back(
      {"POST", "/v1/members/{node...}/state", Face::native, Needs::caller, 0, member_state});
}

}  // namespace tradewind
