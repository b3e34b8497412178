#include "gateway/engines/kubernetes_engine.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/engines/assignment_check.h"
#include "gateway/engines/kubernetes_api.h"
#include "gateway/engines/kubernetes_capacity.h"
#include "gateway/engines/kubernetes_log.h"
#include "gateway/engines/kubernetes_reconcile.h"
#include "gateway/engines/kubernetes_watch.h"
#include "gateway/engines/node_exchange.h"
#include "gateway/engines/remote_engine.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t call_threads = 4;
constexpr auto log_interval = 500ms;
constexpr std::size_t strays_at_once_max = 50;

struct Live {
  AttemptId id;
  std::shared_ptr<const Assignment> assignment;
  AttemptDirectory directory;
  std::string job;
  NodeOrders orders{};
  std::string stop_why{};  // in words; empty: orders.stop's own
  bool adopted = false;
  bool ticket_written = false;
  bool creating = false;
  bool created = false;
  bool removing = false;  // a request to delete it is on its way
  bool removed = false;   // and was heard
  bool ending = false;
  bool logging = false;
  bool moving = false;        // of the deadline
  std::int64_t deadline = 0;  // as last told
  AttemptPhase phase = AttemptPhase::granted;
  Mono::time_point since = system_now().mono;
  std::optional<Mono::time_point> running{};
  std::optional<Mono::time_point> logged{};
};

class KubernetesEngine final : public RemoteEngineOf<Live> {
 public:
  KubernetesEngine(boost::asio::io_context& io, KubernetesEngineOptions options, OnEvent on_event,
                   UniqueFd lock)
      : RemoteEngineOf(io, options, std::move(on_event), std::move(lock)),
        options_(std::move(options)),
        exchange_(options_.directory / "exchange"),
        api_(options_.access, options_.namespace_name),
        calls_(call_threads, waiting_max()),
        watch_(io, api_, options_.job.gateway, options_.poll_interval, warnings_,
               {.changed = [this](const std::string& name) { look_again(name); },
                .gone = [this](const std::string& name) { on_gone(name); },
                .listed = [this] { look_at_all(); },
                .counted = [this](const KubernetesCluster* cluster) { on_counted(cluster); }}) {
    // Paths, streams and URLs are of the same form everywhere.
    for (const KubernetesPool& each : options_.pools) {
      form_.pools[each.pool.id] = each.pool.architecture;
    }
    schedule_sweep(calls_);
  }

  ~KubernetesEngine() override { api_.stop(); }

  Status check(const Assignment& assignment) const override {
    if (held()) return fail(*watch_.down());
    if (const Status free = room(); !free) return free;
    return check_form(assignment);
  }

  std::optional<EngineCapacity> capacity(const PoolId& pool) const override {
    const auto found = capacity_.find(pool);
    return held() || found == capacity_.end() ? EngineCapacity{} : found->second;
  }

  void start(const AttemptId& id, const Assignment& assignment) override {
    const auto directory = begin(id, [&] { return check_form(assignment); });
    if (!directory) return;
    const std::string name = directory->name();
    live_.emplace(name, Live{id, std::make_shared<const Assignment>(assignment), *directory,
                             kubernetes_name(options_.job.gateway, id)});
    take(assignment);
    // Its lease comes before the loop goes on, and goes with the job.
    boost::asio::post(io_, guarded([this, name] { submit(name); }));
  }

  void set_lease(const AttemptId& id, Mono::time_point at) override {
    const auto found = find(id);
    if (found == live_.end()) return;
    const Now now = system_now();
    found->second.orders.lease_end = now.wall + (at - now.mono);
    move_deadline(found->first);
  }

  void stop(const AttemptId& id, EndCode code) override {
    const auto found = find(id);
    if (found == live_.end() || found->second.orders.stop) return;
    found->second.orders.stop = code;
    remove(found->first);
  }

