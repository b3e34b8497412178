#include "gateway/engines/tes_engine.h"

#include <fcntl.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/engines/remote_engine.h"
#include "gateway/engines/server_contact.h"
#include "gateway/engines/tes_report.h"
#include "gateway/engines/tes_ticket.h"
#include "gateway/staging/file_copy.h"
#include "schemas/limits.h"
#include "schemas/url.h"
#include "state/identity/encoding.h"
#include "state/identity/random.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t call_threads = 4;
constexpr std::size_t chore_threads = 1;  // what is written twice ends as it was written last
// The server is busy with our lists a tenth of the time at most.
constexpr int poll_share = 10;
// The gateway stops an attempt when its lease ends; this is for when it does not.
constexpr auto lease_grace = 1s;
constexpr auto cancel_again_interval = 5s;
// How long after it was read a log is kept up to date.
constexpr auto log_interest = 10s;
constexpr std::size_t strangers_at_once_max = 20;

// Two gateways may use one server, and must know whose task is whose.
Result<std::string> own_name(const fs::path& file) {
  auto name = load_file(file, 64);
  if (name) return *name;
  if (name.error().code != ErrorCode::not_found) return fail(name.error());
  const std::string made = hex(random_bytes(8));
  if (const Status stored = store_file(file, made, private_mode); !stored) {
    return fail(stored.error());
  }
  return made;
}

// Adds what the server shows anew of a stream to what is kept of it.
void keep_stream(const fs::path& file, const std::string& shown, std::uint64_t bytes_max) {
  if (shown.empty()) return;
  const auto known = load_file(file, bytes_max);
  if (!known && known.error().code != ErrorCode::not_found) return;
  const std::string before = known ? *known : std::string();
  std::string_view more = std::string_view(shown).substr(shown_before(before, shown));
  more = more.substr(0, bytes_max - std::min<std::uint64_t>(bytes_max, before.size()));
  if (more.empty()) return;
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (fd) static_cast<void>(write_all(fd.get(), more));
}

struct Live {
  AttemptId id;
  std::shared_ptr<const Assignment> assignment;
  AttemptDirectory directory;
  TesStanding standing{};
  std::string task{};  // the server's id; empty: not known
  std::optional<EndCode> stopped{};
  std::optional<Mono::time_point> lease_end{};
  std::optional<Mono::time_point> running_since{};
  std::optional<Mono::time_point> missed{};    // since when the server says that it has it not
  std::optional<Mono::time_point> canceled{};  // when it was last told to cancel it
  Mono::time_point log_wanted{};
  AttemptPhase phase = AttemptPhase::granted;
  bool canceling = false;
  bool looking = false;
  bool closing = false;
};

class TesEngine final : public RemoteEngineOf<Live> {
 public:
  TesEngine(boost::asio::io_context& io, TesEngineOptions options, OnEvent on_event, UniqueFd lock,
            std::string own)
      : RemoteEngineOf(io, options, std::move(on_event), std::move(lock)),
        options_(std::move(options)),
        own_(std::move(own)),
        client_(options_.access),
        contact_("engine.tes.url", "the TES server", options_.poll_interval),
        poll_timer_(io),
        calls_(call_threads, waiting_max()),
        polls_(1, 1),
        chores_(chore_threads, waiting_max()) {
    poll();
    schedule_sweep(chores_);
  }

  ~TesEngine() override { client_.stop(); }

  Status check(const Assignment& assignment) const override {
    if (contact_.down()) return fail(*contact_.down());
    if (const Status free = room(); !free) return free;
    return check_assignment(assignment);
  }

  std::optional<EngineCapacity> capacity(const PoolId& pool) const override {
    if (contact_.down() || pool_of(pool) == options_.pools.end()) return EngineCapacity{};
    return std::nullopt;
  }

