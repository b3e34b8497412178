// A queue that is used by its commands, for attempts.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "gateway/engines/batch_commands.h"
#include "gateway/engines/batch_reader.h"
#include "gateway/engines/queue.h"
#include "gateway/engines/tool_run.h"
#include "gateway/engines/warnings.h"
#include "schemas/site.h"

namespace tradewind {

struct BatchQueueOptions {
  BatchCommands commands;
  std::string key_prefix;  // of this gateway's jobs alone
  std::string user;        // the account that the gateway runs as
  std::map<PoolId, Pool> pools;
  std::function<void(const std::string&)> on_warning;  // on the engine's thread; may be empty
};

class BatchQueue : public Queue {
 public:
  BatchQueue(BatchQueueOptions options, BatchReader reader);

  std::string name() const override { return "the queue"; }
  Result<std::string> submit(const QueueRequest& request) override;
  // Only a job that the newest list has, with that number and of that attempt.
  Status cancel(const std::string& number, const std::string& attempt) override;
  Result<std::optional<QueueJob>> ended(const QueueJob& seen) override;
  void stop() override { stop_.request_stop(); }
  Result<std::optional<std::vector<QueueJob>>> jobs(bool again) override;
  // The queue is not asked what is free. While it lets a job of the pool wait, nothing more is.
  std::optional<EngineCapacity> capacity(const PoolId& pool,
                                         const QueueUnstarted& unstarted) override;

 private:
  Result<ToolAnswer> run(std::vector<std::string> command, std::size_t bytes_max) const;
  std::string key_of(const std::string& attempt) const { return options_.key_prefix + attempt; }

  const BatchQueueOptions options_;
  const BatchReader reader_;
  std::stop_source stop_;
  Warnings warnings_;
  std::set<std::string> unknown_words_;  // of the newest list

  std::mutex mutex_;
  std::map<std::string, std::string> attempts_;  // of the newest list, by number
};

}  // namespace tradewind
