#include "gateway/engines/remote_engine.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include "schemas/time.h"

namespace tradewind {

using namespace std::chrono_literals;

RemoteEngine::RemoteEngine(boost::asio::io_context& io, RemoteEngineOptions options,
                           OnEvent on_event, UniqueFd lock)
    : LoopTasks(io),
      on_event_(std::move(on_event)),
      warnings_(options.on_warning),
      options_(std::move(options)),
      lock_(std::move(lock)),
      sweep_timer_(io) {}

std::vector<AttemptId> RemoteEngine::adopt(const std::vector<AttemptId>& attempts) {
  std::vector<AttemptId> adopted;
  for (const AttemptId& id : attempts) {
    const auto directory = directory_of(id);
    if (!directory) continue;
    if (!lives(directory->name())) {
      if (auto end = directory->read_end(); end && *end) {
        ended_.insert(directory->name());
        post_end(id, std::move(**end));
      } else if (!take_up(id, *directory)) {
        continue;
      }
    }
    adopted.push_back(id);
  }
  return adopted;
}

void RemoteEngine::forget(const AttemptId& id) {
  const auto directory = directory_of(id);
  if (!directory || lives(directory->name())) return;
  ended_.erase(directory->name());
  let_go(*directory);
}

std::size_t RemoteEngine::waiting_max() const {
  return std::size_t{options_.attempts_max} * 8 + 1'024;
}

Result<AttemptDirectory> RemoteEngine::directory_of(const AttemptId& id) const {
  return AttemptDirectory::of(options_.attempts_directory, id);
}

Status RemoteEngine::room() const {
  if (live_count() < options_.attempts_max) return ok();
  return fail(ErrorCode::exhausted, "attempts_max",
              fmt::format("there are {} attempts already", live_count()), "wait for one to end");
}

std::optional<AttemptDirectory> RemoteEngine::begin(const AttemptId& id,
                                                    const std::function<Status()>& check) {
  auto directory = directory_of(id);
  if (directory && (lives(directory->name()) || ended_.contains(directory->name()))) {
    return std::nullopt;
  }
  Status runnable = directory ? check() : Status(fail(directory.error()));
  if (runnable) runnable = room();
  if (runnable) return std::move(*directory);
  post_end(id, report_of(EndCode::engine_failed, describe(runnable.error())));
  return std::nullopt;
}

EndReport RemoteEngine::report_of(EndCode code, std::string detail) {
  EndReport report;
  report.code = code;
  report.detail = std::move(detail);
  report.usage.started = report.usage.ended = system_now().wall;
  return report;
}

EndReport RemoteEngine::without_pool(const PoolId& pool) {
  return report_of(EndCode::engine_failed,
                   fmt::format("the site has no pool {} any more", pool.value));
}

void RemoteEngine::post_end(const AttemptId& id, EndReport report) {
  boost::asio::post(
      io_, guarded([this, id, report = std::move(report)]() mutable {
        on_event_({.attempt = id, .phase = AttemptPhase::ended, .report = std::move(report)});
      }));
}

void RemoteEngine::tell_end(const AttemptId& id, const std::string& name, EndReport report) {
  ended_.insert(name);
  on_event_({.attempt = id, .phase = AttemptPhase::ended, .report = std::move(report)});
}

void RemoteEngine::schedule_sweep(WorkerPool& chores) {
  after(sweep_timer_, std::clamp<std::chrono::seconds>(options_.retention / 4, 1s, 60s),
        [this, &chores] {
          static_cast<void>(chores.run([options = options_, live = live_names()] {
            sweep_attempts(options.attempts_directory, live, options.retention,
                           options.abandoned_retention);
          }));
          schedule_sweep(chores);
        });
}

}  // namespace tradewind