  void start(const AttemptId& id, const Assignment& assignment) override {
    const auto directory = begin(id, [&] { return check_assignment(assignment); });
    if (!directory) return;
    const std::string name = directory->name();
    Live& live =
        live_.emplace(name, Live{id, std::make_shared<const Assignment>(assignment), *directory})
            .first->second;
    live.standing.calling = true;
    run(
        chores_,
        [root = options_.attempts_directory, directory = *directory, id,
         assignment = live.assignment] {
          std::pair<bool, Status> done(true, directory.create());
          if (done.second) {
            done.second = write_tes_ticket(root, directory.name(), id, *assignment);
          } else if (done.second.error().code == ErrorCode::conflict) {
            // Of a life before, which may have sent a create.
            done = {false, ok()};
          }
          return done;
        },
        [this, name](const std::pair<bool, Status>& done) {
          const auto found = live_.find(name);
          if (found == live_.end()) return;
          found->second.standing.calling = false;
          if (!done.second) return close(name, failed(describe(done.second.error())));
          if (!done.first) {
            found->second.standing.heard = true;
            found->second.standing.unanswered = system_now().mono;
          }
          step(name);
        });
  }

  void set_lease(const AttemptId& id, Mono::time_point at) override {
    const auto found = find(id);
    if (found != live_.end()) found->second.lease_end = at;
  }

  void stop(const AttemptId& id, EndCode code) override {
    const auto found = find(id);
    if (found != live_.end()) stop_live(found->first, found->second, code);
  }

  Result<LogChunk> read_log(const AttemptId& id, LogStream stream, std::uint64_t offset,
                            std::uint32_t bytes_max) override {
    const auto directory = directory_of(id);
    if (!directory) return fail(directory.error());
    const auto live = live_.find(directory->name());
    if (live != live_.end()) live->second.log_wanted = system_now().mono + log_interest;
    return directory->read_log(id, live != live_.end(), stream, offset, bytes_max);
  }

 protected:
  bool take_up(const AttemptId& id, const AttemptDirectory& directory) override {
    const std::string name = directory.name();
    auto ticket = read_tes_ticket(options_.attempts_directory, name);
    if (!ticket || ticket->attempt != id) return false;
    Live live{id, std::make_shared<const Assignment>(std::move(ticket->assignment)), directory};
    live.task = ticket->task;
    live.stopped = ticket->stopped;
    live.standing.known = !live.task.empty();
    live.standing.stopping = live.stopped.has_value();
    live.standing.heard = true;
    live.standing.unanswered = system_now().mono;
    if (live.standing.known) names_[live.task] = name;
    live_.emplace(name, std::move(live));
    return true;
  }

  void let_go(const AttemptDirectory& directory) override {
    static_cast<void>(chores_.run([directory] { directory.mark_forgotten(); }));
  }

 private:
  struct Poll {
    Status answered = ok();
    Mono::duration took{};
    std::optional<std::set<std::string>> parameters;
    std::map<std::string, TesState> states;
  };

  static EndReport failed(std::string detail) {
    return report_of(EndCode::engine_failed, std::move(detail));
  }
  static EndReport never_had(EndCode code) {
    return report_of(code, fmt::format("{} before the TES server had it", to_string(code)));
  }
  std::string prefix() const { return own_ + "."; }
  std::string key_of(const std::string& name) const { return prefix() + name; }

  std::vector<TesPool>::const_iterator pool_of(const PoolId& pool) const {
    return std::ranges::find(options_.pools, pool,
                             [](const TesPool& each) { return each.pool.id; });
  }

  Status check_assignment(const Assignment& assignment) const {
    if (pool_of(assignment.pool) == options_.pools.end()) {
      return fail(ErrorCode::invalid, "pool",
                  fmt::format("\"{}\" is no pool of this engine", assignment.pool.value),
                  "assign one that the site publishes");
    }
    return check_tes(assignment, options_.form);
  }

  // --- telling

  void enter(Live& live, TesState state) {
    AttemptPhase phase = AttemptPhase::granted;
    if (state == TesState::initializing) phase = AttemptPhase::staging;
    if (state == TesState::running) phase = AttemptPhase::running;
    if (phase <= live.phase) return;
    live.phase = phase;
    if (phase == AttemptPhase::running) live.running_since = system_now().mono;
    on_event_({.attempt = live.id, .phase = phase, .report = std::nullopt});
  }

