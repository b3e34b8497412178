#include "gateway/admission/admission.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <variant>

#include "gateway/admission/admission_keys.h"
#include "gateway/admission/charge.h"
#include "gateway/admission/end_report.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

// Half a frame: the rest is room for the envelope, and for what the broker's journal adds.
constexpr std::size_t kReportBytesMax = limits::frame_bytes_max / 2;
constexpr int kResendGrowthMax = 16;

template <class T>
void move_into(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void AdmissionOutput::append(AdmissionOutput other) {
  move_into(writes, other.writes);
  move_into(replies, other.replies);
  move_into(starts, other.starts);
  move_into(leases, other.leases);
  move_into(stops, other.stops);
  move_into(forgets, other.forgets);
  capacity_changed = capacity_changed || other.capacity_changed;
}

Admission::Admission(SiteRecord site, AdmissionOptions options)
    : site_(std::move(site)), options_(std::move(options)) {
  for (const Pool& pool : site_.pools) {
    TRADEWIND_ASSERT(units_per_node(pool) > 0);
    pools_.push_back(PoolBook{NodeBook(pool.nodes, units_per_node(pool))});
  }
}

std::optional<std::size_t> Admission::pool_index(const PoolId& pool) const {
  for (std::size_t i = 0; i < site_.pools.size(); ++i) {
    if (site_.pools[i].id == pool) return i;
  }
  return std::nullopt;
}

// --- from the broker -----------------------------------------------------------------------------

AdmissionOutput Admission::from_broker(const NodeId& broker, const ToGateway& message,
                                       const SignedRecord& quote, Now now) {
  AdmissionOutput output;
  // Before the engine has said what it still runs, any answer might be wrong; the broker asks
  // again.
  if (!ready_ || std::holds_alternative<ReadLog>(message.body) ||
      std::holds_alternative<CosignCheckpoint>(message.body)) {
    return output;
  }
  if (!take_term(broker, message, quote, now, output)) return output;
  prune_fences(now.mono, output);
  if (const auto* dispatch = std::get_if<Dispatch>(&message.body)) {
    on_dispatch(broker, *dispatch, quote, now, output);
  } else if (const auto* renew = std::get_if<RenewLeases>(&message.body)) {
    on_renew(broker, *renew, now, output);
  } else if (const auto* cancel = std::get_if<CancelAttempt>(&message.body)) {
    on_cancel(broker, cancel->attempt, now, output);
  } else if (const auto* ask = std::get_if<AskAttempt>(&message.body)) {
    on_ask(broker, ask->attempt, now, output);
  } else if (const auto* acknowledge = std::get_if<AcknowledgeEnd>(&message.body)) {
    on_acknowledge(broker, acknowledge->attempt, now, output);
  }
  return output;
}

bool Admission::take_term(const NodeId& broker, const ToGateway& message, const SignedRecord& quote,
                          Now now, AdmissionOutput& output) {
  const auto known = terms_.find(broker);
  const auto* dispatch = std::get_if<Dispatch>(&message.body);
  if (known == terms_.end() && terms_.size() >= limits::brokers_max) {
    if (dispatch == nullptr) {
      ++counters_.unanswered_for_room;
    } else {
      reply_refused(broker, dispatch->attempt,
                    {RefusalCode::policy, "the site serves " + std::to_string(limits::brokers_max) +
                                              " brokers, and has heard as many others"},
                    quote, output);
    }
    return false;
  }
  if (known != terms_.end() && message.term < known->second) {
    ++counters_.old_terms;
    if (dispatch == nullptr) return false;
    // A late copy of what was granted must not sound like a refusal to the broker's next life.
    if (Held* const held = held_of(broker, dispatch->attempt); held != nullptr) {
      repeat(*held, now, output);
    } else {
      reply_refused(broker, dispatch->attempt,
                    {RefusalCode::term, "term " + std::to_string(message.term.value) +
                                            " is over: the broker has spoken with term " +
                                            std::to_string(known->second.value)},
                    quote, output);
    }
    return false;
  }
  if (known == terms_.end() || known->second < message.term) {
    terms_[broker] = message.term;
    output.writes.push_back({term_key(broker), std::to_string(message.term.value)});
    // It has started anew: it should hear of ends without the wait that its silence has earned it.
    for (auto& [id, held] : held_) {
      if (held.phase != AttemptPhase::ended || held.durable.broker != broker) continue;
      held.resend = now.mono;
      held.resend_span = options_.resend_interval;
      set_alarm(held);
    }
  }
  return true;
}

void Admission::reply_refused(const NodeId& broker, const AttemptId& attempt, Refusal refusal,
                              const SignedRecord& quote, AdmissionOutput& output) {
  ++counters_.refused[refusal.code];
  output.replies.push_back(
      {broker, ToBroker{Refused{attempt, refusal.code, std::move(refusal.detail), quote}}});
}

Admission::Held* Admission::held_of(const NodeId& broker, const AttemptId& attempt) {
  const auto known = held_.find(attempt);
  return known == held_.end() || known->second.durable.broker != broker ? nullptr : &known->second;
}

bool Admission::may_ask(const NodeId& broker, const AttemptId& attempt) const {
  const auto known = held_.find(attempt);
  return known == held_.end() ? may_be_of(attempt.job, broker)
                              : known->second.durable.broker == broker;
}

// The lease is not renewed: the broker counts from when it first sent the dispatch.
void Admission::repeat(Held& held, Now now, AdmissionOutput& output) {
  ++counters_.repeated;
  const AttemptId& id = held.durable.attempt;
  const NodeId& broker = held.durable.broker;
  if (held.phase == AttemptPhase::ended) {
    send_end(held, now.mono, output);
  } else if (held.phase == AttemptPhase::granted) {
    output.replies.push_back({broker, ToBroker{Granted{id}}});
  } else {
    output.replies.push_back({broker, ToBroker{AttemptStatus{id, held.phase, now.wall}}});
  }
}

void Admission::on_dispatch(const NodeId& broker, const Dispatch& dispatch,
                            const SignedRecord& quote, Now now, AdmissionOutput& output) {
  const AttemptId& id = dispatch.attempt;
  if (Held* const held = held_of(broker, id); held != nullptr) return repeat(*held, now, output);
  if (!fenced(broker, id) && !room()) {
    ++counters_.unanswered_for_room;
    return;
  }
  if (auto refusal = refuse(broker, id, dispatch.assignment, now)) {
    // A copy of this dispatch may still be on its way, and may come when it would be granted.
    fence({broker, id}, now.mono, false);
    reply_refused(broker, id, std::move(*refusal), quote, output);
    return;
  }
  const std::size_t pool = *pool_index(dispatch.assignment.pool);
  const Tariff& tariff = site_.pools[pool].tariff;
  Held held;
  held.pool = pool;
  held.durable.attempt = id;
  held.durable.broker = broker;
  held.durable.assignment = dispatch.assignment;
  held.durable.nodes =
      *pools_[pool].nodes.best_fit(dispatch.assignment.nodes, dispatch.assignment.units);
  held.durable.granted = now.wall;
  held.durable.increment_seconds = std::max<std::uint32_t>(tariff.increment_seconds, 1);
  held.durable.minimum_seconds = tariff.minimum_seconds;
  held.durable.fixed_fee =
      Money{mul_div_ceil(tariff.fixed_fee.micros, dispatch.assignment.conversion_ppm, ppm_one)
                .value_or(INT64_MAX)};
  held.granted = now.mono;
  held.alarm = Mono::time_point::max();
  take(held.durable, pool);
  Held& kept = held_.emplace(id, std::move(held)).first->second;
  set_lease(kept, dispatch.lease_seconds, now, output);
  write(kept, output);
  set_alarm(kept);
  ++counters_.granted;
  output.replies.push_back({broker, ToBroker{Granted{id}}});
  output.starts.push_back({id, dispatch.assignment});
  output.capacity_changed = true;
}

void Admission::on_renew(const NodeId& broker, const RenewLeases& renew, Now now,
                         AdmissionOutput& output) {
  const std::size_t count = std::min(renew.attempts.size(), limits::renew_attempts_max);
  for (std::size_t i = 0; i < count; ++i) {
    const AttemptId& id = renew.attempts[i];
    Held* const held = held_of(broker, id);
    if (held == nullptr) {
      deny(broker, id, now, output);
    } else if (held->phase == AttemptPhase::ended) {
      output.replies.push_back(
          {broker, ToBroker{AttemptStatus{id, AttemptPhase::ended, now.wall}}});
    } else if (!held->stopping && held->lease_ends && *held->lease_ends <= now.mono) {
      // It came too late, as after a pause of this process: the broker may have given the job to
      // another site since.
      ++counters_.leases_expired;
      begin_stop(*held, EndCode::lease_expired, now.mono, output);
      set_alarm(*held);
    } else if (!held->stopping) {
      set_lease(*held, renew.lease_seconds, now, output);
      set_alarm(*held);
    }
  }
}

void Admission::on_cancel(const NodeId& broker, const AttemptId& attempt, Now now,
                          AdmissionOutput& output) {
  Held* const held = held_of(broker, attempt);
  if (held == nullptr) {
    deny(broker, attempt, now, output);
  } else if (held->phase == AttemptPhase::ended) {
    send_end(*held, now.mono, output);
  } else {
    begin_stop(*held, EndCode::canceled, now.mono, output);
  }
}

void Admission::on_ask(const NodeId& broker, const AttemptId& attempt, Now now,
                       AdmissionOutput& output) {
  const Held* const held = held_of(broker, attempt);
  if (held == nullptr) {
    deny(broker, attempt, now, output);
  } else {
    output.replies.push_back({broker, ToBroker{AttemptStatus{attempt, held->phase, now.wall}}});
  }
}

void Admission::on_acknowledge(const NodeId& broker, const AttemptId& attempt, Now now,
                               AdmissionOutput& output) {
  const Held* const held = held_of(broker, attempt);
  if (held == nullptr || held->phase != AttemptPhase::ended) return;
  alarms_.erase({held->alarm, attempt});
  held_.erase(attempt);
  output.writes.push_back({attempt_key(attempt), std::nullopt});
  fence_durably({broker, attempt}, now, output);
  output.forgets.push_back(attempt);
}

void Admission::deny(const NodeId& broker, const AttemptId& attempt, Now now,
                     AdmissionOutput& output) {
  if (!fenced(broker, attempt)) {
    if (!room()) {
      ++counters_.unanswered_for_room;
      return;
    }
    fence_durably({broker, attempt}, now, output);
  }
  output.replies.push_back(
      {broker, ToBroker{AttemptStatus{attempt, AttemptPhase::unknown, now.wall}}});
}

void Admission::fence(const Fence& fence, Mono::time_point now, bool durable) {
  if (!fences_.emplace(fence, durable).second) return;
  ++counters_.fenced;
  fence_order_.emplace_back(now, fence);
}

void Admission::fence_durably(const Fence& fence, Now now, AdmissionOutput& output) {
  this->fence(fence, now.mono, true);
  fences_.at(fence) = true;
  output.writes.push_back({fence_key(fence.first, fence.second), std::to_string(to_ms(now.wall))});
}

void Admission::prune_fences(Mono::time_point now, AdmissionOutput& output) {
  const auto age = std::chrono::seconds(options_.fence_seconds);
  while (!fence_order_.empty() && fence_order_.front().first + age <= now) {
    const auto& [broker, attempt] = fence_order_.front().second;
    const auto fenced = fences_.find({broker, attempt});
    if (fenced->second) output.writes.push_back({fence_key(broker, attempt), std::nullopt});
    fences_.erase(fenced);
    fence_order_.pop_front();
  }
}

// --- from the engine -----------------------------------------------------------------------------

AdmissionOutput Admission::engine_phase(const AttemptId& attempt, AttemptPhase phase, Now now) {
  AdmissionOutput output;
  const auto known = held_.find(attempt);
  if (known == held_.end() || phase == AttemptPhase::ended) return output;
  Held& held = known->second;
  if (phase <= held.phase) return output;
  held.phase = phase;
  if (phase == AttemptPhase::running) {
    held.run_ends = now.mono + std::chrono::seconds(held.durable.assignment.run_seconds_max +
                                                    options_.run_limit_slack_seconds);
  } else if (phase == AttemptPhase::finishing) {
    held.run_ends.reset();  // outputs on their way are not the command's run
  }
  set_alarm(held);
  output.replies.push_back(
      {held.durable.broker, ToBroker{AttemptStatus{attempt, phase, now.wall}}});
  return output;
}

AdmissionOutput Admission::engine_ended(const AttemptId& attempt, EndReport report, Now now) {
  AdmissionOutput output;
  const auto known = held_.find(attempt);
  if (known == held_.end() || known->second.phase == AttemptPhase::ended) return output;
  finish(known->second, std::move(report), now, output);
  return output;
}

void Admission::finish(Held& held, EndReport report, Now now, AdmissionOutput& output) {
  PoolBook& pool = pools_[held.pool];
  // Charged is the time that nodes worked on it, as the engine tells, and never more than has
  // passed since it was granted: it may have waited in a cluster's queue before, and may have been
  // over long before this process could say so. Across a restart only the wall clock tells.
  const auto held_for = held.granted
                            ? now.mono - *held.granted
                            : std::max(now.wall - held.durable.granted, Wall::duration::zero());
  auto seconds =
      static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(held_for).count());
  const bool told = report.usage.wall_seconds != 0 || report.usage.ended != Wall::time_point{};
  if (told) seconds = std::min(seconds, report.usage.wall_seconds);
  report.usage.wall_seconds = seconds;
  report.charge = charge_of(held.durable, report);
  shorten(report, kReportBytesMax);

  give_back(held.durable, held.pool);
  const std::uint64_t bounded = std::min(seconds, limits::seconds_max);
  pool.held_seconds_mean = (pool.held_seconds_mean * 7 + bounded) / 8;
  ++counters_.ended[report.code];
  held.phase = AttemptPhase::ended;
  held.stopping.reset();
  held.lease_ends.reset();
  held.run_ends.reset();
  held.durable.report = std::move(report);
  held.resend_span = options_.resend_interval;
  write(held, output);
  output.writes.push_back({lease_key(held.durable.attempt), std::nullopt});
  send_end(held, now.mono, output);
  output.capacity_changed = true;
}

