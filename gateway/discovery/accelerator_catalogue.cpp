#include "gateway/discovery/accelerator_catalogue.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "schemas/ascii.h"
#include "schemas/assert.h"
#include "schemas/ids.h"

namespace tradewind {
namespace {

constexpr std::array<std::string_view, 9> columns = {"model",  "names",        "maker",
                                                     "family", "memory_gib",   "peak_tflops",
                                                     "watts",  "interconnect", "source"};
constexpr std::size_t name_bytes_max = 63;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::optional<std::uint32_t> parse_whole(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Thousandths of a number with at most one decimal: 989.4.
std::optional<std::uint32_t> parse_thousandths(std::string_view text) {
  const std::size_t point = text.find('.');
  const auto whole = parse_whole(text.substr(0, point));
  if (!whole || *whole > 1'000'000) return std::nullopt;
  if (point == std::string_view::npos) return *whole * 1000;
  const auto tenths = parse_whole(text.substr(point + 1));
  if (!tenths || text.size() != point + 2) return std::nullopt;
  return *whole * 1000 + *tenths * 100;
}

}  // namespace

Result<std::vector<CatalogueAccelerator>> parse_accelerator_catalogue(std::string_view csv) {
  std::vector<CatalogueAccelerator> rows;
  std::size_t line_number = 0;
  for (const std::string_view line : split(csv, '\n')) {
    ++line_number;
    if (line.empty()) continue;
    const auto refuse = [&](std::size_t column, std::string_view what) {
      return fail(ErrorCode::invalid, std::string(columns.at(column)),
                  fmt::format("line {}: {}", line_number, what), "correct the catalogue");
    };
    const std::vector<std::string_view> fields = split(line, ',');
    if (fields.size() != columns.size()) return refuse(0, "there are not nine columns");
    if (line_number == 1) {
      if (!std::ranges::equal(fields, columns)) return refuse(0, "these are other columns");
      continue;
    }
    CatalogueAccelerator row;
    row.model = fields[0];
    for (const std::string_view name : split(fields[1], '|')) row.names.emplace_back(name);
    row.maker = fields[2];
    row.family = fields[3];
    row.source = fields[8];
    if (!check_name("model", row.model)) return refuse(0, "is no name");
    if (std::ranges::any_of(row.names, &std::string::empty)) return refuse(1, "a name is empty");
    if (row.maker.empty()) return refuse(2, "is empty");
    if (!check_name("family", row.family)) return refuse(3, "is no name");
    const auto memory = parse_whole(fields[4]);
    if (!memory || *memory == 0) return refuse(4, "is no number of GiB");
    row.memory_gib = *memory;
    const auto peak = fields[5].empty() ? std::optional(0U) : parse_thousandths(fields[5]);
    if (!peak) return refuse(5, "is no number of TFLOPS");
    row.peak_gigaflops = *peak;
    const auto watts = fields[6].empty() ? std::optional(0U) : parse_whole(fields[6]);
    if (!watts) return refuse(6, "is no number of watts");
    row.watts = *watts;
    const auto interconnect = parse_interconnect("interconnect", fields[7]);
    if (!interconnect) return refuse(7, "is no interconnect");
    row.interconnect = *interconnect;
    if (row.source.empty()) return refuse(8, "is empty");
    rows.push_back(std::move(row));
  }
  return rows;
}

const std::vector<CatalogueAccelerator>& accelerator_catalogue() {
  static const std::vector<CatalogueAccelerator> rows = [] {
    auto parsed = parse_accelerator_catalogue(accelerators_csv());
    TRADEWIND_ASSERT(parsed);
    return std::move(*parsed);
  }();
  return rows;
}

std::string accelerator_slug(std::string_view name) {
  std::string slug;
  for (const char each : name) {
    const char small = ascii_lower(each);
    if ((small >= 'a' && small <= 'z') || (small >= '0' && small <= '9')) {
      slug += small;
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
    if (slug.size() == name_bytes_max) break;
  }
  if (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug;
}

const CatalogueAccelerator* find_accelerator(std::string_view name) {
  static const std::map<std::string, const CatalogueAccelerator*> by_slug = [] {
    std::map<std::string, const CatalogueAccelerator*> index;
    for (const CatalogueAccelerator& row : accelerator_catalogue()) {
      index.emplace(accelerator_slug(row.model), &row);
      for (const std::string& each : row.names) index.emplace(accelerator_slug(each), &row);
    }
    return index;
  }();
  const auto found = by_slug.find(accelerator_slug(name));
  return found == by_slug.end() ? nullptr : found->second;
}

}  // namespace tradewind
