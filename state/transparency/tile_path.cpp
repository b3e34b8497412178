#include "state/transparency/tile_path.h"

#include <optional>

#include "state/transparency/limits.h"
#include "state/transparency/line.h"

namespace tradewind {
namespace {

// 1234067 is "x001/x234/067".
std::string number_path(std::uint64_t number) {
  const auto group = [](std::uint64_t value) {
    const std::string digits = std::to_string(value);
    return std::string(3 - digits.size(), '0') + digits;
  };
  std::string path = group(number % 1'000);
  while ((number /= 1'000) > 0) path = "x" + group(number % 1'000) + "/" + path;
  return path;
}

std::string place(std::string_view folder, std::uint64_t index, unsigned width) {
  std::string path = "tile/" + std::string(folder) + "/" + number_path(index);
  if (width != tile_width) path += ".p/" + std::to_string(width);
  return path;
}

// All but the last group begin with an x. Forms that number_path never gives are refused by the
// caller, who compares.
std::optional<std::uint64_t> parse_number(std::string_view path) {
  std::string digits;
  while (path.starts_with('x')) {
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    digits += path.substr(1, slash - 1);
    path.remove_prefix(slash + 1);
  }
  digits += path;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return parse_decimal(digits, limits::tree_size_max);
}

}  // namespace

std::string path_of(const TileId& id) {
  return place(std::to_string(id.level), id.index, id.width);
}
std::string path_of(const BundleId& id) {
  return place("entries", id.index, id.width);
}

Result<std::variant<TileId, BundleId>> parse_tile_path(std::string_view path) {
  constexpr std::size_t path_bytes_max = 64;
  const auto refuse = [&] {
    return fail(ErrorCode::invalid, "path", "is no path of a tile or a bundle",
                "write it as tile/<level>/<index>, tile/entries/<index>, with .p/<width> when "
                "partial and the index as in x001/x234/067");
  };
  if (path.size() > path_bytes_max || !path.starts_with("tile/")) return refuse();
  std::string_view rest = path.substr(5);
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return refuse();
  const std::string_view folder = rest.substr(0, slash);
  rest.remove_prefix(slash + 1);

  std::optional<std::uint64_t> width = tile_width;
  if (const std::size_t partial = rest.find(".p/"); partial != std::string_view::npos) {
    width = parse_decimal(rest.substr(partial + 3), tile_width - 1);
    if (!width || *width == 0) return refuse();
    rest = rest.substr(0, partial);
  }
  const auto index = rest.empty() ? std::nullopt : parse_number(rest);
  if (!index || *index > limits::tree_size_max / tile_width) return refuse();

  std::variant<TileId, BundleId> id;
  if (folder == "entries") {
    id = BundleId{*index, static_cast<unsigned>(*width)};
  } else {
    const auto level = parse_decimal(folder, tile_levels - 1);
    if (!level) return refuse();
    id = TileId{static_cast<unsigned>(*level), *index, static_cast<unsigned>(*width)};
  }
  if (std::visit([](const auto& each) { return path_of(each); }, id) != path) return refuse();
  return id;
}

}  // namespace tradewind