AdmissionOutput Admission::set_state(SiteState state, Now now) {
  AdmissionOutput output;
  output.capacity_changed = site_.state != state;
  site_.state = state;
  if (state != SiteState::maintenance) return output;
  for (auto& [id, held] : held_) {
    if (held.phase != AttemptPhase::ended) begin_stop(held, EndCode::preempted, now.mono, output);
  }
  return output;
}

// --- time ----------------------------------------------------------------------------------------

AdmissionOutput Admission::tick(Now now) {
  AdmissionOutput output;
  std::size_t resends = 0;
  while (!alarms_.empty() && alarms_.begin()->first <= now.mono) {
    Held& held = held_.at(alarms_.begin()->second);
    const bool again = held.resend <= now.mono && (held.stopping || held.durable.report);
    if (again && ++resends > options_.resends_per_tick_max) break;
    if (held.durable.report) {
      send_end(held, now.mono, output);
    } else if (held.stopping) {
      output.stops.push_back({held.durable.attempt, *held.stopping});
      held.resend = now.mono + options_.resend_interval;
      set_alarm(held);
    } else if (held.lease_ends && *held.lease_ends <= now.mono) {
      ++counters_.leases_expired;
      begin_stop(held, EndCode::lease_expired, now.mono, output);
    } else {
      TRADEWIND_ASSERT(held.run_ends && *held.run_ends <= now.mono);
      begin_stop(held, EndCode::time_limit, now.mono, output);
    }
  }
  prune_fences(now.mono, output);
  return output;
}

