#include "gateway/engines/slurm_engine.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/engines/assignment_check.h"
#include "gateway/engines/attempt_directory.h"
#include "gateway/engines/node_exchange.h"
#include "gateway/engines/slurm_client.h"
#include "gateway/engines/slurm_discovery.h"
#include "gateway/engines/slurm_reconcile.h"
#include "gateway/staging/worker_pool.h"
#include "schemas/assert.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t call_threads = 4;
constexpr std::size_t chore_threads = 2;
constexpr auto idle_news_interval = 1s;
constexpr auto back_off_max = 10s;
// slurmrestd is busy with us a tenth of the time at most.
constexpr int poll_share = 10;
// Whatever "unchanged" means to Slurm, the whole list is asked for this often.
constexpr auto whole_list_interval = 60s;
// How long an attempt may take to obey its orders before Slurm is told to end its job.
constexpr auto obey_time = 20s;
constexpr std::size_t strays_at_once_max = 50;

class SlurmEngine : public Engine {
  // What runs on the loop later, unless the engine is gone by then.
  template <class Work>
  auto guarded(Work work) {
    return [weak = std::weak_ptr(alive_), work = std::move(work)](auto&&... values) mutable {
      if (!weak.expired()) work(std::forward<decltype(values)>(values)...);
    };
  }
  template <class Work, class Done>
  void run(WorkerPool& pool, Work work, Done done) {
    const Status taken = pool.run(io_.get_executor(), std::move(work), guarded(std::move(done)));
    TRADEWIND_ASSERT(taken);  // no attempt has more than a few tasks waiting
  }

 public:
  SlurmEngine(boost::asio::io_context& io, SlurmEngineOptions options, OnEvent on_event,
              UniqueFd lock)
      : io_(io),
        options_(std::move(options)),
        on_event_(std::move(on_event)),
        lock_(std::move(lock)),
        exchange_(options_.exchange_directory),
        keys_{fmt::format("tradewind/{:016x}/", stable_hash(options_.exchange_directory.string()))},
        token_(options_.token_file, options_.token_command),
        rest_(options_.url, options_.user, token_),
        client_(rest_),
        news_timer_(io),
        poll_timer_(io),
        sweep_timer_(io),
        calls_(call_threads, waiting_max()),
        polls_(1, 1),
        chores_(chore_threads, waiting_max()) {
    look_for_news();
    poll();
    schedule_sweep();
  }

  ~SlurmEngine() override { rest_.stop(); }

  Status check(const Assignment& assignment) const override {
    if (down_) return fail(*down_);
    return check_assignment(assignment, options_.node, Programs::elsewhere);
  }

  std::optional<EngineCapacity> capacity(const PoolId& pool) const override {
    const auto found = capacity_.find(pool);
    return held() || found == capacity_.end() ? EngineCapacity{} : found->second;
  }

  void start(const AttemptId& id, const Assignment& assignment) override {
    auto directory = AttemptDirectory::of(options_.node.attempts_directory, id);
    if (directory && (live_.contains(directory->name()) || ended_.contains(directory->name())))
      return;
    // Whether Slurm answers was asked before the grant; now the attempt only has to wait for it.
    Status runnable = directory ? check_assignment(assignment, options_.node, Programs::elsewhere)
                                : Status(fail(directory.error()));
    if (runnable && live_.size() >= options_.node.attempts_max) {
      runnable = fail(ErrorCode::exhausted, "attempts_max",
                      fmt::format("there are {} attempts already", live_.size()),
                      "wait for one to end, or raise the limit");
    }
    if (!runnable) {
      EndReport report = report_of(EndCode::engine_failed);
      report.detail = describe(runnable.error());
      return post_end(id, std::move(report));
    }
    const std::string name = directory->name();
    live_.emplace(name, Live{id, std::make_shared<const Assignment>(assignment), *directory});
    count(assignment, false);
    // Its lease comes before the loop goes on, and goes with the ticket.
    boost::asio::post(io_, guarded([this, name] { submit(name); }));
  }

