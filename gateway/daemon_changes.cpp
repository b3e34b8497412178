// What a gateway's daemon makes of changes: renewed papers, another trust record, another site
// file; and its end.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "gateway/daemon.h"
#include "state/identity/trust_files.h"

namespace tradewind {
namespace {

// A port is free again a moment after the link that listened there has stopped.
constexpr auto reopen_interval = std::chrono::milliseconds(50);
constexpr auto reopen_max = std::chrono::seconds(10);

// What only a restart can change: the link and the engine were made from it.
Status check_reload(const SiteFile& before, const SiteFile& after) {
  const auto refuse = [](std::string field) {
    return Status(fail(ErrorCode::conflict, std::move(field), "changes only with a restart",
                       "restart the gateway, or put the former value back"));
  };
  if (before.record.site != after.record.site) return refuse("site.id");
  if (before.record.region != after.record.region) return refuse("site.region");
  if (!(before.link == after.link)) return refuse("link");
  if (before.metrics_listen != after.metrics_listen) return refuse("metrics");
  if (!(before.engine == after.engine)) return refuse("engine");
  if (!(before.staging == after.staging)) return refuse("staging");
  const auto& old_pools = before.record.pools;
  const auto& new_pools = after.record.pools;
  const bool same_pools = std::equal(old_pools.begin(), old_pools.end(), new_pools.begin(),
                                     new_pools.end(), [](const Pool& a, const Pool& b) {
                                       return a.id == b.id && a.architecture == b.architecture;
                                     });
  if (!same_pools) return refuse("pool");
  return ok();
}

}  // namespace

Status Daemon::take_over(Renewed renewed) {
  if (stopped_) return ok();
  const Now now = system_now();
  const NodeKeys keys = renewed.keys;
  auto membership = keep_renewal(options_.directory, *store_, std::move(renewed), now.wall);
  if (!membership) return fail(membership.error());
  const bool signs_anew = keys.identity.public_key() != keys_.identity.public_key();
  const bool links_anew = keys.curve.public_key != keys_.curve.public_key;
  // Nobody has talked to it since then, and its tries to connect have become rare.
  const bool was_over = membership_.ends <= now.wall;
  keys_ = keys;
  membership_ = std::move(*membership);
  gossip_.set_registry_keys(membership_.trust.newest().registry_keys);
  spdlog::info("certificate.renewed site={} renewals={} rotated={}", membership_.site.value,
               membership_.renewals, signs_anew || links_anew);
  renewer_->settle(membership_);
  if (signs_anew) publisher_.sign_with(keys_.identity);
  for (const SignedRecord& each : membership_.members) carry_out(gossip_.publish(each, now));
  if (links_anew || was_over) {
    const std::string bind = link_->bound_endpoint();
    link_->stop();
    reopen_link(bind, now.mono + reopen_max);
  }
  publish_due(now);
  arm();
  return ok();
}

Status Daemon::take_over(TrustChain trust) {
  if (stopped_) return ok();
  if (Status kept = save_trust(trust_directory(options_.directory), trust); !kept) return kept;
  membership_.trust = std::move(trust);
  const TrustRecord& newest = membership_.trust.newest();
  gossip_.set_registry_keys(newest.registry_keys);
  spdlog::info("trust.changed site={} version={} expires={}", membership_.site.value,
               newest.version, to_rfc3339(newest.expires));
  return ok();
}

void Daemon::reopen_link(std::string bind, Mono::time_point give_up_at) {
  link_timer_.expires_after(reopen_interval);
  link_timer_.async_wait([this, bind = std::move(bind), give_up_at,
                          alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (error || alive.expired() || stopped_) return;
    if (const Status opened = open_link(bind); !opened) {
      if (system_now().mono > give_up_at) return give_up(opened.error());
      return reopen_link(bind, give_up_at);
    }
    for (const RecordKind kind : {RecordKind::member, RecordKind::site}) {
      for (const Accepted* each : gossip_.all(kind)) neighbourhood_->accept(each->record);
    }
    refresh_peers();
    spdlog::info("link.reopened site={} endpoint={}", membership_.site.value,
                 link_->bound_endpoint());
  });
}

Status Daemon::replace_admission(const SiteRecord& record, Now now) {
  const auto stored = store_->read_admission();
  if (!stored) return fail(stored.error());
  std::unique_ptr<Admission> next = make_admission(record);
  if (const Status taken = next->recover(*stored, now); !taken) return taken;
  next->take_over(*admission_);
  // The engine has not changed: it runs all that it ran.
  const std::vector<AttemptId> running = next->running();
  AdmissionOutput output = next->adopted(running, now);
  for (const AttemptId& each : running) {
    const auto held = admission_->find(each);
    if (!held) continue;
    // Their phases are news to the new book, but not to the broker.
    output.append(next->engine_phase(each, held->phase, now));
  }
  if (sheet_) next->published(sheet_->version, sheet_->sheet, sheet_->valid_until, now);
  output.append(next->set_state(state_of(record), now));
  admission_ = std::move(next);
  carry_out(std::move(output));
  return ok();
}

void Daemon::reload() {
  if (stopped_) return;
  const auto refuse = [this](const Error& error) {
    spdlog::error("site_file.refused site={} error=\"{}\"", membership_.site.value,
                  describe(error));
  };
  auto file = load_site_file(options_.site_file);
  if (!file) return refuse(file.error());
  if (const Status possible = check_reload(site_, *file); !possible) {
    return refuse(possible.error());
  }
  const Now now = system_now();
  if (file->record.pools == site_.record.pools && file->record.policy == site_.record.policy &&
      file->record.contracts == site_.record.contracts) {
    carry_out(admission_->set_state(state_of(file->record), now));
  } else if (const Status replaced = replace_admission(file->record, now); !replaced) {
    return refuse(replaced.error());
  }
  SiteRecord record = file->record;
  record.state = state_of(record);
  record.endpoint = publisher_.site().endpoint;
  if (const Status taken = findings_.take_over(*file, publisher_.site(), record); !taken) {
    return give_up(taken.error());
  }
  publisher_.describe_site(std::move(record), file->energy_quota_wh);
  site_ = std::move(*file);
  spdlog::info("site_file.reloaded site={}", membership_.site.value);
  publish_due(now);
  arm();
}

void Daemon::stop(const std::string& why) {
  if (stopped_) return;
  stopped_ = true;
  spdlog::info("gateway.stopping site={} why=\"{}\"", membership_.site.value, why);
  timer_.cancel();
  link_timer_.cancel();
  renewer_.reset();
  inbox_.clear();
  if (ready_) remove_ready_file();
  if (const Status kept = findings_.keep(); !kept) {
    spdlog::warn("performance.not_kept error=\"{}\"", describe(kept.error()));
  }
  // What still runs ends with the engine. The store holds it as running, so that the next start
  // reports it interrupted.
  engine_.reset();
  metrics_.reset();
  if (link_) link_->stop();
  if (options_.on_stopped) options_.on_stopped();
}

void Daemon::give_up(const Error& error) {
  if (stopped_) return;
  spdlog::critical("gateway.failed site={} error=\"{}\"", membership_.site.value, describe(error));
  outcome_ = fail(error);
  // Not from inside a core's step: its caller still uses the parts.
  stopped_ = true;
  boost::asio::post(io_, [this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    stopped_ = false;
    stop("it cannot go on");
  });
}

}  // namespace tradewind
