#include "gateway/toml_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "schemas/limits.h"
#include "schemas/money.h"

namespace tradewind {

namespace {

std::string joined(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view each : words) {
    if (!text.empty()) text += ", ";
    text += each;
  }
  return text;
}

std::string_view kind_of(const toml::node& node) {
  if (node.is_string()) return "a string";
  if (node.is_integer()) return "a whole number";
  if (node.is_floating_point()) return "a decimal number";
  if (node.is_boolean()) return "true or false";
  if (node.is_table()) return "a table";
  if (node.is_array()) return "a list";
  return "a date or time";
}

// A value as its writer would recognise it, short enough for a message.
std::string shown(const toml::node& node) {
  if (const auto* text = node.as_string()) return fmt::format("\"{}\"", text->get().substr(0, 60));
  if (const auto* whole = node.as_integer()) return fmt::format("{}", whole->get());
  if (const auto* decimal = node.as_floating_point()) return fmt::format("{}", decimal->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  return std::string(kind_of(node));
}

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

void TomlProblems::note(std::string field, std::size_t line, std::string message,
                        std::string remedy) {
  if (first_) return;
  const std::string place =
      line != 0 ? fmt::format("{}:{}: ", filename_, line) : fmt::format("{}: ", filename_);
  first_ = Error{ErrorCode::invalid, std::move(field), place + message, std::move(remedy)};
}

TomlTable::TomlTable(TomlProblems& problems, const toml::table* table, std::string path,
                     std::vector<std::string_view> known)
    : TomlTable(problems, table, std::move(path)) {
  if (table_ == nullptr) return;
  for (const auto& [key, value] : *table_) {
    if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
    problems_->note(field(key.str()), key.source().begin.line, "no such key",
                    fmt::format("the keys here are {}", joined(known)));
  }
}

const toml::node* TomlTable::node(std::string_view key) const {
  return table_ == nullptr ? nullptr : table_->get(key);
}

bool TomlTable::has(std::string_view key) const {
  return node(key) != nullptr;
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::string> all;
  if (table_ == nullptr) return all;
  for (const auto& [key, value] : *table_) all.emplace_back(key.str());
  return all;
}

std::string TomlTable::field(std::string_view key) const {
  if (key.empty()) return path_;
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

void TomlTable::refuse(std::string_view key, std::string message, std::string remedy) const {
  std::size_t line = 0;
  if (const toml::node* at = key.empty() ? nullptr : node(key)) {
    line = at->source().begin.line;
  } else if (table_ != nullptr) {
    line = table_->source().begin.line;
  }
  problems_->note(field(key), line, std::move(message), std::move(remedy));
}

void TomlTable::refuse(std::string_view key, const Error& error) const {
  refuse(key, error.message, error.remedy);
}

std::string TomlTable::text(std::string_view key, std::optional<std::string> otherwise) const {
  const toml::node* value = node(key);
  if (value == nullptr) {
    if (!otherwise) refuse(key, "is missing", fmt::format("add {} = \"…\"", key));
    return otherwise.value_or("");
  }
  const auto* text = value->as_string();
  if (text == nullptr) {
    refuse(key, fmt::format("{} is {}, not a string", shown(*value), kind_of(*value)),
           "put the value in quotes");
    return otherwise.value_or("");
  }
  if (text->get().size() > limits::text_bytes_max) {
    refuse(key, fmt::format("has {} bytes", text->get().size()),
           fmt::format("use at most {}", limits::text_bytes_max));
    return otherwise.value_or("");
  }
  if (has_control_characters(text->get())) {
    refuse(key, "has control characters in it", "use printable text on one line");
    return otherwise.value_or("");
  }
  return text->get();
}

std::uint64_t TomlTable::whole(std::string_view key, std::uint64_t least, std::uint64_t most,
                               std::optional<std::uint64_t> otherwise) const {
  const toml::node* value = node(key);
  const std::string remedy = fmt::format("give a whole number, {} to {}", least, most);
  if (value == nullptr) {
    if (!otherwise) refuse(key, "is missing", remedy);
    return otherwise.value_or(least);
  }
  const auto* number = value->as_integer();
  if (number == nullptr) {
    refuse(key, fmt::format("{} is {}, not a whole number", shown(*value), kind_of(*value)),
           remedy);
    return otherwise.value_or(least);
  }
  const std::int64_t given = number->get();
  if (given < 0 || static_cast<std::uint64_t>(given) < least ||
      static_cast<std::uint64_t>(given) > most) {
    refuse(key, fmt::format("{} is out of range", given), remedy);
    return otherwise.value_or(least);
  }
  return static_cast<std::uint64_t>(given);
}

bool TomlTable::flag(std::string_view key, bool otherwise) const {
  const toml::node* value = node(key);
  if (value == nullptr) return otherwise;
  const auto* flag = value->as_boolean();
  if (flag == nullptr) {
    refuse(key, fmt::format("{} is neither true nor false", shown(*value)),
           fmt::format("write {} = true or {} = false, without quotes", key, key));
    return otherwise;
  }
  return flag->get();
}

// Millionths of the value at `key`; nothing when it is absent or was refused.
std::optional<std::int64_t> TomlTable::decimal(std::string_view key, bool floats_allowed) const {
  const toml::node* value = node(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* text = value->as_string()) {
    const auto parsed = parse_micros(key, text->get());
    if (parsed) return *parsed;
    refuse(key, parsed.error());
    return std::nullopt;
  }
  if (const auto* number = value->as_integer()) {
    std::int64_t micros = 0;
    if (!__builtin_mul_overflow(number->get(), std::int64_t{1'000'000}, &micros)) return micros;
    refuse(key, fmt::format("{} is too large", number->get()), "give a smaller number");
    return std::nullopt;
  }
  const auto* number = value->as_floating_point();
  if (number != nullptr && !floats_allowed) {
    refuse(key,
           fmt::format("{} is a floating-point number, and money must be exact", shown(*value)),
           fmt::format("put it in quotes: {} = \"{}\"", key, shown(*value)));
    return std::nullopt;
  }
  if (number != nullptr && std::isfinite(number->get()) && std::abs(number->get()) < 1e12) {
    const double millionths = number->get() * 1e6;
    const double rounded = std::nearbyint(millionths);
    // A double near a six-place decimal is off by far less than this.
    if (std::abs(millionths - rounded) <= 1e-3) return static_cast<std::int64_t>(rounded);
    refuse(key, fmt::format("{} has more than six decimal places", shown(*value)),
           "round it to six places");
    return std::nullopt;
  }
  refuse(key, fmt::format("{} is no decimal number", shown(*value)),
         "write a decimal with at most six places, such as \"1.25\"");
  return std::nullopt;
}

std::int64_t TomlTable::money(std::string_view key, std::int64_t otherwise) const {
  const auto micros = decimal(key, false);
  if (!micros) return otherwise;
  if (*micros < 0 || *micros > money_micros_max) {
    refuse(key, fmt::format("{} is out of range", to_decimal(*micros)),
           fmt::format("give an amount from 0 to {}", to_decimal(money_micros_max)));
    return otherwise;
  }
  return *micros;
}

std::int64_t TomlTable::ppm(std::string_view key, std::int64_t least, std::int64_t most,
                            std::optional<std::int64_t> otherwise) const {
  const std::string remedy =
      fmt::format("give a decimal from {} to {}", to_decimal(least), to_decimal(most));
  if (!has(key)) {
    if (!otherwise) refuse(key, "is missing", remedy);
    return otherwise.value_or(least);
  }
  const auto millionths = decimal(key, true);
  if (!millionths) return otherwise.value_or(least);
  if (*millionths < least || *millionths > most) {
    refuse(key, fmt::format("{} is out of range", to_decimal(*millionths)), remedy);
    return otherwise.value_or(least);
  }
  return *millionths;
}

std::uint64_t TomlTable::mebibytes(std::string_view key,
                                   std::optional<std::uint64_t> otherwise) const {
  constexpr std::int64_t gib_max = 1'048'576;  // a pebibyte
  const std::string remedy =
      fmt::format("give GiB, 0 to {}, as a whole number of MiB (0.25 is 256 MiB)", gib_max);
  if (!has(key)) {
    if (!otherwise) refuse(key, "is missing", remedy);
    return otherwise.value_or(0);
  }
  const auto millionths = decimal(key, true);
  if (!millionths) return otherwise.value_or(0);
  if (*millionths < 0 || *millionths > gib_max * 1'000'000 || *millionths * 1024 % 1'000'000 != 0) {
    refuse(key, fmt::format("{} is not an amount of memory or disk", to_decimal(*millionths)),
           remedy);
    return otherwise.value_or(0);
  }
  return static_cast<std::uint64_t>(*millionths * 1024 / 1'000'000);
}

std::vector<std::string> TomlTable::texts(std::string_view key) const {
  std::vector<std::string> all;
  const toml::node* value = node(key);
  if (value == nullptr) return all;
  const auto* list = value->as_array();
  if (list == nullptr) {
    refuse(key, fmt::format("{} is not a list", shown(*value)),
           fmt::format("write {} = [\"…\", \"…\"]", key));
    return all;
  }
  if (list->size() > limits::list_entries_max) {
    refuse(key, fmt::format("has {} entries", list->size()),
           fmt::format("give at most {}", limits::list_entries_max));
    return all;
  }
  for (const toml::node& each : *list) {
    const auto* text = each.as_string();
    if (text == nullptr || text->get().empty() || text->get().size() > limits::text_bytes_max ||
        has_control_characters(text->get())) {
      refuse(key, fmt::format("{} is no entry of this list", shown(each)),
             "give strings of printable text");
      return all;
    }
    all.push_back(text->get());
  }
  return all;
}

std::map<std::string, std::string> TomlTable::text_map() const {
  std::map<std::string, std::string> all;
  const std::vector<std::string> names = keys();
  if (names.size() > limits::map_entries_max) {
    refuse("", fmt::format("has {} entries", names.size()),
           fmt::format("give at most {}", limits::map_entries_max));
    return all;
  }
  for (const std::string& each : names) {
    if (each.empty() || each.size() > limits::text_bytes_max || has_control_characters(each)) {
      refuse("", "has a key that is empty, too long or not printable", "choose another key");
      return all;
    }
    all[each] = text(each, std::nullopt);
  }
  return all;
}

const toml::table* TomlTable::child(std::string_view key) const {
  const toml::node* value = node(key);
  if (value == nullptr) return nullptr;
  if (!value->is_table()) {
    refuse(key, fmt::format("{} is not a table", shown(*value)),
           fmt::format("write [{}] above its keys, or {} = {{ … }}", field(key), key));
    return nullptr;
  }
  return value->as_table();
}

TomlTable TomlTable::table(std::string_view key, std::vector<std::string_view> known) const {
  return TomlTable(*problems_, child(key), field(key), std::move(known));
}

TomlTable TomlTable::open_table(std::string_view key) const {
  return TomlTable(*problems_, child(key), field(key));
}

std::vector<TomlTable> TomlTable::tables(std::string_view key,
                                         std::vector<std::string_view> known) const {
  std::vector<TomlTable> all;
  const toml::node* value = node(key);
  if (value == nullptr) return all;
  const auto* list = value->as_array();
  if (list == nullptr || !list->is_homogeneous(toml::node_type::table)) {
    // An empty list is a list of no tables.
    if (list != nullptr && list->empty()) return all;
    refuse(key, fmt::format("{} is not a list of tables", shown(*value)),
           fmt::format("write [[{}]] above each", field(key)));
    return all;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    all.emplace_back(TomlTable(*problems_, list->get(i)->as_table(),
                               fmt::format("{}[{}]", field(key), i), known));
  }
  return all;
}

}  // namespace tradewind
