// What the engines have in common whose attempts run elsewhere: an attempt that has not ended is
// live, and has a directory at the site from which a later life takes it up.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/engines/attempt_directory.h"
#include "gateway/engines/engine.h"
#include "gateway/engines/loop_tasks.h"
#include "gateway/engines/warnings.h"
#include "gateway/staging/unique_fd.h"
#include "gateway/staging/worker_pool.h"

namespace tradewind {

struct RemoteEngineOptions {
  std::filesystem::path attempts_directory;  // what is kept of each at the site
  std::uint32_t attempts_max = 4'096;        // at once
  std::chrono::seconds retention{3'600};     // of logs after forget()
  // Of directories that nobody asked to forget, such as those of a lost database.
  std::chrono::seconds abandoned_retention{7 * 24 * 3'600};
  std::function<void(const std::string&)> on_warning;  // on the engine's thread; may be empty
};

class RemoteEngine : public Engine, protected LoopTasks {
 public:
  std::vector<AttemptId> adopt(const std::vector<AttemptId>& attempts) final;
  void forget(const AttemptId& id) final;

 protected:
  // `lock` is of the attempts' directory.
  RemoteEngine(boost::asio::io_context& io, RemoteEngineOptions options, OnEvent on_event,
               UniqueFd lock);

  // Of the attempts that have not ended, by AttemptDirectory::name().
  virtual bool lives(const std::string& name) const = 0;
  virtual std::set<std::string> live_names() const = 0;
  virtual std::size_t live_count() const = 0;
  // Goes on with an attempt of a life before; false: it is over.
  virtual bool take_up(const AttemptId& id, const AttemptDirectory& directory) = 0;
  // Its end is acknowledged: marks the directory, on a thread. Where there are too many at once,
  // the sweep comes by in the end.
  virtual void let_go(const AttemptDirectory& directory) = 0;

  // Tasks that may wait in a pool: no attempt has more than a few.
  std::size_t waiting_max() const;

  Result<AttemptDirectory> directory_of(const AttemptId& id) const;
  // Whether one more attempt may begin.
  Status room() const;
  // Where the attempt is kept, if it is news and may begin: `check` says so. What may not is told
  // to have ended.
  std::optional<AttemptDirectory> begin(const AttemptId& id, const std::function<Status()>& check);
  static EndReport report_of(EndCode code, std::string detail = {});
  // Of an attempt of a life before, in which the site had another pool.
  static EndReport without_pool(const PoolId& pool);
  void post_end(const AttemptId& id, EndReport report);
  // Its end is recorded; whoever had it live has let go of it.
  void tell_end(const AttemptId& id, const std::string& name, EndReport report);
  // What is left of attempts goes in its time, from now on.
  void schedule_sweep(WorkerPool& chores);

  const OnEvent on_event_;
  Warnings warnings_;
  std::set<std::string> ended_;  // until forgotten

 private:
  const RemoteEngineOptions options_;
  const UniqueFd lock_;
  boost::asio::steady_timer sweep_timer_;
};

// With `Live`, what is known of an attempt that has not ended.
template <class Live>
class RemoteEngineOf : public RemoteEngine {
 protected:
  using RemoteEngine::RemoteEngine;
  using LiveMap = std::map<std::string, Live>;

  bool lives(const std::string& name) const final { return live_.contains(name); }
  std::size_t live_count() const final { return live_.size(); }
  std::set<std::string> live_names() const final {
    std::set<std::string> names;
    for (const auto& [name, live] : live_) names.insert(names.end(), name);
    return names;
  }
  typename LiveMap::iterator find(const AttemptId& id) {
    const auto directory = directory_of(id);
    return directory ? live_.find(directory->name()) : live_.end();
  }

  LiveMap live_;  // by AttemptDirectory::name()
};

}  // namespace tradewind
