#include "broker/jobs/job_number.h"

#include <charconv>
#include <string_view>

namespace tradewind {
namespace {

constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";  // of job ids
constexpr std::size_t kDigitsCount = 13;
constexpr std::size_t kSequenceBits = 45;
static_assert(job_sequence_max.value == (std::uint64_t{1} << kSequenceBits) - 1);

}  // namespace

std::optional<JobNumber> job_number(const JobId& job) {
  if (!is_job_id(job.value)) return std::nullopt;
  JobNumber number;
  for (const char each : std::string_view(job.value).substr(1, kDigitsCount)) {
    if (number.submission >> (64 - 5) != 0) return std::nullopt;
    number.submission = number.submission << 5 | kDigits.find(each);
  }
  if (const auto dash = job.value.find('-'); dash != std::string::npos) {
    std::from_chars(job.value.data() + dash + 1, job.value.data() + job.value.size(), number.task);
    ++number.task;
  }
  return number;
}

JobId job_id(const JobNumber& number) {
  const JobId submission =
      job_id(Sequence{number.submission & job_sequence_max.value},
             BrokerTag{static_cast<std::uint32_t>(number.submission >> kSequenceBits)});
  return number.task == 0 ? submission : array_task_id(submission, number.task - 1);
}

}  // namespace tradewind