  void close(const std::string& name, EndReport report) {
    const auto found = live_.find(name);
    if (found == live_.end() || std::exchange(found->second.closing, true)) return;
    run(
        chores_,
        [directory = found->second.directory, report = std::move(report)]() mutable {
          return directory.record_end(std::move(report));
        },
        [this, name](EndReport report) {
          const auto live = live_.find(name);
          if (live == live_.end()) return;
          const AttemptId id = live->second.id;
          names_.erase(live->second.task);
          live_.erase(live);
          tell_end(id, name, std::move(report));
        });
  }

  // --- what goes to the server

  void step(const std::string& name) {
    const auto found = live_.find(name);
    if (found == live_.end() || found->second.closing || contact_.down()) return;
    Live& live = found->second;
    switch (next_step(live.standing, keyed(), options_.settle_time)) {
      case TesStep::wait: return;
      case TesStep::create: return create(name, live);
      case TesStep::search: return search(name, live);
      case TesStep::give_up: {
        return close(name, never_had(live.stopped.value_or(EndCode::canceled)));
      }
    }
  }

  bool keyed() const { return parameters_.contains("idempotency_key"); }

  void create(const std::string& name, Live& live) {
    const auto pool = pool_of(live.assignment->pool);
    if (pool == options_.pools.end()) return close(name, without_pool(live.assignment->pool));
    live.standing.calling = true;
    live.standing.absent.reset();
    run(
        calls_,
        [this, document = tes_document(key_of(name), *live.assignment, *pool, options_.form,
                                       parameters_)] { return client_.create(document); },
        [this, name](const Result<std::string>& id) {
          const auto found = live_.find(name);
          if (found == live_.end()) return;
          TesStanding& standing = found->second.standing;
          standing.calling = false;
          if (id) return know(name, found->second, *id);
          switch (id.error().code) {
            case ErrorCode::refused: return close(name, failed(describe(id.error())));
            // Tried again at the next poll.
            case ErrorCode::unavailable: break;
            default: standing.heard = true; standing.unanswered = system_now().mono;
          }
          warnings_.tell("create", describe(id.error()));
        });
  }

  void search(const std::string& name, Live& live) {
    live.standing.calling = true;
    const Mono::time_point asked = system_now().mono;
    const std::string key = key_of(name);
    run(
        calls_, [this, key] { return client_.find("tradewind." + key, tes_tag, key); },
        [this, name, asked](const Result<std::string>& id) {
          const auto found = live_.find(name);
          if (found == live_.end()) return;
          TesStanding& standing = found->second.standing;
          standing.calling = false;
          if (!id) return warnings_.tell("search", describe(id.error()));
          if (!id->empty()) return know(name, found->second, *id);
          standing.absent = asked;
          // It may be time for the next one at once; else the next poll looks again.
          if (next_step(standing, keyed(), options_.settle_time) != TesStep::search) step(name);
        });
  }

  // The task is there, and this is its id.
  void know(const std::string& name, Live& live, const std::string& id) {
    if (live.standing.known) return;
    live.task = id;
    live.standing.known = true;
    names_[id] = name;
    keep(name, live);
    if (live.stopped) return cancel(name, live);
    look(name, live);
  }

  // For a restart. Should it not come to the disk, the tag tells.
  void keep(const std::string& name, const Live& live) {
    static_cast<void>(chores_.run(
        [root = options_.attempts_directory, name, task = live.task, stopped = live.stopped] {
          static_cast<void>(write_tes_task(root, name, task, stopped));
        }));
  }

  void stop_live(const std::string& name, Live& live, EndCode code) {
    if (live.stopped || live.closing) return;
    live.stopped = code;
    live.standing.stopping = true;
    keep(name, live);
    if (live.standing.known) return cancel(name, live);
    if (live.standing.calling || live.standing.heard) return;
    // No create has left.
    close(name, never_had(code));
  }

