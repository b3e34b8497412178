// The life of jobs and their attempts, as the broker leads it: a deterministic state machine.
//
// Sans-IO: reads no clock, sends nothing, keeps nothing; one thread. The shell feeds it inputs,
// then calls `take` once for the whole batch, makes the batch durable, and only then does what it
// says:
//
//   lifecycle.submit(...); lifecycle.from_site(...); ...        // whatever has arrived
//   LifecycleOutput output = lifecycle.take(now);               // decides where jobs go
//   journal.commit({output.entries, output.jobs});              // one sync
//   for (auto& each : output.sends) link.send(...);             // only now
//   lifecycle.sent(now);
//
// After a failed commit the process must stop: the lifecycle is then ahead of the journal. Leases
// are counted from `sent`; a shell that does not call it has them counted from its next input.
//
// Safety (docs/architecture.md, never twice): an attempt is given to another site only after the
// one before was refused, has ended, or is over for sure. Over for sure is: the site denies knowing
// it (and from then on refuses it), or lease + skew bound + delay bound have passed on the steady
// clock since the last dispatch or renewal was sent. Renewals are sent only to sites that have been
// heard of lately, so that the lease of a silent site runs out.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/jobs/budgets.h"
#include "broker/jobs/dependencies.h"
#include "broker/jobs/fair_order.h"
#include "broker/jobs/fold.h"
#include "broker/jobs/job_brief.h"
#include "broker/jobs/job_number.h"
#include "broker/jobs/job_records.h"
#include "broker/jobs/shape.h"
#include "broker/jobs/wake_index.h"
#include "schemas/changed_job.h"
#include "schemas/dispatch.h"
#include "schemas/ids.h"
#include "schemas/journal.h"
#include "schemas/limits.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

