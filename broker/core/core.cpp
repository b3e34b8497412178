#include "broker/core/core.h"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "broker/core/event_log.h"
#include "broker/core/value_keys.h"
#include "schemas/codec.h"

namespace tradewind {
namespace {

constexpr auto kHousekeepingInterval = std::chrono::seconds(10);
constexpr int kExitStoreInDoubt = 70;
constexpr Mono::duration kSlowCommit = std::chrono::milliseconds(1);
constexpr Mono::duration kGatherMax = std::chrono::milliseconds(1);
constexpr std::size_t kBytesAnEntry = 64;  // besides what follows

// About what the entries take in the journal: what is long in them is in rows of jobs as well, or a
// record.
std::size_t bytes_of(const JournalBatch& batch) {
  std::size_t bytes = batch.entries.size() * kBytesAnEntry;
  for (const ChangedJob& each : batch.jobs) bytes += each.row.size();
  for (const Entry& each : batch.entries) {
    const auto* recorded = std::get_if<MarketRecorded>(&each.body);
    if (recorded != nullptr) bytes += recorded->record.body.size();
  }
  return bytes;
}

}  // namespace

Core::Core(CoreOptions options, Journal& journal,
           std::shared_ptr<const CertificateAuthority> authority)
    : options_(std::move(options)),
      journal_(journal),
      federation_id_(authority->federation()),
      router_(options_.route, options_.under_load),
      lifecycle_(options_.lifecycle, router_),
      registry_(authority, options_.registry),
      labels_(options_.label_secret),
      logs_(journal, options_.log_timeout),
      disk_(options_.disk),
      authority_(std::move(authority)) {
  if (disk_) figures_.disk = DiskFigures{.reserve = disk_->reserve()};
}

Core::~Core() {
  stop();
}

Result<std::unique_ptr<Core>> Core::start(CoreOptions options, Journal& journal,
                                          std::shared_ptr<const CertificateAuthority> authority,
                                          const SigningKey& identity, const CurveKeys& curve_keys) {
  std::unique_ptr<Core> core(new Core(std::move(options), journal, std::move(authority)));
  if (auto recovered = core->recover(identity, curve_keys); !recovered) {
    return fail(std::move(recovered.error()));
  }
  core->thread_ = std::thread([raw = core.get()] { raw->run(); });
  ::pthread_setname_np(core->thread_.native_handle(), "core");
  return core;
}

bool Core::push(Command command, bool bounded) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || (bounded && inbox_.size() >= options_.inbox_max)) return false;
    inbox_.push_back(std::move(command));
    if (inbox_.size() != 1 && inbox_.size() != gathered_) return true;
  }
  arrived_.notify_one();
  return true;
}

// Who was answered after the last commit often asks again at once. Where the disk is slow, a commit
// for the first of them would keep all others waiting for the one after it; so the first waits for
// as many as there were, a part of what that will take at most.
void Core::gather(std::unique_lock<std::mutex>& lock) {
  if (commit_took_ < kSlowCommit) return;
  gathered_ = batch_size_;
  const auto most = std::min<Mono::duration>(commit_took_ / 2, kGatherMax);
  arrived_.wait_for(lock, most, [this] { return stopping_ || inbox_.size() >= gathered_; });
  gathered_ = 0;
}

void Core::run() {
  std::deque<Command> batch;
  for (bool stopping = false; !stopping;) {
    {
      std::unique_lock lock(mutex_);
      const Mono::time_point wake =
          std::min({lifecycle_.next_tick(), next_housekeeping_,
                    disk_ ? disk_->next_look() : Mono::time_point::max()});
      // A tick that is due may lie as far back as the clock can tell.
      const Mono::time_point now = system_now().mono;
      const Mono::duration span = wake <= now
                                      ? Mono::duration::zero()
                                      : std::min<Mono::duration>(wake - now, kHousekeepingInterval);
      arrived_.wait_for(lock, span, [this] { return stopping_ || !inbox_.empty(); });
      if (!inbox_.empty()) gather(lock);
      batch.swap(inbox_);
      batch_size_ = batch.size();
      stopping = stopping_;
    }
    router_.expire(system_now());
    look_at_disk(system_now().mono);
    for (Command& each : batch) each();
    batch.clear();
    const Now now = system_now();
    if (lifecycle_.next_tick() <= now.mono) lifecycle_.tick(now);
    flush();
    if (next_housekeeping_ <= now.mono) housekeeping(now);
    logs_.expire(now.mono);
  }
  logs_.end();
}