  void set_lease(const AttemptId& id, Mono::time_point at) override {
    const auto found = find(id);
    if (found == live_.end()) return;
    const Now now = system_now();
    found->second.orders.lease_end = now.wall + (at - now.mono);
    send_orders(found->first, found->second);
  }

  void stop(const AttemptId& id, EndCode code) override {
    const auto found = find(id);
    if (found == live_.end()) return;
    Live& live = found->second;
    if (!live.orders.stop) {
      live.orders.stop = code;
      live.stopped = system_now().mono;
      send_orders(found->first, live);
    }
    if (live.standing.begun) return;
    // Where no node has begun it, none will.
    EndReport report = report_of(*live.orders.stop);
    report.detail = fmt::format("{} before it began", to_string(report.code));
    close(found->first, std::move(report));
  }

  Result<LogChunk> read_log(const AttemptId& id, LogStream stream, std::uint64_t offset,
                            std::uint32_t bytes_max) override {
    const auto directory = AttemptDirectory::of(options_.node.attempts_directory, id);
    if (!directory) return fail(directory.error());
    return directory->read_log(id, live_.contains(directory->name()), stream, offset, bytes_max);
  }

  std::vector<AttemptId> adopt(const std::vector<AttemptId>& attempts) override {
    std::vector<AttemptId> adopted;
    for (const AttemptId& id : attempts) {
      auto directory = AttemptDirectory::of(options_.node.attempts_directory, id);
      if (!directory) continue;
      const std::string name = directory->name();
      if (live_.contains(name)) {
        adopted.push_back(id);
        continue;
      }
      if (auto end = directory->read_end(); end && *end) {
        ended_.insert(name);
        post_end(id, std::move(**end));
        adopted.push_back(id);
        continue;
      }
      auto ticket = exchange_.read_ticket(name);
      const auto orders = exchange_.read_orders(name);
      if (!ticket || !orders || ticket->attempt != id) continue;
      Live live{id, std::make_shared<const Assignment>(std::move(ticket->assignment)), *directory};
      live.orders = live.orders_sent = *orders;
      live.ticket_written = true;
      live.standing.submitted = system_now().mono;
      live.standing.begun = directory->exists();
      if (orders->stop) live.stopped = system_now().mono;
      live_.emplace(name, std::move(live));
      adopted.push_back(id);
      if (const auto phase = exchange_.read_phase(name)) {
        boost::asio::post(io_, guarded([this, name, phase] {
                            if (const auto found = live_.find(name); found != live_.end())
                              enter(found->second, *phase);
                          }));
      }
    }
    return adopted;
  }

  void forget(const AttemptId& id) override {
    const auto directory = AttemptDirectory::of(options_.node.attempts_directory, id);
    if (!directory || live_.contains(directory->name())) return;
    ended_.erase(directory->name());
    // The sweep would come by in the end, should there be too many.
    static_cast<void>(chores_.run([this, directory = *directory] {
      directory.mark_forgotten();
      exchange_.remove_ticket(directory.name());
    }));
  }

 private:
  struct Live {
    AttemptId id;
    std::shared_ptr<const Assignment> assignment;
    AttemptDirectory directory;
    SlurmStanding standing{};
    NodeOrders orders{};
    bool ticket_written = false;
    bool orders_on_their_way = false;
    NodeOrders orders_sent{};
    std::int64_t job = 0;  // as Slurm numbered it last; 0: not known
    AttemptPhase phase = AttemptPhase::granted;
    std::optional<Mono::time_point> stopped{};
    bool closing = false;
    bool looking = false;
  };
  using LiveMap = std::map<std::string, Live>;
  struct News {
    std::string name;
    std::optional<AttemptPhase> phase;
    std::optional<EndReport> end;
  };
  struct Poll {
    Status answered = ok();
    Mono::time_point asked{};
    Mono::time_point answered_at{};
    std::int64_t asked_wall = 0;                // in seconds since 1970
    std::optional<std::vector<SlurmJob>> jobs;  // nothing: unchanged
    std::vector<SlurmNode> nodes;
  };