struct LifecycleOptions {
  // Renewed every third of it. Lower it only while no attempt runs under a longer one.
  std::uint32_t lease_seconds = limits::lease_seconds_default;
  // What the two steady clocks may differ by over a lease, and what a gateway may take to stop.
  std::chrono::milliseconds skew_bound{limits::clock_skew_max};
  // A renewal takes effect at its receiver at most this long after it was sent: what the links
  // allow.
  std::chrono::milliseconds delay_bound{limits::message_delay_max};
  // A dispatch does so at most this long after it was sent, whatever the links do: a gateway takes
  // it only while the quote sheet that it names binds, and a grace.
  std::chrono::milliseconds dispatch_delay_bound{limits::message_delay_max};
  // Between questions about a dispatch without an answer, cancels, and probes of a silent site.
  std::chrono::milliseconds ask_interval{5'000};
  // How long a site that refused a job is not asked for it again; doubles with each refusal of the
  // same job by the same site up to the maximum. Sites that lost a job start at the maximum.
  std::chrono::milliseconds exclude_base{2'000};
  std::chrono::milliseconds exclude_max{60'000};
  // After this many refusals in a row a job waits before it is decided again: the base, doubling.
  std::uint32_t refusals_per_pass = 4;
  std::chrono::milliseconds pause_base{1'000};
  std::chrono::milliseconds pause_max{30'000};
  // Unanswered dispatches at a time; further jobs wait.
  std::size_t dispatches_in_flight_max = 4'096;
  // Whole decisions, and jobs held against one place, in one `take`; what is left goes on in the
  // next, which next_tick asks for at once.
  std::size_t decisions_per_take_max = 1'024;
  std::size_t checks_per_take_max = 16'384;
  // Jobs that are looked at together before any of them is given a place; at most
  // limits::jobs_cleared_max. 1: each is decided by itself.
  std::size_t jobs_cleared_max = 64;
  // Jobs that found no place are tried again after so long even when nothing has opened, the
  // longest untried first: at most so many shapes of them in each hundredth of the interval.
  std::chrono::milliseconds retry_interval{10'000};
  std::size_t retries_max = 100;
  // A granted attempt of which nothing has begun, not even the staging of its inputs, so long after
  // twice the wait that its decision rests on is taken back: its lease runs out, and its job goes
  // elsewhere once it is over.
  std::chrono::seconds start_grace{600};
  // For so long after `begin` an unroutable outcome counts as waiting: the market view may not have
  // filled yet.
  std::chrono::milliseconds settling{10'000};
  // Records that are kept ready to hand between two inputs; the others lie packed.
  std::size_t records_open_max = 4'096;
};

// What has changed that may let waiting jobs go. Places are numbers of the router's.
struct RouterChanges {
  // Any job may go now, wherever.
  bool everything = false;
  // So may each whose adequacy rests on more than the place itself (JobLacks::elsewhere).
  bool elsewhere = false;
  // And any at one of these, of which each has more to offer than before.
  std::vector<std::uint32_t> places;
};

// What a job waits for that found no place.
struct JobLacks {
  std::vector<Lack> rooms;  // each kind once
  bool elsewhere = false;
};

// How one place suits one job.
enum class Suits {
  now,
  not_this_job,
  no_job_alike,  // nor any other of the tenant with the same demand (demand_of)
};

// A job that a clearing may give a place.
struct JobToClear {
  const JobRecord* job = nullptr;
  std::vector<SiteId> excluded;
  Candidate alone;  // what `decide` chose for it, with none of the others debited
};
struct JobPlaced {
  std::size_t job = 0;  // its place among those to clear
  Decision decision;
};

// How the lifecycle asks where a job goes. Pure as well; the shell implements it over routing and
// the market view. `excluded` is ordered and without doubles.
class Router {
 public:
  virtual ~Router() = default;
  // A placed decision; nothing when no place is adequate now.
  virtual std::optional<Decision> decide(const JobRecord& job, const std::vector<SiteId>& excluded,
                                         Now now) = 0;
  // Why a job has no place: a decision with the reasons of each. May take a thousand times as long.
  virtual Decision explain(const JobRecord& job, const std::vector<SiteId>& excluded, Now now) = 0;
  // Whether a job that has no place may find one in time. False: ask `explain`.
  virtual bool may_wait(const JobRecord& /*job*/, Now /*now*/) { return false; }

  // Whether `clear` knows all that the job's place depends on. False: it is decided by itself.
  virtual bool may_clear(const JobRecord& /*job*/) { return false; }
  // Jobs in their turn, all of which may be cleared. Where it is better to give them places
  // together than one after the other: the placed ones, each adequate with those before it debited;
  // for the others no place is left then. Nothing otherwise.
  virtual std::vector<JobPlaced> clear(const std::vector<JobToClear>& /*jobs*/, Now /*now*/) {
    return {};
  }

  // Everything since the last call. While a place is not among the changes, no job that it did not
  // suit suits it.
  virtual RouterChanges changes() = 0;
  virtual JobLacks lacks(const JobRecord& job) = 0;
  virtual Opening opening(std::uint32_t place) = 0;
  virtual Suits suits(const JobRecord& job, const std::vector<SiteId>& excluded,
                      std::uint32_t place, Now now) = 0;

  // What the records that `decide` just relied on say of its choice: the price factor of the quote
  // sheet, what the tariff's currency counted as, and the longest time limit that the site grants
  // (0: not known).
  virtual std::int64_t price_ppm(const Candidate& chosen) const = 0;
  virtual std::int64_t conversion_ppm(const Candidate& /*chosen*/) const { return ppm_one; }
  virtual std::uint64_t run_seconds_max(const Candidate& /*chosen*/) const { return 0; }
  // What decisions rest on from now on and no entry tells of yet, records and quarantines: they
  // become entries before the next decision does.
  virtual std::vector<decltype(Entry::body)> unrecorded() { return {}; }
  // Whether they have become so many that they must not wait for a decision.
  virtual bool must_record() const { return false; }
  // The time that entries made from now on bear at least. The view's debits run out by this time
  // and no other, so that the journal alone tells when.
  virtual void pass(Wall::time_point /*logged*/) {}
  // Called once when an attempt is decided (and for each unanswered one of a recovered job), and
  // once when its site has answered or it is over: the view's debits follow from these.
  virtual void placed(const AttemptId& attempt, const Candidate& chosen) = 0;
  virtual void settled(const AttemptId& attempt, const Candidate& chosen, bool granted) = 0;
  // Called when the site has reported the end of a granted attempt: what it held is free again.
  virtual void ended(const AttemptId& /*attempt*/, const Candidate& /*chosen*/) {}
  // Called with each entry about a job that is live, in their order; the job is as it was before
  // the entry.
  virtual void recorded(const JobRecord& /*job*/, const Entry& /*entry*/) {}
};

struct SendToSite {
  SiteId site;
  ToGateway message;
  friend bool operator==(const SendToSite&, const SendToSite&) = default;
};

// What a batch of inputs came to. `entries` and `jobs` go into one commit; each of them is durable
// before any of `sends` leaves, and before anybody is told of `jobs`.
struct LifecycleOutput {
  std::vector<Entry> entries;
  // The jobs that the entries changed, each once, as they are after them, by id. Those in a final
  // state are reported here for the last time: the lifecycle has let go of them.
  std::vector<ChangedJob> jobs;
  // What of their budgets tenants have spent by then, where that has changed; nothing: the budget
  // was removed. Into the same commit.
  std::map<TenantId, std::optional<BudgetSpent>> spent;
  std::vector<SendToSite> sends;
  bool empty() const { return entries.empty() && jobs.empty() && spent.empty() && sends.empty(); }
};

struct LifecycleCounters {
  std::uint64_t submitted = 0;  // jobs, tasks of arrays counted one by one
  std::uint64_t decided = 0;    // attempts given to a site
  std::uint64_t tried = 0;      // whole decisions asked for
  std::uint64_t checked = 0;    // jobs held against one place
  std::uint64_t clearings = 0;  // that gave places
  std::uint64_t granted = 0;
  std::uint64_t refused = 0;
  std::uint64_t lost = 0;
  std::uint64_t ended = 0;        // attempts
  std::uint64_t asked = 0;        // questions about attempts
  std::uint64_t taken_back = 0;   // attempts that were granted and of which nothing began
  std::uint64_t duplicates = 0;   // messages that said nothing new
  std::uint64_t strays = 0;       // messages about attempts that are not at their sender
  std::uint64_t overcharges = 0;  // charges above the terms of the decision, cut to them
  std::uint64_t jobs_succeeded = 0;
  std::uint64_t jobs_failed = 0;
  std::uint64_t jobs_canceled = 0;
  std::uint64_t jobs_unroutable = 0;
};

class Lifecycle {
 public:
  // `router` must outlive it.
  Lifecycle(LifecycleOptions options, Router& router);
  Lifecycle(const Lifecycle&) = delete;
  Lifecycle& operator=(const Lifecycle&) = delete;

  // Start: first `recover` for each live job and budget of the journal, then `begin` once with a
  // term greater than any before. `newest` is the time of the journal's newest entry (zero time:
  // none): no entry gets an earlier one.
  void recover(const StoredJob& job);
  // Likewise each budget, with what `LifecycleOutput::spent` last said of it.
  void recover_budget(const TenantId& tenant, const Budget& budget, const BudgetSpent& spent);
  void begin(Term term, Wall::time_point newest, Now now);

  // The spec is validated, the id new. An array becomes its tasks. What it comes after (spec.after)
  // was live at the last take, or is newer, or has succeeded, and no task of an array among it had
  // ended otherwise: the shell sees to that. It is given a place once all of that has succeeded;
  // what ends otherwise ends it too, in the same batch. Hence, of a recovered job, what is live no
  // more has succeeded.
  void submit(JobSubmitted submission, Now now);
  // Of a job with a quote, no array and after no others: its decision is made already, since it
  // keeps the quote, and is dispatched with the next take whoever else waits. Not while
  // `unanswered` is at its bound, nor when the tenant's budget does not cover it.
  //
  // No attempt of such a job is decided at more than its quote's total: the router sees to that.
  // Refused before it was ever granted, it goes elsewhere for no more; where there is no such place
  // it ends, telling why; so it does where the tenant's budget does not cover it. Once granted it
  // is a job like others with that budget.
  void submit_decided(JobSubmitted submission, Decision decision, Now now);
  bool may_dispatch() const { return unanswered_ < options_.dispatches_in_flight_max; }
  // Of a job, or of an array: then of each of its tasks that has not ended. Ok also when it was
  // requested before; not_found when nothing live has that id (the shell knows of ended jobs).
  Status cancel(const JobId& job, const std::string& principal, Now now);
  // The jobs of a tenant wait while its budget does not cover them (budgets.h); no attempt is
  // stopped for it.
  void set_budget(BudgetChanged change, Now now);
  const Budgets& budgets() const { return budgets_; }
  // `site` is the sender as the link authenticated it. Its refusal's quote sheet should be in the
  // market view already. Log chunks are not for the lifecycle and are ignored.
  void from_site(const SiteId& site, const ToBroker& message, Now now);
  // To be called when `next_tick` has come.
  void tick(Now now);
  Mono::time_point next_tick() const;

  // Decides the jobs that are due, in their turn (fair_order.h), and gives out everything since the
  // last call. Asks the router what has changed.
  LifecycleOutput take(Now now);
  // The sends of the last take have left. A slow commit may have held them back for long.
  void sent(Now now);

  // Entries that the next take will give out, so far. A shell that derives a job id from the
  // journal sequence adds this to the last one.
  std::size_t entries_pending() const { return output_.entries.size(); }
  // For the shell's own entries: the time that an entry made now must bear.
  Wall::time_point stamp(Now now);

  // A live job as of the last input; null for others. Valid until the next input or take.
  const JobRecord* find(const JobId& job);
  // Why a queued job is not placed: a decision, made now or since it was last tried, about it or
  // one just like it. It has chosen a place when only the tenant's budget does not cover that.
  // Null when it is not queued, was not yet tried, or is about to be placed. Valid until the next
  // non-const call.
  const Decision* waiting_decision(const JobId& job, Now now);
  std::size_t live() const { return jobs_.size(); }
  // Those who have had a live job since the start, and how many they have now.
  const std::map<TenantId, std::size_t>& tenants() const { return tenants_; }
  std::size_t waiting() const { return waiting_count_; }
  // Those of them that wait for their tenants' budgets only: of all, or of one tenant.
  std::size_t waiting_for_budget() const { return unpaid_count_; }
  std::size_t waiting_for_budget(const TenantId& tenant) const;
  std::size_t unanswered() const { return unanswered_; }
  // Attempts that were granted and are not over, at one site.
  std::size_t held_at(const SiteId& site) const;
  const LifecycleCounters& counters() const { return counters_; }

 private:
  // Jobs of one shape: when the first of them finds no place, the others need not be tried.
  struct WaitQueue {
    TenantId tenant;
    Shape demand;
    std::set<std::pair<std::int64_t, Age>> jobs;  // by rank
    // No place for the first, until something changes: it is in wakes_ instead of order_.
    bool blocked = false;
    // Blocked by the tenant's budget: what its first would hold, and it is in unpaid_ instead of
    // wakes_. 0: it is not.
    std::int64_t needed = 0;
    bool elsewhere = false;  // while blocked: see JobLacks
    bool hopeful = false;    // some decision found or hoped for a place
    Mono::time_point tried{};
    std::unique_ptr<Decision> decision;  // why, once somebody has asked
    std::uint64_t explained = 0;         // the moment of `decision`
    Turn first() const { return {jobs.begin()->first, tenant, jobs.begin()->second}; }
  };
  struct Exclusion {
    SiteId site;
    Mono::time_point until{};
    std::chrono::milliseconds span{};
  };
  // What has come of a job's attempts in this broker's life, and of the live one.
  struct Tries {
    Mono::time_point not_before{};  // end of the pause
    std::uint32_t refusals_in_row = 0;
    std::chrono::milliseconds pause{};
    std::vector<Exclusion> exclusions;
    // Of the live attempt.
    SiteId site;
    std::int64_t weight = 0;  // counted for its tenant in order_
    Money held{};             // and in budgets_
    Mono::time_point decided{};
    Mono::time_point last_sent{};  // dispatch or renewal: the loss is counted from here
    Mono::time_point next_ask{};
    Mono::time_point start_by = Mono::time_point::max();  // once granted, until something begins
    bool taken_back = false;                              // nothing had by then
  };
  // Which queue a waiting job stands in.
  enum class Queue : std::uint8_t { none, alike, alone };
  // A live job, and what is known of it in memory only. There may be a million: what only some have
  // is kept apart.
  struct Live {
    JobBrief brief;
    const TenantId* tenant = nullptr;  // in tenants_
    JobRecords::Slot record;
    std::unique_ptr<Tries> tries;  // null: none yet
    bool only_submitted = false;   // its row is in submitted_
    bool placeable = false;        // some decision found a place
    bool passed_over = false;      // first in turn, and a clearing gave others the room
    bool unanswered = false;  // its live attempt: counted in unanswered_, debited with the router
    // While it waits. In no queue: it pauses, or comes after others.
    bool waiting = false;
    Queue queue = Queue::none;
    Mono::time_point expires = Mono::time_point::max();
    Wall::time_point free_since{};  // when it had to wait for others no more; zero: it never had to
    Mono::time_point ends_by = Mono::time_point::max();  // the end of its total time
    Mono::time_point alarm = Mono::time_point::max();    // its key in alarms_
  };
  // A job whose turn has come, out of its queue until it is given a place or none is left.
  struct Contender {
    Live* live = nullptr;
    Queue queue = Queue::none;
    JobToClear to_clear;
    Decision alone;
  };
  // Queues of one tenant that its budget blocks, by what each needs.
  struct Unpaid {
    std::set<std::pair<std::int64_t, Shape>> queues;
    std::size_t jobs = 0;
  };
  // A site at which attempts are held.
  struct SiteContact {
    std::set<JobNumber> held;  // granted and not over
    Mono::time_point heard{};
    bool silent = false;            // not heard of since the last renewal: none is sent
    JobNumber probed;               // the last one asked about, for going round
    Mono::time_point next_round{};  // renewal or probe; its key in site_alarms_
  };
  using Jobs = std::map<JobNumber, Live>;

  // lifecycle.cpp
  void input(Now now);
  Live& add(const JobBrief& brief, const TenantId& tenant);
  void begin_to_wait(Live& live, Now now);
  // Null: there is none.
  Live* find_live(const JobId& job);
  const JobRecord& read(Live& live);
  Tries& tries(Live& live);
  void recovered(Live& live, Now now);
  void record(Live& live, Now now, decltype(Entry::body) body);
  void record_market(Now now);
  void bound_total(Live& live, Now now);
  void request_cancel(Live& live, const std::string& principal, Now now);
  // Once its cancel or the end of its total time is recorded: has the attempt stopped, if one is
  // alive.
  void stop(Live& live, Now now);
  void send(const SiteId& site, decltype(ToGateway::body) body);

  // lifecycle_dependencies.cpp
  // Calls for each job in memory that is, or is a task of, the one named; whether there was any.
  template <class Visit>
  bool each_of(const JobId& job_or_array, Visit visit);
  void recover_dependencies(Now now);
  // Of a job, or of an array as a whole.
  void await_others(const JobId& submission, const JobSpec& spec);
  bool waits_for_others(const JobBrief& job) const;
  // Lets go or ends who waited for what has ended since the last call, and who waited for those.
  void follow_ends(Now now);
  // Of those who waited for `name`, the ended job or its array.
  void follow(const JobRecord& ended, const JobId& name, Now now);
  void let_go(const JobId& submission, Now now);
  void end_after(const JobId& submission, const std::string& reason, Now now);

  // lifecycle_waiting.cpp
  void enqueue(Live& live, Now now);
  void dequeue(Live& live);
  Wall::time_point waits_since(Live& live);
  // Of the one it stands in.
  static Shape queue_of(const Live& live);
  void change_queue(bool insert, const Live& live);
  void show_first(const WaitQueue& queue);
  void hide(const WaitQueue& queue, const Turn& turn);
  void block(const Shape& shape, Now now);
  void unblock(const Shape& shape);
  void retry(Now now);
  void wake();
  void pass(Now now);
  // The next in their turn that have a place; the first of all that goes by itself is dispatched at
  // once. The bounds are of the counters.
  std::vector<Contender> contenders(std::uint64_t tried_max, std::uint64_t checked_max, Now now);
  // These are false of a job that goes by itself: not before the contenders have their places.
  bool try_first(std::vector<Contender>& contenders, Now now);
  // The first that `search` gives at the place.
  bool try_woken(std::uint32_t place, WakeIndex::Search& search, std::vector<Contender>& contenders,
                 Now now);
  bool contend(Live& live, std::vector<SiteId> excluded, Decision alone,
               std::vector<Contender>& contenders, Now now);
  void give_places(std::vector<Contender> contenders, Now now);
  // False: nothing was done, no clearing of them is better than one by one, or not all of it is
  // covered by their tenants' budgets.
  bool clear(const std::vector<Contender>& contenders, Now now);
  void requeue(const Contender& contender);
  void wait_on(const Contender& contender, Now now);
  bool end_if_hopeless(Live& live, const std::vector<SiteId>& excluded, Now now);
  void dispatch(Live& live, Decision decision, Now now);
  void give_up_quote(Live& live, const Decision& decision, Now now);
  void end_quoted(Live& live, const std::string& why, Now now);
  void exclude(Live& live, const SiteId& site, std::chrono::milliseconds span, Now now);
  std::vector<SiteId> excluded_sites(const Live& live, Mono::time_point now) const;

  // lifecycle_budgets.cpp
  // The attempt counts for its tenant, in turns and of its budget; later no more.
  void hold_share(Live& live, const Candidate& chosen);
  void release_share(Live& live);
  // Blocks the queue of a job that has a place which its tenant's budget does not cover.
  void await_budget(Live& live, const BudgetMiss& miss, Now now);
  void count_unpaid(const WaitQueue& queue, std::ptrdiff_t jobs);
  void forget_unpaid(const WaitQueue& queue, const Shape& shape);
  // Unblocks what the budgets that have opened may cover, in its turn.
  void offer_budgets();
  bool covers(const std::vector<Contender>& contenders, const std::vector<JobPlaced>& placed);

  // lifecycle_attempts.cpp
  void on_granted(const SiteId& site, const AttemptId& attempt, Now now);
  void on_refused(const SiteId& site, const Refused& refused, Now now);
  void on_status(const SiteId& site, const AttemptStatus& status, Now now);
  void on_ended(const SiteId& site, const AttemptEnded& ended, Now now);
  // The job whose live attempt this is, at this site; null when there is none.
  Live* match(const SiteId& site, const AttemptId& attempt);
  void stray(const SiteId& site, const AttemptId& attempt, bool runs);
  void grant(Live& live, Now now);
  void refuse(Live& live, RefusalCode code, std::string detail, Now now);
  void lose(Live& live, std::string reason, Now now);
  void after_attempt(Live& live, Now now);
  void cut_charge(EndReport& report, const AttemptRecord& attempt, std::chrono::seconds held);

  // lifecycle_time.cpp
  void hold(Live& live, Now now);
  void release(Live& live);
  void settle(Live& live, bool granted);
  Mono::time_point loss_at(const Live& live) const;
  bool waits_for_site(const Live& live) const;
  bool is_stopping(const Live& live) const;
  void await_start(Live& live, Now now);
  void set_alarm(Live& live);
  void drop_alarm(Live& live);
  void ring(Live& live, Now now);
  void set_round(const SiteId& site, SiteContact& contact, Mono::time_point at);
  void round(const SiteId& site, SiteContact& contact, Now now);
  void heard(const SiteId& site, Mono::time_point now);
  std::chrono::milliseconds renew_interval() const;

  LifecycleOptions options_;
  Router& router_;
  Term term_;
  Mono::time_point begun_{};
  bool running_ = false;
  Wall::time_point newest_{};
  Mono::time_point seen_{};  // the time of the last input
  // Counts inputs and dispatches: within one moment the router's answers stay the same.
  std::uint64_t moment_ = 0;
  Mono::time_point next_retry_{};  // of blocked queues, at the earliest
  JobRecords records_;
  std::map<TenantId, std::size_t> tenants_;  // of all jobs there ever were; how many live
  Jobs jobs_;
  Dependencies dependencies_;
  std::vector<JobNumber> ended_;                            // that follow_ends has yet to follow
  std::unordered_map<Shape, WaitQueue, ShapeHash> queues_;  // never an empty one
  FairOrder order_;                                         // first of each that is not blocked
  WakeIndex wakes_;                                         // first of each that is
  Budgets budgets_;
  std::map<TenantId, Unpaid> unpaid_;  // never an empty one
  std::size_t unpaid_count_ = 0;       // jobs
  // Of unpaid_: their budgets may cover more than before; and how many are offered at least.
  std::map<TenantId, std::size_t> opened_;
  std::set<std::pair<Mono::time_point, Shape>> blocked_;  // by when they were tried
  std::set<Shape> elsewhere_;                             // of these: see JobLacks
  // Places that have opened and at which not all that may fit have been looked at.
  std::map<std::uint32_t, WakeIndex::Search> searches_;
  std::set<std::pair<Mono::time_point, JobNumber>> alarms_;    // at most one a job
  std::map<SiteId, SiteContact> sites_;                        // those that hold something
  std::set<std::pair<Mono::time_point, SiteId>> site_alarms_;  // one a site
  std::size_t waiting_count_ = 0;
  std::size_t unanswered_ = 0;
  std::vector<JobNumber> sent_;  // jobs whose lease starts with a send of the last or the next take
  Mono::time_point taken_{};
  std::vector<JobNumber> changed_;  // some of them twice
  // Rows of those that have been submitted since the last take; of some of them too old by now.
  std::vector<std::pair<JobNumber, ChangedJob>> submitted_;
  LifecycleOutput output_;
  LifecycleCounters counters_;
};

template <class Visit>
bool Lifecycle::each_of(const JobId& job_or_array, Visit visit) {
  const auto number = job_number(job_or_array);
  if (!number) return false;
  if (const auto found = jobs_.find(*number); found != jobs_.end()) {
    visit(found->second);
    return true;
  }
  // An array's tasks follow its own number.
  bool any = false;
  for (auto each = jobs_.upper_bound(*number);
       each != jobs_.end() && submission_of(each->first) == *number; ++each) {
    visit(each->second);
    any = true;
  }
  return any;
}

}  // namespace tradewind
