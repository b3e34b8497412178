// The commands of stage.h, each a member of World.
#include <algorithm>
#include <utility>

#include "schemas/limits.h"
#include "tests/simulation/span.h"
#include "tests/simulation/world.h"

namespace tradewind::simulation {
namespace {

std::string expected_node(std::string_view what) {
  return "name a " + std::string(what) + " of this federation";
}

}  // namespace

const std::map<std::string_view, World::Handler>& World::handlers() {
  static const std::map<std::string_view, Handler> all = {
      {"cancel", &World::do_cancel},       {"kill", &World::do_kill},
      {"start", &World::do_start},         {"replace", &World::do_replace},
      {"pause", &World::do_pause},         {"cut", &World::do_cut},
      {"heal", &World::do_heal},           {"lose", &World::do_lose},
      {"hold", &World::do_hold},           {"repeat", &World::do_repeat},
      {"replay", &World::do_replay},       {"state", &World::do_state},
      {"jump", &World::do_jump},           {"save", &World::do_save},
      {"disk", &World::do_disk},           {"behave", &World::do_behave},
      {"leave", &World::do_leave},         {"join", &World::do_join},
      {"price", &World::do_price},         {"upgrade", &World::do_upgrade},
      {"downgrade", &World::do_downgrade}, {"budget", &World::do_budget},
  };
  return all;
}

Status World::apply(std::string_view text) {
  Command command(text);
  const std::string verb = command.word();
  scheduler_.trace("> " + std::string(text));
  if (verb == "submit") return clients_.submit(command);
  const auto handler = handlers().find(verb);
  if (handler == handlers().end()) return not_understood(verb);
  return (this->*handler->second)(command);
}

Result<Process*> World::node_of(Command& command) {
  const std::string name = command.word();
  Process* const node = find_node(name);
  if (node == nullptr) return not_understood(name, expected_node("node"));
  return node;
}

Result<GatewayNode*> World::gateway_of(Command& command) {
  const std::string name = command.word();
  GatewayNode* const gateway = find_gateway(name);
  if (gateway == nullptr) return not_understood(name, expected_node("site"));
  return gateway;
}

Status World::do_cancel(Command& command) {
  const std::string name = command.word();
  if (clients_.find(name) == nullptr) return not_understood(name, "name a job that was submitted");
  if (const Status unused = command.unused(); !unused) return unused;
  const auto job = clients_.id_of(name);
  if (!job) return ok();  // nobody was told its id
  find_broker(clients_.find(name)->broker)->cancel(*job);
  return ok();
}

Status World::do_budget(Command& command) {
  const TenantId tenant{command.word()};
  const std::string name = command.text("broker");
  BrokerNode* const broker = find_broker(name.empty() ? "b1" : name);
  if (broker == nullptr) return not_understood(name, expected_node("broker"));
  const std::string period = command.text("period");
  if (!period.empty() && period != "none") return not_understood(period, "say none");
  std::optional<Budget> budget;
  if (!command.has("removed")) {
    budget.emplace().limit.micros = command.number("limit", -1, INT64_MAX);
    budget->period = period.empty() ? BudgetPeriod::month : BudgetPeriod::none;
    if (budget->limit.micros < 0) return not_understood("budget", "give its limit");
  }
  if (const Status unused = command.unused(); !unused) return unused;
  if (broker->program() == Release::present) broker->set_budget(tenant, budget);
  return ok();
}

Status World::do_kill(Command& command) {
  const auto node = node_of(command);
  if (!node) return fail(node.error());
  Disk disk = command.has("wipe") ? Disk::wiped : Disk::kept;
  if (command.has("restore")) disk = Disk::restored;
  const std::string before = command.text("before");
  const std::string after = command.text("after");
  if (const Status unused = command.unused(); !unused) return unused;
  if (!before.empty() && !after.empty()) return not_understood("after=" + after, "one of the two");
  if (disk != Disk::kept && find_gateway((*node)->name()) == nullptr) {
    return not_understood((*node)->name(), "only sites lose their disks");
  }
  if (before.empty() && after.empty()) {
    (*node)->crash(disk);
  } else {
    triggers_.arm({(*node)->name(), before.empty() ? Side::after : Side::before,
                   before.empty() ? after : before, disk});
  }
  return ok();
}

Status World::do_start(Command& command) {
  const auto node = node_of(command);
  if (!node) return fail(node.error());
  if (const Status unused = command.unused(); !unused) return unused;
  (*node)->start();
  return ok();
}

Status World::do_pause(Command& command) {
  const auto node = node_of(command);
  if (!node) return fail(node.error());
  const Micros span = command.span("for", 0);
  if (const Status unused = command.unused(); !unused) return unused;
  (*node)->pause(span);
  return ok();
}

Status World::do_cut(Command& command) {
  const bool one_way = command.has("one-way");
  const auto from = node_of(command);
  if (!from) return fail(from.error());
  const std::string other = command.word();
  if (!other.empty() && find_node(other) == nullptr) {
    return not_understood(other, expected_node("node"));
  }
  if (const Status unused = command.unused(); !unused) return unused;
  network_.cut((*from)->name(), other);
  if (!one_way) network_.cut(other, (*from)->name());
  return ok();
}

Status World::do_heal(Command& command) {
  const auto one = node_of(command);
  if (!one) return fail(one.error());
  const std::string other = command.word();
  if (const Status unused = command.unused(); !unused) return unused;
  network_.heal((*one)->name(), other);
  return ok();
}

Status World::once(Command& command, Network::Once::What what) {
  Network::Once once;
  once.what = what;
  once.event = command.word();
  once.from = command.text("from");
  if (what == Network::Once::What::hold) once.span = command.span("for", 0);
  if (once.event.empty()) return not_understood("", "name an event");
  if (const Status unused = command.unused(); !unused) return unused;
  network_.once(std::move(once));
  return ok();
}
Status World::do_lose(Command& command) {
  return once(command, Network::Once::What::lose);
}
Status World::do_hold(Command& command) {
  return once(command, Network::Once::What::hold);
}
Status World::do_repeat(Command& command) {
  return once(command, Network::Once::What::repeat);
}

Status World::do_replay(Command& command) {
  const auto node = node_of(command);
  if (!node) return fail(node.error());
  if (const Status unused = command.unused(); !unused) return unused;
  network_.replay((*node)->name());
  return ok();
}

Status World::do_state(Command& command) {
  const auto gateway = gateway_of(command);
  if (!gateway) return fail(gateway.error());
  const std::string word = command.word();
  if (const Status unused = command.unused(); !unused) return unused;
  for (const SiteState each : {SiteState::active, SiteState::draining, SiteState::maintenance}) {
    if (to_string(each) != word) continue;
    (*gateway)->set_state(each);
    return ok();
  }
  return not_understood(word, "say active, draining or maintenance");
}

Status World::do_jump(Command& command) {
  const auto node = node_of(command);
  if (!node) return fail(node.error());
  const Micros by = command.span("by", 0);
  if (const Status unused = command.unused(); !unused) return unused;
  (*node)->clock().jump(by);
  return ok();
}

Status World::do_replace(Command& command) {
  const std::string name = command.word();
  const auto found = std::find_if(brokers_.begin(), brokers_.end(),
                                  [&](const auto& each) { return each->name() == name; });
  if (found == brokers_.end()) return not_understood(name, expected_node("broker"));
  if (const Status unused = command.unused(); !unused) return unused;
  replaced_.push_back(std::move(*found));
  *found = make_broker(name, replaced_.back()->stored());
  (*found)->set_disk(replaced_.back()->disk());
  (*found)->set_program(replaced_.back()->program());
  (*found)->start();
  return ok();
}

Status World::do_save(Command& command) {
  const auto gateway = gateway_of(command);
  if (!gateway) return fail(gateway.error());
  if (const Status unused = command.unused(); !unused) return unused;
  (*gateway)->save();
  return ok();
}

Status World::do_disk(Command& command) {
  const auto node = node_of(command);
  if (!node) return fail(node.error());
  const std::string word = command.word();
  if (const Status unused = command.unused(); !unused) return unused;
  constexpr std::pair<std::string_view, DiskState> kStates[] = {
      {"good", DiskState::good}, {"full", DiskState::full}, {"broken", DiskState::broken}};
  for (const auto& [name, state] : kStates) {
    if (name != word) continue;
    (*node)->set_disk(state);
    return ok();
  }
  return not_understood(word, "say full, broken or good");
}

Status World::do_behave(Command& command) {
  const auto gateway = gateway_of(command);
  if (!gateway) return fail(gateway.error());
  const std::string word = command.word();
  if (const Status unused = command.unused(); !unused) return unused;
  const auto behaviour = read_behaviour(word);
  if (!behaviour) return not_understood(word);
  (*gateway)->behave(*behaviour);
  return ok();
}

Status World::do_leave(Command& command) {
  const auto gateway = gateway_of(command);
  if (!gateway) return fail(gateway.error());
  if (const Status unused = command.unused(); !unused) return unused;
  if (!members_.belongs((*gateway)->site())) return ok();
  members_.leave((*gateway)->site(), registry_time());
  (*gateway)->crash(Disk::kept);
  return ok();
}

Status World::do_join(Command& command) {
  const auto gateway = gateway_of(command);
  if (!gateway) return fail(gateway.error());
  if (const Status unused = command.unused(); !unused) return unused;
  if (members_.belongs((*gateway)->site())) return ok();
  members_.join((*gateway)->site(), registry_time());
  (*gateway)->start();
  return ok();
}

Status World::do_upgrade(Command& command) {
  const auto node = node_of(command);
  if (!node) return fail(node.error());
  if (const Status unused = command.unused(); !unused) return unused;
  upgrade(**node);
  return ok();
}

void World::upgrade(Process& node) {
  if (node.program() == Release::present) return;
  node.crash(Disk::kept);
  node.set_program(Release::present);
  node.start();
}

Status World::do_downgrade(Command& command) {
  const auto gateway = gateway_of(command);
  if (!gateway) return fail(gateway.error());
  if (const Status unused = command.unused(); !unused) return unused;
  if ((*gateway)->program() == Release::former) return ok();
  (*gateway)->crash(Disk::wiped);
  (*gateway)->set_program(Release::former);
  (*gateway)->start();
  return ok();
}

Status World::do_price(Command& command) {
  const auto gateway = gateway_of(command);
  if (!gateway) return fail(gateway.error());
  const std::string word = command.word();
  if (const Status unused = command.unused(); !unused) return unused;
  const auto ppm = read_number(word);
  if (!ppm || *ppm < 1 || *ppm > limits::price_ppm_max / 10) {
    return not_understood(word, "give a factor in millionths");
  }
  (*gateway)->set_price(*ppm);
  return ok();
}

}  // namespace tradewind::simulation
