#include "gateway/engines/slurm_rest.h"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace tradewind {
namespace {

// A job takes about 3 KiB in a list: some 80,000 of them.
constexpr std::size_t answer_bytes_max = 256UL << 20;
// slurmrestd itself waits up to 20 s for a slurmctld that does not answer.
constexpr std::chrono::seconds answer_time_max{45};
constexpr std::array<int, 7> known_versions{42, 41, 40, 39, 38, 37, 36};

constexpr std::size_t problem_bytes_max = 500;

HttpClientOptions http_options() {
  HttpClientOptions options;
  options.answer_bytes_max = answer_bytes_max;
  options.answer_time_max = answer_time_max;
  return options;
}

// The number stands under `error_code` in answers to submissions, under `error_number` elsewhere.
void read_error(SlurmAnswer& answer) {
  const auto* errors = answer.body.if_contains("errors");
  if (errors == nullptr || !errors->is_array() || errors->as_array().empty()) return;
  const auto* first = errors->as_array().front().if_object();
  if (first == nullptr) return;
  answer.number = -1;
  for (const char* key : {"error_code", "error_number"}) {
    const auto* number = first->if_contains(key);
    if (number != nullptr && number->is_int64()) answer.number = number->as_int64();
  }
  for (const char* key : {"description", "error"}) {
    const auto* text = first->if_contains(key);
    if (text == nullptr || !text->is_string() || text->as_string().empty()) continue;
    if (!answer.text.empty()) answer.text += ": ";
    answer.text += std::string_view(text->as_string()).substr(0, problem_bytes_max);
  }
}

}  // namespace

std::optional<SlurmAnswer> read_slurm_answer(std::string_view text) {
  boost::system::error_code bad;
  boost::json::value parsed = boost::json::parse(text, bad);
  if (bad || !parsed.is_object()) return std::nullopt;
  SlurmAnswer answer;
  answer.body = std::move(parsed.as_object());
  read_error(answer);
  return answer;
}

SlurmRest::SlurmRest(std::string url, std::string user, SlurmToken& token)
    : url_(std::move(url)), user_(std::move(user)), token_(token), http_(http_options()) {}

int SlurmRest::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

Status SlurmRest::negotiate() {
  const auto answer = perform("GET", "/openapi/v3", {});
  if (!answer) return fail(answer.error());
  const auto* paths = answer->body.if_contains("paths");
  std::string served;
  for (const int version : known_versions) {
    if (paths == nullptr || !paths->is_object()) break;
    if (paths->as_object().contains(fmt::format("/slurm/v0.0.{}/job/submit", version))) {
      const std::lock_guard lock(mutex_);
      version_ = version;
      keeps_accounting_ =
          paths->as_object().contains(fmt::format("/slurmdb/v0.0.{}/job/{{job_id}}", version));
      return ok();
    }
  }
  if (paths != nullptr && paths->is_object()) {
    for (const auto& each : paths->as_object()) {
      const std::string_view path = each.key();
      if (path.ends_with("/job/submit")) served += fmt::format(" {}", path.substr(0, 64));
    }
  }
  return fail(ErrorCode::invalid, "engine.slurm.url",
              fmt::format("{} serves no version that this gateway knows ({})", url_,
                          served.empty() ? "none at all" : served.substr(1)),
              "let slurmrestd serve one of v0.0.36 to v0.0.42");
}

bool SlurmRest::keeps_accounting() const {
  const std::lock_guard lock(mutex_);
  return keeps_accounting_;
}

Result<SlurmAnswer> SlurmRest::call(const char* method, const std::string& path,
                                    const std::string& body) {
  return call_part("slurm", method, path, body);
}

Result<SlurmAnswer> SlurmRest::call_accounting(const char* method, const std::string& path) {
  return call_part("slurmdb", method, path, {});
}

Result<SlurmAnswer> SlurmRest::call_part(const char* part, const char* method,
                                         const std::string& path, const std::string& body) {
  const int version = this->version();
  if (version == 0) {
    return fail(ErrorCode::unavailable, "engine.slurm.url", "Slurm has not answered yet");
  }
  return perform(method, fmt::format("/{}/v0.0.{}/{}", part, version, path), body);
}

Result<SlurmAnswer> SlurmRest::perform(const char* method, const std::string& path,
                                       const std::string& body) {
  const auto token = token_.get(system_now());
  if (!token) return fail(token.error());
  const auto heard = http_.call(
      method, url_ + path, {"X-SLURM-USER-NAME: " + user_, "X-SLURM-USER-TOKEN: " + *token}, body);
  if (!heard) {
    Error error = heard.error();
    error.field = "engine.slurm.url";
    error.remedy = "see whether slurmrestd runs";
    return fail(std::move(error));
  }
  const auto& [status, text] = *heard;
  if (status == 304) {
    SlurmAnswer same;
    same.unchanged = true;
    return same;
  }
  if (status == 401 || status == 403) {
    token_.refused();
    return fail(ErrorCode::unauthenticated, "engine.slurm.token",
                fmt::format("{} does not take the token of {}", url_, user_),
                "see whom the token is for and until when");
  }
  auto answer = read_slurm_answer(text);
  if (!answer) {
    const bool wrong = status >= 400 && status < 500;
    return fail(wrong ? ErrorCode::invalid : ErrorCode::maybe_delivered, "engine.slurm.url",
                fmt::format("{} answered {}: {}", url_, status, text.substr(0, 200)),
                "see that it is a slurmrestd");
  }
  // A token that is not taken shows as a failure without a number.
  if (status >= 500 && answer->number == -1) token_.refused();
  return std::move(*answer);
}

}  // namespace tradewind
