#include "gateway/engines/kubernetes_engine.h"

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/engines/assignment_check.h"
#include "gateway/engines/kubernetes_api.h"
#include "gateway/engines/kubernetes_objects.h"
#include "gateway/engines/node_exchange.h"
#include "gateway/engines/remote_engine.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t call_threads = 4;
constexpr auto back_off_first = 500ms;
constexpr auto back_off_max = 10s;
// The API server is busy with our counting a tenth of the time at most.
constexpr int poll_share = 10;
// An image that cannot be pulled is tried so long: registries are away now and then.
constexpr auto hopeless_time = 120s;
constexpr auto log_interval = 500ms;
constexpr std::size_t strays_at_once_max = 50;
constexpr std::uint32_t wait_seconds_min = 30;

constexpr std::array both_kinds{KubernetesKind::job, KubernetesKind::pod};

std::string_view name_of(KubernetesKind kind) {
  return kind == KubernetesKind::job ? "jobs" : "pods";
}

// Of one kind, how it is followed.
struct Following {
  std::string path;
  boost::asio::steady_timer timer;
  std::string version{};
  bool expired = false;  // the version is too old to go on from
  Mono::duration back_off = back_off_first;
};

struct Live {
  AttemptId id;
  std::shared_ptr<const Assignment> assignment;
  AttemptDirectory directory;
  std::string job;
  NodeOrders orders{};
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
        following_{Following{api_.jobs_path(options_.job.gateway), boost::asio::steady_timer(io)},
                   Following{api_.pods_path(options_.job.gateway), boost::asio::steady_timer(io)}},
        count_timer_(io),
        calls_(call_threads, waiting_max()),
        watches_(kubernetes_kinds + 1, kubernetes_kinds + 1) {
    // Paths, streams and URLs are of the same form everywhere.
    for (const KubernetesPool& each : options_.pools) {
      form_.pools[each.pool.id] = each.pool.architecture;
    }
    for (const KubernetesKind each : both_kinds) list(each);
    count();
    schedule_sweep(calls_);
  }

  ~KubernetesEngine() override { api_.stop(); }