Mono::time_point Admission::next_tick() const {
  Mono::time_point next = Mono::time_point::max();
  if (!alarms_.empty()) next = alarms_.begin()->first;
  if (!fence_order_.empty()) {
    next =
        std::min(next, fence_order_.front().first + std::chrono::seconds(options_.fence_seconds));
  }
  return next;
}

void Admission::begin_stop(Held& held, EndCode code, Mono::time_point now,
                           AdmissionOutput& output) {
  if (held.stopping) return;
  held.stopping = code;
  held.resend = now + options_.resend_interval;
  output.stops.push_back({held.durable.attempt, code});
  set_alarm(held);
}

void Admission::set_lease(Held& held, std::uint32_t lease_seconds, Now now,
                          AdmissionOutput& output) {
  if (held.durable.assignment.on_disconnect == OnDisconnect::resume) return;
  const std::uint32_t seconds = std::clamp(lease_seconds, 1U, options_.lease_seconds_max);
  held.durable.lease_seconds = seconds;
  held.lease_ends = now.mono + std::chrono::seconds(seconds);
  output.leases.push_back({held.durable.attempt, *held.lease_ends});
  output.writes.push_back({lease_key(held.durable.attempt),
                           std::to_string(to_ms(now.wall + std::chrono::seconds(seconds)))});
}