void Core::flush() {
  LifecycleOutput output = lifecycle_.take(system_now());
  JournalBatch batch;
  batch.entries = std::move(output.entries);
  batch.jobs = std::move(output.jobs);
  batch.values = value_keys::changed(batch.entries, batch.jobs, output.spent);
  const Sequence first{journal_.last().value + 1};
  commit(batch);
  log_events(batch.entries, batch.jobs);
  if (options_.on_committed && !batch.entries.empty()) {
    const std::size_t bytes = bytes_of(batch);
    options_.on_committed(first, std::move(batch.entries), bytes);
  }
  for (const SendToSite& each : output.sends) federation_->send(each.site, each.message);
  lifecycle_.sent(system_now());
  batch_keys_.clear();
  {
    const std::lock_guard lock(mutex_);
    figures_.lifecycle = lifecycle_.counters();
    figures_.live = lifecycle_.live();
    figures_.waiting = lifecycle_.waiting();
    figures_.unanswered = lifecycle_.unanswered();
    figures_.budgets = lifecycle_.budgets().count();
    figures_.waiting_for_budget = lifecycle_.waiting_for_budget();
    figures_.entries = journal_.last().value;
    figures_.distrusted = router_.trust().distrusted_count();
    figures_.locked = registry_.locked();
    figures_.events = events_;
  }
  const auto replies = std::exchange(after_commit_, {});
  for (const auto& each : replies) each();
}

void Core::commit(const JournalBatch& batch) {
  if (batch.empty()) return;
  const Mono::time_point begun = system_now().mono;
  const Status committed = journal_.commit(batch);
  commit_took_ = system_now().mono - begun;
  if (committed) {
    for (const Entry& each : batch.entries) ++events_[each.body.index()];
    for (const ChangedJob& each : batch.jobs) changes_.count(each.job);
    return;
  }
  // What memory holds is now ahead of what is durable, and the store is in doubt: going on could
  // tell somebody of a thing that never happened. A restart recovers from what is on disk.
  spdlog::critical("journal.failed {}", describe(committed.error()));
  spdlog::shutdown();
  std::_Exit(kExitStoreInDoubt);
}

void Core::submit(std::shared_ptr<Submission> submission, Reply<SubmitReceipt> reply) {
  post(reply, [this, submission = std::move(submission), reply] {
    after_commit_.push_back([reply, receipt = take_in(*submission)] { reply(receipt); });
  });
}

void Core::submit_batch(Submissions submissions, Reply<BatchReceipts> reply) {
  post(reply, [this, submissions = std::move(submissions), reply] {
    BatchReceipts receipts;
    receipts.reserve(submissions->size());
    for (Submission& each : *submissions) {
      auto good = add_earlier(each, receipts);
      receipts.push_back(good ? take_in(each) : fail(std::move(good.error())));
    }
    after_commit_.push_back(
        [reply, receipts = std::move(receipts)]() mutable { reply(std::move(receipts)); });
  });
}

