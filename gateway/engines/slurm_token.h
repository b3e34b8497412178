// The token by which the gateway shows Slurm who it is, and how it is renewed.
#pragma once

#include <mutex>
#include <string>

#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

// Until when a JWT is good, as its own `exp` says; the clock's last moment when it does not.
// Nothing is verified: that is Slurm's part.
Wall::time_point token_expiry(const std::string& token);

// Any thread.
class SlurmToken {
 public:
  // Exactly one is given: a file that somebody keeps fresh, or a command of the shell that prints a
  // token ("SLURM_JWT=" before it is dropped).
  SlurmToken(std::string file, std::string command)
      : file_(std::move(file)), command_(std::move(command)) {}

  // Reads it anew a minute before it expires, after refused(), and from a file every ten seconds.
  // Blocks for at most 30 s. Fails with ErrorCode::unavailable.
  Result<std::string> get(Now now);
  // Slurm did not take it: the next get() reads it anew.
  void refused();

 private:
  Result<std::string> read() const;

  const std::string file_;
  const std::string command_;
  std::mutex mutex_;
  std::string token_;
  Mono::time_point read_at_{};
};

}  // namespace tradewind
