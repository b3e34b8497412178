// Reads what the commands of a queue print. Pure: takes any bytes, in linear time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/engines/batch_commands.h"
#include "schemas/result.h"

namespace tradewind {

// One job of a list. Numbers have 1 to 64 letters, digits and inner ".", "_" or "-", so that they
// can be an argument and nothing else.
struct BatchJob {
  std::string number;
  std::string key;
  std::string word;  // the queue's, for its state
  friend bool operator==(const BatchJob&, const BatchJob&) = default;
};

struct BatchUsage {
  int exit_code = 0;          // as a shell tells it: 128 and more for signals
  std::uint64_t seconds = 0;  // that it ran; 0: not known
  friend bool operator==(const BatchUsage&, const BatchUsage&) = default;
};

class BatchReader {
 public:
  // Fails with ErrorCode::invalid for a pattern that cannot be read or lacks a group; the field is
  // as "status.job".
  static Result<BatchReader> make(const BatchCommands& commands);

  // The number of the job that was taken.
  std::optional<std::string> submitted(std::string_view output) const;
  bool refused(std::string_view output) const;
  // Records that are not of a job are left out. Fails with ErrorCode::corrupt when the list is not
  // whole and with ErrorCode::too_large when it has too many jobs.
  Result<std::vector<BatchJob>> listed(std::string_view output) const;
  // Of the last record that is of this key, where the pattern finds keys.
  std::optional<BatchUsage> used(std::string_view output, std::string_view key) const;

  static constexpr std::size_t jobs_max = 200'000;

 private:
  class Pattern;
  BatchReader() = default;

  std::shared_ptr<const Pattern> submitted_;
  std::shared_ptr<const Pattern> refused_;  // may be null
  std::shared_ptr<const Pattern> job_;
  std::shared_ptr<const Pattern> whole_;  // may be null
  std::shared_ptr<const Pattern> usage_;  // may be null
  std::shared_ptr<const Pattern> job_end_;
  std::shared_ptr<const Pattern> usage_end_;  // may be null
};

}  // namespace tradewind
