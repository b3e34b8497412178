// Slurm as a queue of attempts: what is submitted, found again and offered.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/engines/queue.h"
#include "gateway/engines/slurm_client.h"
#include "gateway/engines/slurm_job.h"
#include "gateway/engines/slurm_records.h"
#include "gateway/engines/warnings.h"

namespace tradewind {

// What a job of Slurm is for the engine.
QueueJob queue_job(const SlurmJob& job, std::string_view attempt);

// What accounting tells of the job that was last seen as `seen`, among the records of its number,
// which Slurm gives out again: a record is the job's when name, time of submission and user are,
// and the comment where one is kept. Without a time of submission, the one submitted last. Nothing
// where it is not there, or has not ended.
std::optional<QueueJob> accounted_job(const std::vector<SlurmRecord>& records, const QueueJob& seen,
                                      std::string_view user, std::string_view key);

struct SlurmQueueOptions {
  SlurmAccess access;
  std::string key_prefix;  // of this gateway's jobs alone
  std::vector<SlurmPool> pools;
  SlurmAccount account;  // of tenants that are not listed
  std::map<TenantId, SlurmAccount> accounts;
  std::function<void(const std::string&)> on_warning;  // on the engine's thread; may be empty
};

class SlurmQueue : public Queue {
 public:
  explicit SlurmQueue(SlurmQueueOptions options);

  std::string name() const override;
  Result<std::string> submit(const QueueRequest& request) override;
  Status cancel(const std::string& number, const std::string& attempt) override;
  Result<std::optional<QueueJob>> ended(const QueueJob& seen) override;
  void stop() override { client_->stop(); }
  Result<std::optional<std::vector<QueueJob>>> jobs(bool again) override;
  std::optional<EngineCapacity> capacity(const PoolId& pool,
                                         const QueueUnstarted& unstarted) override;

 private:
  const SlurmPool* pool_of(const PoolId& id) const;

  const SlurmQueueOptions options_;
  const SlurmKeys keys_;
  const std::unique_ptr<SlurmClient> client_;
  Warnings warnings_;
  std::int64_t known_ = 0;  // of the newest list; 0: the whole list is wanted
  Mono::time_point whole_list_at_{};
  std::vector<SlurmJob> jobs_;
  std::vector<SlurmNode> nodes_;
};

}  // namespace tradewind
