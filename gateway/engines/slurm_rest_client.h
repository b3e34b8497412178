// Slurm by slurmrestd, with what its answers mean.
#pragma once

#include "gateway/engines/slurm_client.h"
#include "gateway/engines/slurm_rest.h"
#include "gateway/engines/slurm_token.h"

namespace tradewind {

class SlurmRestClient : public SlurmClient {
 public:
  explicit SlurmRestClient(const SlurmAccess& access)
      : token_(access.token_file, access.token_command), rest_(access.url, access.user, token_) {}

  void stop() override { rest_.stop(); }
  Status open() override { return rest_.negotiate(); }
  Result<std::int64_t> submit(const SlurmSubmission& submission) override;
  Result<std::optional<std::vector<SlurmJob>>> jobs(std::int64_t known) override;
  Result<std::vector<SlurmNode>> nodes() override;
  Result<std::optional<std::vector<SlurmRecord>>> records(std::int64_t job) override;
  Status cancel(std::int64_t job, const std::string& key) override;

 private:
  Status cancel(std::int64_t job);

  SlurmToken token_;
  SlurmRest rest_;
};

}  // namespace tradewind
