#include <algorithm>
#include <string>

#include "broker/core/service.h"

namespace tradewind {

Status add_earlier(Submission& submission, const BatchReceipts& earlier) {
  std::vector<JobId>& after = submission.spec.after;
  for (const std::size_t place : submission.after_earlier) {
    const Result<SubmitReceipt>& receipt = earlier.at(place);
    if (!receipt || receipt->not_kept) {
      return fail(ErrorCode::conflict, "after", "what it comes after was not taken in itself",
                  "see the error of that line; submit both again");
    }
    if (std::find(after.begin(), after.end(), receipt->job) == after.end()) {
      after.push_back(receipt->job);
    }
  }
  if (after.size() > limits::after_max) {
    return fail(ErrorCode::too_large, "after", "it names " + std::to_string(after.size()) + " jobs",
                "name at most " + std::to_string(limits::after_max));
  }
  return ok();
}

}  // namespace tradewind
