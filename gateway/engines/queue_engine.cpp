#include "gateway/engines/queue_engine.h"

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
#include "gateway/engines/engine_capacity.h"
#include "gateway/engines/node_courier.h"
#include "gateway/engines/node_exchange.h"
#include "gateway/engines/queue_list.h"
#include "gateway/engines/queue_settling.h"
#include "gateway/engines/remote_engine.h"
#include "gateway/engines/server_contact.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t call_threads = 4;
constexpr std::size_t queue_chore_threads = 2;
// As many as admission holds: an attempt costs this machine next to nothing.
constexpr std::uint32_t queue_attempts_max = 65'536;
// The queue is busy with us a tenth of the time at most.
constexpr int poll_share = 10;
// And so are we with its list: one of 10,000 jobs takes a third of a second to be read, and is
// asked for every ten.
constexpr auto poll_time_a_job = 1ms;
// How long an attempt may take to obey its orders before the queue is told to end its job.
constexpr auto obey_time = 20s;
constexpr std::size_t strays_at_once_max = 50;

struct Live {
  AttemptId id;
  std::shared_ptr<const Assignment> assignment;
  AttemptDirectory directory;
  QueueStanding standing{};
  NodeOrders orders{};
  bool ticket_written = false;
  QueueJob job{};  // as the queue listed it last; before that its number, which may be empty
  std::optional<Mono::time_point> waiting{};  // since when its job waits
  AttemptPhase phase = AttemptPhase::granted;
  std::optional<Mono::time_point> stopped{};
  bool closing = false;
  QueueInquiry inquiry{};  // into what it used, once its job is over
  bool looking = false;
};

class QueueEngine final : public RemoteEngineOf<Live> {
 public:
  QueueEngine(boost::asio::io_context& io, const std::string& section, QueueEngineOptions options,
              const std::vector<Pool>& pools, std::unique_ptr<Queue> queue, OnEvent on_event,
              UniqueFd lock)
      : RemoteEngineOf(
            io,
            {options.node.attempts_directory, options.node.attempts_max, options.node.retention,
             options.node.abandoned_retention, options.node.on_warning},
            std::move(on_event), std::move(lock)),
        options_(std::move(options)),
        exchange_(options_.exchange_directory),
        queue_(std::move(queue)),
        contact_(section, queue_->name(), options_.poll_interval),
        poll_timer_(io),
        courier_(io, exchange_, options_.node.attempts_directory, options_.news_interval,
                 options_.node.attempts_max, warnings_,
                 [this](NodeCourier::News news) { on_news(std::move(news)); }),
        calls_(call_threads, waiting_max()),
        polls_(1, 1),
        accounting_(call_threads, waiting_max()),
        chores_(queue_chore_threads, waiting_max()) {
    for (const Pool& each : pools) pools_[each.id] = each;
    poll();
    schedule_sweep(chores_);
  }

  ~QueueEngine() override { queue_->stop(); }

  Status check(const Assignment& assignment) const override {
    if (contact_.down()) return fail(*contact_.down());
    if (const Status free = room(); !free) return free;
    return check_assignment(assignment, options_.node, Programs::elsewhere);
  }

  std::optional<EngineCapacity> capacity(const PoolId& pool) const override {
    const auto found = capacity_.find(pool);
    if (held() || found == capacity_.end()) return EngineCapacity{};
    return found->second;
  }

  void start(const AttemptId& id, const Assignment& assignment) override {
    // Whether the queue answers was asked before the grant; now the attempt only has to wait for
    // it.
    const auto directory =
        begin(id, [&] { return check_assignment(assignment, options_.node, Programs::elsewhere); });
    if (!directory) return;
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
    courier_.order(found->first, found->second.orders);
  }

  void stop(const AttemptId& id, EndCode code) override {
    const auto found = find(id);
    if (found == live_.end()) return;
    Live& live = found->second;
    if (!live.orders.stop) {
      live.orders.stop = code;
      live.stopped = system_now().mono;
      courier_.order(found->first, live.orders);
    }
    if (live.standing.begun) return;
    // Where no node has begun it, none will.
    const EndCode end = *live.orders.stop;
    close(found->first, report_of(end, fmt::format("{} before it began", to_string(end))));
  }

  Result<LogChunk> read_log(const AttemptId& id, LogStream stream, std::uint64_t offset,
                            std::uint32_t bytes_max) override {
    const auto directory = directory_of(id);
    if (!directory) return fail(directory.error());
    return directory->read_log(id, live_.contains(directory->name()), stream, offset, bytes_max);
  }

