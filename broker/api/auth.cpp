#include "broker/api/auth.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>

#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "state/identity/random.h"

namespace tradewind {
namespace {

constexpr std::size_t kCredentialBytesMax = 4 * 1024;

bool same_word(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Error unauthenticated(std::string message) {
  return Error{ErrorCode::unauthenticated, "Authorization", std::move(message),
               "send the header Authorization: Bearer TOKEN with a token that is valid now"};
}

// The token of the header; nothing when there are no credentials.
Result<std::optional<std::string>> presented_token(std::string_view authorization) {
  authorization = trim(authorization);
  if (authorization.empty()) return std::optional<std::string>{};
  if (authorization.size() > kCredentialBytesMax) {
    return fail(unauthenticated("the credentials are too long"));
  }
  const auto space = authorization.find(' ');
  const std::string_view scheme = authorization.substr(0, space);
  const std::string_view rest =
      space == std::string_view::npos ? std::string_view() : trim(authorization.substr(space));
  if (same_word(scheme, "bearer")) {
    if (rest.empty()) return fail(unauthenticated("the bearer token is empty"));
    return std::optional<std::string>{std::string(rest)};
  }
  if (same_word(scheme, "basic")) {
    const auto decoded = base64_decode("Authorization", rest);
    if (!decoded) return fail(unauthenticated("the Basic credentials are no base64"));
    // Some clients always send the header, with nothing in it when nothing is configured.
    const auto colon = decoded->find(':');
    const std::string password =
        colon == std::string::npos ? std::string() : decoded->substr(colon + 1);
    if (decoded->empty() || *decoded == ":") return std::optional<std::string>{};
    if (password.empty()) return fail(unauthenticated("the Basic password is empty"));
    return std::optional<std::string>{password};
  }
  return fail(unauthenticated("the scheme is neither Bearer nor Basic"));
}

// Whatever tells that the file was replaced.
std::string stamp_of(const std::filesystem::path& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return "absent";
  return fmt::format("{}.{}/{}/{}", info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_size,
                     info.st_ino);
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::user: return "user";
    case Role::centre: return "centre";
    case Role::auditor: return "auditor";
    case Role::operator_: return "operator";
  }
  return "user";
}

Result<Role> parse_role(std::string_view field, std::string_view text) {
  for (const Role role : {Role::user, Role::centre, Role::auditor, Role::operator_}) {
    if (to_string(role) == text) return role;
  }
  return fail(ErrorCode::invalid, std::string(field),
              "\"" + std::string(text.substr(0, 40)) + "\" is no role",
              "use user, centre, auditor or operator");
}

Access may(const Caller& caller, Verb verb, const TenantId* owner) {
  const bool owns = owner != nullptr && !caller.tenant.value.empty() && caller.tenant == *owner;
  if (caller.role == Role::operator_) {
    return verb == Verb::submit && caller.tenant.value.empty() ? Access::forbidden
                                                               : Access::allowed;
  }
  switch (verb) {
    case Verb::submit: return caller.role == Role::user ? Access::allowed : Access::forbidden;
    case Verb::list_jobs: return caller.role == Role::centre ? Access::forbidden : Access::allowed;
    case Verb::read_job:
      if (caller.role == Role::auditor) return Access::allowed;
      if (caller.role == Role::centre) return Access::forbidden;
      return owns ? Access::allowed : Access::hidden;
    case Verb::cancel_job:
      if (caller.role != Role::user) return Access::forbidden;
      return owns ? Access::allowed : Access::hidden;
    case Verb::read_dataset:
      return caller.role == Role::centre ? Access::forbidden : Access::allowed;
    case Verb::change_dataset:
      return caller.role == Role::user ? Access::allowed : Access::forbidden;
    case Verb::read_market: return Access::allowed;
    case Verb::query_log: return caller.role == Role::centre ? Access::forbidden : Access::allowed;
    case Verb::read_log:
    case Verb::read_metrics:
      return caller.role == Role::auditor ? Access::allowed : Access::forbidden;
    case Verb::invite_site:
    case Verb::change_member:
    case Verb::set_rates: return Access::forbidden;
  }
  return Access::forbidden;
}

bool sees_all_tenants(const Caller& caller) {
  return caller.role == Role::operator_ || caller.role == Role::auditor;
}

Result<std::unique_ptr<Authenticator>> Authenticator::open(Options options) {
  std::unique_ptr<Authenticator> made(new Authenticator(std::move(options)));
  made->tokens_ = std::make_shared<const Tokens>();
  if (made->options_.tokens_file.empty()) return made;
  made->stamp_ = stamp_of(made->options_.tokens_file);
  if (made->stamp_ == "absent") return made;
  auto tokens = read_tokens(made->options_.tokens_file);
  if (!tokens) return fail(tokens.error());
  made->tokens_ = std::make_shared<const Tokens>(std::move(*tokens));
  return made;
}

void Authenticator::reload_when_changed(Mono::time_point now) {
  if (options_.tokens_file.empty() || now - looked_ < std::chrono::seconds(1)) return;
  looked_ = now;
  std::string stamp = stamp_of(options_.tokens_file);
  if (stamp == stamp_) return;
  stamp_ = std::move(stamp);
  if (stamp_ == "absent") {
    tokens_ = std::make_shared<const Tokens>();
    spdlog::warn("auth.tokens_file_gone: no token is valid any more");
    return;
  }
  auto tokens = read_tokens(options_.tokens_file);
  if (!tokens) {
    spdlog::error("auth.tokens_file_wrong: {}; the tokens stay as they were",
                  describe(tokens.error()));
    return;
  }
  tokens_ = std::make_shared<const Tokens>(std::move(*tokens));
}

Result<Caller> Authenticator::authenticate(std::string_view authorization, Now now) {
  auto presented = presented_token(authorization);
  if (!presented) return fail(presented.error());
  if (!*presented) {
    if (options_.open) return Caller{"anonymous", Role::user, TenantId{"default"}, {}};
    return fail(unauthenticated("there are no credentials"));
  }
  std::shared_ptr<const Tokens> tokens;
  {
    const std::lock_guard lock(mutex_);
    reload_when_changed(now.mono);
    tokens = tokens_;
  }
  // Every entry is compared, and each in constant time: how long it takes tells nothing.
  const std::string hash = hex(sha256(**presented));
  const Token* found = nullptr;
  for (const Token& each : *tokens) {
    if (constant_time_equal(each.sha256, hash)) found = &each;
  }
  if (found == nullptr) return fail(unauthenticated("the token is not known"));
  if (found->expires && *found->expires <= now.wall) {
    return fail(unauthenticated("the token has expired"));
  }
  return Caller{found->name, found->role, found->tenant, found->site};
}

}  // namespace tradewind
