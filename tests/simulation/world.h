// One federation in one thread: brokers, gateways, clients, a network, and what is done to them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/broker_node.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/command.h"
#include "tests/simulation/gateway_node.h"
#include "tests/simulation/membership.h"
#include "tests/simulation/names.h"
#include "tests/simulation/network.h"
#include "tests/simulation/options.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/scheduler.h"
#include "tests/simulation/stage.h"
#include "tests/simulation/triggers.h"

namespace tradewind::simulation {

struct RunResult {
  std::optional<std::string> violation;
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  std::uint64_t jobs = 0;
  std::uint64_t runs = 0;
  Micros simulated = 0;
};

class World final : public Stage {
 public:
  // All nodes are started.
  explicit World(const SimulationOptions& options);
  ~World() override;

  Status apply(std::string_view command) override;
  void advance(Micros span) override;
  void finish() override;
  std::vector<std::string> told() override;
  std::optional<std::string> violation() const override { return checker_.violation(); }

  Micros now() const { return scheduler_.now(); }
  RunResult result() const;
  // Prints what happens, as it does.
  void print();

 private:
  // commands.cpp
  using Handler = Status (World::*)(Command&);
  static const std::map<std::string_view, Handler>& handlers();
  Status do_cancel(Command& command);
  Status do_budget(Command& command);
  Status do_kill(Command& command);
  Status do_start(Command& command);
  Status do_pause(Command& command);
  Status do_cut(Command& command);
  Status do_heal(Command& command);
  Status do_lose(Command& command);
  Status do_hold(Command& command);
  Status do_repeat(Command& command);
  Status do_replay(Command& command);
  Status do_state(Command& command);
  Status do_jump(Command& command);
  Status do_replace(Command& command);
  Status do_save(Command& command);
  Status do_disk(Command& command);
  Status do_behave(Command& command);
  Status do_leave(Command& command);
  Status do_join(Command& command);
  Status do_price(Command& command);
  Status do_upgrade(Command& command);
  Status do_downgrade(Command& command);
  void upgrade(Process& node);
  // The node that the next word names; null: there is none, and the error says so.
  Result<Process*> node_of(Command& command);
  Result<GatewayNode*> gateway_of(Command& command);
  Status once(Command& command, Network::Once::What what);

  BrokerNode* find_broker(std::string_view name) const;
  GatewayNode* find_gateway(std::string_view name) const;
  Process* find_node(std::string_view name) const;
  std::unique_ptr<BrokerNode> make_broker(const std::string& name,
                                          std::shared_ptr<BrokerNode::StoredJournal> stored);
  std::unique_ptr<GatewayNode> make_gateway(std::uint32_t index);
  Wall::time_point registry_time() const;
  void publish(const std::string& from, const Equivocation& proof);
  void publish_members();
  bool submit(const Submission& submission, Clients::Answer answer);
  void send_to_site(const std::string& from, const SiteId& site, const ToGateway& message);
  void send_to_broker(const SiteId& from, const NodeId& broker, const ToBroker& message);
  void publish(const std::string& from, const SignedRecord& record);
  void check_convergence();
  void arrive(Process& at, const std::string& from, const Told& told,
              const std::function<void()>& handle);
  Engine::Fate fate_of(const AttemptId& attempt) const;
  bool all_ended() const;
  bool step(Micros end);

  const SimulationOptions options_;
  Scheduler scheduler_;
  Names names_;
  Checker checker_;
  Triggers triggers_;
  Membership members_;
  Network network_;
  Clients clients_;
  const Surroundings around_;
  std::vector<std::unique_ptr<BrokerNode>> brokers_;
  std::vector<std::unique_ptr<BrokerNode>> replaced_;  // they may live on
  std::vector<std::unique_ptr<GatewayNode>> gateways_;
  std::vector<std::string> told_;
  bool printing_ = false;
  bool calm_ = false;
};

// The world of these options with these commands given at their times, to its end.
RunResult run(const SimulationOptions& options, const std::vector<TimedCommand>& commands,
              bool print);

}  // namespace tradewind::simulation
