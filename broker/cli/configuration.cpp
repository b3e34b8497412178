#include "broker/cli/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <utility>

#define TOML_EXCEPTIONS 0
// The parser asserts that a header such as "[[[" cannot be, and handles it well right behind the
// assertion.
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

#include "state/identity/stored_file.h"

namespace tradewind::cli {
namespace {

constexpr std::size_t kFileBytesMax = 64 * 1024;
constexpr std::string_view kKeys =
    "url, token or token_file, ca_file, output, tenant, home_region and tags";

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// `secret`: nobody else may read it.
Result<std::string> read_file(const std::string& field, const std::filesystem::path& file,
                              bool secret) {
  auto text = secret ? load_private_file(file, kFileBytesMax) : load_file(file, kFileBytesMax);
  if (text) return text;
  if (text.error().code == ErrorCode::forbidden) {
    return fail(ErrorCode::invalid, field,
                "\"" + file.string() + "\" holds a token, and others may read it",
                "chmod 600 " + file.string());
  }
  return fail(ErrorCode::invalid, field,
              "\"" + file.string() + "\" cannot be read: " + text.error().message,
              "give a file of at most 64 KiB that can be read");
}

std::filesystem::path path_in(const std::filesystem::path& file, const std::string& path) {
  if (path.starts_with("~/")) return std::filesystem::path(variable("HOME")) / path.substr(2);
  return file.parent_path() / path;
}

// One level of the file: the top, or a profile.
struct Level {
  Settings settings;
  std::string token_file;
};

Status read_text(const toml::node& value, const std::string& field, std::string& out) {
  const auto text = value.value_exact<std::string>();
  if (!text || text->empty()) {
    return fail(ErrorCode::invalid, field, "is no text, or empty", "write it in quotes");
  }
  out = *text;
  return ok();
}

Status read_tags(const toml::node& value, const std::string& field,
                 std::map<std::string, std::string>& out) {
  const toml::table* const table = value.as_table();
  if (table == nullptr) {
    return fail(ErrorCode::invalid, field, "is no table", "write tags = {team = \"blue\"}");
  }
  for (const auto& [name, tag] : *table) {
    const std::string key(name.str());
    if (const Status good = read_text(tag, field + "." + key, out[key]); !good) return good;
  }
  return ok();
}

Result<Level> read_level(const toml::table& table, const std::string& prefix, bool top) {
  Level level;
  Settings& out = level.settings;
  const std::array<std::pair<std::string_view, std::string*>, 7> texts = {
      {{"url", &out.url},
       {"token", &out.token},
       {"token_file", &level.token_file},
       {"ca_file", &out.ca_file},
       {"output", &out.output},
       {"tenant", &out.tenant},
       {"home_region", &out.job.home_region}}};
  for (const auto& [name, value] : table) {
    const std::string field = prefix + std::string(name.str());
    const auto known = std::find_if(texts.begin(), texts.end(),
                                    [&](const auto& each) { return each.first == name.str(); });
    Status good = ok();
    if (known != texts.end()) {
      good = read_text(value, field, *known->second);
    } else if (name.str() == "tags") {
      good = read_tags(value, field, out.job.tags);
    } else if (!top || (name.str() != "profile" && name.str() != "profiles")) {
      good = fail(ErrorCode::invalid, field, "there is no such setting",
                  fmt::format("use {}{}", kKeys, top ? ", profile and [profiles.NAME]" : ""));
    }
    if (!good) return fail(std::move(good.error()));
  }
  if (!out.token.empty() && !level.token_file.empty()) {
    return fail(ErrorCode::invalid, prefix + "token_file", "it stands beside token",
                "keep one of them");
  }
  if (!out.output.empty() && out.output != "table" && out.output != "json") {
    return fail(ErrorCode::invalid, prefix + "output", "\"" + out.output + "\" is no output",
                "use table or json");
  }
  return level;
}

void put_over(Level& base, Level&& above) {
  Settings& to = base.settings;
  Settings& from = above.settings;
  const bool has_token = !from.token.empty() || !above.token_file.empty();
  if (!from.url.empty() || has_token) {
    to.token = std::move(from.token);
    base.token_file = std::move(above.token_file);
  }
  const auto take = [](std::string& into, std::string& text) {
    if (!text.empty()) into = std::move(text);
  };
  take(to.url, from.url);
  take(to.ca_file, from.ca_file);
  take(to.output, from.output);
  take(to.tenant, from.tenant);
  take(to.job.home_region, from.job.home_region);
  for (auto& [name, value] : from.job.tags) to.job.tags[name] = std::move(value);
}

// The profile that counts; nothing when none is named.
Result<std::optional<Level>> read_profile(const toml::table& table, const std::string& wanted) {
  std::string name = wanted;
  if (const toml::node* const named = table.get("profile"); name.empty() && named != nullptr) {
    if (const Status good = read_text(*named, "profile", name); !good) return fail(good.error());
  }
  if (name.empty()) return std::optional<Level>();
  const toml::table* const profiles = table["profiles"].as_table();
  const toml::table* const profile =
      profiles == nullptr ? nullptr : profiles->operator[](name).as_table();
  if (profile == nullptr) {
    std::string names;
    if (profiles != nullptr) {
      for (const auto& [each, _] : *profiles) {
        names += (names.empty() ? "" : ", ") + std::string(each.str());
      }
    }
    return fail(ErrorCode::invalid, "profile", "there is no profile \"" + name + "\"",
                names.empty() ? "write it as [profiles." + name + "]" : "use " + names);
  }
  auto level = read_level(*profile, "profiles." + name + ".", false);
  if (!level) return fail(std::move(level.error()));
  return std::optional(std::move(*level));
}

// At the top or in any profile.
bool holds_token(const toml::table& table) {
  if (table.contains("token")) return true;
  const toml::table* const profiles = table["profiles"].as_table();
  return profiles != nullptr && std::any_of(profiles->begin(), profiles->end(), [](auto&& each) {
           const toml::table* const profile = each.second.as_table();
           return profile != nullptr && profile->contains("token");
         });
}

}  // namespace

Result<Settings> load_settings(const std::filesystem::path& file, const std::string& profile) {
  const auto text = read_file("--config", file, false);
  if (!text) return fail(text.error());
  const toml::parse_result parsed = toml::parse(*text);
  const auto in_file = [&](Error error) {
    error.message += " in " + file.string();
    return fail(std::move(error));
  };
  if (!parsed) {
    return in_file(Error{ErrorCode::invalid,
                         fmt::format("line {}", parsed.error().source().begin.line),
                         std::string(parsed.error().description()), "correct the file"});
  }
  const toml::table& table = parsed.table();
  auto base = read_level(table, "", true);
  if (!base) return in_file(std::move(base.error()));
  auto above = read_profile(table, profile);
  if (!above) return in_file(std::move(above.error()));
  if (*above) put_over(*base, std::move(**above));

  Settings settings = std::move(base->settings);
  if (holds_token(table)) {
    if (const auto again = read_file("--config", file, true); !again) return fail(again.error());
  }
  if (!base->token_file.empty()) {
    const std::filesystem::path secret = path_in(file, base->token_file);
    auto token = read_file("token_file", secret, true);
    if (!token) return fail(token.error());
    token->erase(std::remove_if(token->begin(), token->end(),
                                [](char each) { return each == '\n' || each == '\r'; }),
                 token->end());
    settings.token = std::move(*token);
  }
  if (!settings.ca_file.empty()) settings.ca_file = path_in(file, settings.ca_file).string();
  return settings;
}

std::filesystem::path default_settings_file() {
  std::filesystem::path folder = variable("XDG_CONFIG_HOME");
  if (folder.empty() && !variable("HOME").empty()) {
    folder = std::filesystem::path(variable("HOME")) / ".config";
  }
  return folder.empty() ? folder : folder / "tradewind" / "config.toml";
}

}  // namespace tradewind::cli