  void cancel(const std::string& name, Live& live) {
    if (std::exchange(live.canceling, true)) return;
    live.canceled = system_now().mono;
    run(
        calls_, [this, id = live.task] { return client_.cancel(id); },
        [this, name](const Status& told) {
          const auto found = live_.find(name);
          if (found == live_.end()) return;
          found->second.canceling = false;
          if (told) look(name, found->second);
        });
  }

  // --- what comes from the server

  void look(const std::string& name, Live& live) {
    if (live.closing || std::exchange(live.looking, true)) return;
    run(
        calls_,
        [this, id = live.task, directory = live.directory, key = key_of(name),
         bytes_max = options_.log_bytes_max] {
          auto task = client_.task(id, true);
          // Its number may be another's by now, at a server that has forgotten what it had.
          if (task && task->tags.contains(tes_tag) && task->tags.at(tes_tag) != key) {
            task = fail(ErrorCode::not_found, "", "the task with this id is another's");
          }
          if (task && task->log) {
            for (const LogStream each : {LogStream::out, LogStream::err}) {
              keep_stream(directory.log(each), tes_stream(*task->log, each), bytes_max);
            }
          }
          return task;
        },
        [this, name](const Result<TesTask>& task) {
          const auto found = live_.find(name);
          if (found == live_.end()) return;
          found->second.looking = false;
          on_looked(name, found->second, task);
        });
  }

  void on_looked(const std::string& name, Live& live, const Result<TesTask>& task) {
    const Now now = system_now();
    if (!task) {
      if (task.error().code != ErrorCode::not_found)
        return warnings_.tell("task", describe(task.error()));
      if (!live.missed) live.missed = now.mono;
      if (now.mono - *live.missed < options_.settle_time) return;
      EndReport report =
          report_of(live.stopped.value_or(EndCode::interrupted),
                    "the TES server does not know the task any more: " + describe(task.error()));
      report.started = live.phase >= AttemptPhase::running;
      return close(name, std::move(report));
    }
    live.missed.reset();
    if (!is_over(task->state)) return enter(live, task->state);
    EndReport report = tes_end(*task, live.stopped, live.assignment->run_seconds_max, now.wall);
    report.system_log.insert(report.system_log.begin(),
                             fmt::format("task {} at {}", live.task, options_.access.url));
    close(name, std::move(report));
  }

  void poll() {
    std::set<std::string> wanted;
    for (const auto& [id, name] : names_) wanted.insert(id);
    run(
        polls_,
        [this, known = !contact_.down(), wanted = std::move(wanted)] {
          Poll poll;
          const Mono::time_point asked = system_now().mono;
          if (!known) {
            auto parameters = client_.parameters();
            if (parameters) {
              poll.parameters = std::move(*parameters);
            } else {
              poll.answered = fail(parameters.error());
            }
          }
          if (poll.answered) {
            auto states = client_.states("tradewind." + prefix(), wanted);
            if (states) {
              poll.states = std::move(*states);
            } else {
              poll.answered = fail(states.error());
            }
          }
          poll.took = system_now().mono - asked;
          return poll;
        },
        [this](Poll poll) { on_polled(std::move(poll)); });
  }

  void on_polled(Poll poll) {
    Mono::duration pause = options_.poll_interval;
    if (poll.answered) {
      if (contact_.answered())
        warnings_.tell("server", fmt::format("the TES server answers at {}", options_.access.url));
      if (poll.parameters) parameters_ = std::move(*poll.parameters);
      follow(poll.states);
      pause = std::max(pause, poll_share * poll.took);
    } else {
      pause = contact_.failed(poll.answered.error());
      warnings_.tell("server", describe(*contact_.down()));
    }
    watch_time();
    after(poll_timer_, pause, [this] { this->poll(); });
  }

