// Who belongs to the federation: invitations and members, folded from the journal. Pure but for the
// certificates and random tokens that the authority makes. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/service.h"
#include "schemas/journal.h"
#include "schemas/result.h"
#include "state/identity/authority.h"
#include "state/identity/renewal.h"

namespace tradewind {

// What a change of the registry makes durable, and what is told afterwards.
template <class T>
struct RegistryChange {
  std::vector<Entry> entries;
  std::vector<SignedRecord> publish;  // member records for gossip, once durable
  T answer;
};

struct RegistryOptions {
  // Of a site's certificate and, with it, of its member record: who does not renew is forgotten.
  std::chrono::seconds certificate_lifetime = std::chrono::hours(24);
  // How often in recovery_window a site may come back by itself after its certificate has expired;
  // at most limits::recoveries_kept_max.
  std::size_t recovery_max = 3;
};

class Registry {
 public:
  // How long the record of a broker, or of a site that is suspended or revoked, is believed.
  static constexpr std::chrono::hours member_validity{48};
  static constexpr std::chrono::hours recovery_window{24 * 30};
  static constexpr std::chrono::seconds invite_ttl_max{7 * 24 * 3600};
  static constexpr std::size_t invites_max = 10'000;

  Registry(std::shared_ptr<const CertificateAuthority> authority, RegistryOptions options)
      : authority_(std::move(authority)), options_(options) {}

  // Folds one entry: InviteIssued and MemberChanged; others are of no interest. Used at start and
  // after each change.
  void apply(const Entry& entry);

  // A single-use token for the site; an earlier unused invitation of the same site stays good.
  Result<RegistryChange<Invite>> invite(const SiteId& site, std::uint32_t units_max,
                                        std::chrono::seconds ttl, Now now);
  // Checks token, proof and request; makes certificate and member record. The same token with the
  // same keys gets the same member again, so that a lost answer can be asked for again; with other
  // keys it is refused with `conflict`, since two have it.
  Result<RegistryChange<JoinAnswer>> join(const JoinRequest& request, Now now);
  // The broker's own record, when it is not there yet or says something else. Its number is the
  // registry's to give. Refused with `conflict` under the keys of another broker, whose attempts
  // the sites would no longer know as its own, and with another's tag, whose job ids it would give.
  Result<RegistryChange<SignedRecord>> admit_broker(Member broker, Now now);
  // What a site signs to renew; for sites that are none, too, so that asking tells nothing.
  Bytes challenge(const SiteId& site, Now now) const;
  // A new certificate for an active site, and a member record that counts it and names the keys
  // that were asked for. The same renewal asked for again gets the same answer. A site that does
  // not know of its last renewal is locked: somebody else has its key. One whose certificate has
  // expired is back by this, recovery_max times in recovery_window.
  RegistryChange<Result<JoinAnswer>> renew(const RenewalRequest& request, Now now);
  // The site's next renewal is taken however late it is and whatever it knows of the last; a lock
  // is taken off. Fails with not_found, and with conflict when the site is suspended or revoked.
  Result<RegistryChange<std::monostate>> allow_recovery(const SiteId& site,
                                                        const std::string& principal, Now now);
  Result<RegistryChange<std::monostate>> set_state(const NodeId& node, MemberState state,
                                                   const std::string& principal, Now now);
  // From now on its keys issue and sign. Those of before are good for as long as the trust record
  // names them.
  void set_authority(std::shared_ptr<const CertificateAuthority> authority);
  // Records of brokers and of sites that are barred, signed anew: those past half of their validity
  // and, once after the registry key has changed, all of them.
  RegistryChange<std::monostate> resign(Now now);

  std::vector<SignedRecord> records() const;  // of all members, the revoked ones too
  const Member* find(const NodeId& node) const;
  std::vector<MemberStanding> standings() const;
  std::size_t locked() const { return locked_; }  // members that are

 private:
  struct Held {
    MemberChanged changed;  // the newest
    Record record;          // as in it
    // The newest challenge that was answered; none before it is taken any more.
    Wall::time_point challenged{};
    const Member& member() const { return std::get<Member>(record.body); }
  };
  struct Invitation {
    SiteId site;
    std::uint32_t units_max = 0;
    Wall::time_point expires{};
  };
  // How long a record is believed that says this.
  std::chrono::seconds validity_of(const Member& member) const;
  // The entry in which the record says `member`; all else stays as in `changed`.
  Entry sign(Member member, MemberChanged changed, MemberCause cause, Now now) const;
  // What is known of the member besides its record; nothing of one that is none yet.
  MemberChanged last_change(const NodeId& node) const;
  // Applies the entry, and adds it and its record to the change.
  template <class T>
  void add(RegistryChange<T>& change, Entry entry);
  // Whose keys others have, no node may take.
  Status check_keys(const NodeId& node, const Bytes& identity_key, const Bytes& curve_key) const;
  // Whether it is from the member itself, and new; its statement.
  Result<Renewal> authenticate(const RenewalRequest& request, Held& held, Now now) const;
  // Whether its certificate has expired, and if so, whether it may come back by itself.
  Status check_recovery(const Held& held, Now now) const;
  // A certificate that ends when the member's record does.
  Result<std::string> certify(const std::string& csr_pem, const NodeId& node,
                              Wall::time_point valid_until, Now now) const;
  JoinAnswer answer_for(const NodeId& node, std::string certificate_pem) const;

  std::shared_ptr<const CertificateAuthority> authority_;
  RegistryOptions options_;
  Challenger challenger_;
  std::map<NodeId, Held> members_;
  std::map<std::string, Invitation> invitations_;  // not yet used, by the token's SHA-256 in hex
  std::uint32_t last_number_ = 0;
  std::size_t locked_ = 0;
  bool key_changed_ = false;  // since the last resign()
};

}  // namespace tradewind
