#include "gateway/engines/slurm_token.h"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "gateway/engines/tool_run.h"
#include "state/identity/encoding.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t token_bytes_max = 16 * 1024;
constexpr auto renewal_margin = 60s;
constexpr auto file_interval = 10s;
constexpr auto command_time_max = 30s;

Error unavailable(std::string message) {
  return {ErrorCode::unavailable, "engine.slurm.token", std::move(message),
          "see to the token file or command of the site file"};
}

Result<std::string> output_of(const std::string& command) {
  auto answer =
      ask_tool({"/bin/sh", "-c", command}, whole_environment(), command_time_max, token_bytes_max);
  if (!answer) return fail(answer.error());
  if (answer->succeeded()) return std::move(answer->text);
  return fail(unavailable("the command that makes tokens did not end well"));
}

}  // namespace

Wall::time_point token_expiry(const std::string& token) {
  const auto first = token.find('.');
  const auto second = first == std::string::npos ? first : token.find('.', first + 1);
  if (second == std::string::npos) return Wall::time_point::max();
  const auto payload = base64url_decode("token", token.substr(first + 1, second - first - 1));
  if (!payload) return Wall::time_point::max();
  boost::system::error_code bad;
  const boost::json::value parsed = boost::json::parse(*payload, bad);
  if (bad || !parsed.is_object()) return Wall::time_point::max();
  const auto* expiry = parsed.as_object().if_contains("exp");
  constexpr std::int64_t seconds_max = 253'402'300'799;  // the year 9999
  if (expiry == nullptr || !expiry->is_int64() || expiry->as_int64() < 0 ||
      expiry->as_int64() > seconds_max) {
    return Wall::time_point::max();
  }
  return Wall::time_point(std::chrono::seconds(expiry->as_int64()));
}

Result<std::string> SlurmToken::read() const {
  auto bytes = file_.empty() ? output_of(command_) : load_private_file(file_, token_bytes_max);
  if (!bytes) return fail(unavailable(describe(bytes.error())));
  std::string token = *bytes;
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  constexpr std::string_view prefix = "SLURM_JWT=";
  if (token.starts_with(prefix)) token.erase(0, prefix.size());
  const bool plain = std::ranges::all_of(token, [](char each) { return each > ' ' && each < 127; });
  if (token.empty() || !plain) return fail(unavailable("there is no token in it"));
  return token;
}

Result<std::string> SlurmToken::get(Now now) {
  const std::lock_guard lock(mutex_);
  const bool stale = token_.empty() || token_expiry(token_) - now.wall < renewal_margin ||
                     (!file_.empty() && now.mono - read_at_ > file_interval);
  // Where renewal brings nothing better, what there is is used, and asked for again a little later.
  if (stale && (token_.empty() || now.mono - read_at_ > 1s)) {
    read_at_ = now.mono;
    auto token = read();
    if (!token) return token;
    token_ = std::move(*token);
  }
  return token_;
}

void SlurmToken::refused() {
  const std::lock_guard lock(mutex_);
  token_.clear();
}

}  // namespace tradewind
