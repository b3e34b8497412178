// When a running gateway renews its certificate, and how often it tries: from half of the
// certificate's life on, at a time of its own, so that sites that joined together do not renew
// together; at once when keys wait to take over, or when somebody else has renewed under this
// site's name. Trust records that a broker tells of are fetched in between. The asking is done on a
// thread of its own; everything else is on the io thread.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "gateway/broker_request.h"
#include "gateway/membership.h"
#include "gateway/renewal.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/certificates.h"

namespace tradewind {

class Renewer {
 public:
  struct Handlers {
    // A renewal's answer: checks, stores and uses it. What it fails with is told in the log, and
    // the renewal tried again.
    std::function<Status(Renewed)> renewed;
    // The chain with later records.
    std::function<Status(TrustChain)> walked;
  };

  // Nothing is asked before settle().
  Renewer(boost::asio::io_context& io, BrokerConnection broker, std::filesystem::path directory,
          Handlers handlers);
  // Ends what is under way.
  ~Renewer();
  Renewer(const Renewer&) = delete;
  Renewer& operator=(const Renewer&) = delete;

  // This is what the gateway goes by now.
  void settle(const Membership& membership);
  // A broker has this trust record.
  void heard_of_trust(std::uint64_t version);
  // The newest member record of this site counts so many renewals.
  void heard_of_renewals(std::uint64_t renewals);

 private:
  void tick();
  void wait();
  void watch_expiry(Now now);
  bool renewal_due(Now now) const;
  template <class Answer, class Use>
  void ask(std::function<Result<Answer>()> question, Use use);
  void failed(const Error& error);

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  BrokerConnection broker_;
  std::filesystem::path directory_;
  Handlers handlers_;
  std::atomic<bool> canceled_ = false;
  std::thread asking_;
  bool under_way_ = false;

  SiteId site_;
  std::optional<TrustChain> trust_;
  std::uint64_t renewals_ = 0;
  std::uint64_t renewals_heard_ = 0;
  std::uint64_t trust_heard_ = 0;
  Validity validity_;
  Wall::time_point renew_at_{};
  Mono::time_point walk_at_{};
  Mono::time_point not_before_{};  // after failures
  unsigned failures_ = 0;
  std::optional<Mono::time_point> warned_;
  bool warned_of_end_ = false;  // that the certificate has expired, not that it will
  // What waits on `io` may be run after this object is gone; it looks here first.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

// A time between half and three quarters of the certificate's life; `draw` is random.
Wall::time_point renewal_time(const Validity& validity, std::uint64_t draw);
// How long to wait after so many failures in a row: doubling from a second up to five minutes and a
// quarter of the certificate's life, half of it drawn.
std::chrono::milliseconds renewal_backoff(unsigned failures, const Validity& validity,
                                          std::uint64_t draw);

}  // namespace tradewind
