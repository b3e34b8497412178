#include "broker/api/auth.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "broker/api/jwt.h"
#include "broker/api/oidc_claims.h"
#include "schemas/ascii.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

// The longest token, and as much again for what Basic adds.
constexpr std::size_t kCredentialBytesMax = 2 * jwt_bytes_max;
constexpr std::size_t kProvenMax = 4'096;

bool same_word(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(),
                    [](char a, char b) { return ascii_lower(a) == b; });
}

Error unauthenticated(std::string message) {
  return Error{ErrorCode::unauthenticated, "Authorization", std::move(message),
               "send the header Authorization: Bearer TOKEN with a token that is valid now"};
}

Error no_tokens_file() {
  return Error{ErrorCode::unavailable, "tokens_file", "the broker keeps no built-in tokens",
               "start it with --tokens FILE"};
}

}  // namespace

Result<std::optional<std::string>> presented_token(std::string_view authorization) {
  authorization = trimmed(authorization);
  if (authorization.empty()) return std::optional<std::string>{};
  if (authorization.size() > kCredentialBytesMax) {
    return fail(unauthenticated("the credentials are too long"));
  }
  const auto space = authorization.find(' ');
  const std::string_view scheme = authorization.substr(0, space);
  const std::string_view rest =
      space == std::string_view::npos ? std::string_view() : trimmed(authorization.substr(space));
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

const Token* Authenticator::Tokens::named(const std::string& name) const {
  const auto digest = digest_of.find(name);
  if (digest == digest_of.end()) return nullptr;
  const auto found = by_digest.find(digest->second);
  return found == by_digest.end() ? nullptr : &found->second;
}

std::shared_ptr<const Authenticator::Tokens> Authenticator::index(std::vector<Token> tokens) {
  auto made = std::make_shared<Tokens>();
  for (Token& each : tokens) {
    made->digest_of[each.name] = each.sha256;
    made->by_digest[each.sha256] = std::move(each);
  }
  return made;
}

Result<std::unique_ptr<Authenticator>> Authenticator::open(Options options) {
  std::unique_ptr<Authenticator> made(new Authenticator(std::move(options)));
  if (made->options_.oidc) {
    auto keys = IssuerKeys::start(*made->options_.oidc);
    if (!keys) return fail(keys.error());
    made->issuer_keys_ = std::move(*keys);
  }
  made->tokens_ = std::make_shared<const Tokens>();
  if (made->options_.tokens_file.empty()) return made;
  made->stamp_ = file_stamp(made->options_.tokens_file);
  if (made->stamp_ == "absent") return made;
  auto tokens = read_tokens(made->options_.tokens_file);
  if (!tokens) return fail(tokens.error());
  made->tokens_ = index(std::move(*tokens));
  return made;
}

// With the mutex held.
void Authenticator::reload_when_changed() {
  std::string stamp = file_stamp(options_.tokens_file);
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
    if (tokens.error().code == ErrorCode::unavailable) stamp_.clear();  // it may be read next time
    return;
  }
  tokens_ = index(std::move(*tokens));
}

std::shared_ptr<const Authenticator::Tokens> Authenticator::current_tokens(Mono::time_point now) {
  const std::lock_guard lock(mutex_);
  if (!options_.tokens_file.empty() && now - looked_ >= std::chrono::seconds(1)) {
    looked_ = now;
    reload_when_changed();
  }
  return tokens_;
}

Result<Caller> Authenticator::authenticate(std::string_view authorization, Now now) {
  auto presented = presented_token(authorization);
  if (!presented) return fail(presented.error());
  if (!*presented) {
    // A token would outlive the endpoint's being open.
    const Scopes scopes = Scopes().without(Scope::tokens_write);
    if (options_.open) return Caller{"anonymous", Role::user, TenantId{"default"}, {}, scopes};
    return fail(unauthenticated("there are no credentials"));
  }
  Bytes digest = sha256(**presented);
  if (issuer_keys_ != nullptr && looks_like_jwt(**presented)) {
    return check_jwt(**presented, std::move(digest), now);
  }
  // Looked up by digest: how long that takes tells of digests, which nobody can choose.
  const auto tokens = current_tokens(now.mono);
  const auto found = tokens->by_digest.find(hex(digest));
  if (found == tokens->by_digest.end()) return fail(unauthenticated("the token is not known"));
  const Token& token = found->second;
  if (token.expires && *token.expires <= now.wall) {
    return fail(unauthenticated("the token has expired"));
  }
  return Caller{token.name, token.role, token.tenant, token.site, token.scopes, token.expires};
}

