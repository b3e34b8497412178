// The broker's side of the federation's network: one thread with the links and the gossip. What it
// learns goes to the core; what the core sends leaves through it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "schemas/dispatch.h"
#include "schemas/record.h"
#include "schemas/result.h"
#include "state/gossip/gossip.h"
#include "state/identity/keys.h"

namespace tradewind {

struct FederationOptions {
  NodeId self;
  std::string bind;                  // "tcp://127.0.0.1:0"
  std::vector<Bytes> registry_keys;  // sign member records
  CurveKeys curve_keys;
  // What waits longer for its connection is dropped, so that no message arrives later than this and
  // the links' heartbeats allow.
  std::chrono::milliseconds message_age_max{10'000};
  std::uint64_t seed = 1;
};

class Federation {
 public:
  struct Handlers {  // called on the federation's thread
    // Verified and new; and as it was signed.
    std::function<void(Record, SignedRecord)> record;
    // Proved to have signed two stories; after the records that came before.
    std::function<void(const SiteId&, Equivocation)> quarantined;
    std::function<void(const SiteId&, ToBroker)> message;
  };
  static Result<std::unique_ptr<Federation>> start(FederationOptions options, Handlers handlers);
  virtual ~Federation() = default;
  Federation() = default;
  Federation(const Federation&) = delete;
  Federation& operator=(const Federation&) = delete;

  // Any thread; all of them post and return at once.
  virtual void send(const SiteId& site, const ToGateway& message) = 0;
  virtual void publish(std::vector<SignedRecord> records) = 0;
  virtual void publish(std::vector<Equivocation> proofs) = 0;
  // A record that came inside a refusal: taken as if it had come by gossip.
  virtual void offer(SignedRecord record) = 0;

  // These sign member records from now on.
  virtual void set_registry_keys(std::vector<Bytes> keys) = 0;

  virtual std::string endpoint() const = 0;  // as bound
  virtual std::vector<std::pair<std::string, std::uint64_t>> drops() const = 0;
  virtual std::string metrics() const = 0;  // Prometheus text
  virtual void stop() = 0;                  // idempotent; not from its own thread
};

}  // namespace tradewind