 protected:
  bool take_up(const AttemptId& id, const AttemptDirectory& directory) override {
    const std::string name = directory.name();
    auto ticket = exchange_.read_ticket(name);
    const auto orders = exchange_.read_orders(name);
    if (!ticket || !orders || ticket->attempt != id) return false;
    Live live{id, std::make_shared<const Assignment>(std::move(ticket->assignment)), directory};
    live.orders = *orders;
    live.ticket_written = true;
    live.standing.submitted = system_now().mono;
    live.standing.begun = directory.exists();
    if (orders->stop) live.stopped = system_now().mono;
    live_.emplace(name, std::move(live));
    courier_.follow(name, *orders);
    if (const auto phase = exchange_.read_phase(name)) {
      boost::asio::post(io_, guarded([this, name, phase] {
                          if (const auto found = live_.find(name); found != live_.end())
                            enter(found->second, *phase);
                        }));
    }
    return true;
  }

  void let_go(const AttemptDirectory& directory) override {
    static_cast<void>(chores_.run([this, directory] {
      directory.mark_forgotten();
      exchange_.remove_ticket(directory.name());
    }));
  }

 private:
  struct Poll {
    Result<std::optional<std::vector<QueueJob>>> jobs = std::nullopt;
    Mono::time_point asked{};
    Mono::time_point answered{};
  };

  // --- telling

  void enter(Live& live, AttemptPhase phase) {
    live.standing.begun = true;
    if (phase <= live.phase || phase == AttemptPhase::ended) return;
    live.phase = phase;
    on_event_({.attempt = live.id, .phase = phase, .report = std::nullopt});
  }

  // What the queue will have told by the next poll.
  void count(const Assignment& assignment, bool free) {
    const auto known = capacity_.find(assignment.pool);
    const auto pool = pools_.find(assignment.pool);
    if (known == capacity_.end() || !known->second || pool == pools_.end()) return;
    if (free) {
      give_units(*known->second, pool->second, assignment.nodes, assignment.units);
    } else {
      take_units(*known->second, pool->second, std::uint64_t{assignment.nodes} * assignment.units);
    }
  }

  void finish(const std::string& name, EndReport report) {
    const auto found = live_.find(name);
    if (found == live_.end()) return;
    const Live live = std::move(found->second);
    live_.erase(found);
    courier_.leave(name);
    count(*live.assignment, true);
    if (!live.job.number.empty() && in_queue(live.job.state) && !live.standing.begun) {
      cancel(live.job.number, name);
    }
    tell_end(live.id, name, std::move(report));
  }

  // --- what goes to the nodes

  // Whether nothing should be submitted now.
  bool held() const { return contact_.down() || system_now().mono < calm_at_; }

  void submit(const std::string& name) {
    const auto found = live_.find(name);
    if (found == live_.end() || found->second.standing.submitting) return;
    Live& live = found->second;
    const bool held = this->held();
    if (held && live.ticket_written) return;
    live.standing.submitting = true;
    live.standing.missed.reset();
    live.job = {};
    live.inquiry.ask_until.reset();
    if (!held) ++live.standing.submissions;
    const auto pool = pools_.find(live.assignment->pool);
    if (pool == pools_.end()) {
      live.standing.submitting = false;
      return close(name, without_pool(live.assignment->pool));
    }
    QueueRequest request;
    request.attempt = name;
    request.assignment = live.assignment;
    request.directory = exchange_.ticket_folder(name);
    request.command = {options_.programs.at(pool->second.architecture), exchange_.folder().string(),
                       name};
    request.seconds_max = live.assignment->run_seconds_max +
                          static_cast<std::uint64_t>(options_.staging_time.count());
    run(
        calls_,
        [this, name, ticket_written = live.ticket_written, id = live.id, orders = live.orders, held,
         request = std::move(request)] {
          std::pair<bool, Result<std::string>> done(ticket_written, std::string());
          if (!ticket_written) {
            const Status written = exchange_.write_ticket(name, {id, *request.assignment}, orders);
            done.first = written.has_value();
            if (!written) {
              done.second = fail(written.error());
              return done;
            }
          }
          done.second = held ? Result<std::string>(fail(ErrorCode::unavailable, "", "not asked"))
                             : queue_->submit(request);
          return done;
        },
        [this, name, orders = live.orders](std::pair<bool, Result<std::string>> done) {
          on_submitted(name, orders, done.first, done.second);
        });
  }

