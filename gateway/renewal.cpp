#include "gateway/renewal.h"

#include <boost/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "schemas/limits.h"
#include "state/identity/certificates.h"
#include "state/identity/encoding.h"
#include "state/identity/renewal.h"
#include "state/identity/stored_file.h"
#include "state/identity/trust_files.h"

namespace tradewind {

namespace {

constexpr const char* state_file = "renewal.json";
constexpr std::size_t state_bytes_max = 4 * 1024;

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

Result<boost::json::object> object_of(const std::string& answer) {
  boost::system::error_code bad;
  boost::json::value parsed = boost::json::parse(answer, bad);
  if (bad || !parsed.is_object()) return bad_answer("", "the broker's answer is no JSON object");
  return std::move(parsed.as_object());
}

// Which renewals the directory knows of.
struct State {
  std::uint64_t renewals = 0;
  struct Waiting {
    Bytes id;
    Bytes identity_key;  // public, as the link key
    Bytes curve_key;
  };
  std::optional<Waiting> waiting;  // asked for, not answered
};

// Nothing known when there is no file.
Result<State> load_state(const std::filesystem::path& directory) {
  const auto file = directory / state_file;
  const auto bytes = load_file(file, state_bytes_max);
  if (!bytes) {
    return bytes.error().code == ErrorCode::not_found ? Result<State>(State{})
                                                      : Result<State>(fail(bytes.error()));
  }
  const auto corrupt = [&] {
    return fail(ErrorCode::corrupt, file.string(), "is not what a gateway writes",
                "ask the operator for a token and join again");
  };
  boost::system::error_code bad;
  const boost::json::value parsed = boost::json::parse(*bytes, bad);
  if (bad || !parsed.is_object()) return corrupt();
  const boost::json::object& object = parsed.as_object();
  State state;
  const auto* renewals = object.if_contains("renewals");
  if (renewals == nullptr) return corrupt();
  state.renewals = renewals->to_number<std::uint64_t>(bad);
  if (bad) return corrupt();
  if (!object.contains("id")) return state;
  const auto id = bytes_at(object, "id");
  const auto identity_key = bytes_at(object, "identity_key");
  const auto curve_key = bytes_at(object, "curve_key");
  if (!id || !identity_key || !curve_key || id->size() != limits::renewal_id_bytes) {
    return corrupt();
  }
  state.waiting = State::Waiting{*id, *identity_key, *curve_key};
  return state;
}

Status save_state(const std::filesystem::path& directory, const State& state) {
  boost::json::object object{{"renewals", state.renewals}};
  if (state.waiting) {
    object["id"] = base64_encode(state.waiting->id);
    object["identity_key"] = base64_encode(state.waiting->identity_key);
    object["curve_key"] = base64_encode(state.waiting->curve_key);
  }
  return store_file(directory / state_file, boost::json::serialize(object) + "\n", public_mode);
}

std::filesystem::path next_of(const std::filesystem::path& directory, const char* name) {
  return directory / (std::string(name) + ".next");
}

// The key in use and, when one waits, the one that takes over.
template <class Key>
struct Succession {
  Key current;
  std::optional<Key> next;