Result<SubmitReceipt> Core::take_in(Submission& submission) {
  const bool has_key = !submission.idempotency_key.empty();
  const auto key = std::pair(submission.tenant, submission.idempotency_key);
  if (has_key) {
    auto first = journal_.by_idempotency_key(key.first, key.second);
    // The same key may have come a moment ago, in this batch; its receipt waits for the same
    // commit.
    if (const auto twin = batch_keys_.find(key); twin != batch_keys_.end()) first = twin->second;
    if (first) return SubmitReceipt{*first, true};
  }
  if (auto room = check_room(); !room) return fail(std::move(room.error()));
  if (auto bound = datasets_.bind(submission.spec, submission.tenant); !bound) {
    return fail(std::move(bound.error()));
  }
  labels_.put(submission.spec, submission.tenant, datasets_);
  if (auto good = check_after(submission.spec, submission.tenant); !good) {
    return fail(std::move(good.error()));
  }
  const JobId job = job_id(next_sequence(), tag_of(options_.self));
  if (!submission.quote.empty()) {
    auto receipt = submit_quoted(submission, job, system_now());
    if (receipt && !receipt->not_kept && has_key) batch_keys_.emplace(key, job);
    return receipt;
  }
  if (has_key) batch_keys_.emplace(key, job);
  lifecycle_.submit(
      JobSubmitted{job, submission.tenant, submission.principal, submission.idempotency_key,
                   std::move(submission.spec), std::nullopt, submission.traceparent},
      system_now());
  return SubmitReceipt{job, false};
}

// What is not durable yet is the lifecycle's to judge: what ends in this batch ends those that came
// to it in this batch too.
Status Core::check_after(const JobSpec& spec, const TenantId& tenant) {
  for (const JobId& each : spec.after) {
    const auto known = [&](const JobId& id) -> std::optional<std::pair<TenantId, JobState>> {
      if (const auto stored = journal_.job(id)) return std::pair(stored->tenant, stored->state);
      if (const JobRecord* const live = lifecycle_.find(id)) {
        return std::pair(live->tenant, JobState::queued);
      }
      return std::nullopt;
    };
    const bool is_task = each.value.find('-') != std::string::npos;
    auto job = known(each);
    const auto task = job || is_task ? std::nullopt : known(array_task_id(each, 0));
    if ((!job && !task) || (job ? job : task)->first != tenant) {
      return fail(ErrorCode::not_found, "after", "there is no job \"" + each.value + "\"",
                  "list the jobs to see their ids");
    }
    std::string ended;
    if (job && is_final(job->second) && job->second != JobState::succeeded) {
      ended = "has ended as " + std::string(to_string(job->second));
    }
    if (task) {
      const Status read =
          journal_.values(value_keys::failed_task(each), [&](std::string_view, BytesView value) {
            ended = "is an array of which " + std::string(value) + " has not succeeded";
          });
      if (!read) return read;
    }
    if (!ended.empty()) {
      return fail(ErrorCode::conflict, "after", each.value + " " + ended,
                  "submit that one again and name the new job, or leave it out");
    }
  }
  return ok();
}

// Of the next entry.
Sequence Core::next_sequence() const {
  return Sequence{journal_.last().value + lifecycle_.entries_pending() + 1};
}

void Core::cancel(const JobId& job, std::string principal, Reply<std::monostate> reply) {
  post(reply, [this, job, principal = std::move(principal), reply] {
    auto canceled = lifecycle_.cancel(job, principal, system_now());
    if (!canceled && canceled.error().code == ErrorCode::not_found && journal_.job(job)) {
      canceled = ok();  // it has ended already
    }
    after_commit_.push_back([reply, canceled] { reply(canceled); });
  });
}

// Decided at once: whoever holds a quote is told at once whether it is kept.
Result<SubmitReceipt> Core::submit_quoted(const Submission& submission, const JobId& job, Now now) {
  const auto quote = quotes_.find(submission.tenant, submission.quote, now);
  if (!quote) return fail(quote.error());
  if (!lifecycle_.may_dispatch()) {
    return fail(ErrorCode::exhausted, "quote", "too many dispatches wait for their sites' answers",
                "submit again in a moment");
  }
  JobSubmitted submitted{job,
                         submission.tenant,
                         submission.principal,
                         submission.idempotency_key,
                         *(*quote)->spec,
                         (*quote)->terms,
                         submission.traceparent};
  const JobRecord record = jobs_of(submitted, now.wall).front();
  router_.pass(lifecycle_.stamp(now));
  std::optional<Decision> kept = router_.decide(record, {}, now);
  if (!kept) {
    QuoteNotKept why;
    why.quote = (*quote)->terms;
    for (Rejection& each : router_.rejections(record, now)) {
      if (each.site == why.quote.relied_on.site && each.pool == why.quote.pool) {
        why.reason = std::move(each);
      }
    }
    why.now = router_.quote(record.spec, record.tenant, limits::rejections_max, now).decision;
    why.spec = (*quote)->spec;
    return SubmitReceipt{{}, false, std::make_shared<const QuoteNotKept>(std::move(why))};
  }
  if (const auto miss =
          lifecycle_.budgets().miss(submission.tenant, hold_of(record.spec, *kept->chosen))) {
    return fail(ErrorCode::conflict, "quote", explain(*miss, router_.rates().accounting_currency),
                "submit the job without the quote: it then waits for its tenant's budget");
  }
  quotes_.use(submission.quote, job);
  lifecycle_.submit_decided(std::move(submitted), std::move(*kept), now);
  return SubmitReceipt{job, false};
}