  Status check(const Assignment& assignment) const override {
    if (held()) return fail(*down_);
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

  void forget(const AttemptId& id) override {
    const auto directory = directory_of(id);
    if (!directory || live_.contains(directory->name())) return;
    ended_.erase(directory->name());
    static_cast<void>(calls_.run([this, directory = *directory] {
      directory.mark_forgotten();
      exchange_.remove_ticket(directory.name());
    }));
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

  bool held() const { return down_.has_value(); }

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
    if (pool == nullptr) {
      // Of a life before, in which the site had another pool.
      return finish(
          name, report_of(EndCode::engine_failed, fmt::format("the site has no pool {} any more",
                                                              live.assignment->pool.value)));
    }
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
    const KubernetesJob* const job = objects_.job(name);
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
    const KubernetesPod* const pod = objects_.pod(name);
    run(
        calls_,
        [this, job = live.job, directory = live.directory, ticket_written = live.ticket_written,
         orders = live.orders, pod = pod ? std::optional(*pod) : std::nullopt] {
          if (ticket_written) {
            if (const Status kept = exchange_.write_orders(directory.name(), orders); !kept) {
              return kept;
            }
          }
          if (pod) fetch_log(*pod, directory);
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

  // Also the tails of `report`'s executors, if any.
  void fetch_log(const KubernetesPod& pod, const AttemptDirectory& directory,
                 EndReport* report = nullptr) {
    std::string all;
    for (std::size_t index = 0; index < pod.containers.size(); ++index) {
      if (!pod.containers[index].began) break;
      const auto text = api_.log(pod.name, pod.containers[index].name, options_.log_bytes_max);
      if (!text) return;  // what was fetched before stays
      all += *text;
      if (report != nullptr && index < report->executors.size()) {
        report->executors[index].stdout_tail =
            text->substr(text->size() - std::min(text->size(), limits::log_tail_bytes_max));
      }
    }
    if (all.empty()) return;
    const fs::path file = directory.log(LogStream::out);
    const fs::path draft = file.string() + ".new";
    std::ofstream(draft, std::ios::binary) << all;
    std::error_code ignored;
    fs::rename(draft, file, ignored);
  }

  void refresh_log(const std::string& name) {
    Live& live = live_.at(name);
    const KubernetesPod* const pod = objects_.pod(name);
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
          fetch_log(pod, directory);
          return true;
        },
        [this, name](bool) {
          if (const auto found = live_.find(name); found != live_.end())
            found->second.logging = false;
        });
  }

  // --- how an attempt stands

  // `gone`: its pod was there and is not any more, or never came and never will.
  void consider(const std::string& name, bool gone) {
    const auto found = live_.find(name);
    if (found == live_.end() || found->second.ending) return;
    Live& live = found->second;
    const KubernetesPod* const pod = objects_.pod(name);
    const KubernetesJob* const job = objects_.job(name);
    // The job's word of its deadline may come after that of its pod.
    const bool deadline =
        (job != nullptr && job->failed == "DeadlineExceeded") ||
        (gone && live.orders.lease_end && *live.orders.lease_end <= system_now().wall + 1s);
    if (pod != nullptr) {
      if (!pod->node.empty()) enter(live, AttemptPhase::staging);
      if (std::ranges::any_of(pod->containers, &KubernetesContainer::began)) {
        enter(live, AttemptPhase::running);
      }
      if (auto report = kubernetes_end(*pod, gone, *live.assignment)) {
        if (pod->bound != Wall::time_point{}) {
          const bool cut = std::ranges::any_of(
              pod->containers, [](const auto& each) { return each.began && !each.over; });
          if (cut) report->usage.ended = system_now().wall;
          const auto held = std::max(report->usage.ended, pod->bound) - pod->bound;
          report->usage.wall_seconds =
              static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(held).count());
        }
        if (report->usage.ended == Wall::time_point{}) {
          report->usage.started = report->usage.ended = system_now().wall;
        }
        return conclude(name, std::move(*report), deadline);
      }
      if (const std::string why =
              kubernetes_hopeless(*pod, system_now().mono - live.since > hopeless_time);
          !why.empty() && !live.orders.stop) {
        live.orders.stop = EndCode::engine_failed;
        live_detail_[name] = why;
        return remove(name);
      }
    } else if (gone || (deadline && live.created)) {
      return conclude(name, report_of(EndCode::interrupted, "its job is gone"), deadline);
    }
  }

  // Whoever asked for the end first has named it.
  void conclude(const std::string& name, EndReport report, bool deadline) {
    Live& live = live_.at(name);
    if (live.orders.stop) {
      report.code = *live.orders.stop;
      const auto detail = live_detail_.find(name);
      report.detail =
          detail != live_detail_.end() ? detail->second : std::string(to_string(report.code));
    } else if (deadline && report.code != EndCode::succeeded) {
      report.code = EndCode::lease_expired;
      report.detail = "the lease ran out without word from the broker";
    }
    finish(name, std::move(report));
  }

  void finish(const std::string& name, EndReport report) {
    Live& live = live_.at(name);
    live.ending = true;
    const KubernetesPod* const pod = objects_.pod(name);
    run(
        calls_,
        [this, directory = live.directory, job = live.job, report = std::move(report),
         pod = pod ? std::optional(*pod) : std::nullopt]() mutable {
          static_cast<void>(directory.create());
          if (pod) fetch_log(*pod, directory, &report);
          if (const Status recorded = directory.write_end(report); !recorded) {
            report.system_log.push_back("the end is not recorded at the site: " +
                                        describe(recorded.error()));
          }
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
          live_detail_.erase(name);
          tell_end(id, name, std::move(report));
        });
  }

  // --- what Kubernetes tells

  void heard(std::string_view kind, const Status& answer) {
    const std::string what(kind);
    if (answer) {
      troubles_.erase(what);
    } else {
      troubles_[what] = answer.error();
      warnings_.tell("kubernetes", describe(answer.error()));
    }
    waiting_for_.erase(what);
    const bool was_down = down_.has_value();
    if (!troubles_.empty()) {
      down_ = troubles_.begin()->second;
      down_->code = ErrorCode::unavailable;
    } else if (waiting_for_.empty()) {
      down_.reset();
      if (was_down)
        warnings_.tell("kubernetes", fmt::format("Kubernetes answers at {}", options_.access.url));
    }
  }

  Following& followed(KubernetesKind kind) { return following_[static_cast<std::size_t>(kind)]; }

  void list(KubernetesKind kind) {
    run(
        watches_, [this, path = followed(kind).path] { return api_.list(path); },
        [this, kind](Result<KubernetesList> listed) {
          Following& following = followed(kind);
          heard(name_of(kind), listed ? ok() : Status(fail(listed.error())));
          if (!listed) {
            const Mono::duration pause = following.back_off;
            following.back_off = std::min<Mono::duration>(pause * 2, back_off_max);
            return after(following.timer, pause, [this, kind] { list(kind); });
          }
          following.back_off = back_off_first;
          following.version = std::move(listed->version);
          for (const std::string& gone : objects_.put_all(kind, listed->items)) drop(kind, gone);
          for (const std::string& name : live_names()) look_again(name);
          watch(kind);
        });
  }

  void watch(KubernetesKind kind) {
    run(
        watches_,
        [this, kind, path = followed(kind).path, version = followed(kind).version] {
          return api_.watch(path, version, [this, kind](KubernetesEvent event) {
            boost::asio::post(
                io_, guarded([this, kind, event = std::move(event)] { on_change(kind, event); }));
          });
        },
        [this, kind](const Status& ended) {
          if (ended && !std::exchange(followed(kind).expired, false)) return watch(kind);
          // The version is too old, or the server away: all is asked for anew.
          if (!ended && ended.error().code != ErrorCode::not_found) {
            heard(name_of(kind), ended);
          }
          list(kind);
        });
  }

  void on_change(KubernetesKind kind, const KubernetesEvent& event) {
    if (event.change == KubernetesChange::expired) {
      followed(kind).expired = true;
      return;
    }
    if (!event.version.empty()) followed(kind).version = event.version;
    if (event.change == KubernetesChange::bookmark) return;
    const auto name = objects_.put(kind, event.object);
    if (!name) return;
    if (event.change == KubernetesChange::gone) {
      drop(kind, *name);
    } else {
      look_again(*name);
    }
  }

  void drop(KubernetesKind kind, const std::string& name) {
    if (kind == KubernetesKind::pod) {
      consider(name, true);
      return objects_.drop(kind, name);
    }
    objects_.drop(kind, name);
    const auto live = live_.find(name);
    // A job goes after its pods; one without any has never run.
    if (live != live_.end() && live->second.created && objects_.pod(name) == nullptr) {
      consider(name, true);
    }
  }

  void look_again(const std::string& name) {
    const auto found = live_.find(name);
    if (found == live_.end() || found->second.ending) return;
    Live& live = found->second;
    const bool known = objects_.job(name) != nullptr || objects_.pod(name) != nullptr;
    if (!known && objects_.complete() && live.adopted && live.created) {
      return conclude(name, report_of(EndCode::interrupted, "its job is gone"), false);
    }
    if (live.orders.stop && objects_.complete()) return remove(name);
    if (!live.created && objects_.complete()) submit(name);
    if (live_.contains(name)) {
      move_deadline(name);
      consider(name, false);
    }
  }

  // --- capacity, and what time brings

  void count() {
    struct Count {
      Status answered = ok();
      std::vector<KubernetesNode> nodes;
      std::vector<KubernetesPod> pods;
      Mono::duration took{};
    };
    run(
        watches_,
        [this] {
          Count counted;
          const Mono::time_point asked = system_now().mono;
          const auto nodes = api_.list(KubernetesApi::nodes_path());
          const auto pods = nodes ? api_.list(KubernetesApi::all_pods_path())
                                  : Result<KubernetesList>(fail(nodes.error()));
          if (!pods) {
            counted.answered = fail(pods.error());
            return counted;
          }
          for (const auto& each : nodes->items) {
            if (auto node = read_kubernetes_node(each)) counted.nodes.push_back(std::move(*node));
          }
          for (const auto& each : pods->items) {
            if (auto pod = read_kubernetes_pod(each)) counted.pods.push_back(std::move(*pod));
          }
          counted.took = system_now().mono - asked;
          return counted;
        },
        [this](const Count& counted) {
          heard("nodes", counted.answered);
          if (counted.answered) {
            for (const KubernetesPool& pool : options_.pools) {
              measure(pool, kubernetes_capacity(pool, counted.nodes, counted.pods));
            }
          }
          for (const std::string& name : live_names()) watch_time(name);
          remove_strays();
          after(count_timer_,
                std::max<Mono::duration>(options_.poll_interval, poll_share * counted.took),
                [this] { count(); });
        });
  }

  // Units of jobs that wait for a node are taken already.
  void measure(const KubernetesPool& pool, EngineCapacity capacity) {
    const Mono::time_point now = system_now().mono;
    Mono::duration waited{};
    for (const auto& [name, live] : live_) {
      const KubernetesPod* const pod = objects_.pod(name);
      if (live.assignment->pool != pool.pool.id || (pod != nullptr && !pod->node.empty())) continue;
      capacity.units_free -= std::min(capacity.units_free, live.assignment->units);
      waited = std::max<Mono::duration>(waited, now - live.since);
      if (pod != nullptr && !pod->message.empty()) {
        warnings_.tell("pool " + pool.pool.id.value, fmt::format("a job of the pool {} waits: {}",
                                                                 pool.pool.id.value, pod->message));
      }
    }
    capacity.units_free_node = std::min(capacity.units_free_node, capacity.units_free);
    capacity.nodes_free =
        std::min(capacity.nodes_free, capacity.units_free / units_per_node(pool.pool));
    if (capacity.units_free == 0) {
      // Kubernetes makes no estimate: as long as others have waited so far.
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(waited).count();
      capacity.wait_seconds = std::max(wait_seconds_min, static_cast<std::uint32_t>(seconds));
    }
    capacity_[pool.pool.id] = capacity;
  }

  void watch_time(const std::string& name) {
    Live& live = live_.at(name);
    const Mono::time_point now = system_now().mono;
    if (live.running && !live.orders.stop &&
        now - *live.running > std::chrono::seconds(live.assignment->run_seconds_max)) {
      live.orders.stop = EndCode::time_limit;
      live_detail_[name] =
          fmt::format("ran longer than its time limit of {} s", live.assignment->run_seconds_max);
    }
    look_again(name);
  }

  void remove_strays() {
    std::set<std::string> strays;
    std::size_t removed = 0;
    for (const auto& [name, job] : objects_.jobs()) {
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
  KubernetesObjects objects_;

  std::map<std::string, std::string> live_detail_;  // why the gateway ends it
  std::set<std::string> strays_;
  std::map<PoolId, EngineCapacity> capacity_;

  std::set<std::string> waiting_for_{"jobs", "pods", "nodes"};  // have not been heard of yet
  std::map<std::string, Error> troubles_;
  std::optional<Error> down_ = Error{ErrorCode::unavailable, "engine.kubernetes.url",
                                     "Kubernetes has not answered yet", "wait"};

  std::array<Following, kubernetes_kinds> following_;
  boost::asio::steady_timer count_timer_;
  // Last: their threads use what stands above.
  WorkerPool calls_;
  WorkerPool watches_;
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
