// Tables and values as a person reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tradewind::cli {

// Columns padded to their widest cell, a header line above; numbers may be aligned right.
class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // Missing cells are empty; control characters in a cell are shown as '?'.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::string render() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "1.250000" -> "$1.25"; other currencies keep their code behind: "1.25 EUR". Amounts are decimal
// strings.
std::string money(std::string_view decimal, std::string_view currency = "USD");
// 3725 -> "1h02m05s", 65 -> "1m05s", 7 -> "7s".
std::string duration(std::int64_t seconds);
// 67108864 -> "64.0 MiB"; below 1024 "17 B".
std::string bytes(std::uint64_t count);

}  // namespace tradewind::cli
