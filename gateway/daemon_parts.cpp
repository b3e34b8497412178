#include "gateway/daemon_parts.h"

#include <spdlog/spdlog.h>

#include <thread>
#include <utility>

#include "gateway/renewal.h"
#include "gateway/renewer.h"
#include "gateway/site_witness.h"
#include "state/identity/certificates.h"
#include "state/identity/random.h"

namespace tradewind {
namespace {

// Whether asking again may help.
bool may_pass(ErrorCode code) {
  return code == ErrorCode::unavailable || code == ErrorCode::maybe_delivered ||
         code == ErrorCode::exhausted || code == ErrorCode::internal;
}

// For a directory whose certificate does not do any more: it has expired while the gateway was
// down, or was of keys that a renewal under way has replaced. Goes on until a broker has answered.
Result<Membership> recover_membership(const BrokerConnection& broker,
                                      const std::filesystem::path& directory, Store& store,
                                      const MembershipPapers& papers) {
  const auto name = certificate_name(papers.certificate_pem);
  if (!name) return fail(name.error());
  for (unsigned failures = 0;; ++failures) {
    const Now now = system_now();
    auto renewed = ask_renewal(broker, directory, name->site, papers.trust, now.wall);
    if (renewed) {
      auto membership = keep_renewal(directory, store, std::move(*renewed), now.wall);
      if (membership) spdlog::info("certificate.recovered site={}", name->site.value);
      return membership;
    }
    if (!may_pass(renewed.error().code)) return fail(renewed.error());
    const auto pause = renewal_backoff(failures, {}, random_number());
    spdlog::warn("certificate.not_renewed site={} again_in_ms={} error=\"{}\"", name->site.value,
                 pause.count(), describe(renewed.error()));
    std::this_thread::sleep_for(pause);
  }
}

Result<Membership> load_membership(const BrokerConnection& broker,
                                   const std::filesystem::path& directory, const NodeKeys& keys,
                                   Store& store, MembershipPapers papers) {
  auto members = store.members();
  if (!members) return fail(members.error());
  papers.members = std::move(*members);
  const Wall::time_point now = system_now().wall;
  auto membership = check_membership(papers, keys, now);
  const auto validity = certificate_validity(papers.certificate_pem);
  const bool expired = validity && (membership ? membership->ends : validity->not_after) <= now;
  const bool done = membership ? !expired : !expired && !renewal_waits(directory);
  if (done || broker.url.empty()) return membership;
  membership = recover_membership(broker, directory, store, papers);
  if (!membership) return membership;
  // The answer has the others' records only when theirs may be over as well.
  members = store.members();
  if (!members) return fail(members.error());
  membership->members = std::move(*members);
  return membership;
}

}  // namespace

Result<DaemonParts> load_daemon_parts(const std::string& site_file,
                                      const std::filesystem::path& directory,
                                      const BrokerConnection& broker, Now now) {
  auto papers = load_papers(directory);
  if (!papers) return fail(papers.error());
  auto site = load_site_file(site_file);
  if (!site) return fail(site.error());
  auto keys = load_or_make_keys(directory);
  if (!keys) return fail(keys.error());
  auto store = Store::open(store_directory(directory), now);
  if (!store) return fail(store.error());
  auto membership = load_membership(broker, directory, *keys, **store, std::move(*papers));
  if (!membership) return fail(membership.error());
  // A renewal may have put others in their place.
  keys = load_or_make_keys(directory);
  if (!keys) return fail(keys.error());
  auto witness_key = load_or_make_witness_key(directory);
  if (!witness_key) return fail(witness_key.error());
  return DaemonParts{std::move(*site), std::move(*keys), std::move(*store), std::move(*membership),
                     std::move(*witness_key)};
}

}  // namespace tradewind
