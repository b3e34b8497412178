#include "tests/simulation/world.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <variant>

#include "schemas/assert.h"
#include "schemas/codec.h"

namespace tradewind::simulation {
namespace {

std::string what(const ToGateway& message) {
  if (const auto* dispatch = std::get_if<Dispatch>(&message.body)) {
    return "dispatch " + to_string(dispatch->attempt);
  }
  if (const auto* renew = std::get_if<RenewLeases>(&message.body)) {
    return "renew " + std::to_string(renew->attempts.size());
  }
  if (const auto* cancel = std::get_if<CancelAttempt>(&message.body)) {
    return "cancel " + to_string(cancel->attempt);
  }
  if (const auto* ask = std::get_if<AskAttempt>(&message.body)) {
    return "ask " + to_string(ask->attempt);
  }
  if (const auto* acknowledge = std::get_if<AcknowledgeEnd>(&message.body)) {
    return "acknowledge " + to_string(acknowledge->attempt);
  }
  return "read log";
}

std::string what(const ToBroker& message) {
  if (const auto* granted = std::get_if<Granted>(&message.body)) {
    return "granted " + to_string(granted->attempt);
  }
  if (const auto* refused = std::get_if<Refused>(&message.body)) {
    return "refused " + to_string(refused->attempt) + ' ' + std::string(to_string(refused->code));
  }
  if (const auto* status = std::get_if<AttemptStatus>(&message.body)) {
    return "status " + to_string(status->attempt) + ' ' +
           std::to_string(static_cast<int>(status->phase));
  }
  if (const auto* ended = std::get_if<AttemptEnded>(&message.body)) {
    return "ended " + to_string(ended->attempt) + ' ' + std::string(to_string(ended->report.code));
  }
  return "log";
}

// A trip over the wire, so that the codec is part of the run.
template <class Message, class Decode>
Message through_codec(const Message& message, Decode decode) {
  auto decoded = decode(encode(message));
  if (!decoded) std::fprintf(stderr, "codec: %s\n", describe(decoded.error()).c_str());
  TRADEWIND_ASSERT(decoded.has_value() && *decoded == message);
  return std::move(*decoded);
}

}  // namespace

World::World(const SimulationOptions& options)
    : options_(options),
      random_(options.seed),
      checker_(scheduler_),
      network_(scheduler_, random_, options_) {
  broker_ = std::make_unique<BrokerNode>(
      scheduler_, random_, options_, checker_,
      [this](const SiteId& site, const ToGateway& message) { send_to_site(site, message); });
  for (std::uint32_t i = 0; i < options_.sites; ++i) {
    SiteRecord site = make_site(i);
    const SiteId id = site.site;
    gateways_.push_back(std::make_unique<GatewayNode>(
        scheduler_, random_, options_, std::move(site), checker_,
        [this, id](const ToBroker& message) { send_to_broker(id, message); },
        [this, id](const Record& record) {
          network_.send(id, false, false, [this, record] { broker_->market_record(record); });
        }));
  }
}

World::~World() = default;

SiteRecord World::make_site(std::uint32_t index) {
  SiteRecord site;
  site.site.value = "site-" + std::to_string(index);
  site.region.value = "region-" + std::to_string(index % 2);
  site.jurisdiction.value = index % 2 == 0 ? "DE" : "JP";
  site.provider = "provider";
  Pool pool;
  pool.id.value = "cpu";
  pool.nodes = static_cast<std::uint32_t>(random_.between(1, 4));
  pool.unit = Resources{1, 1'024, 10'240, 0};
  const auto units = static_cast<std::uint32_t>(random_.between(2, 8));
  pool.node = Resources{units, units * 1'024ULL, units * 10'240ULL, 0};
  pool.performance_ppm["default"] = ppm_one;
  pool.tariff.cpu_hour.micros = random_.between(10'000, 200'000);
  pool.tariff.gib_hour.micros = random_.between(0, 5'000);
  pool.tariff.node_hour.micros = random_.between(0, 10'000);
  pool.tariff.increment_seconds = static_cast<std::uint32_t>(random_.between(1, 60));
  pool.tariff.minimum_seconds = static_cast<std::uint32_t>(random_.between(0, 60));
  pool.tariff.fixed_fee.micros = random_.between(0, 1'000);
  // So that no job waits for ever for what another tenant leaves idle: any job still fits beside
  // it.
  constexpr std::uint32_t largest_job = 8;
  const std::uint32_t total = pool.nodes * units;
  if (pool.nodes >= 2 && units >= 4 && total > largest_job) {
    site.contracts.push_back({ContractId{"c" + std::to_string(index)}, TenantId{"owner"}, pool.id,
                              static_cast<std::uint32_t>(random_.between(1, total - largest_job)),
                              wall_from_ms(1), wall_from_ms(4'000'000'000'000)});
  }
  site.pools.push_back(std::move(pool));
  return site;
}

JobSpec World::make_job() {
  JobSpec spec;
  spec.resources = Resources{static_cast<std::uint32_t>(random_.between(1, 4)), 1'024, 0, 0};
  spec.nodes = random_.below(8) == 0 ? 2 : 1;
  Variant variant;
  variant.name = "only";
  variant.architectures = {Architecture::amd64};
  variant.duration_seconds = static_cast<std::uint64_t>(random_.between(1, 120));
  Executor executor;
  executor.command = {"true"};
  variant.executors = {executor};
  spec.variants = {variant};
  spec.restartable = random_.below(5) != 0;
  spec.attempts_max = static_cast<std::uint32_t>(random_.between(1, 4));
  spec.on_disconnect = random_.below(6) == 0 ? OnDisconnect::resume : OnDisconnect::stop;
  spec.priority = static_cast<std::int32_t>(random_.between(-2, 2));
  if (random_.below(10) == 0) spec.queue_seconds_max = random_.below(120) + 1;
  if (random_.below(5) == 0) spec.array_count = static_cast<std::uint32_t>(random_.between(2, 12));
  return spec;
}

// --- messages ------------------------------------------------------------------------------------

void World::send_to_site(const SiteId& site, const ToGateway& message) {
  const bool dispatch = std::holds_alternative<Dispatch>(message.body);
  network_.send(site, true, dispatch, [this, site, message] {
    const auto gateway = std::find_if(gateways_.begin(), gateways_.end(),
                                      [&](const auto& each) { return each->site() == site; });
    scheduler_.trace("at " + site.value + ": " + what(message));
    (*gateway)->receive(options_.through_codec ? through_codec(message, decode_to_gateway)
                                               : message);
  });
}

void World::send_to_broker(const SiteId& site, const ToBroker& message) {
  network_.send(site, false, false, [this, site, message] {
    scheduler_.trace("from " + site.value + ": " + what(message));
    broker_->from_site(site,
                       options_.through_codec ? through_codec(message, decode_to_broker) : message);
  });
}

// --- what happens --------------------------------------------------------------------------------

void World::repeat(Micros every, std::function<void()> fault) {
  if (every == 0) return;
  scheduler_.after(random_.between(1, 2 * every), [this, every, fault = std::move(fault)] {
    if (!faults_) return;
    fault();
    repeat(every, fault);
  });
}

void World::crash_gateway(GatewayNode& gateway) {
  if (!gateway.up()) return;
  gateway.crash(random_.chance(options_.wipe_ppm));
  // Mostly back soon, sometimes long after every lease.
  const Micros down = random_.below(3) == 0 ? random_.between(0, 200) * kSecond
                                            : random_.between(0, 5'000) * kMillisecond;
  scheduler_.after(down, [&gateway] {
    if (!gateway.up()) gateway.start();
  });
}

void World::schedule_faults() {
  repeat(options_.partition_every, [this] {
    GatewayNode& gateway = any_gateway();
    const SiteId site = gateway.site();
    const std::uint64_t kind = random_.below(3);  // one way, the other, both
    if (kind != 0) network_.cut(site, true);
    if (kind != 1) network_.cut(site, false);
    scheduler_.trace("cut " + site.value);
    scheduler_.after(random_.between(1, 180) * kSecond, [this, site] { network_.heal(site); });
  });
  repeat(options_.broker_crash_every, [this] {
    if (!broker_->up()) return;
    broker_->crash();
    scheduler_.after(random_.between(0, 30) * kSecond, [this] {
      if (!broker_->up()) broker_->start();
    });
  });
  repeat(options_.gateway_crash_every, [this] { crash_gateway(any_gateway()); });
  repeat(options_.broker_pause_every,
         [this] { broker_->pause(random_.between(1, 150) * kSecond); });
  repeat(options_.wall_jump_every, [this] {
    const Micros by = random_.between(-3'600, 3'600) * kSecond;
    if (random_.below(2) == 0) {
      broker_->clock().jump(by);
    } else {
      any_gateway().clock().jump(by);
    }
  });
  repeat(options_.site_state_every,
         [this] { any_gateway().set_state(static_cast<SiteState>(random_.below(3))); });
}

void World::schedule_submissions() {
  for (std::uint32_t i = 0; i < options_.submissions; ++i) {
    scheduler_.at(random_.between(0, options_.fault_phase),
                  [this, spec = make_job()] { broker_->submit(spec); });
    if (random_.below(5) == 0) {
      scheduler_.at(random_.between(0, options_.fault_phase), [this] { broker_->cancel_some(); });
    }
  }
}

void World::calm() {
  faults_ = false;
  scheduler_.trace("calm");
  network_.calm();
  broker_->clock().settle();
  if (!broker_->up()) broker_->start();
  for (const auto& each : gateways_) {
    each->clock().settle();
    each->calm();
    if (!each->up()) each->start();
    each->set_state(SiteState::active);
  }
}

bool World::all_ended() const {
  return std::all_of(broker_->tables().begin(), broker_->tables().end(),
                     [](const auto& each) { return is_final(each.second.state); });
}

bool World::step(Micros end) {
  return !checker_.violation() && scheduler_.step(end);
}

RunResult World::run(bool trace) {
  if (trace) {
    scheduler_.listen([](Micros at, std::string_view what) {
      std::printf("%10.3f  %.*s\n", static_cast<double>(at) / kSecond,
                  static_cast<int>(what.size()), what.data());
    });
  }
  broker_->start();
  for (const auto& each : gateways_) each->start();
  schedule_submissions();
  schedule_faults();
  while (step(options_.fault_phase)) {
  }
  calm();
  // What messages the faults held back still arrive; then everything comes to rest.
  const Micros settled = scheduler_.now() + 600 * kSecond;
  while (step(settled)) {
  }
  const Micros deadline = scheduler_.now() + options_.calm_phase;
  while (!all_ended() && step(deadline)) {
  }
  const Micros last = scheduler_.now() + 60 * kSecond;  // acknowledgements
  while (step(last)) {
  }
  if (!checker_.violation()) checker_.calm(broker_->tables());
  RunResult result;
  result.violation = checker_.violation();
  if (result.violation && !broker_->waiting_reason().empty()) {
    *result.violation += " (" + broker_->waiting_reason() + ")";
  }
  result.hash = scheduler_.hash();
  result.events = scheduler_.steps();
  result.jobs = checker_.acknowledged_count();
  result.runs = checker_.runs_count();
  return result;
}

}  // namespace tradewind::simulation
