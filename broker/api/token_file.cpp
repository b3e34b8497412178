// The tokens file: reading it, and adding to it.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#define TOML_EXCEPTIONS 0
// The parser asserts that a header such as "[[[" cannot be, and handles it well right behind the
// assertion.
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

#include "broker/api/auth.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "state/identity/random.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

constexpr std::size_t kFileBytesMax = 4 * 1024 * 1024;
constexpr std::size_t kTokensMax = 10'000;

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

Status check_principal(const std::string& field, std::string_view name) {
  const bool good =
      !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
        return c > ' ' && c < 0x7f && c != '"' && c != '\\';
      });
  if (good) return ok();
  return fail(ErrorCode::invalid, field,
              "\"" + std::string(name.substr(0, 80)) + "\" is no name for a token",
              "use 1 to 128 printable ASCII characters without spaces, quotes and backslashes");
}

Status check_token(const std::string& path, const Token& token) {
  if (const Status good = check_principal(path + "name", token.name); !good) return good;
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
  if (token.sha256.size() != 64 ||
      token.sha256.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return fail(ErrorCode::invalid, path + "sha256", "it is no SHA-256 digest",
                "give the 64 lower-case hexadecimal digits of the token's digest");
  }
  return ok();
}

Result<Token> read_entry(const std::string& path, const toml::table& table) {
  static const std::set<std::string_view> members = {"name", "role",   "tenant",
                                                     "site", "sha256", "expires"};
  std::map<std::string_view, std::string> texts;
  for (const auto& [key, value] : table) {
    const auto known = members.find(key.str());
    if (known == members.end()) {
      return fail(ErrorCode::invalid, path + std::string(key.str()), "there is no such member",
                  "use name, role, tenant, site, sha256 and expires");
    }
    const auto* text = value.as_string();
    if (text == nullptr) {
      return fail(ErrorCode::invalid, path + std::string(key.str()), "it is no string",
                  "write it in quotes");
    }
    texts[*known] = text->get();
  }
  Token token;
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
    text += fmt::format("sha256 = \"{}\"\n", each.sha256);
    if (each.expires) text += fmt::format("expires = \"{}\"\n", to_rfc3339(*each.expires));
  }
  return text;
}

}  // namespace

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
  if (entries->size() > kTokensMax) {
    return fail(ErrorCode::too_large, "token", fmt::format("{} entries", entries->size()),
                fmt::format("keep at most {} tokens", kTokensMax));
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
                                std::optional<std::chrono::seconds> ttl, const SiteId& site) {
  if (ttl && (ttl->count() < 1 || ttl->count() > 100LL * 366 * 24 * 3600)) {
    return fail(ErrorCode::invalid, "ttl", std::to_string(ttl->count()) + " s is no sensible life",
                "give 1 s to 100 years, or none for a token that does not expire");
  }
  const std::string secret = "tw_" + base64url_encode(random_bytes(32));
  const Wall::time_point now = system_now().wall;
  // The secret is random and long: neither salt nor a slow hash would add anything.
  Token token{name, role, tenant, site, hex(sha256(secret)), {}};
  if (ttl) token.expires = now + *ttl;
  if (const Status good = check_token("", token); !good) return fail(good.error());

  const std::filesystem::path lock_path = file.string() + ".lock";
  const Descriptor lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.good() || ::flock(lock.get(), LOCK_EX) != 0) return fail(file_error(lock_path, "lock"));

  std::vector<Token> tokens;
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    auto there = read_tokens(file);
    if (!there) return fail(there.error());
    tokens = std::move(*there);
  }
  std::erase_if(tokens, [&](const Token& each) { return each.expires && *each.expires <= now; });
  if (std::any_of(tokens.begin(), tokens.end(),
                  [&](const Token& each) { return each.name == name; })) {
    return fail(ErrorCode::conflict, "name", "there is a token named \"" + name + "\" already",
                "choose another name, or delete its entry from the file first");
  }
  tokens.push_back(std::move(token));
  if (const Status written = store_file(file, to_toml(tokens), private_mode); !written) {
    return fail(written.error());
  }
  return secret;
}

}  // namespace tradewind