void Admission::send_end(Held& held, Mono::time_point now, AdmissionOutput& output) {
  output.replies.push_back(
      {held.durable.broker, ToBroker{AttemptEnded{held.durable.attempt, *held.durable.report}}});
  held.resend = now + held.resend_span;
  held.resend_span = std::min(2 * held.resend_span, kResendGrowthMax * options_.resend_interval);
  set_alarm(held);
}

void Admission::set_alarm(Held& held) {
  Mono::time_point next = Mono::time_point::max();
  if (held.durable.report || held.stopping) {
    next = held.resend;
  } else {
    if (held.lease_ends) next = std::min(next, *held.lease_ends);
    if (held.run_ends) next = std::min(next, *held.run_ends);
  }
  if (next == held.alarm) return;
  alarms_.erase({held.alarm, held.durable.attempt});
  held.alarm = next;
  if (next != Mono::time_point::max()) alarms_.emplace(next, held.durable.attempt);
}

// --- for others to see ---------------------------------------------------------------------------

std::vector<ContractQuote> Admission::idle_contracts(std::size_t pool, Wall::time_point now) const {
  std::vector<ContractQuote> idle;
  std::uint64_t free = pools_[pool].nodes.units_free();
  for (const Contract& each : site_.contracts) {
    if (each.pool != site_.pools[pool].id || !in_force(each, now)) continue;
    const auto used = contract_units_.find(each.id);
    std::uint64_t units = each.units;
    if (used != contract_units_.end()) units -= std::min(units, used->second);
    units = std::min(units, free);
    free -= units;
    idle.push_back({each.id, static_cast<std::uint32_t>(units)});
  }
  return idle;
}

