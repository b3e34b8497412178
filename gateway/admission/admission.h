// The site's capacity book: which attempts hold which nodes, by what lease, at what price.
//
// Sans-IO: reads no clock, starts nothing, stores nothing itself; one thread. Each input gives an
// AdmissionOutput. The shell makes its `writes` durable in one synced batch, and only then does the
// rest: an attempt is granted, started, reported ended or denied only after that is on disk.
//
// A federation has several brokers, each with terms, attempts and fences of its own. An attempt
// belongs to the broker that dispatched it: others are told that it is unknown, their messages
// change nothing about it, and what becomes of it is said to its own broker only.
//
// Idempotent by attempt id: a dispatch that comes again is answered with what became of the first.
// An attempt that was refused, denied (asked about, not known) or forgotten (its end acknowledged)
// is fenced: a late or doubled dispatch of it starts nothing. Fences are kept for `fence_seconds`;
// past that, and after a wiped store, the quote sheet that a dispatch names is too old or not ours,
// and the dispatch is refused for that. A fence after a refusal is kept in memory only, for the
// same reason: no sheet of the life before a restart is ours any more.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/admission/node_book.h"
#include "schemas/dispatch.h"
#include "schemas/ids.h"
#include "schemas/limits.h"
#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/site.h"
#include "schemas/time.h"

namespace tradewind {

inline constexpr std::uint32_t fence_seconds_default = 120;
static_assert(std::chrono::seconds(fence_seconds_default) >=
              limits::quote_validity_max + limits::dispatch_grace + limits::clock_skew_max);

struct AdmissionOptions {
  // Whether the site's engine could ever run it (Engine::check); asked before each grant.
  // ErrorCode::unavailable is refused as engine_down, everything else as invalid. Empty: anything.
  std::function<Status(const Assignment&)> check;
  // Until an end that is not acknowledged is sent again (doubling up to sixteen times this), and a
  // stop that is not obeyed is repeated.
  std::chrono::milliseconds resend_interval{3'000};
  std::chrono::milliseconds dispatch_grace{limits::dispatch_grace};
  // Longer than any sheet is believed plus the grace: a later dispatch is refused for its sheet.
  std::uint32_t fence_seconds = fence_seconds_default;
  // Attempts held plus fences; at the limit further dispatches, and questions about unknown
  // attempts, are left unanswered and counted: without a fence no denial would be for sure.
  std::size_t attempts_max = 65'536;
  std::uint32_t lease_seconds_max = 24 * 3600;  // longer ones are cut to this
  // The engine's time limit is the first; past it by so much, admission stops the attempt itself.
  std::uint32_t run_limit_slack_seconds = 30;
  std::size_t resends_per_tick_max = 256;
};

// One key of the gateway's store, under a prefix of admission's own. No value: erase it.
struct StoreWrite {
  std::string key;
  std::optional<Bytes> value;
  friend bool operator==(const StoreWrite&, const StoreWrite&) = default;
};

struct AdmissionOutput {
  struct Reply {
    NodeId to;
    ToBroker message;
    friend bool operator==(const Reply&, const Reply&) = default;
  };
  struct Start {
    AttemptId attempt;
    Assignment assignment;
    friend bool operator==(const Start&, const Start&) = default;
  };
  struct Lease {
    AttemptId attempt;
    Mono::time_point ends;
    friend bool operator==(const Lease&, const Lease&) = default;
  };
  struct Stop {
    AttemptId attempt;
    EndCode code = EndCode::canceled;
    friend bool operator==(const Stop&, const Stop&) = default;
  };
  std::vector<StoreWrite> writes;  // durable before anything below happens
  std::vector<Reply> replies;
  std::vector<Start> starts;       // Engine::start
  std::vector<Lease> leases;       // Engine::set_lease, after the starts
  std::vector<Stop> stops;         // Engine::stop
  std::vector<AttemptId> forgets;  // Engine::forget
  bool capacity_changed = false;   // pricing should look again

