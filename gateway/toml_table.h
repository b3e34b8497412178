// One table of a TOML document, read strictly: unknown keys are refused, every value is checked,
// and the first problem is kept with the file, line, field, value and remedy. After a problem,
// reading goes on with harmless values, so that a reader needs to look only once, at the end.
#pragma once

#define TOML_EXCEPTIONS 0
// The parser asserts that a header such as "[[[" cannot be, and handles it well right behind the
// assertion.
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

// Where a document came from, and the first thing found wrong with it.
class TomlProblems {
 public:
  explicit TomlProblems(std::string filename) : filename_(std::move(filename)) {}

  // Keeps the first; `line` 0 means that no line is at fault.
  void note(std::string field, std::size_t line, std::string message, std::string remedy);
  const std::optional<Error>& first() const { return first_; }

 private:
  std::string filename_;
  std::optional<Error> first_;
};

class TomlTable {
 public:
  // `table` may be null: a table that is not there, all of whose values are absent. `path` is the
  // table's place in the document ("pool[0].tariff"; empty for the root). Keys that are not in
  // `known` are refused here, before anything is read.
  TomlTable(TomlProblems& problems, const toml::table* table, std::string path,
            std::vector<std::string_view> known);

  // Each reader takes the value to use when the key is absent; nothing there means that the key is
  // required.
  std::string text(std::string_view key, std::optional<std::string> otherwise) const;
  std::uint64_t whole(std::string_view key, std::uint64_t least, std::uint64_t most,
                      std::optional<std::uint64_t> otherwise) const;
  bool flag(std::string_view key, bool otherwise) const;
  // Micro-units from a decimal string ("0.05") or a whole number; never from a float, never
  // negative, at most `money_micros_max`.
  std::int64_t money(std::string_view key, std::int64_t otherwise) const;
  // Parts per million from a decimal: 0.9, "0.9" or 1, with at most six places.
  std::int64_t ppm(std::string_view key, std::int64_t least, std::int64_t most,
                   std::optional<std::int64_t> otherwise) const;
  // MiB from a number of GiB that is a whole number of MiB: 2, 0.5.
  std::uint64_t mebibytes(std::string_view key, std::optional<std::uint64_t> otherwise) const;
  std::vector<std::string> texts(std::string_view key) const;

  bool has(std::string_view key) const;
  std::vector<std::string> keys() const;
  // Any key, for tables whose keys are the user's own: labels, classes.
  std::map<std::string, std::string> text_map() const;

  // The table below `key`; one of no values when absent.
  TomlTable table(std::string_view key, std::vector<std::string_view> known) const;
  // The same, whose keys are the user's own.
  TomlTable open_table(std::string_view key) const;
  // An array of tables, [[key]]; empty when absent.
  std::vector<TomlTable> tables(std::string_view key, std::vector<std::string_view> known) const;

  // Notes a problem with the value at `key`, or with the table itself when `key` is empty.
  void refuse(std::string_view key, std::string message, std::string remedy) const;
  // The same for an error that somebody else found in the value; its field is replaced.
  void refuse(std::string_view key, const Error& error) const;

  static constexpr std::int64_t money_micros_max = 1'000'000'000'000;  // a million units

 private:
  TomlTable(TomlProblems& problems, const toml::table* table, std::string path)
      : problems_(&problems), table_(table), path_(std::move(path)) {}
  const toml::node* node(std::string_view key) const;
  const toml::table* child(std::string_view key) const;
  std::string field(std::string_view key) const;
  std::optional<std::int64_t> decimal(std::string_view key, bool floats_allowed) const;

  TomlProblems* problems_;
  const toml::table* table_;
  std::string path_;
};

}  // namespace tradewind