  Result<LogChunk> read_log(const AttemptId& id, LogStream stream, std::uint64_t offset,
                            std::uint32_t bytes_max) override {
    const auto directory = directory_of(id);
    if (!directory) return fail(directory.error());
    const auto live = live_.find(directory->name());
    // What is there now; the next reader finds more.
    if (live != live_.end()) refresh_log(live->first);
    return directory->read_log(id, live != live_.end(), stream, offset, bytes_max);
  }

 protected:
  bool take_up(const AttemptId& id, const AttemptDirectory& directory) override {
    auto ticket = exchange_.read_ticket(directory.name());
    const auto orders = exchange_.read_orders(directory.name());
    if (!ticket || !orders || ticket->attempt != id) return false;
    Live live{id, std::make_shared<const Assignment>(std::move(ticket->assignment)), directory,
              kubernetes_name(options_.job.gateway, id)};
    live.orders = *orders;
    live.adopted = true;
    live.ticket_written = true;
    // Its directory is made when Kubernetes has taken the job.
    live.created = directory.exists();
    live_.emplace(directory.name(), std::move(live));
    return true;
  }

  void let_go(const AttemptDirectory& directory) override {
    static_cast<void>(calls_.run([this, directory] {
      directory.mark_forgotten();
      exchange_.remove_ticket(directory.name());
    }));
  }

 private:
  Status check_form(const Assignment& assignment) const {
    if (const Status right = check_kubernetes(assignment, options_.job, options_.pools); !right) {
      return right;
    }
    return check_assignment(assignment, form_, Programs::elsewhere);
  }

  const KubernetesPool* pool_of(const Assignment& assignment) const {
    const auto found = std::ranges::find(options_.pools, assignment.pool,
                                         [](const auto& each) { return each.pool.id; });
    return found == options_.pools.end() ? nullptr : &*found;
  }

  // --- telling

  void enter(Live& live, AttemptPhase phase) {
    if (phase <= live.phase) return;
    live.phase = phase;
    if (phase == AttemptPhase::running) live.running = system_now().mono;
    on_event_({.attempt = live.id, .phase = phase, .report = std::nullopt});
  }

  // What the next count will have seen.
  void take(const Assignment& assignment) {
    const auto known = capacity_.find(assignment.pool);
    if (known == capacity_.end()) return;
    EngineCapacity& capacity = known->second;
    capacity.units_free -= std::min(capacity.units_free, assignment.units);
    capacity.units_free_node = std::min(capacity.units_free_node, capacity.units_free);
    if (capacity.nodes_free > 0) --capacity.nodes_free;
  }

  // --- what is asked of Kubernetes

  const KubernetesObjects& objects() const { return watch_.objects(); }
  bool held() const { return watch_.down().has_value(); }

  void submit(const std::string& name) {
    const auto found = live_.find(name);
    if (found == live_.end()) return;
    Live& live = found->second;
    // What was stopped before it was asked for is not asked for any more.
    if (live.creating || live.created || live.ending || live.orders.stop ||
        (held() && live.ticket_written)) {
      return;
    }
    const KubernetesPool* const pool = pool_of(*live.assignment);
    if (pool == nullptr) return finish(name, without_pool(live.assignment->pool));
    live.creating = true;
    std::optional<std::int64_t> deadline;
    if (live.orders.lease_end) {
      const auto left =
          std::chrono::floor<std::chrono::seconds>(*live.orders.lease_end - system_now().wall);
      deadline = std::max<std::int64_t>(1, left.count());
      live.deadline = *deadline;
    }
    run(
        calls_,
        [this, held = held(), id = live.id, assignment = live.assignment, orders = live.orders,
         directory = live.directory, job = live.job, ticket_written = live.ticket_written,
         document = kubernetes_job_document(live.job, name, *live.assignment, *pool, options_.job,
                                            deadline)] {
          std::pair<bool, Status> done(ticket_written, ok());
          if (!ticket_written) {
            done.second = exchange_.write_ticket(directory.name(), {id, *assignment}, orders);
            done.first = done.second.has_value();
          }
          if (!done.first) return done;
          done.second = held ? Status(fail(ErrorCode::unavailable, "", "it was not asked"))
                             : api_.create_job(document);
          if (!done.second) return done;
          done.second = give_inputs(job, *assignment);
          if (!done.second) return done;
          if (const Status made = directory.create();
              !made && made.error().code != ErrorCode::conflict) {
            done.second = made;
          }
          return done;
        },
        [this, name](const std::pair<bool, Status>& done) { on_submitted(name, done); });
  }

