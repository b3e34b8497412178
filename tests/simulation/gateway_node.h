// A gateway: the real admission over a simulated store and an engine whose attempts are events.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/admission/admission.h"
#include "tests/simulation/engine.h"
#include "tests/simulation/node.h"

namespace tradewind::simulation {

class GatewayNode final : public Process {
 public:
  using Send = std::function<void(const NodeId&, const ToBroker&)>;
  using Publish = std::function<void(const Record&)>;

  GatewayNode(const Surroundings& around, SiteRecord site, Send send, Publish publish,
              Engine::FateOf fate_of);

  void start() override;
  // When the disk is not kept, what ran is killed in any case.
  void crash(Disk disk) override;
  void receive(const NodeId& broker, const ToGateway& message);
  void set_state(SiteState state);
  const SiteId& site() const { return site_.site; }

 private:
  Work finish_batch() override;
  void on_tick() override;
  Micros next_tick() const override;
  void publish_sheet();
  void tell(const AttemptId& attempt);
  void release(const AdmissionOutput& output);
  const Pool& pool_of(const Assignment& assignment) const;

  SiteRecord site_;
  Send send_;
  Publish publish_;
  // Durable.
  std::map<std::string, Bytes> store_;
  std::uint64_t epoch_ = 1;
  std::uint64_t version_ = 0;
  Engine engine_;
  // Of this life.
  std::unique_ptr<Admission> admission_;
  AdmissionOutput output_;
  Mono::time_point next_sheet_{};
};

}  // namespace tradewind::simulation
