#include "broker/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>

namespace tradewind::cli {
namespace {

constexpr std::size_t kTextWidthMin = 10;

// Columns on the terminal: bytes that do not continue a UTF-8 character.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

// The text, or its beginning with "…" where it is wider than `columns`.
std::string cut(const std::string& text, std::size_t columns) {
  if (width(text) <= columns) return text;
  std::size_t end = 0;
  for (std::size_t shown = 0; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U;
    if (begins && shown++ == columns - 1) break;
  }
  return text.substr(0, end) + "…";
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (auto& each : cells) each = printable(std::move(each));
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t widest = width(columns_[i].title);
    for (const auto& row : rows_) widest = std::max(widest, width(row[i]));
    widths.push_back(widest);
  }
  return widths;
}

std::string Table::line(const Row& row, const std::vector<std::size_t>& widths, const Style& style,
                        bool head) const {
  std::string out;
  std::size_t used = 0;
  // Nothing is padded behind the last cell that has something.
  std::size_t last = row.size();
  while (last > 0 && row[last - 1].empty()) --last;
  for (std::size_t i = 0; i < last; ++i) {
    const std::size_t gap = i == 0 ? 0 : 2;
    const std::size_t left =
        style.width == 0 ? widths[i] : style.width - std::min(style.width, used + gap);
    if (left == 0) break;
    const std::string value = cut(row[i], std::min(widths[i], left));
    const std::size_t taken = width(value);
    const std::string pad(std::min(widths[i], left) - taken, ' ');
    out += std::string(gap, ' ');
    const std::string shown =
        head ? coloured(value, Colour::bold, style) : coloured_state(value, row[i], style);
    if (columns_[i].right) out += pad;
    out += shown;
    if (!columns_[i].right && i + 1 < last) out += pad;
    used += gap + widths[i];
  }
  return out + "\n";
}

std::string Table::render(const Style& style) const {
  std::vector<std::size_t> widths = this->widths();
  std::vector<std::size_t> least;
  std::size_t total = columns_.empty() ? 0 : 2 * (columns_.size() - 1);
  Row titles;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    titles.push_back(columns_[i].title);
    least.push_back(i == 0 || columns_[i].right
                        ? widths[i]
                        : std::max(width(columns_[i].title), kTextWidthMin));
    total += widths[i];
  }
  while (style.width != 0 && total > style.width) {
    std::size_t widest = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (widths[i] <= least[i]) continue;
      if (widest == columns_.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == columns_.size()) break;
    --widths[widest];
    --total;
  }
  std::string text = line(titles, widths, style, true);
  for (const Row& each : rows_) text += line(each, widths, style, false);
  return text;
}

Table::Row Table::lasting(const Row& row) const {
  Row cells;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!columns_[i].passing) cells.push_back(row[i]);
  }
  return cells;
}

std::string Table::changes_since(const Table& before) const {
  const auto rows_of = [](const Table& table) {
    std::set<Row> rows;
    for (const Row& each : table.rows_) rows.insert(table.lasting(each));
    return rows;
  };
  const auto names_of = [](const Table& table) {
    std::set<Row> names;
    for (const Row& each : table.rows_) names.insert(Row(each.begin(), each.begin() + 2));
    return names;
  };
  const std::set<Row> old = rows_of(before);
  const std::vector<std::size_t> widths = this->widths();
  std::string text;
  for (const Row& each : rows_) {
    if (!old.contains(lasting(each))) text += line(each, widths, Style{}, false);
  }
  const std::set<Row> names = names_of(*this);
  for (const Row& each : names_of(before)) {
    if (!names.contains(each)) text += fmt::format("gone  {}  {}\n", each[0], each[1]);
  }
  return text;
}

std::string money(std::string_view decimal, std::string_view currency) {
  if (decimal.empty()) return "";
  std::string text(decimal);
  // At least two decimals, and no more than needed beyond them.
  auto point = text.find('.');
  if (point == std::string::npos) {
    point = text.size();
    text += '.';
  }
  while (text.size() > point + 3 && text.back() == '0') text.pop_back();
  while (text.size() < point + 3) text += '0';
  if (currency != "USD") return text + " " + std::string(currency);
  return text[0] == '-' ? "-$" + text.substr(1) : "$" + text;
}

std::string duration(std::int64_t seconds) {
  if (seconds < 0) return "-" + duration(-seconds);
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}h{:02}m{:02}s", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string bytes(std::uint64_t count) {
  if (count < 1024) return fmt::format("{} B", count);
  constexpr std::array<std::string_view, 5> units = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  std::uint64_t scale = 1024;
  while (unit + 1 < units.size() && count / 1024 >= scale) {
    scale *= 1024;
    ++unit;
  }
  const std::uint64_t tenths = count / scale * 10 + count % scale * 10 / scale;
  return fmt::format("{}.{} {}", tenths / 10, tenths % 10, units[unit]);
}

std::string sparkline(const std::vector<std::int64_t>& values) {
  constexpr std::array<std::string_view, 8> bars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::int64_t low = std::numeric_limits<std::int64_t>::max();
  std::int64_t high = -1;
  for (const std::int64_t each : values) {
    if (each < 0) continue;
    low = std::min(low, each);
    high = std::max(high, each);
  }
  std::string text;
  for (const std::int64_t each : values) {
    if (each < 0) {
      text += ' ';
      continue;
    }
    const std::int64_t range = high - low;
    // Divided first where the product could not be held.
    const std::int64_t height = range == 0              ? 0
                                : range > INT64_MAX / 8 ? (each - low) / (range / 7)
                                                        : (each - low) * 7 / range;
    text += bars.at(static_cast<std::size_t>(std::min<std::int64_t>(height, 7)));
  }
  return text;
}

}  // namespace tradewind::cli