  // What the pod waits for, if it has inputs: owned by the job, hence after it.
  Status give_inputs(const std::string& name, const Assignment& assignment) {
    if (assignment.inputs.empty()) return ok();
    const auto job = api_.job(name);
    if (!job) return fail(job.error());
    return api_.create_secret(kubernetes_secret_document(name, job->uid, assignment, options_.job));
  }

  void on_submitted(const std::string& name, const std::pair<bool, Status>& done) {
    const auto found = live_.find(name);
    if (found == live_.end()) return;
    Live& live = found->second;
    live.creating = false;
    live.ticket_written = done.first;
    const auto& [written, asked] = done;
    if (asked) {
      live.created = true;
      live.since = system_now().mono;
    } else if (!written || (asked.error().code != ErrorCode::unavailable &&
                            asked.error().code != ErrorCode::maybe_delivered &&
                            asked.error().code != ErrorCode::unauthenticated)) {
      // It will never be taken.
      return finish(name, report_of(EndCode::engine_failed, describe(asked.error())));
    }
    // Otherwise it is asked again; the name tells that it is the same job.
    if (live.orders.stop) return remove(name);
    move_deadline(name);
    consider(name, false);
  }

  void move_deadline(const std::string& name) {
    Live& live = live_.at(name);
    const KubernetesJob* const job = objects().job(name);
    if (!live.created || live.moving || live.ending || !live.orders.lease_end || held() ||
        job == nullptr || !job->started) {
      return;
    }
    const auto from =
        std::chrono::floor<std::chrono::seconds>(*live.orders.lease_end - *job->started);
    const std::int64_t deadline = std::max<std::int64_t>(1, from.count());
    if (deadline == live.deadline) return;
    live.moving = true;
    run(
        calls_, [this, job = live.job, deadline] { return api_.set_deadline(job, deadline); },
        [this, name, deadline](const Status& moved) {
          const auto found = live_.find(name);
          if (found == live_.end()) return;
          found->second.moving = false;
          if (!moved) {
            warnings_.tell("deadline",
                           "a lease is not told to Kubernetes: " + describe(moved.error()));
            return;  // the next renewal, or count, tries again
          }
          found->second.deadline = deadline;
          move_deadline(name);
        });
  }

  // Ends it, with its log kept; it is over when Kubernetes knows no job of that name.
  void remove(const std::string& name) {
    Live& live = live_.at(name);
    if (live.removing || live.creating || live.ending) return;
    if (live.removed) return see_whether_gone(name);
    live.removing = true;
    const KubernetesPod* const pod = objects().pod(name);
    run(
        calls_,
        [this, job = live.job, directory = live.directory, ticket_written = live.ticket_written,
         orders = live.orders, pod = pod ? std::optional(*pod) : std::nullopt] {
          if (ticket_written) {
            if (const Status kept = exchange_.write_orders(directory.name(), orders); !kept) {
              return kept;
            }
          }
          if (pod) keep_log(*pod, directory);
          return api_.delete_job(job);
        },
        [this, name](const Status& deleted) {
          const auto found = live_.find(name);
          if (found == live_.end()) return;
          found->second.removing = false;
          if (!deleted)
            return warnings_.tell("delete", describe(deleted.error()));  // the next count does
          found->second.removed = true;
          see_whether_gone(name);
        });
  }

  void see_whether_gone(const std::string& name) {
    Live& live = live_.at(name);
    if (std::exchange(live.removing, true)) return;
    run(
        calls_,
        [this, job = live.job] {
          const auto there = api_.job(job);
          return !there && there.error().code == ErrorCode::not_found;
        },
        [this, name](bool gone) {
          const auto found = live_.find(name);
          if (found == live_.end()) return;
          found->second.removing = false;
          if (gone) consider(name, true);
        });
  }

