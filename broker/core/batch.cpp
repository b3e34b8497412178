#include <algorithm>
#include <string>

#include "broker/core/service.h"

namespace tradewind {

Result<JobSpec> spec_in_batch(const Submission& submission, const BatchReceipts& earlier) {
  JobSpec spec = submission.spec;
  for (const std::size_t place : submission.after_earlier) {
    const Result<SubmitReceipt>& receipt = earlier.at(place);
    if (!receipt || receipt->not_kept) {
      return fail(ErrorCode::conflict, "after", "what it comes after was not taken in itself",
                  "see the error of that line; submit both again");
    }
    if (std::find(spec.after.begin(), spec.after.end(), receipt->job) == spec.after.end()) {
      spec.after.push_back(receipt->job);
    }
  }
  if (spec.after.size() > limits::after_max) {
    return fail(ErrorCode::too_large, "after",
                "it names " + std::to_string(spec.after.size()) + " jobs",
                "name at most " + std::to_string(limits::after_max));
  }
  return spec;
}

}  // namespace tradewind
