#include "tests/simulation/gateway_node.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "schemas/assert.h"
#include "schemas/codec.h"
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
  unstarted_.clear();
  refused_.clear();
  published_.clear();
  heard_.clear();
  std::vector<StoreWrite> stored;
  for (const auto& [key, value] : disk_.admission) stored.push_back({key, value});
  const Status status = admission_->recover(stored, clock_.now());
  TRADEWIND_ASSERT(status.has_value());
  // As the gateway's store does it: an old copy of the disk comes back under a new epoch too.
  disk_.epoch = std::max(disk_.epoch + 1, static_cast<std::uint64_t>(to_ms(clock_.now().wall)));
  SiteRecord described = site_;
  if (program() == Release::former) described.bandwidths.clear();
  publisher_.emplace(std::move(described), disk_.epoch);
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
  constexpr std::string_view kWords[] = {"", " wiped", " restored"};
  scheduler_.trace("down " + name_ + std::string(kWords[static_cast<std::size_t>(disk)]));
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
  if (disk == Disk::kept) return;
  checker_.disk_lost(site_.site);
  engine_.clear();
  terms_.clear();
  disk_ = disk == Disk::wiped ? StoredDisk{} : saved_;
}

// --- inputs --------------------------------------------------------------------------------------

void GatewayNode::receive(const NodeId& broker, const ToGateway& message) {
  input([this, broker, message] {
    if (refuses(broker, message)) return;
    if (options_.broken == Break::idempotency) {
      if (const auto* dispatch = std::get_if<Dispatch>(&message.body);
          dispatch != nullptr && admission_->find(dispatch->attempt)) {
        output_.starts.push_back({dispatch->attempt, dispatch->assignment});
      }
    }
    ToGateway heard = message;
    if (options_.broken == Break::term_check) heard.term = std::max(heard.term, heard_[broker]);
    AdmissionOutput output =
        admission_->from_broker(broker, heard, publisher_->newest_sheet(), clock_.now());
    check_deposed(broker, message.term, output);
    output_.append(std::move(output));
  });
}

// By what the links brought, not by what the site believes: a process of an earlier term changes
// nothing here once a later one was heard.
void GatewayNode::check_deposed(const NodeId& broker, Term term, const AdmissionOutput& output) {
  Term& heard = heard_[broker];
  if (term < std::max(heard, terms_[broker]) &&
      (!output.writes.empty() || !output.starts.empty() || !output.stops.empty() ||
       !output.forgets.empty())) {
    checker_.deposed_heard(site_.site, broker);
  }
  heard = std::max(heard, term);
}

// A liar's refusal of what it has not granted before. It stands by it when it is honest again.
bool GatewayNode::refuses(const NodeId& broker, const ToGateway& message) {
  const auto* dispatch = std::get_if<Dispatch>(&message.body);
  if (dispatch == nullptr || admission_->find(dispatch->attempt)) return false;
  if (behaviour_ == Behaviour::refuses) refused_.insert(dispatch->attempt);
  if (refused_.count(dispatch->attempt) == 0) return false;
  output_.replies.push_back(
      {broker,
       {Refused{dispatch->attempt, RefusalCode::no_capacity, "", publisher_->newest_sheet()}}});
  return true;
}

void GatewayNode::behave(Behaviour behaviour) {
  behaviour_ = behaviour;
  if (up()) input([this] { run_unstarted(); });
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
  const std::vector<PoolCapacity> capacity = admission_->capacity(now);
  for (const PoolCapacity& each : capacity) {
    std::uint32_t free = each.units_free;
    for (const ContractQuote& idle : each.contracts) free += idle.units_idle;
    checker_.booked(site_.site, free, each.units);
  }
  const SitePublisher::Publication publication = publisher_->publish(
      capacity, admission_->state(), behaviour_, price_ppm_, members_.member(site_.site), now.wall);
  admission_->published(publication.version, publication.sheet, publication.valid_until, now);
  if (behaviour_ == Behaviour::equivocates) {
    checker_.equivocated(site_.site, publication.version);
  }
  for (const SignedRecord& each : publication.records) publish_(each);
  published_.emplace_back(scheduler_.now(),
                          std::pair(publisher_->site_version(), publication.version));
  while (published_.size() > 1 && published_[1].first < scheduler_.now() - kSecond) {
    published_.pop_front();
  }
}

std::optional<std::pair<RecordVersion, RecordVersion>> GatewayNode::settled_versions() const {
  if (!up()) return std::nullopt;
  std::optional<std::pair<RecordVersion, RecordVersion>> versions;
  for (const auto& [at, each] : published_) {
    if (at < scheduler_.now() - kSecond) versions = each;
  }
  return versions;
}

// --- output --------------------------------------------------------------------------------------

// As the program that writes it has it.
Bytes GatewayNode::stored(const StoreWrite& write) const {
  if (program() == Release::present || write.key.rfind("attempt/", 0) != 0) return *write.value;
  const auto held = decode_held_attempt(*write.value);
  TRADEWIND_ASSERT(held.has_value());
  return encode(as_former(*held).value());
}

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
          disk_.admission[each.key] = stored(each);
        } else {
          disk_.admission.erase(each.key);
        }
      }
    };
  }
  if (output->empty()) return work;
  work.effects = [this, output, heard = heard_] {
    // Before that, a crash may make it forget them: nobody has had an answer yet.
    for (const auto& [broker, term] : heard) terms_[broker] = std::max(terms_[broker], term);
    release(*output);
  };
  return work;
}

const Pool& GatewayNode::pool_of(const Assignment& assignment) const {
  return *std::find_if(site_.pools.begin(), site_.pools.end(),
                       [&](const Pool& each) { return each.id == assignment.pool; });
}

void GatewayNode::release(const AdmissionOutput& output) {
  for (const auto& each : output.starts) {
    checker_.granted(site_.site, each.attempt, each.assignment, pool_of(each.assignment).tariff);
    if (behaviour_ == Behaviour::never_runs) {
      unstarted_.push_back(each);
    } else if (dies_sending("start", [&] { run(each); })) {
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
    if (dies_sending(event, [&] { reply(each); })) return;
  }
}

void GatewayNode::run(const AdmissionOutput::Start& start) {
  const auto held = admission_->find(start.attempt);
  if (!held) return;
  engine_.start(site_, pool_of(start.assignment), start.attempt, start.assignment, held->nodes);
}

// An honest site runs what it had only granted, or says that it is over when it was to stop.
void GatewayNode::run_unstarted() {
  if (behaviour_ == Behaviour::never_runs) return;
  for (const auto& each : std::exchange(unstarted_, {})) {
    const auto held = admission_->find(each.attempt);
    if (!held || held->phase == AttemptPhase::ended) continue;
    if (!held->stopping) {
      run(each);
      continue;
    }
    EndReport report;
    report.code = EndCode::canceled;
    output_.append(admission_->engine_ended(each.attempt, report, clock_.now()));
  }
}

void GatewayNode::reply(const AdmissionOutput::Reply& reply) {
  if (behaviour_ == Behaviour::never_answers) return;
  if (behaviour_ != Behaviour::slow) {
    send_(reply.to, reply.message);
    return;
  }
  // Just within the broker's patience, and one in ten far beyond.
  Random random = dice(options_.seed, "slow " + name_ + ' ' + told_of(reply.message, names_).about,
                       static_cast<std::uint64_t>(scheduler_.now()));
  const Micros late = random.below(10) == 0 ? 20 * kSecond : 4'500 * kMillisecond;
  scheduler_.after(late, [this, reply] { send_(reply.to, reply.message); });
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