  // --- logs

  void keep_log(const KubernetesPod& pod, const AttemptDirectory& directory,
                EndReport* report = nullptr) {
    keep_kubernetes_log(api_, pod, directory, options_.log_bytes_max, report);
  }

  void refresh_log(const std::string& name) {
    Live& live = live_.at(name);
    const KubernetesPod* const pod = objects().pod(name);
    const Mono::time_point now = system_now().mono;
    if (pod == nullptr || live.logging || live.ending || !live.created ||
        (live.logged && now - *live.logged < log_interval)) {
      return;
    }
    live.logging = true;
    live.logged = now;
    run(
        calls_,
        [this, pod = *pod, directory = live.directory] {
          keep_log(pod, directory);
          return true;
        },
        [this, name](bool) {
          if (const auto found = live_.find(name); found != live_.end())
            found->second.logging = false;
        });
  }

  // --- how an attempt stands

  KubernetesStanding standing_of(const Live& live) const {
    return {.created = live.created,
            .stop = live.orders.stop,
            .why = live.stop_why,
            .lease_end = live.orders.lease_end,
            .waited = system_now().mono - live.since};
  }

  // `gone`: its pod was there and is not any more, or never came and never will.
  void consider(const std::string& name, bool gone) {
    const auto found = live_.find(name);
    if (found == live_.end() || found->second.ending) return;
    Live& live = found->second;
    const KubernetesPod* const pod = objects().pod(name);
    if (pod != nullptr && !pod->node.empty()) enter(live, AttemptPhase::staging);
    if (pod != nullptr && std::ranges::any_of(pod->containers, &KubernetesContainer::began)) {
      enter(live, AttemptPhase::running);
    }
    KubernetesVerdict verdict = reconcile(standing_of(live), *live.assignment, objects().job(name),
                                          pod, gone, system_now().wall);
    if (verdict.end) return finish(name, std::move(*verdict.end));
    if (verdict.hopeless.empty()) return;
    live.orders.stop = EndCode::engine_failed;
    live.stop_why = std::move(verdict.hopeless);
    remove(name);
  }

  void finish(const std::string& name, EndReport report) {
    Live& live = live_.at(name);
    live.ending = true;
    const KubernetesPod* const pod = objects().pod(name);
    run(
        calls_,
        [this, directory = live.directory, job = live.job, report = std::move(report),
         pod = pod ? std::optional(*pod) : std::nullopt]() mutable {
          static_cast<void>(directory.create());
          if (pod) keep_log(*pod, directory, &report);
          report = directory.record_end(std::move(report));
          directory.remove_files();
          // One that stays is found a stray, and deleted later.
          static_cast<void>(api_.delete_job(job));
          return std::move(report);
        },
        [this, name](EndReport report) {
          const auto found = live_.find(name);
          if (found == live_.end()) return;
          const AttemptId id = found->second.id;
          live_.erase(found);
          tell_end(id, name, std::move(report));
        });
  }

  // --- what Kubernetes tells

  void on_gone(const std::string& name) {
    const auto found = live_.find(name);
    if (found == live_.end()) return;
    // What is not known to be taken is asked for again.
    if (found->second.created || objects().pod(name) != nullptr) consider(name, true);
  }

  void look_at_all() {
    for (const std::string& name : live_names()) look_again(name);
  }

  void look_again(const std::string& name) {
    const auto found = live_.find(name);
    if (found == live_.end() || found->second.ending) return;
    Live& live = found->second;
    const bool known = objects().job(name) != nullptr || objects().pod(name) != nullptr;
    if (!known && objects().complete() && live.adopted && live.created) {
      return finish(name, kubernetes_lost(standing_of(live), system_now().wall));
    }
    if (live.orders.stop && objects().complete()) return remove(name);
    if (!live.created && objects().complete()) submit(name);
    if (live_.contains(name)) {
      move_deadline(name);
      consider(name, false);
    }
  }

  // --- capacity, and what time brings

