// Tables and values as a person reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/cli/terminal.h"

namespace tradewind::cli {

// Columns padded to their widest cell, a header line above; numbers may be aligned right.
class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;
    bool passing = false;  // changes all the time, so that it alone makes no row another one
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // Missing cells are empty; control characters in a cell are shown as '?'.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // Where a line would be longer than the style's width, the widest columns of text are cut, never
  // the first one, nor below their titles or 10; what is too long even then is cut at its end.
  std::string render(const Style& style = Style::of_output()) const;
  // The rows that are not in `before`, as this table's lines; a row that has gone as "gone" and its
  // first two cells.
  std::string changes_since(const Table& before) const;

 private:
  using Row = std::vector<std::string>;
  std::vector<std::size_t> widths() const;
  std::string line(const Row& row, const std::vector<std::size_t>& widths, const Style& style,
                   bool head) const;
  // The cells but for those that pass.
  Row lasting(const Row& row) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

// "1.250000" -> "$1.25"; other currencies keep their code behind: "1.25 EUR". Amounts are decimal
// strings.
std::string money(std::string_view decimal, std::string_view currency = "USD");
// 3725 -> "1h02m05s", 65 -> "1m05s", 7 -> "7s".
std::string duration(std::int64_t seconds);
// 67108864 -> "64.0 MiB"; below 1024 "17 B".
std::string bytes(std::uint64_t count);
// A character a value, as high as it is between the least and the greatest: "▁▄█". Negative: none
// is known, a space.
std::string sparkline(const std::vector<std::int64_t>& values);

}  // namespace tradewind::cli
