// Who belongs to the federation and whom it trusts: what users and sites ask of the registry, and
// what of its answers is journaled and told.
#include <spdlog/spdlog.h>

#include <utility>

#include "broker/core/core.h"
#include "broker/core/value_keys.h"
#include "schemas/codec.h"

namespace tradewind {

void Core::commit_registry(const std::vector<Entry>& entries, std::vector<SignedRecord> publish) {
  JournalBatch batch;
  for (const Entry& each : entries) {
    batch.values.push_back({value_keys::of_registry(each), encode(each)});
    if (const auto* member = std::get_if<MemberChanged>(&each.body)) {
      batch.values.push_back({value_keys::invite(member->token_sha256), std::nullopt});
    }
    batch.entries.push_back(each);
  }
  commit(batch);
  if (!publish.empty()) federation_->publish(std::move(publish));
}

Status Core::commit_trust(Now now) {
  JournalBatch batch;
  for (const SignedTrust& each : authority_->trust().all()) {
    if (each.record.version <= trust_version_) continue;
    batch.entries.push_back(Entry{lifecycle_.stamp(now), TrustChanged{to_text(each)}});
    trust_version_ = each.record.version;
  }
  if (!batch.entries.empty()) {
    batch.values.push_back({std::string(value_keys::trust), encode(batch.entries.back())});
  }
  commit(batch);
  self_.trust_version = trust_version_;
  auto admitted = registry_.admit_broker(self_, Now{now.mono, lifecycle_.stamp(now)});
  if (!admitted) return fail(std::move(admitted.error()));
  commit_registry(admitted->entries, std::move(admitted->publish));
  return ok();
}

void Core::set_authority(std::shared_ptr<const CertificateAuthority> authority) {
  push(
      [this, authority = std::move(authority)] {
        flush();
        const Now now = system_now();
        const TrustRecord& trust = authority->trust().newest();
        {
          const std::lock_guard lock(mutex_);
          authority_ = authority;
        }
        registry_.set_authority(authority);
        federation_->set_registry_keys(trust.registry_keys);
        if (const Status told = commit_trust(now); !told) {
          spdlog::error("trust.not_told {}", describe(told.error()));  // it was admitted before
        }
        auto resigned = registry_.resign(Now{now.mono, lifecycle_.stamp(now)});
        commit_registry(resigned.entries, std::move(resigned.publish));
        spdlog::info("trust.changed version={} expires={}", trust.version,
                     to_rfc3339(trust.expires));
      },
      false);
}

std::vector<std::string> Core::trust(std::uint64_t after) const {
  std::shared_ptr<const CertificateAuthority> authority;
  {
    const std::lock_guard lock(mutex_);
    authority = authority_;
  }
  std::vector<std::string> texts;
  for (const SignedTrust& each : authority->trust().all()) {
    if (each.record.version > after) texts.push_back(to_text(each));
  }
  return texts;
}

template <class T>
void Core::change_registry(Result<RegistryChange<T>> change, const Reply<T>& reply) {
  if (!change) return reply(fail(std::move(change.error())));
  commit_registry(change->entries, std::move(change->publish));
  reply(std::move(change->answer));
}

void Core::invite(const SiteId& site, std::uint32_t units_max, std::chrono::seconds ttl,
                  Reply<Invite> reply) {
  post(reply, [this, site, units_max, ttl, reply] {
    flush();  // entries of the lifecycle so far come first, as their times do
    const Now now = system_now();
    change_registry(registry_.invite(site, units_max, ttl, Now{now.mono, lifecycle_.stamp(now)}),
                    reply);
  });
}

void Core::join(JoinRequest request, Reply<JoinAnswer> reply) {
  post(reply, [this, request = std::move(request), reply] {
    flush();
    const Now now = system_now();
    auto change = registry_.join(request, Now{now.mono, lifecycle_.stamp(now)});
    if (change) {
      spdlog::info("site.joined site={}", request.site.value);
    } else if (change.error().code == ErrorCode::conflict && change.error().field == "token") {
      spdlog::critical("site.token_reused site={} {}", request.site.value,
                       describe(change.error()));
    } else {
      spdlog::warn("site.join_refused site={} {}", request.site.value.substr(0, 64),
                   describe(change.error()));
    }
    change_registry(std::move(change), reply);
  });
}

void Core::challenge(const SiteId& site, Reply<Bytes> reply) {
  post(reply, [this, site, reply] {
    const Now now = system_now();
    reply(registry_.challenge(site, Now{now.mono, lifecycle_.stamp(now)}));
  });
}

void Core::renew(RenewalRequest request, Reply<JoinAnswer> reply) {
  post(reply, [this, request = std::move(request), reply] {
    flush();
    if (!request.former_proof.empty() && router_.view().is_quarantined(request.site)) {
      reply(fail(ErrorCode::forbidden, "site",
                 "\"" + request.site.value + "\" is quarantined: it signed two stories",
                 "ask an operator for an invitation and join again"));
      return;
    }
    const Now now = system_now();
    auto change = registry_.renew(request, Now{now.mono, lifecycle_.stamp(now)});
    commit_registry(change.entries, std::move(change.publish));
    const Member* const member = registry_.find(site_node(request.site));
    if (change.answer) {
      spdlog::info("site.renewed site={} renewals={}", request.site.value, member->renewals);
    } else if (!change.entries.empty()) {
      spdlog::critical("site.locked site={} renewals={} known={} {}", request.site.value,
                       member->renewals, request.renewals, describe(change.answer.error()));
    } else {
      spdlog::warn("site.renewal_refused site={} {}", request.site.value.substr(0, 64),
                   describe(change.answer.error()));
    }
    reply(std::move(change.answer));
  });
}

void Core::allow_recovery(const SiteId& site, std::string principal, Reply<std::monostate> reply) {
  post(reply, [this, site, principal = std::move(principal), reply] {
    flush();
    const Now now = system_now();
    change_registry(registry_.allow_recovery(site, principal, Now{now.mono, lifecycle_.stamp(now)}),
                    reply);
  });
}

void Core::set_member_state(const NodeId& node, MemberState state, std::string principal,
                            Reply<std::monostate> reply) {
  post(reply, [this, node, state, principal = std::move(principal), reply] {
    flush();
    const Now now = system_now();
    change_registry(
        registry_.set_state(node, state, principal, Now{now.mono, lifecycle_.stamp(now)}), reply);
  });
}

}  // namespace tradewind
