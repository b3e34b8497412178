#include "gateway/renewer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "state/identity/random.h"

namespace tradewind {

namespace {

using namespace std::chrono_literals;

// How often the clock and the directory are looked at.
constexpr auto look_interval = 1s;
// Over which all gateways fetch a trust record that they have heard of, or over an eighth of the
// certificate's life when that is less.
constexpr auto walk_spread_max = std::chrono::duration_cast<Wall::duration>(30s);
constexpr auto backoff_max = std::chrono::milliseconds(5min);
constexpr auto warning_interval = 60s;

}  // namespace

Wall::time_point renewal_time(const Validity& validity, std::uint64_t draw) {
  const Wall::duration life = validity.not_after - validity.not_before;
  const auto spread = static_cast<std::uint64_t>(life.count() / 4) + 1;
  return validity.not_before + life / 2 +
         Wall::duration(static_cast<Wall::duration::rep>(draw % spread));
}

std::chrono::milliseconds renewal_backoff(unsigned failures, const Validity& validity,
                                          std::uint64_t draw) {
  const auto life = std::chrono::duration_cast<std::chrono::milliseconds>(validity.not_after -
                                                                          validity.not_before);
  const auto longest = std::clamp<std::chrono::milliseconds>(life / 4, 1s, backoff_max);
  const auto doubled = std::chrono::milliseconds(1s) * (1 << std::min(failures, 16U));
  const auto half = std::min(doubled, longest) / 2;
  return half + std::chrono::milliseconds(draw % static_cast<std::uint64_t>(half.count() + 1));
}

Renewer::Renewer(boost::asio::io_context& io, BrokerConnection broker,
                 std::filesystem::path directory, Handlers handlers)
    : io_(io),
      timer_(io),
      broker_(std::move(broker)),
      directory_(std::move(directory)),
      handlers_(std::move(handlers)) {
  broker_.canceled = &canceled_;
}

Renewer::~Renewer() {
  canceled_ = true;
  timer_.cancel();
  if (asking_.joinable()) asking_.join();
}

void Renewer::settle(const Membership& membership) {
  const auto validity = certificate_validity(membership.certificate_pem);
  if (validity) validity_ = {validity->not_before, membership.ends};  // it was checked before
  site_ = membership.site;
  trust_ = membership.trust;
  renewals_ = membership.renewals;
  renew_at_ = renewal_time(validity_, random_number());
  failures_ = 0;
  not_before_ = {};
  spdlog::info("certificate.settled site={} renewals={} expires={} renewed_from={}", site_.value,
               renewals_, to_rfc3339(validity_.not_after), to_rfc3339(renew_at_));
  wait();
}

void Renewer::heard_of_trust(std::uint64_t version) {
  if (version <= trust_heard_) return;
  trust_heard_ = version;
  const auto spread = std::chrono::duration_cast<Mono::duration>(
      std::clamp((validity_.not_after - validity_.not_before) / 8,
                 std::chrono::duration_cast<Wall::duration>(1s), walk_spread_max));
  walk_at_ = system_now().mono + Mono::duration(static_cast<Mono::rep>(
                                     random_number() % static_cast<std::uint64_t>(spread.count())));
}

void Renewer::heard_of_renewals(std::uint64_t renewals) {
  renewals_heard_ = std::max(renewals_heard_, renewals);
}

bool Renewer::renewal_due(Now now) const {
  return now.wall >= renew_at_ || renewals_heard_ > renewals_ || rotation_waits(directory_);
}

void Renewer::tick() {
  wait();
  const Now now = system_now();
  watch_expiry(now);
  if (under_way_ || now.mono < not_before_) return;
  if (renewal_due(now)) {
    if (renewals_heard_ > renewals_) {
      spdlog::error("certificate.renewed_elsewhere site={} renewals={} known={}", site_.value,
                    renewals_heard_, renewals_);
    }
    ask<Renewed>([this, trust = *trust_, site = site_,
                  now] { return ask_renewal(broker_, directory_, site, trust, now.wall); },
                 [this](Renewed renewed) { return handlers_.renewed(std::move(renewed)); });
  } else if (trust_heard_ > trust_->newest().version && now.mono >= walk_at_) {
    ask<TrustChain>([this, trust = *trust_, now] { return walk_trust(broker_, trust, now.wall); },
                    [this](TrustChain chain) {
                      trust_ = chain;
                      trust_heard_ = std::max(trust_heard_, chain.newest().version);
                      return handlers_.walked(std::move(chain));
                    });
  }
}

void Renewer::wait() {
  timer_.expires_after(look_interval);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (!error && !alive.expired()) tick();
  });
}

void Renewer::watch_expiry(Now now) {
  const auto left = validity_.not_after - now.wall;
  if (left > (validity_.not_after - validity_.not_before) / 8) return;
  const bool expired = left <= Wall::duration::zero();
  const bool told = warned_ && now.mono - *warned_ < warning_interval;
  if (told && expired == warned_of_end_) return;
  warned_ = now.mono;
  warned_of_end_ = expired;
  if (expired) {
    spdlog::error("certificate.expired site={} expired={}", site_.value,
                  to_rfc3339(validity_.not_after));
  } else {
    spdlog::warn("certificate.expires_soon site={} expires={}", site_.value,
                 to_rfc3339(validity_.not_after));
  }
}

template <class Answer, class Use>
void Renewer::ask(std::function<Result<Answer>()> question, Use use) {
  under_way_ = true;
  if (asking_.joinable()) asking_.join();  // it has posted its answer before
  asking_ = std::thread([this, question = std::move(question), use = std::move(use),
                         alive = std::weak_ptr(alive_)]() mutable {
    auto answer = std::make_shared<Result<Answer>>(question());
    boost::asio::post(io_, [this, answer, use = std::move(use), alive = std::move(alive)] {
      if (alive.expired()) return;
      under_way_ = false;
      const Status used = *answer ? use(std::move(**answer)) : Status(fail(answer->error()));
      if (!used) failed(used.error());
    });
  });
}

void Renewer::failed(const Error& error) {
  const auto pause = renewal_backoff(failures_++, validity_, random_number());
  not_before_ = system_now().mono + pause;
  spdlog::warn("certificate.not_renewed site={} again_in_ms={} error=\"{}\"", site_.value,
               pause.count(), describe(error));
}

}  // namespace tradewind
