// The keys of an OpenID Connect issuer: fetched on a thread of its own, so that nobody waits for
// the network who does not want to, and kept while the issuer is away.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "broker/api/jwks.h"
#include "broker/api/oidc_settings.h"
#include "broker/api/rate_limit.h"
#include "schemas/result.h"

namespace tradewind {

// Any thread.
class IssuerKeys {
 public:
  // Begins to fetch. With a jwks_file fails when that is wrong.
  static Result<std::unique_ptr<IssuerKeys>> start(const OidcSettings& settings);
  // Gives up a fetch under way, within about a second.
  ~IssuerKeys();
  IssuerKeys(const IssuerKeys&) = delete;
  IssuerKeys& operator=(const IssuerKeys&) = delete;

  // The newest that were fetched; null: none yet. The same pointer as long as they are the same.
  std::shared_ptr<const KeySet> current() const;

  // Fetches now rather than at the next time, and calls `then` afterwards, on the fetching thread,
  // whether or not that worked. False, and never called, when there have been too many such
  // wishes: three at once, one in ten seconds after that. Dropped uncalled when this is destroyed.
  bool fetch_now(std::function<void()> then);

  // Prometheus text.
  std::string metrics() const;

 private:
  explicit IssuerKeys(const OidcSettings& settings);
  void run();
  // Where the keys are, by the discovery document unless it is configured.
  Result<std::string> keys_url() const;
  Result<std::string> fetch() const;
  void take(const Result<std::string>& text);

  const OidcSettings settings_;
  RateLimit wishes_{3, 0.1};
  std::atomic<bool> over_ = false;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool wished_ = false;
  bool under_way_ = false;
  std::vector<std::function<void()>> then_;
  std::shared_ptr<const KeySet> keys_;
  std::string text_;  // that they came from
  std::string complaint_;
  unsigned failures_in_a_row_ = 0;
  std::uint64_t fetches_ = 0;
  std::uint64_t failures_ = 0;
  std::thread thread_;
};

}  // namespace tradewind