Result<Caller> Authenticator::check_jwt(const std::string& text, Bytes digest, Now now) {
  const auto keys = issuer_keys_->current();
  {
    const std::lock_guard lock(mutex_);
    const auto found = proven_.find(digest);
    if (found != proven_.end() && found->second.by == keys &&
        *found->second.caller.expires > now.wall) {
      return found->second.caller;
    }
  }
  const auto jwt = parse_jwt(text);
  if (!jwt) return fail(jwt.error());
  if (keys == nullptr) {
    return fail(ErrorCode::unavailable, "Authorization",
                "the keys of the issuer could not be fetched yet", "try again in a moment");
  }
  const VerifyingKey* const key = keys->find(jwt->key_id, jwt->algorithm);
  if (key == nullptr) return fail(unauthenticated("the issuer has no such key"));
  if (!key->verify(jwt->signed_part, jwt->signature)) {
    return fail(unauthenticated("the token's signature is not the issuer's"));
  }
  const auto claims = parse_claims(jwt->claims);
  if (!claims) return fail(claims.error());
  auto caller = caller_of(*claims, *options_.oidc, now.wall);
  if (!caller) return caller;
  const std::lock_guard lock(mutex_);
  if (proven_.size() >= kProvenMax) proven_.clear();
  proven_[std::move(digest)] = Proven{*caller, keys};
  return caller;
}

bool Authenticator::lacks_key_of(std::string_view authorization) const {
  if (issuer_keys_ == nullptr) return false;
  const auto presented = presented_token(authorization);
  if (!presented || !*presented || !looks_like_jwt(**presented)) return false;
  const auto jwt = parse_jwt(**presented);
  if (!jwt) return false;
  const auto keys = issuer_keys_->current();
  return keys == nullptr || keys->find(jwt->key_id, jwt->algorithm) == nullptr;
}

bool Authenticator::fetch_keys(std::function<void()> then) {
  return issuer_keys_ != nullptr && issuer_keys_->fetch_now(std::move(then));
}

bool Authenticator::still(const Caller& caller, Now now) {
  if (caller.expires && *caller.expires <= now.wall) return false;
  if (caller.principal.starts_with(oidc_prefix)) return true;
  const auto tokens = current_tokens(now.mono);
  const Token* const known = tokens->named(caller.principal);
  if (known == nullptr) return options_.open && caller.principal == "anonymous";
  return known->role == caller.role && known->tenant == caller.tenant &&
         caller.scopes.within(known->scopes);
}

std::vector<Token> Authenticator::tokens(Now now) {
  const auto tokens = current_tokens(now.mono);
  std::vector<Token> list;
  for (const auto& [digest, token] : tokens->by_digest) {
    if (!token.expires || *token.expires > now.wall) list.push_back(token);
  }
  std::sort(list.begin(), list.end(),
            [](const Token& a, const Token& b) { return a.name < b.name; });
  return list;
}

std::optional<Token> Authenticator::token(const std::string& name, Now now) {
  const auto tokens = current_tokens(now.mono);
  const Token* const found = tokens->named(name);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

Result<std::string> Authenticator::issue(const Token& draft,
                                         std::optional<std::chrono::seconds> ttl) {
  if (options_.tokens_file.empty()) return fail(no_tokens_file());
  auto secret = issue_token(options_.tokens_file, draft.name, draft.role, draft.tenant, ttl,
                            draft.site, draft.scopes);
  const std::lock_guard lock(mutex_);
  if (secret) reload_when_changed();
  return secret;
}

Status Authenticator::revoke(const std::string& name) {
  if (options_.tokens_file.empty()) return fail(no_tokens_file());
  auto done = revoke_token(options_.tokens_file, name);
  const std::lock_guard lock(mutex_);
  if (done) reload_when_changed();
  return done;
}

std::string Authenticator::metrics() const {
  return issuer_keys_ == nullptr ? std::string() : issuer_keys_->metrics();
}

}  // namespace tradewind
