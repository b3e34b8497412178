// Leases, questions and losses: everything that happens because time passes.
#include <algorithm>
#include <utility>

#include "broker/jobs/lifecycle.h"
#include "schemas/assert.h"

namespace tradewind {

std::chrono::milliseconds Lifecycle::renew_interval() const {
  return std::chrono::milliseconds(std::chrono::seconds(options_.lease_seconds)) / 3;
}

Mono::time_point Lifecycle::loss_at(const Live& live) const {
  const auto delay = live.unanswered ? std::max(options_.delay_bound, options_.dispatch_delay_bound)
                                     : options_.delay_bound;
  return live.tries->last_sent + std::chrono::seconds(options_.lease_seconds) +
         options_.skew_bound + delay;
}

// An attempt that runs on without a lease is never over by time alone. Its job's cancel ends the
// wait: a canceled job goes nowhere else, so nothing can run twice.
bool Lifecycle::waits_for_site(const Live& live) const {
  return live.brief.outlasts_lease && !live.brief.cancel_requested;
}

// The site is to end the attempt: it is told so until it is over, and its lease may run out.
bool Lifecycle::is_stopping(const Live& live) const {
  return live.brief.cancel_requested || live.tries->taken_back;
}

// From a grant, or a restart of this side, which does not know for how long it has been waiting.
void Lifecycle::await_start(Live& live, Now now) {
  const AttemptRecord& attempt = *live_attempt(read(live));
  if (attempt.state != AttemptState::granted) return;
  const std::uint64_t wait =
      std::min(attempt.decision.chosen->finish.wait_seconds, limits::seconds_max);
  live.tries->start_by = now.mono + options_.start_grace + std::chrono::seconds(2 * wait);
}

// --- what each job waits for ---------------------------------------------------------------------

void Lifecycle::set_alarm(Live& live) {
  Mono::time_point next = Mono::time_point::max();
  if (!live.brief.cancel_requested) next = live.ends_by;
  if (live.waiting) {
    next = std::min(next, live.expires);
    if (waits_for_others(live.brief)) {
      // Their ends let it go.
    } else if (live.queue == Queue::none) {
      next = std::min(next, live.tries->not_before);
    } else if (live.queue == Queue::alone) {
      // Back to its like when the first of its exclusions runs out.
      for (const Exclusion& each : live.tries->exclusions) {
        if (each.until > seen_) next = std::min(next, each.until);
      }
    }
  } else if (live.brief.has_attempt) {
    if (live.unanswered || is_stopping(live)) {
      next = std::min(next, live.tries->next_ask);
    } else {
      next = std::min(next, live.tries->start_by);
    }
    if (!waits_for_site(live)) next = std::min(next, loss_at(live));
  }
  if (next == live.alarm) return;
  drop_alarm(live);
  live.alarm = next;
  if (next != Mono::time_point::max()) alarms_.emplace(next, live.brief.number);
}

void Lifecycle::drop_alarm(Live& live) {
  if (live.alarm == Mono::time_point::max()) return;
  alarms_.erase({live.alarm, live.brief.number});
  live.alarm = Mono::time_point::max();
}

void Lifecycle::ring(Live& live, Now now) {
  if (live.ends_by <= now.mono && !live.brief.cancel_requested) {
    record(live, now,
           JobExpired{live.brief.job(), "total time limit: it has not ended within the " +
                                            std::to_string(read(live).spec.total_seconds_max) +
                                            " s that it may take from its submission"});
    stop(live, now);
    return;
  }
  if (live.waiting) {
    if (live.expires <= now.mono) {
      const bool is_unpaid = live.queue != Queue::none && queues_.at(queue_of(live)).needed > 0;
      const std::string why = is_unpaid ? "its tenant's budget did not cover it within the "
                                        : "it found no place within the ";
      dequeue(live);
      record(live, now,
             JobExpired{live.brief.job(), why + std::to_string(read(live).spec.queue_seconds_max) +
                                              " s that it may wait"});
      drop_alarm(live);
      return;
    }
    dequeue(live);
    enqueue(live, now);
    return;
  }
  const AttemptId id{live.brief.job(), live.brief.attempts_count};
  if (!waits_for_site(live) && loss_at(live) <= now.mono) {
    const auto since =
        std::chrono::duration_cast<std::chrono::seconds>(now.mono - live.tries->last_sent).count();
    lose(live,
         (live.tries->taken_back ? "nothing of it had begun in time, it was taken back, and its "
                                   "lease is over for sure ("
                                 : "no word from the site, and its lease is over for sure (") +
             std::to_string(since) + " s after the last renewal)",
         now);
    return;
  }
  live.tries->next_ask = now.mono + options_.ask_interval;
  if (live.tries->start_by <= now.mono) {
    live.tries->taken_back = true;
    live.tries->start_by = Mono::time_point::max();
    ++counters_.taken_back;
  }
  if (is_stopping(live)) {
    send(live.tries->site, CancelAttempt{id});
  } else {
    ++counters_.asked;
    send(live.tries->site, AskAttempt{id});
  }
  set_alarm(live);
}

void Lifecycle::tick(Now now) {
  TRADEWIND_ASSERT(running_);
  input(now);
  while (!alarms_.empty() && alarms_.begin()->first <= now.mono) {
    Live& live = jobs_.at(alarms_.begin()->second);
    drop_alarm(live);
    ring(live, now);
  }
  while (!site_alarms_.empty() && site_alarms_.begin()->first <= now.mono) {
    const SiteId site = site_alarms_.begin()->second;
    round(site, sites_.at(site), now);
  }
  retry(now);
}

Mono::time_point Lifecycle::next_tick() const {
  const bool is_due = !order_.empty() || !searches_.empty() || !opened_.empty();
  if (is_due && unanswered_ < options_.dispatches_in_flight_max) return seen_;
  Mono::time_point next = Mono::time_point::max();
  if (!alarms_.empty()) next = alarms_.begin()->first;
  if (!site_alarms_.empty()) next = std::min(next, site_alarms_.begin()->first);
  if (!blocked_.empty()) {
    next = std::min(next, std::max(next_retry_, blocked_.begin()->first + options_.retry_interval));
  }
  return next;
}

// --- what each site waits for --------------------------------------------------------------------

void Lifecycle::settle(Live& live, bool granted) {
  if (!live.unanswered) return;
  live.unanswered = false;
  --unanswered_;
  const AttemptId id{live.brief.job(), live.brief.attempts_count};
  const AttemptRecord* const attempt = find_attempt(read(live), id.number);
  TRADEWIND_ASSERT(attempt != nullptr && attempt->decision.chosen);
  router_.settled(id, *attempt->decision.chosen, granted);
}

void Lifecycle::hold(Live& live, Now now) {
  const auto [each, is_new] = sites_.try_emplace(live.tries->site);
  SiteContact& contact = each->second;
  contact.held.insert(live.brief.number);
  Mono::time_point due = live.tries->last_sent + renew_interval();
  if (is_new) {
    contact.heard = now.mono;
  } else {
    due = std::min(due, contact.next_round);
  }
  set_round(live.tries->site, contact, due);
}

void Lifecycle::release(Live& live) {
  const auto found = sites_.find(live.tries->site);
  if (found == sites_.end()) return;
  found->second.held.erase(live.brief.number);
  if (!found->second.held.empty()) return;
  site_alarms_.erase({found->second.next_round, live.tries->site});
  sites_.erase(found);
}

void Lifecycle::set_round(const SiteId& site, SiteContact& contact, Mono::time_point at) {
  site_alarms_.erase({contact.next_round, site});
  contact.next_round = at;
  site_alarms_.emplace(at, site);
}

void Lifecycle::heard(const SiteId& site, Mono::time_point now) {
  const auto found = sites_.find(site);
  if (found == sites_.end()) return;
  found->second.heard = now;
  if (!found->second.silent) return;
  found->second.silent = false;
  set_round(site, found->second, now);
}

// Renews what a site holds if the site has been heard of since about the last renewal, and asks it
// about one attempt, going round, so that there is something to hear. A silent site gets the
// question only: its leases must be let run out, or its attempts would never be over for sure.
void Lifecycle::round(const SiteId& site, SiteContact& contact, Now now) {
  contact.silent = now.mono - contact.heard > renew_interval() + options_.ask_interval;
  if (!contact.silent) {
    RenewLeases renew;
    renew.lease_seconds = options_.lease_seconds;
    for (const JobNumber job : contact.held) {
      Live& live = jobs_.at(job);
      if (is_stopping(live)) continue;  // its lease may run out
      live.tries->last_sent = now.mono;
      sent_.push_back(job);
      set_alarm(live);
      renew.attempts.push_back({live.brief.job(), live.brief.attempts_count});
      if (renew.attempts.size() == limits::renew_attempts_max) {
        send(site, renew);
        renew.attempts.clear();
      }
    }
    if (!renew.attempts.empty()) send(site, std::move(renew));
  }
  auto next = contact.held.upper_bound(contact.probed);
  if (next == contact.held.end()) next = contact.held.begin();
  contact.probed = *next;
  ++counters_.asked;
  send(site, AskAttempt{{job_id(*next), jobs_.at(*next).brief.attempts_count}});
  set_round(site, contact, now.mono + (contact.silent ? options_.ask_interval : renew_interval()));
}

}  // namespace tradewind
