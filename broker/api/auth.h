// Who is asking. Callers prove themselves by a built-in token, whose SHA-256 stands in the tokens
// file, or by one that the configured OpenID Connect issuer has signed. Neither is ever stored or
// logged.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/api/access.h"
#include "broker/api/issuer_keys.h"
#include "broker/api/oidc_settings.h"
#include "broker/api/token_file.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

// The token in the value of an Authorization header: "Bearer TOKEN", or "Basic …" with the token as
// password. Nothing when there are no credentials: no header, or a Basic one with nothing in it.
// Fails with unauthenticated.
Result<std::optional<std::string>> presented_token(std::string_view authorization);

// Any thread.
class Authenticator {
 public:
  struct Options {
    std::filesystem::path tokens_file;  // empty: no built-in token is valid
    // No credentials: anonymous, a user of the tenant "default" who makes no tokens.
    bool open = false;
    std::optional<OidcSettings> oidc{};  // none: no token of an issuer is
  };
  // Fails when the tokens file is there and wrong. A file that is not there yet holds no tokens.
  static Result<std::unique_ptr<Authenticator>> open(Options options);

  // `authorization` is the header's value, empty when there is none. Fails with unauthenticated,
  // with forbidden when an issuer's token gives no role, with unavailable when the issuer's keys
  // have yet to be fetched. The tokens file is looked at again at most once a second; a changed
  // file that is wrong leaves the tokens as they were. Never waits for the network.
  Result<Caller> authenticate(std::string_view authorization, Now now);

  // Whether what lacks is the issuer's key of that token, so that it may be tried once more when
  // `fetch_keys` has called `then`; see IssuerKeys::fetch_now.
  bool lacks_key_of(std::string_view authorization) const;
  bool fetch_keys(std::function<void()> then);

  // Whether what the caller proved itself with still stands: for those whose requests go on.
  bool still(const Caller& caller, Now now);

  // --- the tokens file, for those who may change it; effective at once
  // All that have not expired, in order of name.
  std::vector<Token> tokens(Now now);
  // Nothing when there is none of that name.
  std::optional<Token> token(const std::string& name, Now now);
  // As issue_token has it, with the draft's name, role, tenant, site and scopes.
  Result<std::string> issue(const Token& draft, std::optional<std::chrono::seconds> ttl);
  Status revoke(const std::string& name);

  // Prometheus text.
  std::string metrics() const;

 private:
  struct Tokens {
    std::unordered_map<std::string, Token> by_digest;
    std::unordered_map<std::string, std::string> digest_of;  // by name
    const Token* named(const std::string& name) const;       // null: none
  };
  // Of an issuer's token that was good: checking a signature takes as long as a hundred requests.
  struct Proven {
    Caller caller;
    std::shared_ptr<const KeySet> by;
  };

  explicit Authenticator(Options options) : options_(std::move(options)) {}
  static std::shared_ptr<const Tokens> index(std::vector<Token> tokens);
  // What is in the file now, looking at it when it is time.
  std::shared_ptr<const Tokens> current_tokens(Mono::time_point now);
  void reload_when_changed();
  Result<Caller> check_jwt(const std::string& text, Bytes digest, Now now);

  Options options_;
  std::unique_ptr<IssuerKeys> issuer_keys_;  // null: no issuer is configured
  std::mutex mutex_;                         // guards what follows
  std::shared_ptr<const Tokens> tokens_;
  std::string stamp_;  // of the file that `tokens_` came from: time, size, inode
  Mono::time_point looked_{};
  std::unordered_map<Bytes, Proven> proven_;  // by digest
};

}  // namespace tradewind
