// How a node asks for a new certificate: with a signature of its identity key over a challenge that
// the registry made for it. The same statement names the keys that it wants from now on, so that
// rotating a key is a renewal as well. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "schemas/ids.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/keys.h"

namespace tradewind {

inline constexpr auto challenge_validity = std::chrono::seconds(60);
inline constexpr std::size_t challenge_bytes = 40;

// Challenges that prove by themselves who made them for whom and when, so that asking for one costs
// no memory. They end with this object: a challenge is good at the process that made it.
class Challenger {
 public:
  Challenger();

  // For this node; challenge_bytes long.
  Bytes challenge(const NodeId& node, Wall::time_point now) const;
  // When it was made. Fails with ErrorCode::forbidden, field "challenge", when it was not made here
  // for this node within challenge_validity. Whoever takes it once takes none that is not later.
  Result<Wall::time_point> check(BytesView challenge, const NodeId& node,
                                 Wall::time_point now) const;

 private:
  Bytes secret_;
};

struct Renewal {
  NodeId node;
  Bytes challenge;
  std::uint64_t renewals = 0;  // how many the node knows of: Member::renewals
  Bytes id;                    // limits::renewal_id_bytes, random; the same when it is asked again
  Bytes identity_key;          // public, 32 bytes: the one that is certified
  Bytes curve_key;             // public, 32 bytes
};

// By the identity key that is certified and, when that is a new one, by the former one as well:
// over "tradewind-renewal-v1", a zero byte, the node's name, a zero byte, and the other members,
// the number as 8 bytes in network order.
Bytes sign_renewal(const SigningKey& identity_key, const Renewal& renewal);
// False also for members of another length.
bool verify_renewal(BytesView identity_key, const Renewal& renewal, BytesView signature);

}  // namespace tradewind