  const Key& newest() const { return next ? *next : current; }
  const Key* find(const Bytes& public_key, const Bytes& (*of)(const Key&)) const {
    if (of(current) == public_key) return &current;
    return next && of(*next) == public_key ? &*next : nullptr;
  }
};

template <class Key>
Result<Succession<Key>> load_succession(const std::filesystem::path& directory, const char* name) {
  auto current = Key::load(directory / name);
  if (!current) return fail(current.error());
  auto next = Key::load(next_of(directory, name));
  if (!next && next.error().code != ErrorCode::not_found) return fail(next.error());
  Succession<Key> succession{std::move(*current), std::nullopt};
  if (next) succession.next = std::move(*next);
  return succession;
}

const Bytes& public_of(const SigningKey& key) {
  return key.public_key();
}
const Bytes& public_of(const CurveKeys& keys) {
  return keys.public_key;
}

// Puts the key that was certified in its place; whatever waited beside it is of no use then.
template <class Key>
Status install(const std::filesystem::path& directory, const char* name, const Key& key) {
  const auto waiting = Key::load(next_of(directory, name));
  if (!waiting) {
    return waiting.error().code == ErrorCode::not_found ? ok() : fail(waiting.error());
  }
  if (public_of(*waiting) != public_of(key)) return ok();  // it came later and waits on
  if (const Status saved = key.save(directory / name); !saved) return saved;
  std::error_code error;
  std::filesystem::remove(next_of(directory, name), error);
  if (!error) return ok();
  return fail(ErrorCode::unavailable, next_of(directory, name).string(),
              "cannot be removed: " + error.message());
}

}  // namespace

bool rotation_waits(const std::filesystem::path& directory) {
  std::error_code ignored;
  return std::filesystem::exists(next_of(directory, "identity.key"), ignored) ||
         std::filesystem::exists(next_of(directory, "curve.key"), ignored);
}

Status prepare_rotation(const std::filesystem::path& directory) {
  // Where none is in use, none can take over.
  if (const auto key = SigningKey::load(directory / "identity.key"); !key) return fail(key.error());
  const auto identity = SigningKey::load_or_generate(next_of(directory, "identity.key"));
  if (!identity) return fail(identity.error());
  const auto curve = CurveKeys::load_or_generate(next_of(directory, "curve.key"));
  return curve ? ok() : Status(fail(curve.error()));
}

bool renewal_waits(const std::filesystem::path& directory) {
  const auto state = load_state(directory);
  return state && state->waiting;
}

Status save_renewals(const std::filesystem::path& directory, std::uint64_t renewals) {
  return save_state(directory, State{renewals, std::nullopt});
}

Result<TrustChain> walk_trust(const BrokerConnection& broker, TrustChain chain,
                              Wall::time_point now) {
  auto later = fetch_trust(broker, chain.newest().version);
  if (!later) return fail(later.error());
  for (SignedTrust& each : *later) {
    if (const Status next = chain.extend(std::move(each)); !next) return fail(next.error());
  }
  if (const Status fresh = chain.check_fresh(now); !fresh) return fail(fresh.error());
  return chain;
}

Result<Renewed> ask_renewal(const BrokerConnection& broker, const std::filesystem::path& directory,
                            const SiteId& site, TrustChain trust, Wall::time_point now) {
  auto walked = walk_trust(broker, std::move(trust), now);
  if (!walked) return fail(walked.error());
  const auto identity = load_succession<SigningKey>(directory, "identity.key");
  if (!identity) return fail(identity.error());
  const auto curve = load_succession<CurveKeys>(directory, "curve.key");
  if (!curve) return fail(curve.error());
  auto state = load_state(directory);
  if (!state) return fail(state.error());

  const SigningKey* certified = nullptr;
  const CurveKeys* link = nullptr;
  if (state->waiting) {
    certified = identity->find(state->waiting->identity_key, &public_of);
    link = curve->find(state->waiting->curve_key, &public_of);
  }
  if (certified == nullptr || link == nullptr) {
    certified = &identity->newest();
    link = &curve->newest();
    state->waiting = State::Waiting{random_bytes(limits::renewal_id_bytes), certified->public_key(),
                                    link->public_key};
    if (const Status saved = save_state(directory, *state); !saved) return fail(saved.error());
  }

  const std::string question = boost::json::serialize(boost::json::object{{"site", site.value}});
  const auto asked = post_to_broker(broker, "/v1/renewals/challenge", question, walked->newest());
  if (!asked) return fail(asked.error());
  const auto answered = object_of(*asked);
  if (!answered) return fail(answered.error());
  const auto challenge = bytes_at(*answered, "challenge");
  if (!challenge) return fail(challenge.error());
  if (challenge->size() != challenge_bytes) return bad_answer("challenge", "has another length");

  const auto csr = make_csr(*certified, site_node(site), walked->newest().federation);
  if (!csr) return fail(csr.error());
  const Renewal renewal{site_node(site),         *challenge,
                        state->renewals,         state->waiting->id,
                        certified->public_key(), link->public_key};
  boost::json::object request{{"site", site.value},
                              {"challenge", base64_encode(*challenge)},
                              {"renewals", renewal.renewals},
                              {"id", base64_encode(renewal.id)},
                              {"csr_pem", *csr},
                              {"curve_key", base64_encode(renewal.curve_key)},
                              {"proof", base64_encode(sign_renewal(*certified, renewal))}};
  if (certified != &identity->current) {
    request["former_proof"] = base64_encode(sign_renewal(identity->current, renewal));
  }
  const auto answer =
      post_to_broker(broker, "/v1/renewals", boost::json::serialize(request), walked->newest());
  if (!answer) return fail(answer.error());
  auto papers = read_papers(*answer, std::move(*walked));
  if (!papers) return fail(papers.error());
  return Renewed{std::move(*papers), NodeKeys{*certified, *link}};
}

Result<Membership> keep_renewal(const std::filesystem::path& directory, Store& store,
                                Renewed renewed, Wall::time_point now) {
  auto membership = check_membership(std::move(renewed.papers), renewed.keys, now);
  if (!membership) return fail(membership.error());
  // A crash between any two of these leaves a renewal that waits and can be asked for again.
  if (const Status kept = install(directory, "identity.key", renewed.keys.identity); !kept) {
    return fail(kept.error());
  }
  if (const Status kept = install(directory, "curve.key", renewed.keys.curve); !kept) {
    return fail(kept.error());
  }
  if (const Status kept = save_membership(directory, store, *membership); !kept) {
    return fail(kept.error());
  }
  if (const Status kept = save_renewals(directory, membership->renewals); !kept) {
    return fail(kept.error());
  }
  return membership;
}

Result<MembershipPapers> read_papers(const std::string& answer, TrustChain trust) {
  const auto object = object_of(answer);
  if (!object) return fail(object.error());
  auto certificate = text_at(*object, "certificate_pem");
  if (!certificate) return fail(certificate.error());
  MembershipPapers papers{std::move(*certificate), std::move(trust), {}};
  const auto* own = object->if_contains("member");
  const auto* others = object->if_contains("members");
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

}  // namespace tradewind