  // `orders` are those that a ticket which was written just now has.
  void on_submitted(const std::string& name, const NodeOrders& orders, bool ticket_written,
                    const Result<std::string>& job) {
    const auto found = live_.find(name);
    if (found == live_.end()) {
      if (job) cancel(*job, name);
      return;
    }
    Live& live = found->second;
    live.standing.submitting = false;
    live.standing.submitted = system_now().mono;
    if (ticket_written && !std::exchange(live.ticket_written, true)) courier_.follow(name, orders);
    if (job) {
      live.job.number = *job;
    } else if (!ticket_written || job.error().code == ErrorCode::refused) {
      return close(name, report_of(EndCode::engine_failed, describe(job.error())));
    }
    // Otherwise the next list tells whether the queue has it all the same.
    courier_.order(name, live.orders);
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
          report = directory.record_end(std::move(report));
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

  void cancel(const std::string& job, const std::string& name) {
    // What is still there later is found a stray, and canceled again.
    static_cast<void>(
        calls_.run([this, job, name] { static_cast<void>(queue_->cancel(job, name)); }));
  }

  // --- what comes from the nodes

  void on_news(NodeCourier::News news) {
    const auto found = live_.find(news.name);
    if (found == live_.end()) return;
    enter(found->second, news.phase);
    if (news.end) finish(news.name, std::move(*news.end));
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

  // --- what comes from the queue

  void poll() {
    run(
        polls_,
        [this, again = contact_.down().has_value()] {
          Poll poll;
          poll.asked = system_now().mono;
          poll.jobs = queue_->jobs(again);
          poll.answered = system_now().mono;
          return poll;
        },
        [this](Poll poll) { on_polled(std::move(poll)); });
  }

  void on_polled(Poll poll) {
    Mono::duration pause = options_.poll_interval;
    if (poll.jobs) {
      if (contact_.answered()) {
        warnings_.tell("queue", fmt::format("{} answers", queue_->name()));
        if (was_up_) calm_at_ = system_now().mono + options_.calm_time;
        was_up_ = true;
      }
      if (*poll.jobs) list_.put(std::move(**poll.jobs));
      reconcile_all(poll.asked);
      measure();
      pause = std::max({pause, poll_share * (poll.answered - poll.asked),
                        Mono::duration(poll_time_a_job * list_.size())});
    } else {
      pause = contact_.failed(poll.jobs.error());
      warnings_.tell("queue", describe(*contact_.down()));
    }
    after(poll_timer_, pause, [this] { this->poll(); });
  }

  void reconcile_all(Mono::time_point asked) {
    const Mono::time_point now = system_now().mono;
    const std::set<std::string> names = live_names();
    for (const std::string& name : names) reconcile_one(name, list_.job(name), asked, now);
    for (const QueueJob& each : list_.take_strays(names, strays_at_once_max)) {
      cancel(each.number, each.attempt);
    }
  }

  void reconcile_one(const std::string& name, const QueueJob* job, Mono::time_point asked,
                     Mono::time_point now) {
    Live& live = live_.at(name);
    if (job != nullptr) {
      live.job = *job;
      if (job->state == QueueState::waiting || job->state == QueueState::running) {
        live.standing.missed.reset();
      }
    }
    if (job == nullptr || job->state != QueueState::waiting) {
      live.waiting.reset();
    } else if (!live.waiting) {
      live.waiting = now;
    }
    if (live.stopped && now - *live.stopped > obey_time && !live.job.number.empty()) {
      live.stopped = now;
      cancel(live.job.number, name);
    }
    switch (reconcile(live.standing, job, asked, now, options_.settle_time)) {
      case QueueStep::wait: return;
      case QueueStep::look:
        // The queue had it, and does not know it: it has lost jobs.
        if (job == nullptr && !live.job.number.empty() && !live.standing.missed &&
            !live.standing.begun) {
          calm_at_ = now + options_.calm_time;
        }
        if (!live.standing.missed) live.standing.missed = now;
        return look(name, live);
      case QueueStep::resubmit: return submit(name);
      case QueueStep::give_up: return settle(name, live, job, now);
    }
  }

  void settle(const std::string& name, Live& live, const QueueJob* job, Mono::time_point now) {
    // It may be on the list no more.
    if (job == nullptr && live.job.state == QueueState::over) job = &live.job;
    switch (
        tradewind::settle(live.inquiry, job, live.standing.begun, now, options_.accounting_time)) {
      case SettleStep::wait: return;
      case SettleStep::ask: return inquire(name, live);
      case SettleStep::end: return give_up(name, job, false);
      case SettleStep::end_untold: return give_up(name, job, true);
    }
  }

  void inquire(const std::string& name, Live& live) {
    live.job.attempt = name;
    run(
        accounting_,
        [this, seen = live.job,
         until = *live.inquiry.ask_until]() -> Result<std::optional<QueueJob>> {
          // One that does not answer holds up the others: those are not asked for in vain.
          if (system_now().mono >= until) return fail(ErrorCode::unavailable, "", "too late");
          return queue_->ended(seen);
        },
        [this, name](const Result<std::optional<QueueJob>>& ended) {
          const auto found = live_.find(name);
          if (found == live_.end()) return;
          Live& live = found->second;
          live.inquiry.answered(system_now().mono);
          // Where it is not missed, it was submitted again, or runs all the same.
          if (!ended || !live.standing.missed) return;
          if (*ended) return give_up(name, &**ended, false);
          give_up(name, live.job.state == QueueState::over ? &live.job : nullptr, false);
        });
  }

  void give_up(const std::string& name, const QueueJob* job, bool untold) {
    const Live& live = live_.at(name);
    const QueueEnding ending{job, live.standing.begun, live.orders.stop, untold};
    close(name, queue_end(ending, system_now().wall), live.standing.begun);
  }

  void measure() {
    const Mono::time_point now = system_now().mono;
    std::map<PoolId, QueueUnstarted> unstarted;
    for (const auto& [name, live] : live_) {
      if (live.standing.begun) continue;
      QueueUnstarted& pool = unstarted[live.assignment->pool];
      pool.units += std::uint64_t{live.assignment->nodes} * live.assignment->units;
      if (!live.waiting) continue;
      const auto wait = std::chrono::duration_cast<std::chrono::seconds>(now - *live.waiting);
      pool.wait_seconds_max =
          std::max(pool.wait_seconds_max, static_cast<std::uint32_t>(wait.count()));
    }
    for (const auto& [id, pool] : pools_) capacity_[id] = queue_->capacity(id, unstarted[id]);
  }

  const QueueEngineOptions options_;
  const NodeExchange exchange_;
  const std::unique_ptr<Queue> queue_;
  std::map<PoolId, Pool> pools_;

  ServerContact contact_;
  bool was_up_ = false;
  Mono::time_point calm_at_{};  // until then nothing is submitted, after an outage
  QueueList list_;
  std::map<PoolId, std::optional<EngineCapacity>> capacity_;

  boost::asio::steady_timer poll_timer_;
  // Last: their threads use what stands above.
  NodeCourier courier_;
  WorkerPool calls_;
  WorkerPool polls_;
  WorkerPool accounting_;  // of its own: a call may take long
  WorkerPool chores_;
};

Status check_programs(const std::string& section, const QueueEngineOptions& options,
                      const std::vector<Pool>& pools) {
  for (const Pool& each : pools) {
    const auto program = options.programs.find(each.architecture);
    if (program == options.programs.end()) {
      return fail(ErrorCode::invalid, section + ".programs",
                  fmt::format("there is none for {}", to_string(each.architecture)),
                  "give the path of a tradewind-attempt built for it");
    }
    if (::access(program->second.c_str(), R_OK) != 0) {
      return fail(ErrorCode::invalid, section + ".programs",
                  fmt::format("{} cannot be read", program->second),
                  "give the path of tradewind-attempt on the shared file system");
    }
  }
  return ok();
}

}  // namespace

Result<std::unique_ptr<Engine>> make_queue_engine(boost::asio::io_context& io, std::string section,
                                                  QueueEngineOptions options,
                                                  const std::vector<Pool>& pools,
                                                  std::unique_ptr<Queue> queue,
                                                  Engine::OnEvent on_event) {
  if (const Status right = check_programs(section, options, pools); !right) {
    return fail(right.error());
  }
  std::error_code problem;
  fs::path& attempts = options.node.attempts_directory;
  fs::create_directories(attempts, problem);
  if (!problem) attempts = fs::canonical(attempts, problem);
  if (problem) {
    return fail(ErrorCode::unavailable, section + ".directory",
                fmt::format("{} cannot be made: {}", attempts.string(), problem.message()),
                "give a directory of the shared file system that the gateway may write to");
  }
  options.exchange_directory = fs::absolute(options.exchange_directory);
  // The queue keeps jobs within what they asked for; a group made inside a job's would be hidden
  // from it.
  options.node.cgroups = CgroupUse::off;
  options.node.attempts_max = queue_attempts_max;
  auto lock = lock_attempts(attempts);
  if (!lock) return fail(lock.error());
  const NodeExchange exchange(options.exchange_directory);
  if (const Status made = exchange.create(); !made) return fail(made.error());
  if (const Status written = exchange.write_settings(options.node); !written) {
    return fail(written.error());
  }
  return std::make_unique<QueueEngine>(io, section, std::move(options), pools, std::move(queue),
                                       std::move(on_event), std::move(*lock));
}

}  // namespace tradewind
