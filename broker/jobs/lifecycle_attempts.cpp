// What sites say of attempts, and what follows.
#include <algorithm>
#include <utility>
#include <variant>

#include "broker/jobs/lifecycle.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

AttemptState state_of(AttemptPhase phase) {
  switch (phase) {
    case AttemptPhase::staging: return AttemptState::staging;
    case AttemptPhase::running: return AttemptState::running;
    case AttemptPhase::finishing: return AttemptState::finishing;
    case AttemptPhase::unknown:
    case AttemptPhase::granted:
    case AttemptPhase::ended: break;
  }
  return AttemptState::granted;
}

// Reasons that the next moment will not lift.
bool is_lasting(RefusalCode code) {
  return code == RefusalCode::policy || code == RefusalCode::site_state ||
         code == RefusalCode::unknown_pool || code == RefusalCode::invalid ||
         code == RefusalCode::term || code == RefusalCode::engine_down;
}

bool is_at(const AttemptRecord& attempt, const SiteId& site) {
  return attempt.decision.chosen && attempt.decision.chosen->site == site;
}

}  // namespace

void Lifecycle::from_site(const SiteId& site, const ToBroker& message, Now now) {
  TRADEWIND_ASSERT(running_);
  input(now);
  heard(site, now.mono);
  if (const auto* granted = std::get_if<Granted>(&message.body)) {
    on_granted(site, granted->attempt, now);
  } else if (const auto* refused = std::get_if<Refused>(&message.body)) {
    on_refused(site, *refused, now);
  } else if (const auto* status = std::get_if<AttemptStatus>(&message.body)) {
    on_status(site, *status, now);
  } else if (const auto* ended = std::get_if<AttemptEnded>(&message.body)) {
    on_ended(site, *ended, now);
  }
}

Lifecycle::Live* Lifecycle::match(const SiteId& site, const AttemptId& attempt) {
  Live* const live = find_live(attempt.job);
  if (live == nullptr || !live->brief.has_attempt) return nullptr;
  const bool is_meant = live->brief.attempts_count == attempt.number && live->tries->site == site;
  return is_meant ? live : nullptr;
}

// A message about an attempt that is not live at this site. What `runs` there although it is over
// (declared lost and found again, or its job has ended) is stopped; nothing else comes of it.
void Lifecycle::stray(const SiteId& site, const AttemptId& attempt, bool runs) {
  if (Live* const live = find_live(attempt.job)) {
    const AttemptRecord* const known = find_attempt(read(*live), attempt.number);
    const bool never = attempt.number == 0 || attempt.number > live->brief.attempts_count;
    if (never || (known != nullptr && !is_at(*known, site))) {
      ++counters_.strays;
      return;
    }
  }
  ++counters_.duplicates;
  if (runs) send(site, CancelAttempt{attempt});
}

void Lifecycle::on_granted(const SiteId& site, const AttemptId& attempt, Now now) {
  Live* const live = match(site, attempt);
  if (live == nullptr) {
    stray(site, attempt, true);
  } else if (live->unanswered) {
    grant(*live, now);
    set_alarm(*live);
  } else {
    ++counters_.duplicates;
  }
}

void Lifecycle::grant(Live& live, Now now) {
  record(live, now, AttemptGranted{{live.brief.job(), live.brief.attempts_count}});
  ++counters_.granted;
  settle(live, true);
  live.tries->refusals_in_row = 0;
  live.tries->pause = {};
  await_start(live, now);
  hold(live, now);
}

void Lifecycle::on_refused(const SiteId& site, const Refused& refused, Now now) {
  Live* const live = match(site, refused.attempt);
  if (live == nullptr) {
    stray(site, refused.attempt, false);
  } else if (live->unanswered) {
    refuse(*live, refused.code, refused.detail, now);
  } else {
    // A doubled dispatch that came after the attempt was taken up; a renewal tells what is true.
    ++counters_.duplicates;
  }
}

void Lifecycle::refuse(Live& live, RefusalCode code, std::string detail, Now now) {
  record(live, now,
         AttemptRefused{{live.brief.job(), live.brief.attempts_count}, code, std::move(detail)});
  ++counters_.refused;
  settle(live, false);
  Tries& known = *live.tries;
  exclude(live, known.site, is_lasting(code) ? options_.exclude_max : options_.exclude_base, now);
  if (++known.refusals_in_row >= options_.refusals_per_pass) {
    known.refusals_in_row = 0;
    known.pause = std::clamp(2 * known.pause, options_.pause_base, options_.pause_max);
    known.not_before = now.mono + known.pause;
  }
  after_attempt(live, now);
}