  void append(AdmissionOutput other);
  bool empty() const {
    return writes.empty() && replies.empty() && starts.empty() && leases.empty() && stops.empty() &&
           forgets.empty() && !capacity_changed;
  }
};

// What a pool has left, for its next quote.
struct PoolCapacity {
  PoolId pool;
  std::uint32_t nodes = 0;
  std::uint32_t units = 0;            // in all
  std::uint32_t units_free = 0;       // over all nodes, without what is held back for contracts
  std::uint32_t units_free_node = 0;  // on the emptiest node
  std::uint32_t nodes_free = 0;       // with nothing on them
  std::uint32_t attempts = 0;         // that hold nodes
  // Of its contracts in force, in the record's order: what is held back for the tenant and is free.
  // Less than the contract leaves idle only where others held it before the contract began.
  std::vector<ContractQuote> contracts;
  // 0 while a unit is free; else what attempts here used to hold their nodes for, on average, over
  // the number of those that hold some now.
  std::uint32_t wait_seconds = 0;
  friend bool operator==(const PoolCapacity&, const PoolCapacity&) = default;
};

// One attempt as the book holds it.
struct HeldView {
  AttemptPhase phase = AttemptPhase::granted;
  Assignment assignment;
  std::vector<std::uint32_t> nodes;            // indices of the pool's nodes
  std::optional<Mono::time_point> lease_ends;  // nothing: runs on without one
  bool stopping = false;
};

struct AdmissionCounters {
  std::uint64_t granted = 0;
  std::uint64_t repeated = 0;  // dispatches that came again
  std::map<RefusalCode, std::uint64_t> refused;
  std::map<EndCode, std::uint64_t> ended;
  std::uint64_t leases_expired = 0;
  std::uint64_t fenced = 0;
  std::uint64_t old_terms = 0;  // messages of a deposed broker
  // At AdmissionOptions::attempts_max, or of brokers beyond limits::brokers_max.
  std::uint64_t unanswered_for_room = 0;
};

class Admission {
 public:
  // The site's pools must be valid (units_per_node > 0, tariffs within range), as the site file's
  // reader checked.
  Admission(SiteRecord site, AdmissionOptions options);
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Start, step 1: what the store holds, every key that was ever written and not erased. Fails with
  // `corrupt` on bytes that are not ours, or when the attempts do not fit into the site as it is
  // described now (its pools may grow, shrink only when empty).
  Status recover(const std::vector<StoreWrite>& stored, Now now);
  // Instead of a restart, when the site's description has changed under a running gateway: after
  // `recover`, takes the fences that are kept in memory only from the book it replaces, since the
  // same sheets may be published again.
  void take_over(const Admission& before);
  // Attempts that were started and have not ended, in order of id: to be given to Engine::adopt.
  std::vector<AttemptId> running() const;
  // Start, step 2: those that the engine has taken over. The others are ended as interrupted. An
  // adopted attempt's lease goes on by the wall clock as stored; nothing is granted before this.
  AdmissionOutput adopted(const std::vector<AttemptId>& attempts, Now now);

  // From now on this sheet binds the site until `valid_until`, or for limits::quote_validity when
  // that is sooner (message_delay_max rests on it): to be called before the sheet is published.
  void published(const RecordVersion& version, const QuoteSheet& sheet,
                 Wall::time_point valid_until, Now now);

  // `broker` is the sender as the link authenticated it; `quote` is the site's newest signed quote
  // sheet, for refusals. ReadLog and CosignCheckpoint are not for admission and are ignored.
  AdmissionOutput from_broker(const NodeId& broker, const ToGateway& message,
                              const SignedRecord& quote, Now now);
  // What the engine reports: staging, running, finishing.
  AdmissionOutput engine_phase(const AttemptId& attempt, AttemptPhase phase, Now now);
  // The end, from the engine; `charge` in it is filled in here. A second end of an attempt changes
  // nothing.
  AdmissionOutput engine_ended(const AttemptId& attempt, EndReport report, Now now);
  // draining takes nothing new; maintenance also ends what runs, as preempted.
  AdmissionOutput set_state(SiteState state, Now now);
  // To be called when `next_tick` has come.
  AdmissionOutput tick(Now now);
  Mono::time_point next_tick() const;

  std::vector<PoolCapacity> capacity(Now now) const;  // in the order of the site's pools
  // Nothing when the attempt is not held; held attempts are kept until their end is acknowledged.
  std::optional<HeldView> find(const AttemptId& attempt) const;
  std::vector<AttemptId> held() const;  // in order of id, ended ones included
  // Whether the attempt is this broker's to ask about: it dispatched it, or, when the attempt is
  // not held, may have.
  bool may_ask(const NodeId& broker, const AttemptId& attempt) const;
  bool fenced(const NodeId& broker, const AttemptId& attempt) const {
    return fences_.count({broker, attempt}) != 0;
  }
  Term term(const NodeId& broker) const;  // the greatest heard of it; 0: none
  SiteState state() const { return site_.state; }
  const AdmissionCounters& counters() const { return counters_; }

 private:
  struct PoolBook {
    NodeBook nodes;
    std::uint32_t attempts = 0;
    std::uint64_t held_seconds_mean = limits::run_seconds_default;  // moving, over about 8 attempts
  };
  struct Held {
    HeldAttempt durable;
    AttemptPhase phase = AttemptPhase::granted;
    std::size_t pool = 0;                     // index into pools_; of no meaning once it has ended
    std::optional<Mono::time_point> granted;  // nothing: before the last restart
    std::optional<Mono::time_point> lease_ends;        // nothing: no lease
    std::optional<Wall::time_point> stored_lease_end;  // of a recovered one, until it is adopted
    std::optional<Mono::time_point> run_ends;          // of the time limit with its slack
    std::optional<EndCode> stopping;
    Mono::time_point resend{};  // of the stop or the end, when there is one
    std::chrono::milliseconds resend_span{};
    Mono::time_point alarm{};  // its key in alarms_
  };
  struct SheetTerms {
    RecordVersion version;
    Mono::time_point binds_until{};
    Mono::time_point taken_until{};  // with the grace
    std::vector<std::pair<PoolId, std::int64_t>> price_ppm;
  };
  // An attempt that this broker must not start any more.
  using Fence = std::pair<NodeId, AttemptId>;
  struct Refusal {
    RefusalCode code = RefusalCode::no_capacity;
    std::string detail;
  };

