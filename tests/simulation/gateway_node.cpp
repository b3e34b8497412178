#include "tests/simulation/gateway_node.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "schemas/assert.h"
#include "schemas/limits.h"
#include "tests/simulation/words.h"

namespace tradewind::simulation {

GatewayNode::GatewayNode(const Surroundings& around, SiteRecord site, Send send, Publish publish,
                         Engine::FateOf fate_of)
    : Process(around, site.site.value),
      site_(std::move(site)),
      send_(std::move(send)),
      publish_(std::move(publish)),
      engine_(around, site_.site, std::move(fate_of),
              [this](const AttemptId& attempt) { tell(attempt); }) {}

// --- life ----------------------------------------------------------------------------------------

void GatewayNode::start() {
  if (up()) return;
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
  scheduler_.trace("up " + name_);
  input([this] {
    std::vector<AttemptId> adopted;
    for (const AttemptId& each : admission_->running()) {
      if (engine_.knows(each)) adopted.push_back(each);
    }
    output_.append(admission_->adopted(adopted, clock_.now()));
    for (const AttemptId& each : adopted) tell(each);
    publish_sheet();
  });
}

void GatewayNode::crash(Disk disk) {
  if (!up() && disk == Disk::kept) return;
  scheduler_.trace("down " + name_ + (disk == Disk::wiped ? " wiped" : ""));
  for (const AttemptId& each : engine_.alive()) {
    const bool survives = options_.engines_survive && disk == Disk::kept;
    // An engine that runs on without its gateway has been told the lease, and ends with it.
    const auto held = admission_ ? admission_->find(each) : std::nullopt;
    std::optional<Micros> ends;
    if (!held) ends = scheduler_.now();
    if (held && held->lease_ends) ends = clock_.true_time(*held->lease_ends);
    engine_.orphan(each, survives, ends);
  }
  if (up()) go_down(disk == Disk::kept);
  admission_.reset();
  if (disk == Disk::wiped) {
    engine_.clear();
    store_.clear();
    ++epoch_;
    version_ = 0;
  }
}

// --- inputs --------------------------------------------------------------------------------------

void GatewayNode::receive(const NodeId& broker, const ToGateway& message) {
  input([this, broker, message] {
    if (options_.broken == Break::idempotency) {
      if (const auto* dispatch = std::get_if<Dispatch>(&message.body);
          dispatch != nullptr && admission_->find(dispatch->attempt)) {
        output_.starts.push_back({dispatch->attempt, dispatch->assignment});
      }
    }
    const SignedRecord quote{std::to_string(version_), Bytes(64, 's')};
    output_.append(admission_->from_broker(broker, message, quote, clock_.now()));
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
    work.events = {"commit"};
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

const Pool& GatewayNode::pool_of(const Assignment& assignment) const {
  return *std::find_if(site_.pools.begin(), site_.pools.end(),
                       [&](const Pool& each) { return each.id == assignment.pool; });
}

void GatewayNode::release(const AdmissionOutput& output) {
  for (const auto& each : output.starts) {
    const Pool& pool = pool_of(each.assignment);
    checker_.granted(site_.site, each.attempt, each.assignment, pool.tariff);
    const auto held = admission_->find(each.attempt);
    if (!held) continue;
    if (dies_sending("start", [&] {
          engine_.start(site_, pool, each.attempt, each.assignment, held->nodes);
        })) {
      return;
    }
  }
  for (const auto& each : output.stops) engine_.stop(each.attempt, each.code);
  for (const AttemptId& each : output.forgets) engine_.forget(each);
  for (const auto& each : output.replies) {
    if (const auto* ended = std::get_if<AttemptEnded>(&each.message.body)) {
      // Granted and ended before it was ever started: the start never left a crashed life.
      if (const auto held = admission_->find(ended->attempt)) {
        checker_.granted(site_.site, ended->attempt, held->assignment,
                         pool_of(held->assignment).tariff);
      }
      checker_.end_reported(site_.site, *ended);
    }
    const std::string event = told_of(each.message, names_).event;
    if (dies_sending(event, [&] { send_(each.to, each.message); })) return;
  }
}

// What the engine has to say of the attempt now.
void GatewayNode::tell(const AttemptId& attempt) {
  if (!up()) return;
  if (const EndReport* const report = engine_.report(attempt)) {
    input([this, attempt, report = *report] {
      output_.append(admission_->engine_ended(attempt, report, clock_.now()));
    });
  } else {
    input([this, attempt, phase = engine_.phase(attempt)] {
      output_.append(admission_->engine_phase(attempt, phase, clock_.now()));
    });
  }
}

}  // namespace tradewind::simulation
