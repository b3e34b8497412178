// Who belongs to the federation: invitations and members, folded from the journal. Pure but for the
// certificates and random tokens that the authority makes. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/service.h"
#include "schemas/journal.h"
#include "schemas/result.h"
#include "state/identity/authority.h"

namespace tradewind {

// What a change of the registry makes durable, and what is told afterwards.
template <class T>
struct RegistryChange {
  std::vector<Entry> entries;
  std::vector<SignedRecord> publish;  // member records for gossip, once durable
  T answer;
};

class Registry {
 public:
  // How long a member record is believed without renewal. Certificates live as long.
  static constexpr std::chrono::hours member_validity{48};
  static constexpr std::chrono::hours certificate_lifetime{24 * 30};
  static constexpr std::chrono::seconds invite_ttl_max{7 * 24 * 3600};
  static constexpr std::size_t invites_max = 10'000;

  explicit Registry(const CertificateAuthority& authority) : authority_(authority) {}

  // Folds one entry: InviteIssued and MemberChanged; others are of no interest. Used at start and
  // after each change.
  void apply(const Entry& entry);

  // A single-use token for the site; an earlier unused invitation of the same site stays good.
  Result<RegistryChange<Invite>> invite(const SiteId& site, std::uint32_t units_max,
                                        std::chrono::seconds ttl, Now now);
  // Checks token, proof and request; makes certificate and member record. The same token with the
  // same keys gets the same member again, so that a lost answer can be asked for again; with other
  // keys it is refused.
  Result<RegistryChange<JoinAnswer>> join(const JoinRequest& request, Now now);
  // The broker's own record, when it is not there yet or says something else. Its number is the
  // registry's to give. Refused with `conflict` under the keys of another broker, whose attempts
  // the sites would no longer know as its own, and with another's tag, whose job ids it would give.
  Result<RegistryChange<SignedRecord>> admit_broker(Member broker, Now now);
  Result<RegistryChange<std::monostate>> set_state(const NodeId& node, MemberState state, Now now);
  // Records past half of their validity, signed anew.
  RegistryChange<std::monostate> renew(Now now);

  std::vector<SignedRecord> records() const;  // of all members, the revoked ones too
  const Member* find(const NodeId& node) const;
  std::vector<std::pair<NodeId, MemberState>> states() const;

 private:
  struct Held {
    SignedRecord signed_record;
    Record record;
    std::string token_sha256;
  };
  struct Invitation {
    SiteId site;
    std::uint32_t units_max = 0;
    Wall::time_point expires{};
  };
  Entry sign(Member member, std::string token_sha256, Now now) const;
  JoinAnswer answer_for(const NodeId& node, std::string certificate_pem) const;

  const CertificateAuthority& authority_;
  std::map<NodeId, Held> members_;
  std::map<std::string, Invitation> invitations_;  // not yet used, by the token's SHA-256 in hex
  std::uint32_t last_number_ = 0;
};

}  // namespace tradewind
