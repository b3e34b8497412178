#include "broker/api/token_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>

#define TOML_EXCEPTIONS 0
// The parser asserts that a header such as "[[[" cannot be, and handles it well right behind the
// assertion.
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

#include "schemas/ascii.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "state/identity/random.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

constexpr std::size_t kFileBytesMax = 8 * 1024 * 1024;

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool good() const { return fd_ >= 0; }

 private:
  int fd_;
};

Error file_error(const std::filesystem::path& file, std::string_view what) {
  return Error{ErrorCode::unavailable, "tokens_file",
               fmt::format("cannot {} {}: {}", what, file.string(), std::strerror(errno)),
               "check the path and who may write there"};
}

Status check_token(const std::string& path, const Token& token) {
  if (const Status good = check_principal(path + "name", token.name); !good) return good;
  if (token.name.starts_with(oidc_prefix)) {
    return fail(ErrorCode::invalid, path + "name",
                "\"" + token.name + "\" is how those of an issuer are named",
                "choose a name that does not begin with oidc:");
  }
  if (token.tenant.value.empty() && token.role == Role::user) {
    return fail(ErrorCode::invalid, path + "tenant", "it is missing",
                "give the tenant whose jobs this user submits and sees");
  }
  if (!token.tenant.value.empty()) {
    if (const Status good = check_name(path + "tenant", token.tenant.value); !good) return good;
  }
  if (!token.site.value.empty()) {
    if (const Status good = check_name(path + "site", token.site.value); !good) return good;
  }
  if (token.sha256.size() != 64 || !is_lower_hex(token.sha256)) {
    return fail(ErrorCode::invalid, path + "sha256", "it is no SHA-256 digest",
                "give the 64 lower-case hexadecimal digits of the token's digest");
  }
  return ok();
}

Result<Scopes> read_scopes(const std::string& path, const toml::node& node) {
  const auto* list = node.as_array();
  if (list == nullptr || list->empty() || list->size() > scopes_count) {
    return fail(ErrorCode::invalid, path, "it is no list of scopes",
                "list one or more, or leave it out for all of the role");
  }
  std::vector<Scope> scopes;
  for (const toml::node& each : *list) {
    const auto* text = each.as_string();
    const auto scope = parse_scope(path, text == nullptr ? std::string_view() : text->get());
    if (!scope) return fail(scope.error());
    scopes.push_back(*scope);
  }
  return Scopes::only(scopes);
}

Result<Token> read_entry(const std::string& path, const toml::table& table) {
  static const std::set<std::string_view> members = {"name", "role",   "tenant",
                                                     "site", "sha256", "expires"};
  std::map<std::string_view, std::string> texts;
  Token token;
  for (const auto& [key, value] : table) {
    if (key.str() == "scopes") {
      const auto scopes = read_scopes(path + "scopes", value);
      if (!scopes) return fail(scopes.error());
      token.scopes = *scopes;
      continue;
    }
    const auto known = members.find(key.str());
    if (known == members.end()) {
      return fail(ErrorCode::invalid, path + std::string(key.str()), "there is no such member",
                  "use name, role, tenant, site, scopes, sha256 and expires");
    }
    const auto* text = value.as_string();
    if (text == nullptr) {
      return fail(ErrorCode::invalid, path + std::string(key.str()), "it is no string",
                  "write it in quotes");
    }
    texts[*known] = text->get();
  }
  const auto role = parse_role(path + "role", texts["role"]);
  if (!role) return fail(role.error());
  token.role = *role;
  token.name = texts["name"];
  token.tenant = TenantId{texts["tenant"]};
  token.site = SiteId{texts["site"]};
  token.sha256 = texts["sha256"];
  if (texts.contains("expires")) {
    const auto expires = parse_rfc3339(path + "expires", texts["expires"]);
    if (!expires) return fail(expires.error());
    token.expires = *expires;
  }
  if (const Status good = check_token(path, token); !good) return fail(good.error());
  return token;
}

std::string to_toml(const std::vector<Token>& tokens) {
  std::string text =
      "# Tokens of the endpoint. Only digests stand here: a lost token cannot be recovered, issue "
      "a new one.\n";
  for (const Token& each : tokens) {
    text +=
        fmt::format("\n[[token]]\nname = \"{}\"\nrole = \"{}\"\n", each.name, to_string(each.role));
    if (!each.tenant.value.empty()) text += fmt::format("tenant = \"{}\"\n", each.tenant.value);
    if (!each.site.value.empty()) text += fmt::format("site = \"{}\"\n", each.site.value);
    if (each.scopes.narrowed()) {
      std::string names;
      for (const Scope scope : each.scopes.listed()) {
        names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", to_string(scope));
      }
      text += fmt::format("scopes = [{}]\n", names);
    }
    text += fmt::format("sha256 = \"{}\"\n", each.sha256);
    if (each.expires) text += fmt::format("expires = \"{}\"\n", to_rfc3339(*each.expires));
  }
  return text;
}