void Core::quote(QuoteRequest request, Reply<QuoteAnswer> reply) {
  auto shared = std::make_shared<QuoteRequest>(std::move(request));
  post(reply, [this, shared, reply] {
    if (auto room = check_room(); !room) return reply(fail(std::move(room.error())));
    if (auto bound = datasets_.bind(shared->spec, shared->tenant); !bound) {
      return reply(fail(std::move(bound.error())));
    }
    labels_.put(shared->spec, shared->tenant, datasets_);
    const Now now = system_now();
    Surveyed surveyed = router_.quote(shared->spec, shared->tenant, shared->rejections_max, now);
    QuoteAnswer answer;
    answer.explanation = {std::move(surveyed.decision), std::move(surveyed.reasons),
                          router_.relaxations(shared->spec, shared->tenant, now)};
    answer.spec = std::make_shared<const JobSpec>(std::move(shared->spec));
    const Decision& decision = answer.explanation.decision;
    if (decision.chosen && answer.spec->array_count == 0) {
      auto terms = quotes_.add(shared->tenant, answer.spec, shared->document_bytes, decision,
                               router_.price_ppm(*decision.chosen), now);
      if (!terms) return reply(fail(std::move(terms.error())));
      answer.terms = std::move(*terms);
    }
    reply(std::move(answer));
  });
}

std::shared_ptr<const JobRecord> Core::find(const JobId& job) const {
  auto stored = journal_.job(job);
  return stored ? std::make_shared<const JobRecord>(std::move(*stored)) : nullptr;
}

Result<JobPage> Core::list(const JobQuery& query) const {
  return journal_.jobs(query);
}

void Core::waiting_decision(const JobId& job, Reply<std::optional<WaitingDecision>> reply) {
  post(reply, [this, job, reply] { reply(why_waiting(job, system_now())); });
}

std::optional<WaitingDecision> Core::why_waiting(const JobId& job, Now now) {
  const Decision* const decision = lifecycle_.waiting_decision(job, now);
  const JobRecord* const record = lifecycle_.find(job);
  if (decision == nullptr || record == nullptr) return std::nullopt;
  WaitingDecision waiting{*decision};
  if (decision->chosen) {
    waiting.budget =
        lifecycle_.budgets().miss(record->tenant, hold_of(record->spec, *decision->chosen));
  }
  return waiting;
}

void Core::explain_waiting(const JobId& job, Reply<std::optional<Explanation>> reply) {
  post(reply, [this, job, reply] {
    const Now now = system_now();
    auto waiting = why_waiting(job, now);
    if (!waiting) return reply(std::nullopt);
    const JobRecord* const record = lifecycle_.find(job);
    Explanation explanation;
    explanation.decision = std::move(waiting->decision);
    explanation.budget = waiting->budget;
    explanation.relaxations = router_.relaxations(record->spec, record->tenant, now);
    reply(std::optional(std::move(explanation)));
  });
}