void Lifecycle::on_status(const SiteId& site, const AttemptStatus& status, Now now) {
  const bool runs = status.phase != AttemptPhase::unknown && status.phase != AttemptPhase::ended;
  Live* const live = match(site, status.attempt);
  if (live == nullptr) {
    stray(site, status.attempt, runs);
    return;
  }
  const bool unanswered = live->unanswered;
  if (status.phase == AttemptPhase::unknown) {
    // From now on the site refuses it: it has not started there and never will, or the site has
    // lost it with all it knew.
    if (unanswered) {
      refuse(*live, RefusalCode::fenced, "the site did not know it when asked", now);
    } else {
      lose(*live, "the site does not know it any more", now);
    }
    return;
  }
  if (unanswered) grant(*live, now);
  const AttemptState reported = state_of(status.phase);
  if (runs && reported > live_attempt(read(*live))->state) {
    record(*live, now, AttemptAdvanced{status.attempt, status.phase});
    live->tries->start_by = Mono::time_point::max();
  } else if (!unanswered) {
    ++counters_.duplicates;
  }
  set_alarm(*live);
}

void Lifecycle::on_ended(const SiteId& site, const AttemptEnded& ended, Now now) {
  Live* const found = find_live(ended.attempt.job);
  if (found == nullptr) {
    // The job has ended and the journal has it all; or it never was, and the site may forget it.
    ++counters_.duplicates;
    send(site, AcknowledgeEnd{ended.attempt});
    return;
  }
  Live& live = *found;
  const AttemptRecord* const attempt = find_attempt(read(live), ended.attempt.number);
  if (ended.attempt.number == 0 || ended.attempt.number > live.brief.attempts_count ||
      (attempt != nullptr && !is_at(*attempt, site))) {
    ++counters_.strays;
    return;
  }
  const bool is_live = attempt != nullptr && !is_over(attempt->state);
  const bool is_late = attempt != nullptr && attempt->state == AttemptState::lost &&
                       !attempt->report && !live.brief.has_ended;
  if (is_live || is_late) {
    EndReport report = ended.report;
    const auto by_wall = std::max(now.wall - attempt->decided, Wall::duration::zero());
    const auto by_mono = is_live ? now.mono - live.tries->decided : Mono::duration::zero();
    cut_charge(report, *attempt,
               std::chrono::ceil<std::chrono::seconds>(std::max(by_wall, by_mono)));
    if (is_live && attempt->state == AttemptState::dispatching) grant(live, now);
    record(live, now, AttemptFinished{ended.attempt, std::move(report)});
    if (is_live) {
      ++counters_.ended;
      const AttemptRecord* const over = find_attempt(read(live), ended.attempt.number);
      if (over != nullptr && over->decision.chosen) {
        router_.ended(ended.attempt, *over->decision.chosen);
      }
      exclude(live, site, options_.exclude_base, now);
      after_attempt(live, now);
    }
  } else {
    ++counters_.duplicates;
  }
  send(site, AcknowledgeEnd{ended.attempt});
}

// A site may not charge more than its terms allow for the time since it was given the attempt. The
// billed seconds of the decision hold at least one increment and the minimum, hence their sum
// bounds any honest rounding.
void Lifecycle::cut_charge(EndReport& report, const AttemptRecord& attempt,
                           std::chrono::seconds held) {
  const Candidate& chosen = *attempt.decision.chosen;
  const auto slack = std::chrono::ceil<std::chrono::seconds>(options_.skew_bound);
  const auto billed = std::chrono::seconds(
      static_cast<std::int64_t>(std::min(chosen.billed_seconds, limits::seconds_max)));
  const Money compute = cost_ceil(chosen.rate, held + slack + billed).value_or(Money{INT64_MAX});
  const Money paid =
      share_floor(compute, chosen.contract_units, std::uint64_t{chosen.nodes} * chosen.units);
  const Money due{compute.micros - paid.micros};
  const Money most = tradewind::add(due, chosen.cost.fixed).value_or(Money{INT64_MAX});
  const Money allowed = std::clamp(report.charge, Money{0}, most);
  if (allowed == report.charge) return;
  ++counters_.overcharges;
  report.system_log.push_back("the site charged " + to_decimal(report.charge.micros) +
                              ", its terms allow at most " + to_decimal(most.micros));
  report.charge = allowed;
}

void Lifecycle::lose(Live& live, std::string reason, Now now) {
  settle(live, false);
  record(live, now, AttemptLost{{live.brief.job(), live.brief.attempts_count}, std::move(reason)});
  ++counters_.lost;
  exclude(live, live.tries->site, options_.exclude_max, now);
  after_attempt(live, now);
}

void Lifecycle::after_attempt(Live& live, Now now) {
  release(live);
  release_share(live);
  if (live.brief.has_ended) {
    drop_alarm(live);
  } else {
    enqueue(live, now);
  }
}

}  // namespace tradewind