  void follow(const std::map<std::string, TesState>& states) {
    const Mono::time_point now = system_now().mono;
    for (const std::string& name : live_names()) {
      const auto found = live_.find(name);
      if (found == live_.end() || found->second.closing) continue;
      Live& live = found->second;
      if (!live.standing.known) {
        step(name);
        continue;
      }
      const auto state = states.find(live.task);
      const bool runs = state != states.end() && !is_over(state->second);
      if (runs) enter(live, state->second);
      if (!runs || now < live.log_wanted) look(name, live);
      if (live.canceled && now - *live.canceled > cancel_again_interval) cancel(name, live);
    }
    std::size_t looked_at = 0;
    for (const auto& [id, state] : states) {
      if (is_over(state) || names_.contains(id) || strangers_.contains(id)) continue;
      if (++looked_at > strangers_at_once_max) break;
      strangers_.insert(id);
      look_at_stranger(id);
    }
    std::erase_if(strangers_, [&states](const std::string& id) { return !states.contains(id); });
  }

  // A task that runs at the server and is no attempt's that we know of: one whose create was not
  // answered, one of an attempt that is over, or somebody else's.
  void look_at_stranger(const std::string& id) {
    run(
        calls_, [this, id] { return client_.task(id, false); },
        [this, id](const Result<TesTask>& task) {
          if (!task) {
            strangers_.erase(id);  // looked at again
            return;
          }
          const auto tag = task->tags.find(tes_tag);
          if (tag == task->tags.end() || !tag->second.starts_with(prefix())) return;
          const std::string name = tag->second.substr(prefix().size());
          const auto found = live_.find(name);
          if (found != live_.end() && !found->second.standing.known) {
            return know(name, found->second, id);
          }
          if (found != live_.end() && found->second.task == id) return;
          warnings_.tell("stranger",
                         fmt::format("task {} is no attempt's any more, and is canceled", id));
          strangers_.erase(id);
          static_cast<void>(calls_.run([this, id] { static_cast<void>(client_.cancel(id)); }));
        });
  }

  // Leases and time limits, whether the server answers or not.
  void watch_time() {
    const Mono::time_point now = system_now().mono;
    std::vector<std::pair<std::string, EndCode>> over;
    for (const auto& [name, live] : live_) {
      if (live.stopped) continue;
      const auto limit = std::chrono::seconds(live.assignment->run_seconds_max);
      if (live.lease_end && now > *live.lease_end + lease_grace) {
        over.emplace_back(name, EndCode::lease_expired);
      } else if (live.running_since && now - *live.running_since > limit) {
        over.emplace_back(name, EndCode::time_limit);
      }
    }
    for (const auto& [name, code] : over) {
      if (const auto found = live_.find(name); found != live_.end()) {
        stop_live(name, found->second, code);
      }
    }
  }

  const TesEngineOptions options_;
  const std::string own_;
  TesClient client_;
  ServerContact contact_;

  std::map<std::string, std::string> names_;  // of attempts, by their tasks' ids
  std::set<std::string>
      strangers_;  // ids that were looked at, of tasks that are not ours to follow
  std::set<std::string> parameters_;

  boost::asio::steady_timer poll_timer_;
  // Last: their threads use what stands above.
  WorkerPool calls_;
  WorkerPool polls_;
  WorkerPool chores_;
};

}  // namespace

Result<std::unique_ptr<Engine>> make_tes_engine(boost::asio::io_context& io,
                                                TesEngineOptions options,
                                                Engine::OnEvent on_event) {
  if (!behind_http(options.access.url)) {
    return fail(ErrorCode::invalid, "engine.tes.url",
                fmt::format("\"{}\" is no URL", options.access.url),
                "give the base path of the TES server, such as https://HOST/ga4gh/tes/v1");
  }
  while (options.access.url.ends_with('/')) options.access.url.pop_back();
  std::error_code problem;
  fs::path& attempts = options.attempts_directory;
  fs::create_directories(attempts, problem);
  if (!problem) attempts = fs::canonical(attempts, problem);
  if (problem) {
    return fail(ErrorCode::unavailable, attempts.string(),
                fmt::format("cannot be made: {}", problem.message()), "check the site's disk");
  }
  auto lock = lock_attempts(attempts);
  if (!lock) return fail(lock.error());
  auto own = own_name(attempts / "tes_name");
  if (!own) return fail(own.error());
  return std::make_unique<TesEngine>(io, std::move(options), std::move(on_event), std::move(*lock),
                                     std::move(*own));
}

}  // namespace tradewind