void Admission::take(const HeldAttempt& attempt, std::size_t pool) {
  const Assignment& assignment = attempt.assignment;
  pools_[pool].nodes.take(attempt.nodes, assignment.units);
  ++pools_[pool].attempts;
  if (assignment.contract_units != 0) {
    contract_units_[assignment.contract] += assignment.contract_units;
  }
}

void Admission::give_back(const HeldAttempt& attempt, std::size_t pool) {
  const Assignment& assignment = attempt.assignment;
  pools_[pool].nodes.give_back(attempt.nodes, assignment.units);
  --pools_[pool].attempts;
  if (assignment.contract_units == 0) return;
  const auto used = contract_units_.find(assignment.contract);
  TRADEWIND_ASSERT(used != contract_units_.end() && used->second >= assignment.contract_units);
  used->second -= assignment.contract_units;
  if (used->second == 0) contract_units_.erase(used);
}

std::vector<PoolCapacity> Admission::capacity(Now now) const {
  std::vector<PoolCapacity> result;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const PoolBook& book = pools_[i];
    PoolCapacity each;
    each.pool = site_.pools[i].id;
    each.nodes = book.nodes.nodes();
    each.units = book.nodes.units();
    each.units_free = book.nodes.units_free();
    each.contracts = idle_contracts(i, now.wall);
    for (const ContractQuote& held : each.contracts) each.units_free -= held.units_idle;
    each.units_free_node = book.nodes.units_free_node();
    each.nodes_free = book.nodes.nodes_free();
    each.attempts = book.attempts;
    if (each.units_free == 0 && book.attempts != 0) {
      const std::uint64_t wait = book.held_seconds_mean / book.attempts;
      each.wait_seconds =
          static_cast<std::uint32_t>(std::clamp<std::uint64_t>(wait, 1, limits::seconds_max));
    }
    result.push_back(std::move(each));
  }
  return result;
}

std::optional<HeldView> Admission::find(const AttemptId& attempt) const {
  const auto known = held_.find(attempt);
  if (known == held_.end()) return std::nullopt;
  const Held& held = known->second;
  return HeldView{held.phase, held.durable.assignment, held.durable.nodes, held.lease_ends,
                  held.stopping.has_value()};
}

Term Admission::term(const NodeId& broker) const {
  const auto known = terms_.find(broker);
  return known == terms_.end() ? Term{} : known->second;
}

std::vector<AttemptId> Admission::held() const {
  std::vector<AttemptId> attempts;
  for (const auto& [id, each] : held_) attempts.push_back(id);
  return attempts;
}

}  // namespace tradewind
