// A gateway: the real admission over a simulated store and an engine whose attempts are events.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/admission/admission.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/node.h"

namespace tradewind::simulation {

class GatewayNode final : public Process {
 public:
  using Send = std::function<void(const ToBroker&)>;
  using Publish = std::function<void(const Record&)>;

  GatewayNode(Scheduler& scheduler, Random& random, const SimulationOptions& options,
              SiteRecord site, Checker& checker, Send send, Publish publish);

  void start();
  // `wipe`: the disk is lost with it, and what ran is killed in any case.
  void crash(bool wipe);
  void receive(const ToGateway& message);
  void set_state(SiteState state);
  // No attempt fails from now on.
  void calm() { failure_ppm_ = 0; }

  NodeClock& clock() { return clock_; }
  const SiteId& site() const { return site_.site; }

 private:
  // A process of the engine, and what became of it. The engine writes ends down before it tells.
  struct EngineRun {
    std::uint64_t serial = 0;
    bool alive = false;
    AttemptPhase phase = AttemptPhase::staging;
    Micros began = 0;
    std::optional<EndReport> report;
  };

  Work finish_batch() override;
  void on_tick() override;
  Micros next_tick() const override;
  void publish_sheet();
  Record sheet_record() const;
  void engine_start(const AttemptId& attempt, const Assignment& assignment);
  void engine_stop(const AttemptId& attempt, EndCode code);
  void engine_end(const AttemptId& attempt, EndCode code);
  void advance(const AttemptId& attempt, std::uint64_t serial);
  void tell(const AttemptId& attempt);
  void release(AdmissionOutput& output);

  SiteRecord site_;
  Checker& checker_;
  Send send_;
  Publish publish_;
  NodeClock clock_;
  std::uint32_t failure_ppm_;
  NodeId broker_{"broker/one"};
  // Durable.
  std::map<std::string, Bytes> store_;
  std::uint64_t epoch_ = 1;
  std::uint64_t version_ = 0;
  std::map<AttemptId, EngineRun> engine_;
  std::uint64_t serial_ = 0;
  // Of this life.
  std::unique_ptr<Admission> admission_;
  AdmissionOutput output_;
  Mono::time_point next_sheet_{};
  Record sheet_;
};

}  // namespace tradewind::simulation
