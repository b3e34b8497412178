// A job id as numbers, for tables of a million of them. They have the order of ids.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "schemas/ids.h"

namespace tradewind {

struct JobNumber {
  std::uint64_t submission = 0;  // the broker's tag, then the sequence in 45 bits
  std::uint32_t task = 0;        // of a task its index and 1; else 0
  friend auto operator<=>(const JobNumber&, const JobNumber&) = default;
  friend bool operator==(const JobNumber&, const JobNumber&) = default;
};

// Nothing for what is no job id, or one with a tag beyond those that there are.
std::optional<JobNumber> job_number(const JobId& job);
JobId job_id(const JobNumber& number);

// The job's own number or, of a task, what its array has.
constexpr JobNumber submission_of(const JobNumber& number) {
  return {number.submission, 0};
}

}  // namespace tradewind
