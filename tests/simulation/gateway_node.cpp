#include "tests/simulation/gateway_node.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "schemas/assert.h"
#include "schemas/limits.h"

namespace tradewind::simulation {

GatewayNode::GatewayNode(Scheduler& scheduler, Random& random, const SimulationOptions& options,
                         SiteRecord site, Checker& checker, Send send, Publish publish)
    : Process(scheduler, random, options),
      site_(std::move(site)),
      checker_(checker),
      send_(std::move(send)),
      publish_(std::move(publish)),
      clock_(scheduler, random, options),
      failure_ppm_(options.attempt_failure_ppm) {}

// --- life ----------------------------------------------------------------------------------------

void GatewayNode::start() {
  AdmissionOptions options;
  if (options_.broken == Break::stale_dispatch) {
    options.dispatch_grace = std::chrono::hours(10);
    options.fence_seconds = 0;
  }
  SiteRecord admitted = site_;
  if (options_.broken == Break::contracts) admitted.contracts.clear();
  admission_ = std::make_unique<Admission>(std::move(admitted), options);
  output_ = {};
  std::vector<StoreWrite> stored;
  for (const auto& [key, value] : store_) stored.push_back({key, value});
  const Status status = admission_->recover(stored, clock_.now());
  TRADEWIND_ASSERT(status.has_value());
  come_up();
  scheduler_.trace("gateway starts " + site_.site.value);
  input([this] {
    std::vector<AttemptId> adopted;
    for (const AttemptId& each : admission_->running()) {
      const auto run = engine_.find(each);
      if (run != engine_.end() && (run->second.alive || run->second.report)) {
        adopted.push_back(each);
      }
    }
    output_.append(admission_->adopted(adopted, clock_.now()));
    for (const AttemptId& each : adopted) tell(each);
    publish_sheet();
  });
}

void GatewayNode::crash(bool wipe) {
  scheduler_.trace("gateway crashes " + site_.site.value + (wipe ? " wiped" : ""));
  if (!up()) return;
  const bool survive = options_.engines_survive && !wipe;
  for (auto& [id, run] : engine_) {
    if (!run.alive) continue;
    if (!survive) {
      run.alive = false;
      ++run.serial;
      checker_.run_ended(site_.site, id);
      continue;
    }
    // An engine that runs on without its gateway has been told the lease, and ends with it.
    const auto held = admission_->find(id);
    if (held && held->lease_ends) {
      scheduler_.at(clock_.true_time(*held->lease_ends), [this, id, serial = run.serial] {
        if (!up() && engine_.count(id) != 0 && engine_.at(id).serial == serial) {
          engine_end(id, EndCode::lease_expired);
        }
      });
    } else if (!held) {
      engine_end(id, EndCode::interrupted);
    }
  }
  go_down();
  admission_.reset();
  if (wipe) {
    store_.clear();
    engine_.clear();
    ++epoch_;
    version_ = 0;
  }
}

// --- inputs --------------------------------------------------------------------------------------

void GatewayNode::receive(const ToGateway& message) {
  input([this, message] {
    if (options_.broken == Break::idempotency) {
      if (const auto* dispatch = std::get_if<Dispatch>(&message.body);
          dispatch != nullptr && admission_->find(dispatch->attempt)) {
        output_.starts.push_back({dispatch->attempt, dispatch->assignment});
      }
    }
    const SignedRecord quote{std::to_string(version_), Bytes(64, 's')};
    output_.append(admission_->from_broker(broker_, message, quote, clock_.now()));
  });
}

void GatewayNode::set_state(SiteState state) {
  input([this, state] { output_.append(admission_->set_state(state, clock_.now())); });
}

void GatewayNode::on_tick() {
  if (admission_->next_tick() <= clock_.now().mono) {
    output_.append(admission_->tick(clock_.now()));
  }
  if (next_sheet_ <= clock_.now().mono) publish_sheet();
}

Micros GatewayNode::next_tick() const {
  return clock_.true_time(std::min(admission_->next_tick(), next_sheet_));
}

void GatewayNode::publish_sheet() {
  const Now now = clock_.now();
  next_sheet_ = now.mono + limits::publish_interval_max;
  ++version_;
  QuoteSheet sheet;
  sheet.site = site_.site;
  for (const PoolCapacity& each : admission_->capacity(now)) {
    std::uint32_t free = each.units_free;
    for (const ContractQuote& idle : each.contracts) {
      free += idle.units_idle;
      sheet.contracts.push_back(idle);
    }
    const std::int64_t used = std::int64_t{each.units} - free;
    const std::int64_t price =
        ppm_one + 2 * ppm_one * used * used /
                      std::max<std::int64_t>(1, std::int64_t{each.units} * each.units);
    sheet.pools.push_back({each.pool, each.units_free, each.units_free_node, each.nodes_free,
                           each.wait_seconds, price});
    checker_.booked(site_.site, free, each.units);
  }
  RecordHeader header;
  header.subject = site_node(site_.site);
  header.version = {epoch_, version_};
  header.issued = now.wall;
  header.valid_until = now.wall + limits::quote_validity;
  admission_->published(header.version, sheet, header.valid_until, now);
  SiteRecord slow = site_;
  slow.state = admission_->state();
  RecordHeader slow_header = header;
  slow_header.kind = RecordKind::site;
  slow_header.valid_until = now.wall + std::chrono::hours(1);
  publish_(Record{slow_header, slow});
  header.kind = RecordKind::quote;
  publish_(Record{header, sheet});
}

// --- output --------------------------------------------------------------------------------------

Process::Work GatewayNode::finish_batch() {
  auto output = std::make_shared<AdmissionOutput>(std::exchange(output_, {}));
  if (output->capacity_changed) {
    next_sheet_ = std::min(next_sheet_, clock_.now().mono + limits::publish_interval_min);
  }
  Work work;
  if (!output->writes.empty()) {
    work.make_durable = [this, output] {
      for (const StoreWrite& each : output->writes) {
        if (each.value) {
          store_[each.key] = *each.value;
        } else {
          store_.erase(each.key);
        }
      }
    };
  }
  if (!output->empty()) work.effects = [this, output] { release(*output); };
  return work;
}

void GatewayNode::release(AdmissionOutput& output) {
  for (const auto& each : output.starts) {
    const auto pool = std::find_if(site_.pools.begin(), site_.pools.end(), [&](const Pool& pool_) {
      return pool_.id == each.assignment.pool;
    });
    checker_.granted(site_.site, each.attempt, each.assignment, pool->tariff);
    engine_start(each.attempt, each.assignment);
  }
  for (const auto& each : output.stops) engine_stop(each.attempt, each.code);
  for (const AttemptId& each : output.forgets) engine_.erase(each);
  for (const auto& each : output.replies) {
    if (const auto* ended = std::get_if<AttemptEnded>(&each.message.body)) {
      // Granted and ended before it was ever started: the start never left a crashed life.
      if (const auto held = admission_->find(ended->attempt)) {
        checker_.granted(site_.site, ended->attempt, held->assignment, site_.pools.front().tariff);
      }
      checker_.end_reported(site_.site, *ended);
    }
    send_(each.message);
  }
}

// --- the engine ----------------------------------------------------------------------------------

void GatewayNode::engine_start(const AttemptId& attempt, const Assignment& assignment) {
  const auto held = admission_->find(attempt);
  if (!held) return;
  const auto pool = std::find_if(site_.pools.begin(), site_.pools.end(),
                                 [&](const Pool& each) { return each.id == assignment.pool; });
  checker_.run_started(site_, *pool, attempt, assignment, held->nodes);
  scheduler_.trace("start " + to_string(attempt) + ' ' + site_.site.value);
  EngineRun run;
  run.serial = ++serial_;
  run.alive = true;
  run.began = scheduler_.now();
  engine_[attempt] = run;
  scheduler_.after(random_.between(10, 1'000) * kMillisecond,
                   [this, attempt, serial = run.serial] { advance(attempt, serial); });
}

void GatewayNode::advance(const AttemptId& attempt, std::uint64_t serial) {
  const auto found = engine_.find(attempt);
  if (found == engine_.end() || found->second.serial != serial || !found->second.alive) return;
  EngineRun& run = found->second;
  Micros next = 0;
  if (run.phase == AttemptPhase::staging) {
    run.phase = AttemptPhase::running;
    next = random_.between(1, 1'200) * 100 * kMillisecond;
  } else if (run.phase == AttemptPhase::running) {
    run.phase = AttemptPhase::finishing;
    next = random_.between(1, 2'000) * kMillisecond;
  } else {
    constexpr EndCode kFailures[] = {EndCode::failed, EndCode::engine_failed,
                                     EndCode::stage_out_failed, EndCode::out_of_memory,
                                     EndCode::preempted};
    engine_end(attempt,
               random_.chance(failure_ppm_) ? kFailures[random_.below(5)] : EndCode::succeeded);
    return;
  }
  tell(attempt);
  scheduler_.after(next, [this, attempt, serial] { advance(attempt, serial); });
}

void GatewayNode::engine_stop(const AttemptId& attempt, EndCode code) {
  const auto found = engine_.find(attempt);
  if (found == engine_.end() || !found->second.alive) return;
  // A tree of processes takes a moment to die.
  scheduler_.after(random_.between(10, 1'500) * kMillisecond,
                   [this, attempt, code, serial = found->second.serial] {
                     const auto again = engine_.find(attempt);
                     if (again != engine_.end() && again->second.serial == serial) {
                       engine_end(attempt, code);
                     }
                   });
}

void GatewayNode::engine_end(const AttemptId& attempt, EndCode code) {
  EngineRun& run = engine_.at(attempt);
  if (!run.alive) return;
  run.alive = false;
  EndReport report;
  report.code = code;
  report.started = run.phase != AttemptPhase::staging;
  report.usage.wall_seconds =
      static_cast<std::uint64_t>((scheduler_.now() - run.began + kSecond - 1) / kSecond);
  run.report = report;
  checker_.run_ended(site_.site, attempt);
  scheduler_.trace("end " + to_string(attempt) + ' ' + std::string(to_string(code)));
  tell(attempt);
}

// What the engine has to say of the attempt now.
void GatewayNode::tell(const AttemptId& attempt) {
  if (!up()) return;
  const EngineRun& run = engine_.at(attempt);
  if (run.report) {
    input([this, attempt, report = *run.report] {
      output_.append(admission_->engine_ended(attempt, report, clock_.now()));
    });
  } else {
    input([this, attempt, phase = run.phase] {
      output_.append(admission_->engine_phase(attempt, phase, clock_.now()));
    });
  }
}

}  // namespace tradewind::simulation