// The file's tokens, for a change: none is under way elsewhere while this lives.
class TokenChange {
 public:
  static Result<std::unique_ptr<TokenChange>> begin(const std::filesystem::path& file) {
    const std::filesystem::path lock_path = file.string() + ".lock";
    auto change = std::make_unique<TokenChange>(
        file, ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, private_mode));
    if (!change->lock_.good() || ::flock(change->lock_.get(), LOCK_EX) != 0) {
      return fail(file_error(lock_path, "lock"));
    }
    std::error_code error;
    if (std::filesystem::exists(file, error)) {
      auto there = read_tokens(file);
      if (!there) return fail(there.error());
      change->tokens = std::move(*there);
    }
    return change;
  }
  Status store() const { return store_file(file_, to_toml(tokens), private_mode); }

  TokenChange(std::filesystem::path file, int lock) : file_(std::move(file)), lock_(lock) {}

  std::vector<Token> tokens;

 private:
  const std::filesystem::path file_;
  const Descriptor lock_;
};

Status check_room(const std::vector<Token>& tokens, const Token& more) {
  const auto of_tenant = std::count_if(tokens.begin(), tokens.end(), [&](const Token& each) {
    return !more.tenant.value.empty() && each.tenant == more.tenant;
  });
  if (tokens.size() < tokens_max && static_cast<std::size_t>(of_tenant) < tokens_of_tenant_max) {
    return ok();
  }
  return fail(ErrorCode::exhausted, "name", "there are as many tokens as may be",
              fmt::format("revoke some: a tenant has at most {}, all have at most {}",
                          tokens_of_tenant_max, tokens_max));
}

}  // namespace

const TenantId& owner_of(const Token& token) {
  static const TenantId none;
  return token.role == Role::user ? token.tenant : none;
}

Status check_principal(std::string_view field, std::string_view name) {
  const bool good =
      !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
        return c > ' ' && c < 0x7f && c != '"' && c != '\\';
      });
  if (good) return ok();
  return fail(ErrorCode::invalid, std::string(field),
              "\"" + std::string(name.substr(0, 80)) + "\" is no name for a caller",
              "use 1 to 128 printable ASCII characters without spaces, quotes and backslashes");
}

Result<std::vector<Token>> parse_tokens(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return fail(ErrorCode::invalid, "tokens_file",
                fmt::format("line {} is no TOML: {}", parsed.error().source().begin.line,
                            parsed.error().description()),
                "write [[token]] entries with name, role, tenant and sha256");
  }
  const toml::table& table = parsed.table();
  std::vector<Token> tokens;
  for (const auto& [key, value] : table) {
    if (key.str() != "token" || value.as_array() == nullptr) {
      return fail(ErrorCode::invalid, std::string(key.str()), "there is no such member",
                  "the file holds [[token]] entries only");
    }
  }
  const auto* entries = table["token"].as_array();
  if (entries == nullptr) return tokens;
  if (entries->size() > tokens_max) {
    return fail(ErrorCode::too_large, "token", fmt::format("{} entries", entries->size()),
                fmt::format("keep at most {} tokens", tokens_max));
  }
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const std::string path = fmt::format("token[{}].", i);
    const auto* entry = entries->get(i)->as_table();
    if (entry == nullptr) {
      return fail(ErrorCode::invalid, path.substr(0, path.size() - 1), "it is no table",
                  "write entries as [[token]]");
    }
    auto token = read_entry(path, *entry);
    if (!token) return fail(token.error());
    tokens.push_back(std::move(*token));
  }
  return tokens;
}

Result<std::vector<Token>> read_tokens(const std::filesystem::path& file) {
  const auto text = load_file(file, kFileBytesMax);
  if (!text) return fail(text.error());
  return parse_tokens(*text);
}

Result<std::string> issue_token(const std::filesystem::path& file, const std::string& name,
                                Role role, const TenantId& tenant,
                                std::optional<std::chrono::seconds> ttl, const SiteId& site,
                                Scopes scopes) {
  if (ttl && (ttl->count() < 1 || ttl->count() > token_seconds_max)) {
    return fail(ErrorCode::invalid, "ttl", std::to_string(ttl->count()) + " s is no sensible life",
                "give 1 s to 100 years, or none for a token that does not expire");
  }
  const std::string secret = "tw_" + base64url_encode(random_bytes(32));
  const Wall::time_point now = system_now().wall;
  // The secret is random and long: neither salt nor a slow hash would add anything.
  Token token{name, role, tenant, site, hex(sha256(secret)), {}, scopes};
  if (ttl) token.expires = now + *ttl;
  if (const Status good = check_token("", token); !good) return fail(good.error());

  const auto change = TokenChange::begin(file);
  if (!change) return fail(change.error());
  std::vector<Token>& tokens = (*change)->tokens;
  std::erase_if(tokens, [&](const Token& each) { return each.expires && *each.expires <= now; });
  if (std::any_of(tokens.begin(), tokens.end(),
                  [&](const Token& each) { return each.name == name; })) {
    return fail(ErrorCode::conflict, "name", "there is a token named \"" + name + "\" already",
                "choose another name, or revoke it first");
  }
  if (const Status room = check_room(tokens, token); !room) return fail(room.error());
  tokens.push_back(std::move(token));
  if (const Status written = (*change)->store(); !written) return fail(written.error());
  return secret;
}

Status revoke_token(const std::filesystem::path& file, const std::string& name) {
  const auto change = TokenChange::begin(file);
  if (!change) return fail(change.error());
  const auto gone =
      std::erase_if((*change)->tokens, [&](const Token& each) { return each.name == name; });
  if (gone == 0) {
    return fail(ErrorCode::not_found, "name", "there is no token \"" + name.substr(0, 80) + "\"",
                "list the tokens to see their names");
  }
  return (*change)->store();
}

}  // namespace tradewind