  // What a broker's message comes to, by kind.
  void on_dispatch(const NodeId& broker, const Dispatch& dispatch, const SignedRecord& quote,
                   Now now, AdmissionOutput& output);
  void on_renew(const NodeId& broker, const RenewLeases& renew, Now now, AdmissionOutput& output);
  void on_cancel(const NodeId& broker, const AttemptId& attempt, Now now, AdmissionOutput& output);
  void on_ask(const NodeId& broker, const AttemptId& attempt, Now now, AdmissionOutput& output);
  void on_acknowledge(const NodeId& broker, const AttemptId& attempt, Now now,
                      AdmissionOutput& output);
  // Says what has become of an attempt whose dispatch has come again.
  void repeat(Held& held, Now now, AdmissionOutput& output);
  // Whether the message may be heard: not of a lower term than the greatest seen of its broker, and
  // not of one broker too many.
  bool take_term(const NodeId& broker, const ToGateway& message, const SignedRecord& quote, Now now,
                 AdmissionOutput& output);
  void reply_refused(const NodeId& broker, const AttemptId& attempt, Refusal refusal,
                     const SignedRecord& quote, AdmissionOutput& output);
  // Nothing when the attempt is not held, or is another broker's.
  Held* held_of(const NodeId& broker, const AttemptId& attempt);

  std::optional<Refusal> refuse(const NodeId& broker, const AttemptId& attempt,
                                const Assignment& assignment, Now now) const;
  std::optional<Refusal> refuse_shape(const Assignment& assignment, const Pool& pool) const;
  std::optional<Refusal> refuse_policy(const Assignment& assignment) const;
  std::optional<Refusal> refuse_contract(const Assignment& assignment, Wall::time_point now) const;
  std::optional<Refusal> refuse_capacity(const Assignment& assignment, std::size_t pool,
                                         Wall::time_point now) const;
  std::optional<Refusal> refuse_price(const Assignment& assignment, const Pool& pool,
                                      Mono::time_point now) const;
  // `unknown`, after putting up a fence. No answer when there is no room for one.
  void deny(const NodeId& broker, const AttemptId& attempt, Now now, AdmissionOutput& output);
  bool room() const { return held_.size() + fences_.size() < options_.attempts_max; }
  void fence(const Fence& fence, Mono::time_point now, bool durable);
  void fence_durably(const Fence& fence, Now now, AdmissionOutput& output);
  void prune_fences(Mono::time_point now, AdmissionOutput& output);
  void begin_stop(Held& held, EndCode code, Mono::time_point now, AdmissionOutput& output);
  void finish(Held& held, EndReport report, Now now, AdmissionOutput& output);
  void set_lease(Held& held, std::uint32_t lease_seconds, Now now, AdmissionOutput& output);
  void send_end(Held& held, Mono::time_point now, AdmissionOutput& output);
  void set_alarm(Held& held);
  void write(const Held& held, AdmissionOutput& output) const;
  Status recover_attempt(HeldAttempt attempt);
  // Of the pool's contracts in force: units_idle is what each leaves idle, as far as it is free.
  std::vector<ContractQuote> idle_contracts(std::size_t pool, Wall::time_point now) const;
  void take(const HeldAttempt& attempt, std::size_t pool);
  void give_back(const HeldAttempt& attempt, std::size_t pool);
  // Index into the site's pools and pools_; nothing when there is no such pool.
  std::optional<std::size_t> pool_index(const PoolId& pool) const;

  SiteRecord site_;
  AdmissionOptions options_;
  std::map<NodeId, Term> terms_;  // the greatest heard of each broker
  bool ready_ = false;
  std::vector<PoolBook> pools_;
  std::map<ContractId, std::uint64_t> contract_units_;  // that attempts hold
  std::map<AttemptId, Held> held_;
  std::set<std::pair<Mono::time_point, AttemptId>> alarms_;     // one for each held attempt
  std::map<Fence, bool> fences_;                                // and whether it is in the store
  std::deque<std::pair<Mono::time_point, Fence>> fence_order_;  // when each was put up
  std::vector<StoreWrite> rewritten_;  // of an earlier form of the store, until `adopted`
  std::deque<SheetTerms> sheets_;
  AdmissionCounters counters_;
};

}  // namespace tradewind