  void on_counted(const KubernetesCluster* cluster) {
    if (cluster != nullptr) {
      for (const KubernetesPool& pool : options_.pools) measure(pool, *cluster);
    }
    for (const std::string& name : live_names()) watch_time(name);
    remove_strays();
  }

  void measure(const KubernetesPool& pool, const KubernetesCluster& cluster) {
    const Mono::time_point now = system_now().mono;
    KubernetesWaiting waiting;
    for (const auto& [name, live] : live_) {
      const KubernetesPod* const pod = objects().pod(name);
      if (live.assignment->pool != pool.pool.id || (pod != nullptr && !pod->node.empty())) continue;
      waiting.units += live.assignment->units;
      waiting.longest = std::max<Mono::duration>(waiting.longest, now - live.since);
      if (pod != nullptr && !pod->message.empty()) {
        warnings_.tell("pool " + pool.pool.id.value, fmt::format("a job of the pool {} waits: {}",
                                                                 pool.pool.id.value, pod->message));
      }
    }
    capacity_[pool.pool.id] = kubernetes_capacity(pool, cluster.nodes, cluster.pods, waiting);
  }

  void watch_time(const std::string& name) {
    Live& live = live_.at(name);
    const Mono::time_point now = system_now().mono;
    if (live.running && !live.orders.stop &&
        now - *live.running > std::chrono::seconds(live.assignment->run_seconds_max)) {
      live.orders.stop = EndCode::time_limit;
      live.stop_why =
          fmt::format("ran longer than its time limit of {} s", live.assignment->run_seconds_max);
    }
    look_again(name);
  }

  void remove_strays() {
    std::set<std::string> strays;
    std::size_t removed = 0;
    for (const auto& [name, job] : objects().jobs()) {
      if (live_.contains(name) || job.leaving) continue;
      strays.insert(name);
      if (!strays_.contains(name) || ++removed > strays_at_once_max) continue;
      static_cast<void>(
          calls_.run([this, job = job.name] { static_cast<void>(api_.delete_job(job)); }));
    }
    strays_ = std::move(strays);
  }

  const KubernetesEngineOptions options_;
  const NodeExchange exchange_;
  ProcessEngineOptions form_;  // what assignments must be like
  KubernetesApi api_;
  std::set<std::string> strays_;
  std::map<PoolId, EngineCapacity> capacity_;

  // Last: their threads use what stands above.
  WorkerPool calls_;
  KubernetesWatch watch_;
};

}  // namespace

Result<std::unique_ptr<Engine>> make_kubernetes_engine(boost::asio::io_context& io,
                                                       KubernetesEngineOptions options,
                                                       Engine::OnEvent on_event) {
  for (const KubernetesPool& each : options.pools) {
    if (each.pool.unit.accelerators == 0 || !each.accelerator.empty()) continue;
    return fail(ErrorCode::invalid, "engine.kubernetes.pools",
                fmt::format("the pool {} does not say what its accelerators are called",
                            each.pool.id.value),
                "give accelerator, such as \"nvidia.com/gpu\"");
  }
  if (options.namespace_name.empty()) {
    return fail(ErrorCode::invalid, "engine.kubernetes.namespace", "is missing",
                "name the namespace for the jobs");
  }
  std::error_code problem;
  options.directory = fs::absolute(options.directory);
  options.attempts_directory = options.directory / "attempts";
  fs::create_directories(options.attempts_directory, problem);
  if (problem) {
    return fail(ErrorCode::unavailable, "directory",
                fmt::format("{} cannot be made: {}", options.directory.string(), problem.message()),
                "give a directory that the gateway may write to");
  }
  auto lock = lock_attempts(options.attempts_directory);
  if (!lock) return fail(lock.error());
  if (const Status made = NodeExchange(options.directory / "exchange").create(); !made) {
    return fail(made.error());
  }
  options.job.gateway = fmt::format(
      "{:08x}", stable_hash(options.directory.string() + " " + options.namespace_name) >> 32);
  return std::make_unique<KubernetesEngine>(io, std::move(options), std::move(on_event),
                                            std::move(*lock));
}

}  // namespace tradewind