void Core::market(Reply<MarketSnapshot> reply) {
  post(reply, [this, reply] {
    MarketSnapshot snapshot;
    snapshot.at = system_now().wall;
    for (const auto& [site, view] : router_.view().sites()) snapshot.sites.push_back(view);
    snapshot.members = registry_.standings();
    snapshot.drops = federation_->drops();
    reply(std::move(snapshot));
  });
}

void Core::tenants(Reply<std::vector<TenantStanding>> reply) {
  post(reply, [this, reply] {
    std::vector<TenantStanding> standings;
    for (const auto& [tenant, live] : lifecycle_.tenants()) standings.push_back({tenant, live});
    reply(std::move(standings));
  });
}

void Core::market_history(MarketHistoryQuery query, Reply<MarketHistoryPage> reply) {
  post(reply, [this, query = std::move(query), reply] {
    reply(market_history_.find(query, system_now().wall));
  });
}

std::shared_ptr<const RateTable> Core::rates() const {
  const std::lock_guard lock(mutex_);
  return rates_;
}

void Core::set_rates(RateTable table, std::optional<std::uint64_t> replaces, std::string principal,
                     Reply<RateTable> reply) {
  post(reply, [this, table = std::move(table), replaces, principal = std::move(principal),
               reply]() mutable {
    reply(change_rates(std::move(table), replaces, std::move(principal)));
  });
}

Result<RateTable> Core::change_rates(RateTable table, std::optional<std::uint64_t> replaces,
                                     std::string principal) {
  if (auto good = check_rates(table); !good) return fail(std::move(good.error()));
  flush();  // what was decided so far rests on the table before
  const RateTable& before = router_.rates();
  if (replaces && *replaces != before.version) {
    return fail(ErrorCode::conflict, "replaces",
                fmt::format("the rate table in force has the version {}, not {}", before.version,
                            *replaces),
                "read the rates again and decide anew");
  }
  if (table.accounting_currency != before.accounting_currency) {
    JobQuery any;
    any.limit = 1;
    const auto jobs = journal_.jobs(any);
    if (!jobs) return fail(jobs.error());
    if (!jobs->jobs.empty()) {
      return fail(ErrorCode::conflict, "accounting_currency",
                  fmt::format("amounts of jobs are in {} already", before.accounting_currency),
                  fmt::format("keep {}; another accounting currency takes a new federation",
                              before.accounting_currency));
    }
  }
  table.version = before.version;
  if (table == before) return table;
  ++table.version;
  const Now now = system_now();
  JournalBatch batch;
  batch.entries.push_back(Entry{lifecycle_.stamp(now), RatesChanged{table, std::move(principal)}});
  batch.values.push_back({std::string(value_keys::rates), encode(batch.entries.back())});
  commit(batch);
  apply_rates(table);
  spdlog::info("rates.changed version={} currencies={}", table.version, table.rates_ppm.size());
  return table;
}

void Core::apply_rates(const RateTable& table) {
  router_.set_rates(table);
  const std::lock_guard lock(mutex_);
  rates_ = std::make_shared<const RateTable>(table);
}

void Core::commit_dataset(const Datasets::Change& change) {
  JournalBatch batch;
  const std::string key = std::string(value_keys::dataset) + change.dataset.name;
  const auto& changed = std::get<DatasetChanged>(change.entry.body);
  batch.values.push_back(
      {key, changed.dataset ? std::optional(encode(change.entry)) : std::nullopt});
  batch.entries.push_back(change.entry);
  commit(batch);
}

void Core::put_dataset(Dataset dataset, DatasetActor actor, Reply<DatasetReceipt> reply) {
  post(reply, [this, dataset = std::move(dataset), actor = std::move(actor), reply] {
    if (auto room = check_room(); !room) return reply(fail(std::move(room.error())));
    flush();  // entries of the lifecycle so far come first, as their times do
    const auto change = datasets_.put(dataset, actor, lifecycle_.stamp(system_now()));
    if (!change) return reply(fail(change.error()));
    commit_dataset(*change);
    reply(DatasetReceipt{change->dataset, change->made});
  });
}

