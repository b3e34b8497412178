// Slurm by its own commands: sbatch, squeue, scontrol and scancel, and sacct where there is one.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/engines/slurm_client.h"
#include "gateway/engines/tool_run.h"

namespace tradewind {

class SlurmCommands : public SlurmClient {
 public:
  explicit SlurmCommands(const SlurmAccess& access);

  void stop() override { stopping_.request_stop(); }
  Status open() override;
  Result<std::int64_t> submit(const SlurmSubmission& submission) override;
  // squeue has no word for "unchanged": always the list.
  Result<std::optional<std::vector<SlurmJob>>> jobs(std::int64_t known) override;
  Result<std::vector<SlurmNode>> nodes() override;
  Result<std::optional<std::vector<SlurmRecord>>> records(std::int64_t job) override;
  Status cancel(std::int64_t job, const std::string& key) override;

 private:
  Result<ToolAnswer> run(std::string_view name, const std::vector<std::string>& words) const;
  // Of all, or of this job.
  Result<std::vector<SlurmJob>> list(std::int64_t job) const;
  Status cancel(std::int64_t job) const;

  const std::string folders_;  // as in PATH
  const std::string user_;
  std::stop_source stopping_;
};

}  // namespace tradewind