  static EndReport report_of(EndCode code) {
    EndReport report;
    report.code = code;
    report.usage.started = report.usage.ended = system_now().wall;
    return report;
  }
  std::size_t waiting_max() const { return std::size_t{options_.node.attempts_max} * 8 + 1'024; }

  std::vector<SlurmPool>::const_iterator pool_of(const Assignment& assignment) const {
    return std::ranges::find(options_.pools, assignment.pool,
                             [](const SlurmPool& each) { return each.pool.id; });
  }
  LiveMap::iterator find(const AttemptId& id) {
    const auto directory = AttemptDirectory::of(options_.node.attempts_directory, id);
    return directory ? live_.find(directory->name()) : live_.end();
  }

  // --- telling

  void post_end(const AttemptId& id, EndReport report) {
    boost::asio::post(
        io_, guarded([this, id, report = std::move(report)]() mutable {
          on_event_({.attempt = id, .phase = AttemptPhase::ended, .report = std::move(report)});
        }));
  }

  void enter(Live& live, AttemptPhase phase) {
    live.standing.begun = true;
    if (phase <= live.phase || phase == AttemptPhase::ended) return;
    live.phase = phase;
    on_event_({.attempt = live.id, .phase = phase, .report = std::nullopt});
  }

  // What Slurm will have told by the next poll.
  void count(const Assignment& assignment, bool free) {
    const auto known = capacity_.find(assignment.pool);
    const auto pool = pool_of(assignment);
    if (known == capacity_.end() || pool == options_.pools.end()) return;
    EngineCapacity& capacity = known->second;
    const std::uint32_t units = assignment.nodes * assignment.units;
    if (free) {
      capacity.units_free += units;
      capacity.units_free_node = std::max(capacity.units_free_node, assignment.units);
      capacity.wait_seconds = 0;
    } else {
      capacity.units_free -= std::min(capacity.units_free, units);
    }
    capacity.units_free_node = std::min(capacity.units_free_node, capacity.units_free);
    capacity.nodes_free =
        std::min(capacity.nodes_free, capacity.units_free / units_per_node(pool->pool));
  }

  void finish(const std::string& name, EndReport report) {
    const auto found = live_.find(name);
    if (found == live_.end()) return;
    const Live live = std::move(found->second);
    live_.erase(found);
    ended_.insert(name);
    count(*live.assignment, true);
    if (live.job != 0 && !live.standing.begun) cancel(live.job, name);
    on_event_({.attempt = live.id, .phase = AttemptPhase::ended, .report = std::move(report)});
  }

  // --- what goes to the nodes

  // Whether nothing should be submitted now.
  bool held() const { return down_ || system_now().mono < calm_at_; }

  void submit(const std::string& name) {
    const auto found = live_.find(name);
    if (found == live_.end() || found->second.standing.submitting) return;
    Live& live = found->second;
    const bool held = this->held();
    if (held && live.ticket_written) return;
    live.standing.submitting = true;
    live.standing.missed.reset();
    if (!held) ++live.standing.submissions;
    const auto pool = pool_of(*live.assignment);
    if (pool == options_.pools.end()) {
      // Of a life before, in which the site had another pool.
      live.standing.submitting = false;
      EndReport report = report_of(EndCode::engine_failed);
      report.detail = fmt::format("the site has no pool {} any more", live.assignment->pool.value);
      return close(name, std::move(report));
    }
    const auto listed = options_.accounts.find(live.assignment->tenant);
    const SlurmAccount& account =
        listed == options_.accounts.end() ? options_.account : listed->second;
    SlurmJobRequest request;
    request.key = keys_.of(name);
    request.name = name;
    request.directory = exchange_.ticket_folder(name).string();
    request.command =
        fmt::format("{} {} {}", shell_word(options_.programs.at(pool->pool.architecture)),
                    shell_word(exchange_.folder().string()), shell_word(name));
    request.seconds_max = live.assignment->run_seconds_max +
                          static_cast<std::uint64_t>(options_.staging_time.count());
    live.orders_sent = live.orders;
    run(
        calls_,
        [this, name, ticket_written = live.ticket_written, id = live.id, orders = live.orders,
         assignment = live.assignment, held,
         document = slurm_job_document(request, *live.assignment, *pool, account)] {
          std::pair<bool, Result<std::int64_t>> done(ticket_written, 0);
          if (!ticket_written) {
            const Status written = exchange_.write_ticket(name, {id, *assignment}, orders);
            done.first = written.has_value();
            if (!written) {
              done.second = fail(written.error());
              return done;
            }
          }
          done.second = held ? Result<std::int64_t>(fail(ErrorCode::unavailable, "", "not asked"))
                             : client_.submit(document);
          return done;
        },
        [this, name](std::pair<bool, Result<std::int64_t>> done) {
          on_submitted(name, done.first, done.second);
        });
  }

  void on_submitted(const std::string& name, bool ticket_written, const Result<std::int64_t>& job) {
    const auto found = live_.find(name);
    if (found == live_.end()) {
      if (job) cancel(*job, name);
      return;
    }
    Live& live = found->second;
    live.standing.submitting = false;
    live.standing.submitted = system_now().mono;
    live.ticket_written = ticket_written;
    if (job) {
      live.job = *job;
    } else if (!ticket_written || job.error().code == ErrorCode::refused) {
      EndReport report = report_of(EndCode::engine_failed);
      report.detail = describe(job.error());
      close(name, std::move(report));
      return;
    }
    // Otherwise the next list tells whether Slurm has it all the same.
    send_orders(name, live);
  }

  void send_orders(const std::string& name, Live& live) {
    if (!live.ticket_written || live.orders_on_their_way || live.orders == live.orders_sent) return;
    live.orders_on_their_way = true;
    live.orders_sent = live.orders;
    run(
        chores_,
        [this, name, orders = live.orders] { return exchange_.write_orders(name, orders); },
        [this, name](const Status& written) {
          const auto found = live_.find(name);
          if (found == live_.end()) return;
          found->second.orders_on_their_way = false;
          if (!written) {
            // Tried again at the next poll; without a renewal the lease ends on the node.
            found->second.orders_sent = {};
            warn("orders", describe(written.error()));
            return;
          }
          warned_.erase("orders");
          send_orders(name, found->second);
        });
  }

  // Ends the attempt by beginning it here, so that no node can; what a node has begun ends by its
  // own record, or, when it is `dead`, by this one.
  void close(const std::string& name, EndReport report, bool dead = false) {
    const auto found = live_.find(name);
    if (found == live_.end() || found->second.closing) return;
    found->second.closing = true;
    run(
        chores_,
        [directory = found->second.directory, report = std::move(report), dead]() mutable {
          std::optional<EndReport> end;
          const Status made = directory.create();
          if (!made && made.error().code != ErrorCode::conflict) return end;
          if (!made) {
            if (auto recorded = directory.read_end(); recorded && *recorded) {
              return std::move(*recorded);
            }
            if (!dead) return end;
          }
          if (const Status recorded = directory.write_end(report); !recorded) {
            report.system_log.push_back("the end is not recorded at the site: " +
                                        describe(recorded.error()));
          }
          directory.remove_files();
          end = std::move(report);
          return end;
        },
        [this, name](std::optional<EndReport> end) {
          const auto live = live_.find(name);
          if (live == live_.end()) return;
          live->second.closing = false;
          if (end) return finish(name, std::move(*end));
          live->second.standing.begun = live->second.directory.exists();
        });
  }

  void cancel(std::int64_t job, const std::string& name) {
    // What is still there later is found a stray, and canceled again.
    static_cast<void>(calls_.run(
        [this, job, key = keys_.of(name)] { static_cast<void>(client_.cancel(job, key)); }));
  }

  // --- what comes from the nodes

  void look_for_news() {
    run(
        chores_,
        [this] {
          std::vector<News> all;
          for (std::string& name : exchange_.take_news()) {
            News news{std::move(name), {}, {}};
            news.phase = exchange_.read_phase(news.name);
            if (news.phase == AttemptPhase::ended) {
              const auto directory =
                  AttemptDirectory::named(options_.node.attempts_directory, news.name);
              if (auto end = directory.read_end(); end) news.end = std::move(*end);
            }
            all.push_back(std::move(news));
          }
          return all;
        },
        [this](std::vector<News> all) {
          for (News& each : all) {
            const auto found = live_.find(each.name);
            if (found == live_.end() || !each.phase) continue;
            enter(found->second, *each.phase);
            if (each.end) finish(each.name, std::move(*each.end));
          }
          const Mono::duration idle = idle_news_interval;
          news_timer_.expires_after(live_.empty() ? idle : Mono::duration(options_.news_interval));
          news_timer_.async_wait(guarded([this](const boost::system::error_code& problem) {
            if (!problem) look_for_news();
          }));
        });
  }

  void look(const std::string& name, Live& live) {
    if (std::exchange(live.looking, true)) return;
    run(
        chores_,
        [directory = live.directory] {
          auto end = directory.read_end();
          return std::pair(directory.exists(), end ? std::move(*end) : std::nullopt);
        },
        [this, name](std::pair<bool, std::optional<EndReport>> seen) {
          const auto found = live_.find(name);
          if (found == live_.end()) return;
          found->second.looking = false;
          found->second.standing.begun = seen.first;
          if (seen.second) finish(name, std::move(*seen.second));
        });
  }

  // --- what comes from Slurm

  void poll() {
    const Now now = system_now();
    if (now.mono - whole_list_at_ > whole_list_interval) {
      known_ = 0;
      whole_list_at_ = now.mono;
    }
    run(
        polls_,
        [this, known = known_, negotiate = down_.has_value()] {
          Poll poll;
          const Now asked = system_now();
          poll.asked = asked.mono;
          poll.asked_wall = to_ms(asked.wall) / 1'000;
          if (negotiate) poll.answered = rest_.negotiate();
          if (!poll.answered) return poll;
          auto jobs = client_.jobs(known);
          auto nodes = jobs ? client_.nodes() : Result<std::vector<SlurmNode>>(fail(jobs.error()));
          poll.answered_at = system_now().mono;
          if (!nodes) {
            poll.answered = fail(nodes.error());
            return poll;
          }
          poll.jobs = std::move(*jobs);
          poll.nodes = std::move(*nodes);
          return poll;
        },
        [this](Poll poll) { on_polled(std::move(poll)); });
  }

  void on_polled(Poll poll) {
    Mono::duration pause = options_.poll_interval;
    if (poll.answered) {
      if (down_) warn("slurm", fmt::format("Slurm answers at {}", options_.url));
      if (down_ && was_up_) calm_at_ = system_now().mono + options_.calm_time;
      was_up_ = true;
      down_.reset();
      back_off_ = options_.poll_interval;
      // Changes of the second in which the list was made may be missing in it.
      known_ = poll.asked_wall - 2;
      if (poll.jobs) jobs_ = std::move(*poll.jobs);
      reconcile_all(poll.asked);
      measure(poll);
      pause = std::max(pause, poll_share * (poll.answered_at - poll.asked));
    } else {
      down_ = poll.answered.error();
      down_->code = ErrorCode::unavailable;
      warn("slurm", describe(*down_));
      known_ = 0;
      pause = std::exchange(back_off_, std::min<Mono::duration>(back_off_ * 2, back_off_max));
    }
    poll_timer_.expires_after(pause);
    poll_timer_.async_wait(guarded([this](const boost::system::error_code& problem) {
      if (!problem) this->poll();
    }));
  }

  void reconcile_all(Mono::time_point asked) {
    const Mono::time_point now = system_now().mono;
    std::map<std::string_view, const SlurmJob*> jobs;
    std::set<std::int64_t> strays;
    for (const SlurmJob& each : jobs_) {
      const std::string_view name = keys_.attempt_name(each.key);
      if (name.empty()) continue;
      const auto [at, first] = jobs.try_emplace(name, &each);
      if (!first && better_job(each, *at->second)) at->second = &each;
      if (!is_over(each.state) && !live_.contains(std::string(name))) strays.insert(each.id);
    }
    std::vector<std::string> names;
    names.reserve(live_.size());
    for (const auto& [name, live] : live_) names.push_back(name);
    for (const std::string& name : names) {
      const auto at = jobs.find(name);
      reconcile_one(name, at == jobs.end() ? nullptr : at->second, asked, now);
    }
    // A job whose attempt has just ended is still being completed; one that stays is of no use.
    std::size_t canceled = 0;
    for (const SlurmJob& each : jobs_) {
      if (!strays.contains(each.id) || !strays_.contains(each.id)) continue;
      if (++canceled > strays_at_once_max) break;
      cancel(each.id, std::string(keys_.attempt_name(each.key)));
    }
    strays_ = std::move(strays);
  }

  void reconcile_one(const std::string& name, const SlurmJob* job, Mono::time_point asked,
                     Mono::time_point now) {
    Live& live = live_.at(name);
    if (job != nullptr && !is_over(job->state)) {
      live.job = job->id;
      live.standing.missed.reset();
    }
    send_orders(name, live);
    if (live.stopped && now - *live.stopped > obey_time && live.job != 0) {
      live.stopped = now;
      cancel(live.job, name);
    }
    switch (reconcile(live.standing, job, asked, now, options_.settle_time)) {
      case SlurmStep::wait: return;
      case SlurmStep::look:
        // Slurm had it, and does not know it: it has lost jobs.
        if (job == nullptr && live.job != 0 && !live.standing.missed && !live.standing.begun) {
          calm_at_ = now + options_.calm_time;
        }
        if (!live.standing.missed) live.standing.missed = now;
        return look(name, live);
      case SlurmStep::resubmit: return submit(name);
      case SlurmStep::give_up: {
        EndReport report = slurm_end(job, live.standing.begun);
        if (live.orders.stop) report.code = *live.orders.stop;
        if (report.usage.ended == Wall::time_point{}) {
          report.usage.started = report.usage.ended = system_now().wall;
        }
        return close(name, std::move(report), live.standing.begun);
      }
    }
  }

  void measure(const Poll& poll) {
    for (const SlurmPool& pool : options_.pools) {
      std::uint64_t unstarted = 0;
      for (const auto& [name, live] : live_) {
        if (live.assignment->pool != pool.pool.id || live.standing.begun) continue;
        unstarted += std::uint64_t{live.assignment->nodes} * live.assignment->units;
      }
      capacity_[pool.pool.id] =
          slurm_capacity(pool, poll.nodes, jobs_, unstarted, to_ms(system_now().wall) / 1'000);
      const auto nodes = static_cast<std::size_t>(std::ranges::count_if(
          poll.nodes, [&pool](const SlurmNode& each) { return belongs(each, pool); }));
      if (nodes < pool.pool.nodes) {
        warn(
            "pool " + pool.pool.id.value,
            fmt::format("the pool {} has {} nodes in the site file, and {} in Slurm's partition {}",
                        pool.pool.id.value, pool.pool.nodes, nodes, pool.partition));
      }
    }
  }

  void schedule_sweep() {
    sweep_timer_.expires_after(
        std::clamp<std::chrono::seconds>(options_.node.retention / 4, 1s, 60s));
    sweep_timer_.async_wait(guarded([this](const boost::system::error_code& problem) {
      if (problem) return;
      std::set<std::string> live;
      for (const auto& [name, each] : live_) live.insert(name);
      static_cast<void>(chores_.run([this, live = std::move(live)] {
        sweep_attempts(options_.node.attempts_directory, live, options_.node.retention,
                       options_.node.abandoned_retention);
      }));
      schedule_sweep();
    }));
  }

  // Told when it is news.
  void warn(const std::string& about, const std::string& text) {
    if (std::exchange(warned_[about], text) == text) return;
    if (options_.node.on_warning) options_.node.on_warning(text);
  }

  boost::asio::io_context& io_;
  const SlurmEngineOptions options_;
  OnEvent on_event_;
  UniqueFd lock_;
  const NodeExchange exchange_;
  const SlurmKeys keys_;
  SlurmToken token_;
  SlurmRest rest_;
  SlurmClient client_;

  LiveMap live_;                 // by AttemptDirectory::name()
  std::set<std::string> ended_;  // until forgotten

  std::optional<Error> down_ =
      Error{ErrorCode::unavailable, "engine.slurm.url", "Slurm has not answered yet", "wait"};
  bool was_up_ = false;
  Mono::time_point calm_at_{};  // until then nothing is submitted, after an outage
  Mono::duration back_off_ = options_.poll_interval;
  std::int64_t known_ = 0;  // of the newest list; 0: the whole list is wanted
  Mono::time_point whole_list_at_{};
  std::vector<SlurmJob> jobs_;
  std::set<std::int64_t> strays_;
  std::map<PoolId, EngineCapacity> capacity_;
  std::map<std::string, std::string> warned_;

  boost::asio::steady_timer news_timer_;
  boost::asio::steady_timer poll_timer_;
  boost::asio::steady_timer sweep_timer_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
  // Last: their threads use what stands above.
  WorkerPool calls_;
  WorkerPool polls_;
  WorkerPool chores_;
};

Status check_options(const SlurmEngineOptions& options) {
  const auto wrong = [](std::string field, std::string message, std::string remedy) {
    return Status(
        fail(ErrorCode::invalid, std::move(field), std::move(message), std::move(remedy)));
  };
  if (!options.url.starts_with("http://") && !options.url.starts_with("https://")) {
    return wrong("engine.slurm.url", fmt::format("\"{}\" is no URL", options.url),
                 "give slurmrestd's, such as http://127.0.0.1:6820");
  }
  if (options.user.empty()) {
    return wrong("engine.slurm.user", "is missing", "name the account that the gateway runs as");
  }
  if (options.token_file.empty() == options.token_command.empty()) {
    return wrong("engine.slurm.token_file", "a token comes from one place",
                 "give either token_file or token_command");
  }
  for (const SlurmPool& each : options.pools) {
    const auto program = options.programs.find(each.pool.architecture);
    if (program == options.programs.end()) {
      return wrong("engine.slurm.programs",
                   fmt::format("there is none for {}", to_string(each.pool.architecture)),
                   "give the path of a tradewind-attempt built for it");
    }
    if (::access(program->second.c_str(), R_OK) != 0) {
      return wrong("engine.slurm.programs", fmt::format("{} cannot be read", program->second),
                   "give the path of tradewind-attempt on the shared file system");
    }
  }
  return ok();
}

}  // namespace

Result<std::unique_ptr<Engine>> make_slurm_engine(boost::asio::io_context& io,
                                                  SlurmEngineOptions options,
                                                  Engine::OnEvent on_event) {
  if (const Status right = check_options(options); !right) return fail(right.error());
  std::error_code problem;
  fs::path& attempts = options.node.attempts_directory;
  fs::create_directories(attempts, problem);
  if (!problem) attempts = fs::canonical(attempts, problem);
  if (problem) {
    return fail(ErrorCode::unavailable, "engine.slurm.directory",
                fmt::format("{} cannot be made: {}", attempts.string(), problem.message()),
                "give a directory of the shared file system that the gateway may write to");
  }
  options.exchange_directory = fs::absolute(options.exchange_directory);
  // Slurm keeps jobs within what they asked for; a group made inside a job's would be hidden from
  // it.
  options.node.cgroups = CgroupUse::off;
  auto lock = lock_attempts(attempts);
  if (!lock) return fail(lock.error());
  const NodeExchange exchange(options.exchange_directory);
  if (const Status made = exchange.create(); !made) return fail(made.error());
  if (const Status written = exchange.write_settings(options.node); !written) {
    return fail(written.error());
  }
  return std::make_unique<SlurmEngine>(io, std::move(options), std::move(on_event),
                                       std::move(*lock));
}

Result<std::vector<SlurmNode>> discover_slurm(const SlurmEngineOptions& options) {
  SlurmToken token(options.token_file, options.token_command);
  SlurmRest rest(options.url, options.user, token);
  if (const Status known = rest.negotiate(); !known) return fail(known.error());
  return SlurmClient(rest).nodes();
}

}  // namespace tradewind
