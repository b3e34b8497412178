#include "broker/api/oidc_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#define TOML_EXCEPTIONS 0
#define TOML_ASSERT(expression) static_cast<void>(0)  // as in token_file.cpp
#include <toml++/toml.h>

#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

constexpr std::size_t kFileBytesMax = 256 * 1024;
constexpr std::size_t kTextBytesMax = 2'048;
constexpr std::size_t kTextsMax = 64;
constexpr std::size_t kRolesMax = 1'000;
constexpr std::int64_t kSkewSecondsMax = 300;
constexpr std::int64_t kRefreshSecondsMin = 10;
constexpr std::int64_t kRefreshSecondsMax = 86'400;

// Reads members of the table; the first fault is kept.
class Members {
 public:
  explicit Members(const toml::table& table) : table_(table) {}

  std::string text(std::string_view name) {
    const toml::node* const node = find(name);
    if (node == nullptr) return {};
    const auto* text = node->as_string();
    if (text == nullptr || text->get().empty() || text->get().size() > kTextBytesMax) {
      refuse(name, "it is no text of 1 to 2048 bytes", "write it in quotes");
      return {};
    }
    return text->get();
  }
  // A text, or a list of them.
  void texts(std::string_view name, std::vector<std::string>& out) {
    const toml::node* const node = find(name);
    if (node == nullptr) return;
    const auto* list = node->as_array();
    if (list == nullptr) {
      out = {text(name)};
      return;
    }
    out.clear();
    for (const toml::node& each : *list) {
      const auto* text = each.as_string();
      if (text == nullptr || text->get().empty() || text->get().size() > kTextBytesMax ||
          out.size() == kTextsMax) {
        return refuse(name, "it is no list of texts", "list 1 to 64 texts in quotes");
      }
      out.push_back(text->get());
    }
    if (out.empty()) refuse(name, "the list is empty", "list 1 to 64 texts in quotes");
  }
  void seconds(std::string_view name, std::chrono::seconds& out, std::int64_t min,
               std::int64_t max) {
    const toml::node* const node = find(name);
    if (node == nullptr) return;
    const auto* number = node->as_integer();
    if (number == nullptr || number->get() < min || number->get() > max) {
      return refuse(name, "it is no number of seconds in range",
                    fmt::format("give {} to {}", min, max));
    }
    out = std::chrono::seconds(number->get());
  }
  void roles(std::map<std::string, Role>& out) {
    const toml::node* const node = find("roles");
    const auto* table = node == nullptr ? nullptr : node->as_table();
    if (table == nullptr || table->empty() || table->size() > kRolesMax) {
      return refuse("roles", "it is missing, empty or too large",
                    "write a table [roles] with \"what the claim says\" = \"user\" and so on");
    }
    for (const auto& [value, word] : *table) {
      const auto* text = word.as_string();
      const std::string path = "roles." + std::string(value.str());
      const auto role = parse_role(path, text == nullptr ? std::string_view() : text->get());
      if (!role) return keep(role.error());
      out[std::string(value.str())] = *role;
    }
  }
  void refuse(std::string_view name, std::string message, std::string remedy) {
    keep(Error{ErrorCode::invalid, std::string(name), std::move(message), std::move(remedy)});
  }
  std::optional<Error> finish() {
    for (const auto& [key, value] : table_) {
      if (!asked_.contains(std::string(key.str()))) {
        refuse(key.str(), "there is no such member", "docs/operating.md lists the members");
      }
    }
    return error_;
  }

 private:
  const toml::node* find(std::string_view name) {
    asked_.insert(std::string(name));
    return table_.get(name);
  }
  void keep(Error error) {
    if (!error_) error_ = std::move(error);
  }

  const toml::table& table_;
  std::set<std::string> asked_;
  std::optional<Error> error_;
};

}  // namespace

bool is_safe_url(std::string_view url) {
  // "http://127.0.0.1:80@evil.example" is at evil.example.
  const bool plain = std::all_of(
      url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f && c != '@' && c != '\\'; });
  if (!plain) return false;
  if (url.starts_with("https://")) return url.size() > std::string_view("https://").size();
  for (const std::string_view each : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    if (!url.starts_with(each)) continue;
    const std::string_view rest = url.substr(each.size());
    return rest.empty() || rest.front() == ':' || rest.front() == '/';
  }
  return false;
}

Result<OidcSettings> parse_oidc_settings(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return fail(ErrorCode::invalid, "oidc",
                fmt::format("line {} is no TOML: {}", parsed.error().source().begin.line,
                            parsed.error().description()),
                "docs/operating.md has an example");
  }
  OidcSettings settings;
  Members in(parsed.table());
  settings.issuer = in.text("issuer");
  if (!is_safe_url(settings.issuer)) {
    in.refuse("issuer", "it is missing or no https URL", "give the issuer exactly as in `iss`");
  }
  in.texts("audience", settings.audiences);
  if (settings.audiences.empty()) {
    in.refuse("audience", "it is missing", "give what tokens for this broker have in `aud`");
  }
  settings.jwks_url = in.text("jwks_url");
  settings.jwks_file = in.text("jwks_file");
  if (!settings.jwks_url.empty() && !is_safe_url(settings.jwks_url)) {
    in.refuse("jwks_url", "it is no https URL", "give one, or leave it out");
  }
  if (!settings.jwks_url.empty() && !settings.jwks_file.empty()) {
    in.refuse("jwks_file", "there is a jwks_url too", "give one of them");
  }
  settings.ca_file = in.text("ca_file");
  in.texts("principal_claim", settings.principal_claim);
  in.texts("role_claim", settings.role_claim);
  in.texts("tenant_claim", settings.tenant_claim);
  in.texts("scopes_claim", settings.scopes_claim);
  in.roles(settings.roles);
  in.seconds("skew_seconds", settings.skew, 0, kSkewSecondsMax);
  in.seconds("refresh_seconds", settings.refresh, kRefreshSecondsMin, kRefreshSecondsMax);
  if (auto error = in.finish()) return fail(std::move(*error));
  return settings;
}

Result<OidcSettings> read_oidc_settings(const std::filesystem::path& file) {
  const auto text = load_file(file, kFileBytesMax);
  if (!text) return fail(text.error());
  return parse_oidc_settings(*text);
}

}  // namespace tradewind
