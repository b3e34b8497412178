#include "state/identity/renewal.h"

#include "schemas/assert.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t number_bytes = 8;
static_assert(challenge_bytes == number_bytes + sha256_bytes);

// In network order.
Bytes bytes_of(std::uint64_t number) {
  Bytes bytes(number_bytes, '\0');
  for (std::size_t i = number_bytes; i > 0; --i) {
    bytes[i - 1] = static_cast<char>(number & 0xffU);
    number >>= 8U;
  }
  return bytes;
}
std::uint64_t number_of(BytesView bytes) {
  std::uint64_t number = 0;
  for (const char each : bytes) number = number << 8U | static_cast<unsigned char>(each);
  return number;
}

// Microseconds since 1970, and their authentication.
Bytes made_at(BytesView secret, const NodeId& node, std::uint64_t micros) {
  Bytes message("tradewind-challenge-v1\0"sv);
  message += node.value;
  message += '\0';
  const Bytes time = bytes_of(micros);
  message += time;
  return time + hmac_sha256(secret, message);
}

bool well_formed(const Renewal& renewal) {
  return renewal.challenge.size() == challenge_bytes &&
         renewal.id.size() == limits::renewal_id_bytes &&
         renewal.identity_key.size() == public_key_bytes &&
         renewal.curve_key.size() == public_key_bytes;
}

Bytes statement(const Renewal& renewal) {
  Bytes message("tradewind-renewal-v1\0"sv);
  message += renewal.node.value;
  message += '\0';
  message += renewal.challenge;
  message += bytes_of(renewal.renewals);
  message += renewal.id;
  message += renewal.identity_key;
  message += renewal.curve_key;
  return message;
}

}  // namespace

Challenger::Challenger() : secret_(random_bytes(sha256_bytes)) {}

Bytes Challenger::challenge(const NodeId& node, Wall::time_point now) const {
  return made_at(secret_, node, static_cast<std::uint64_t>(now.time_since_epoch().count()));
}

Result<Wall::time_point> Challenger::check(BytesView challenge, const NodeId& node,
                                           Wall::time_point now) const {
  const auto refuse = [] {
    return fail(ErrorCode::forbidden, "challenge", "is none of this broker's for this node, or old",
                "ask for a new challenge");
  };
  if (challenge.size() != challenge_bytes) return refuse();
  const std::uint64_t micros = number_of(challenge.substr(0, number_bytes));
  if (!constant_time_equal(challenge, made_at(secret_, node, micros))) return refuse();
  const Wall::time_point made{Wall::duration(static_cast<std::int64_t>(micros))};
  if (made > now || now - made > challenge_validity) return refuse();
  return made;
}

Bytes sign_renewal(const SigningKey& identity_key, const Renewal& renewal) {
  TRADEWIND_ASSERT(well_formed(renewal));
  return identity_key.sign(statement(renewal));
}

bool verify_renewal(BytesView identity_key, const Renewal& renewal, BytesView signature) {
  return well_formed(renewal) && verify_signature(identity_key, statement(renewal), signature);
}

}  // namespace tradewind
