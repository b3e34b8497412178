#include "gateway/discovery/accelerator_list.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/format.h>

#include "gateway/discovery/accelerator_catalogue.h"

namespace tradewind {
namespace {

// 989.4 of 989400; "" for 0.
std::string tflops(std::uint32_t gigaflops) {
  if (gigaflops == 0) return "";
  const std::uint32_t tenths = gigaflops / 100;
  return tenths % 10 == 0 ? fmt::format("{}", tenths / 10)
                          : fmt::format("{}.{}", tenths / 10, tenths % 10);
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

}  // namespace

std::string accelerators_table() {
  constexpr auto row = "{:<26} {:<10} {:>5} {:>8} {:>6}  {:<14} {}\n";
  std::string text =
      fmt::format(row, "MODEL", "FAMILY", "GIB", "TFLOPS", "WATTS", "MAKER", "SOURCE");
  for (const CatalogueAccelerator& each : accelerator_catalogue()) {
    text += fmt::format(
        row, each.model, each.family, each.memory_gib, or_dash(tflops(each.peak_gigaflops)),
        or_dash(each.watts == 0 ? "" : std::to_string(each.watts)), each.maker, each.source);
  }
  return text;
}

std::string accelerators_json() {
  boost::json::array list;
  for (const CatalogueAccelerator& each : accelerator_catalogue()) {
    boost::json::object row;
    row["model"] = each.model;
    row["names"] = boost::json::array(each.names.begin(), each.names.end());
    row["maker"] = each.maker;
    row["family"] = each.family;
    row["memory_gib"] = each.memory_gib;
    row["peak_gigaflops"] = nullptr;
    if (each.peak_gigaflops != 0) row["peak_gigaflops"] = each.peak_gigaflops;
    row["watts"] = nullptr;
    if (each.watts != 0) row["watts"] = each.watts;
    row["interconnect"] = to_string(each.interconnect);
    row["source"] = each.source;
    list.push_back(std::move(row));
  }
  return boost::json::serialize(list) + "\n";
}

}  // namespace tradewind
