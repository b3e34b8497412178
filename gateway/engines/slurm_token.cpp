#include "gateway/engines/slurm_token.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "gateway/engines/launch.h"
#include "gateway/staging/unique_fd.h"
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
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(unavailable("a pipe cannot be made"));
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  LaunchSpec spec;
  spec.argv = {"/bin/sh", "-c", command};
  for (char** each = ::environ; *each != nullptr; ++each) spec.env.emplace_back(*each);
  spec.standard_output = writing.get();
  const auto pid = launch(spec);
  if (!pid) return fail(pid.error());
  writing.reset();
  std::string said;
  std::array<char, 1024> chunk{};
  const auto deadline = std::chrono::steady_clock::now() + command_time_max;
  while (said.size() <= token_bytes_max) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    struct pollfd readable{reading.get(), POLLIN, 0};
    if (::poll(&readable, 1, std::max(0, static_cast<int>(left.count()))) != 1) break;
    const ssize_t got = ::read(reading.get(), chunk.data(), chunk.size());
    if (got <= 0) break;
    said.append(chunk.data(), static_cast<std::size_t>(got));
  }
  int status = 0;
  while (::waitpid(*pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() >= deadline || said.size() > token_bytes_max) {
      ::kill(-*pid, SIGKILL);
    }
    std::this_thread::sleep_for(2ms);
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(unavailable("the command that makes tokens did not end well"));
  }
  return said;
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
