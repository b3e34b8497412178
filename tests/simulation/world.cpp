#include "tests/simulation/world.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "schemas/assert.h"
#include "schemas/codec.h"
#include "tests/simulation/sites.h"
#include "tests/simulation/words.h"

namespace tradewind::simulation {
namespace {

// A trip over the wire, so that the codec is part of the run.
template <class Message, class Decode>
void through_codec(Message& message, Decode decode) {
  auto decoded = decode(encode(message));
  if (!decoded) std::fprintf(stderr, "codec: %s\n", describe(decoded.error()).c_str());
  TRADEWIND_ASSERT(decoded.has_value() && *decoded == message);
  message = std::move(*decoded);
}

// To or from a program of the release before, which says and hears only what it knows. Nothing: it
// does not read it.
template <class Message>
std::optional<Message> between(Release from, Release to, const Message& message) {
  if (from == Release::present && to == Release::present) return message;
  return as_former(message);
}

std::string name_of(const NodeId& broker) {
  return broker.value.substr(broker.value.find('/') + 1);
}

}  // namespace

World::World(const SimulationOptions& options)
    : options_(options),
      checker_(scheduler_, names_),
      network_(scheduler_, options_),
      clients_(scheduler_, options_,
               [this](const Submission& submission, Clients::Answer answer) {
                 return submit(submission, std::move(answer));
               }),
      around_{options_, scheduler_, checker_, names_, triggers_, members_} {
  scheduler_.listen([this](Micros at, std::string_view what) {
    told_.emplace_back(what);
    if (!printing_) return;
    std::printf("%10.3f  %.*s\n", static_cast<double>(at) / kSecond, static_cast<int>(what.size()),
                what.data());
  });
  for (std::uint32_t i = 1; i <= options_.brokers; ++i) {
    brokers_.push_back(
        make_broker("b" + std::to_string(i), std::make_shared<BrokerNode::StoredJournal>()));
  }
  for (std::uint32_t i = 0; i < options_.sites; ++i) gateways_.push_back(make_gateway(i));
  for (const auto& each : brokers_) each->start();
  for (const auto& each : gateways_) each->start();
  publish_members();
}

World::~World() = default;

std::unique_ptr<BrokerNode> World::make_broker(const std::string& name,
                                               std::shared_ptr<BrokerNode::StoredJournal> stored) {
  return std::make_unique<BrokerNode>(
      around_, name, std::move(stored),
      [this, name](const SiteId& site, const ToGateway& message) {
        send_to_site(name, site, message);
      },
      [this, name](const Equivocation& proof) { publish(name, proof); });
}

std::unique_ptr<GatewayNode> World::make_gateway(std::uint32_t index) {
  SiteRecord record = make_site(options_, index);
  const SiteId site = record.site;
  const Pool& pool = record.pools.front();
  members_.admit(site, options_.ceilings ? pool.nodes * units_per_node(pool) : 0, registry_time());
  return std::make_unique<GatewayNode>(
      around_, std::move(record),
      [this, site](const NodeId& broker, const ToBroker& message) {
        send_to_broker(site, broker, message);
      },
      [this, site](const SignedRecord& signed_record) { publish(site.value, signed_record); },
      [this](const AttemptId& attempt) { return fate_of(attempt); });
}

BrokerNode* World::find_broker(std::string_view name) const {
  const auto found = std::find_if(brokers_.begin(), brokers_.end(),
                                  [&](const auto& each) { return each->name() == name; });
  return found == brokers_.end() ? nullptr : found->get();
}

GatewayNode* World::find_gateway(std::string_view name) const {
  const auto found = std::find_if(gateways_.begin(), gateways_.end(),
                                  [&](const auto& each) { return each->name() == name; });
  return found == gateways_.end() ? nullptr : found->get();
}

Process* World::find_node(std::string_view name) const {
  if (BrokerNode* const broker = find_broker(name)) return broker;
  return find_gateway(name);
}

// --- messages ------------------------------------------------------------------------------------

bool World::submit(const Submission& submission, Clients::Answer answer) {
  BrokerNode* const broker = find_broker(submission.broker);
  // With too little space left, a broker refuses what is new.
  if (!broker->up() || broker->disk() == DiskState::full) return false;
  broker->submit(submission, [this, name = broker->name(), job = submission.job,
                              answer = std::move(answer)](const JobId& id) {
    network_.send({name, "client", {"taken", job}, [answer, id] { answer(id); }});
  });
  return true;
}

void World::send_to_site(const std::string& from, const SiteId& site, const ToGateway& message) {
  const Told told = told_of(message, names_);
  scheduler_.trace(Message{from, site.value, told, {}}.line());
  network_.send({from, site.value, told,
                 [this, from, site, told, message, release = find_broker(from)->program()] {
                   GatewayNode& to = *find_gateway(site.value);
                   auto heard = between(release, to.program(), message);
                   if (!heard)
                     return scheduler_.trace("unread " + told.event + " at " + site.value);
                   if (options_.through_codec) through_codec(*heard, decode_to_gateway);
                   arrive(to, from, told, [&] { to.receive(broker_node(from), *heard); });
                 }});
}

void World::send_to_broker(const SiteId& from, const NodeId& broker, const ToBroker& message) {
  const std::string name = name_of(broker);
  const Told told = told_of(message, names_);
  scheduler_.trace(Message{from.value, name, told, {}}.line());
  network_.send({from.value, name, told,
                 [this, from, name, told, message, release = find_gateway(from.value)->program()] {
                   if (!members_.belongs(from)) return;  // the link hears members only
                   BrokerNode& to = *find_broker(name);
                   auto heard = between(release, to.program(), message);
                   if (!heard) return scheduler_.trace("unread " + told.event + " at " + name);
                   if (options_.through_codec) through_codec(*heard, decode_to_broker);
                   arrive(to, from.value, told, [&] { to.from_site(from, *heard); });
                 }});
}

void World::publish(const std::string& from, const SignedRecord& record) {
  const auto header = decode_record_header(record.body);
  const Told told{
      std::string(to_string(header->kind)),
      std::to_string(header->version.epoch) + '.' + std::to_string(header->version.version)};
  for (const auto& each : brokers_) {
    network_.send({from, each->name(), told, [this, name = each->name(), record] {
                     find_broker(name)->market_record(record);
                   }});
  }
}

// To the other brokers.
void World::publish(const std::string& from, const Equivocation& proof) {
  const Told told{"proof", header_of(proof)->subject.value};
  for (const auto& each : brokers_) {
    if (each->name() == from) continue;
    network_.send({from, each->name(), told, [this, name = each->name(), proof] {
                     BrokerNode& to = *find_broker(name);
                     if (to.program() == Release::present) to.market_proof(proof);
                   }});
  }
}

Wall::time_point World::registry_time() const {
  return wall_from_ms(1'767'225'600'000 + scheduler_.now() / kMillisecond);
}

// As gossip would bring them, again and again.
void World::publish_members() {
  for (const SignedRecord& each : members_.records()) publish("registry", each);
  for (const auto& broker : brokers_) {
    for (const Equivocation& each : broker->proofs()) publish(broker->name(), each);
  }
  scheduler_.after(5 * kSecond, [this] { publish_members(); });
}

void World::arrive(Process& at, const std::string& from, const Told& told,
                   const std::function<void()>& handle) {
  scheduler_.trace("at " + at.name() + ' ' + told.event + " from " + from + ' ' + told.about);
  if (!at.up()) return;
  if (const auto disk = triggers_.fire(at.name(), Side::before, told.event)) {
    at.crash(*disk);
    return;
  }
  handle();
  // Dead once it has handled it, unless that takes a write.
  if (const auto disk = triggers_.fire(at.name(), Side::after, told.event)) {
    scheduler_.after(2, [&at, disk] { at.crash(*disk); });
  }
}

// The failures that come by chance, not those that were commanded.
Engine::Fate World::fate_of(const AttemptId& attempt) const {
  Engine::Fate fate{10 * kSecond, EndCode::succeeded};
  const Submission* const submission = clients_.find(names_.of(attempt.job));
  if (submission != nullptr) fate.run = submission->run;
  constexpr EndCode kFailures[] = {EndCode::failed, EndCode::engine_failed,
                                   EndCode::stage_out_failed, EndCode::out_of_memory,
                                   EndCode::preempted};
  Random random = dice(options_.seed, "fate " + names_.of(attempt));
  if (!calm_ && random.chance(options_.attempt_failure_ppm)) {
    fate.code = kFailures[random.below(std::size(kFailures))];
  }
  if (submission != nullptr && submission->fails) fate.code = *submission->fails;
  return fate;
}

// --- time ----------------------------------------------------------------------------------------

bool World::step(Micros end) {
  return !checker_.violation() && scheduler_.step(end);
}

void World::advance(Micros span) {
  const Micros end = scheduler_.now() + span;
  while (step(end)) {
  }
}

bool World::all_ended() const {
  return std::all_of(brokers_.begin(), brokers_.end(), [](const auto& broker) {
    return std::all_of(broker->tables().begin(), broker->tables().end(),
                       [](const auto& each) { return is_final(each.second.state); });
  });
}

void World::finish() {
  calm_ = true;
  scheduler_.trace("calm");
  network_.calm();
  triggers_.clear();
  for (const auto& each : brokers_) {
    upgrade(*each);
    each->clock().settle();
    each->set_disk(DiskState::good);
    each->start();
    each->remove_budgets();
  }
  for (const auto& each : gateways_) {
    if (!members_.belongs(each->site())) members_.join(each->site(), registry_time());
    upgrade(*each);
    each->clock().settle();
    each->set_disk(DiskState::good);
    each->behave(Behaviour::honest);
    each->set_price(ppm_one);
    each->start();
    each->set_state(SiteState::active);
  }
  // What messages the faults held back still arrive; then everything comes to rest.
  advance(600 * kSecond);
  const Micros deadline = scheduler_.now() + options_.calm_phase;
  while (!all_ended() && step(deadline)) {
  }
  advance(60 * kSecond);  // acknowledgements
  if (checker_.violation()) return;
  for (const auto& broker : brokers_) {
    for (const auto& [id, job] : broker->tables()) {
      if (is_final(job.state)) continue;
      const std::string why = broker->waiting_reason(job);
      if (!why.empty()) checker_.not_ended(job, why);
    }
  }
  checker_.calm();
  check_convergence();
}

void World::check_convergence() {
  for (const auto& gateway : gateways_) {
    const auto published = gateway->settled_versions();
    if (!published) continue;
    for (const auto& broker : brokers_) {
      const SiteView* const view = broker->view_of(gateway->site());
      const bool quarantined = broker->quarantines(gateway->site());
      checker_.agreed(broker->name(), view, gateway->site(), quarantined);
      if (!quarantined) checker_.converged(broker->name(), view, gateway->site(), *published);
    }
  }
}

// --- what came of it -----------------------------------------------------------------------------

std::vector<std::string> World::told() {
  return std::exchange(told_, {});
}

void World::print() {
  printing_ = true;
}

RunResult World::result() const {
  RunResult result;
  result.violation = checker_.violation();
  result.hash = scheduler_.hash();
  result.events = scheduler_.steps();
  result.jobs = checker_.acknowledged_count();
  result.runs = checker_.runs_count();
  result.simulated = scheduler_.now();
  return result;
}

RunResult run(const SimulationOptions& options, const std::vector<TimedCommand>& commands,
              bool print) {
  World world(options);
  if (print) world.print();
  for (const TimedCommand& each : commands) {
    world.advance(each.at - world.now());
    if (world.violation()) return world.result();
    const Status applied = world.apply(each.command);
    if (!applied) std::fprintf(stderr, "%s\n", describe(applied.error()).c_str());
    TRADEWIND_ASSERT(applied.has_value());
    (void)world.told();
  }
  world.advance(options.fault_phase - world.now());
  world.finish();
  return world.result();
}

}  // namespace tradewind::simulation