void Core::remove_dataset(std::string name, DatasetActor actor, Reply<Dataset> reply) {
  post(reply, [this, name = std::move(name), actor = std::move(actor), reply] {
    flush();
    const auto change = datasets_.remove(name, actor, lifecycle_.stamp(system_now()));
    if (!change) return reply(fail(change.error()));
    commit_dataset(*change);
    reply(change->dataset);
  });
}

void Core::find_dataset(std::string name, DatasetActor actor, Reply<Dataset> reply) {
  post(reply, [this, name = std::move(name), actor = std::move(actor), reply] {
    reply(datasets_.find(name, actor));
  });
}

void Core::list_datasets(DatasetActor actor, std::string after, std::size_t limit,
                         Reply<DatasetPage> reply) {
  post(reply, [this, actor = std::move(actor), after = std::move(after), limit, reply] {
    reply(datasets_.list(actor, after, limit));
  });
}

void Core::on_record(const Record& record, SignedRecord bytes) {
  router_.accept(record, std::move(bytes));
  if (const auto* sheet = std::get_if<QuoteSheet>(&record.body)) {
    const SiteView* const view = router_.view().find(sheet->site);
    if (view != nullptr) market_history_.add(view->record, *sheet, system_now().wall);
  }
}

void Core::on_site(const SiteId& site, ToBroker message) {
  if (auto* chunk = std::get_if<LogChunk>(&message.body)) return logs_.answer(std::move(*chunk));
  if (const auto* refused = std::get_if<Refused>(&message.body)) {
    // The refusal's sheet repairs the view before the job is decided again; gossip verifies it
    // first.
    if (!refused->quote.body.empty()) federation_->offer(refused->quote);
  }
  lifecycle_.from_site(site, message, system_now());
}

void Core::ask_to_cosign(const SiteId& site, CosignCheckpoint request) {
  federation_->send(site, ToGateway{Term{}, std::move(request)});
}

void Core::read_log(const AttemptId& attempt, LogStream stream, std::uint64_t offset,
                    std::uint32_t bytes_max, Reply<LogChunk> reply) {
  post(reply, [this, wanted = ReadLog{0, attempt, stream, offset, bytes_max}, reply] {
    const auto question = logs_.ask(wanted, reply, system_now().mono);
    if (question) federation_->send(question->site, ToGateway{Term{}, question->message});
  });
}

void Core::housekeeping(Now now) {
  next_housekeeping_ = now.mono + kHousekeepingInterval;
  auto resigned = registry_.resign(Now{now.mono, lifecycle_.stamp(now)});
  commit_registry(resigned.entries, std::move(resigned.publish));
}

void Core::look_at_disk(Mono::time_point now) {
  if (!disk_) return;
  const bool changed = disk_->look(now);
  if (changed && disk_->low()) {
    spdlog::warn("disk.low free_bytes={} reserve_bytes={}: nothing new is taken", disk_->free(),
                 disk_->reserve());
  } else if (changed) {
    spdlog::info("disk.enough free_bytes={} reserve_bytes={}", disk_->free(), disk_->reserve());
  }
  const std::lock_guard lock(mutex_);
  figures_.disk->free = disk_->free();
  if (changed) disk_status_ = disk_->status();
}

Status Core::check_room() {
  if (!disk_ || !disk_->low()) return ok();
  const std::lock_guard lock(mutex_);
  ++figures_.disk->refused;
  return disk_->status();
}

Status Core::ready() const {
  const std::lock_guard lock(mutex_);
  if (stopping_) return fail(ErrorCode::unavailable, "", "the broker is stopping");
  if (inbox_.size() >= options_.inbox_max) {
    return fail(ErrorCode::exhausted, "", "the broker has more to do than it can hold");
  }
  return disk_status_;
}

std::string Core::metrics() const {
  CoreFigures figures;
  {
    const std::lock_guard lock(mutex_);
    figures = figures_;
    figures.trust_expires = authority_->trust().newest().expires;
  }
  return metrics_text(figures) + federation_->metrics();
}

FederationId Core::federation() const {
  return federation_id_;
}

void Core::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  arrived_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (federation_) federation_->stop();
}

}  // namespace tradewind
