#include "broker/api/submission.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/api/job_json.h"
#include "broker/api/quote_json.h"

namespace tradewind {
namespace {

constexpr std::size_t kKeyBytesMax = 255;

}  // namespace

Result<std::string> read_idempotency_key(const HttpRequest& request) {
  const std::string_view key = request.header("idempotency-key");
  const bool good = key.size() <= kKeyBytesMax && std::all_of(key.begin(), key.end(), [](char c) {
                      return c >= ' ' && c < 0x7f;
                    });
  if (good) return std::string(key);
  return fail(ErrorCode::invalid, "Idempotency-Key",
              fmt::format("it has {} bytes, or others than printable ASCII", key.size()),
              fmt::format("give at most {} printable ASCII characters", kKeyBytesMax));
}

Status read_submission(const json::value& document, Submission& submission) {
  auto quote = read_quote_id(document);
  if (!quote) return fail(std::move(quote.error()));
  submission.quote = std::move(*quote);
  if (!submission.quote.empty()) return ok();
  auto spec = read_job_spec(document);
  if (!spec) return fail(std::move(spec.error()));
  submission.spec = std::move(*spec);
  return ok();
}

bool asks_for_another_job(const Service& service, const SubmitReceipt& receipt,
                          const Submission& submission) {
  const auto single = service.find(receipt.job);
  const auto first = single != nullptr ? single : service.find(array_task_id(receipt.job, 0));
  if (first == nullptr) return false;
  if (!submission.quote.empty()) return !first->quote || first->quote->id != submission.quote;
  JobSpec spec = submission.spec;
  const bool array = spec.array_count > 0;
  spec.array_count = 0;
  return first->quote || array != first->array.has_value() || as_submitted(first->spec) != spec;
}

Error key_was_used(const JobId& job) {
  return Error{ErrorCode::conflict, "Idempotency-Key", "it was used for another job, " + job.value,
               "use a new key for a new job"};
}

Error quote_not_kept(const QuoteNotKept& why, std::string_view currency) {
  return Error{ErrorCode::conflict, "quote", explain(why, std::string(currency)),
               "ask for a new quote, or submit the job without one"};
}

Error too_many_submits() {
  return Error{ErrorCode::exhausted, "", "too many submissions are under way",
               "wait for answers before sending more, or send many jobs as one batch"};
}

}  // namespace tradewind
