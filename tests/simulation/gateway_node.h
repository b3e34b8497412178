// A gateway: the real admission over a simulated store and an engine whose attempts are events.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/admission/admission.h"
#include "tests/simulation/engine.h"
#include "tests/simulation/node.h"
#include "tests/simulation/site_publisher.h"

namespace tradewind::simulation {

class GatewayNode final : public Process {
 public:
  using Send = std::function<void(const NodeId&, const ToBroker&)>;
  using Publish = std::function<void(const SignedRecord&)>;

  GatewayNode(const Surroundings& around, SiteRecord site, Send send, Publish publish,
              Engine::FateOf fate_of);

  void start() override;
  // When the disk is not kept, what ran is killed in any case.
  void crash(Disk disk) override;
  void receive(const NodeId& broker, const ToGateway& message);
  void set_state(SiteState state);
  void behave(Behaviour behaviour);
  void set_price(std::int64_t ppm) { price_ppm_ = ppm; }
  // The disk as it is now is what a `restored` one will be.
  void save() { saved_ = disk_; }
  // The versions of the newest records that are older than a second; nothing when it is down.
  std::optional<std::pair<RecordVersion, RecordVersion>> settled_versions() const;
  const SiteId& site() const { return site_.site; }

 private:
  Bytes stored(const StoreWrite& write) const;
  Work finish_batch() override;
  void on_tick() override;
  Micros next_tick() const override;
  void publish_sheet();
  bool refuses(const NodeId& broker, const ToGateway& message);
  void run(const AdmissionOutput::Start& start);
  void run_unstarted();
  void reply(const AdmissionOutput::Reply& reply);
  void check_deposed(const NodeId& broker, Term term, const AdmissionOutput& output);
  void tell(const AttemptId& attempt);
  void release(const AdmissionOutput& output);
  const Pool& pool_of(const Assignment& assignment) const;

  SiteRecord site_;
  Send send_;
  Publish publish_;
  struct StoredDisk {
    std::map<std::string, Bytes> admission;
    std::uint64_t epoch = 0;  // 0: a new one
  };
  // Durable.
  StoredDisk disk_;
  StoredDisk saved_;
  Engine engine_;
  // What it is told to be, over all lives.
  Behaviour behaviour_ = Behaviour::honest;
  std::int64_t price_ppm_ = ppm_one;
  // Outside of the system: the greatest term of each broker that the disk must know.
  std::map<NodeId, Term> terms_;
  // Of this life.
  std::map<NodeId, Term> heard_;
  std::unique_ptr<Admission> admission_;
  std::optional<SitePublisher> publisher_;
  AdmissionOutput output_;
  Mono::time_point next_sheet_{};
  std::set<AttemptId> refused_;                    // by a liar
  std::vector<AdmissionOutput::Start> unstarted_;  // granted, and never run
  std::deque<std::pair<Micros, std::pair<RecordVersion, RecordVersion>>> published_;
};

}  // namespace tradewind::simulation
