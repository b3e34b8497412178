#include "broker/audit/difference.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "broker/audit/json_read.h"

namespace tradewind {
namespace {

// Enough to see what it is.
constexpr std::size_t kShownMax = 200;

std::string shown(const json::value& value) {
  std::string text = json::serialize(value);
  if (text.size() > kShownMax) text.replace(kShownMax, std::string::npos, "...");
  return text;
}

std::optional<Difference> differ(const std::string& where, const json::value& left,
                                 const json::value& right) {
  if (left == right) return std::nullopt;
  if (left.is_object() && right.is_object()) {
    const json::object& ours = left.get_object();
    const json::object& theirs = right.get_object();
    const std::string inner = where.empty() ? "" : where + ".";
    for (const auto& [key, value] : ours) {
      const std::string name(key.data(), key.size());
      const json::value* const other = theirs.if_contains(key);
      if (other == nullptr) return Difference{inner + name, shown(value), {}};
      if (auto found = differ(inner + name, value, *other)) return found;
    }
    for (const auto& [key, value] : theirs) {
      if (!ours.contains(key)) {
        return Difference{inner + std::string(key.data(), key.size()), {}, shown(value)};
      }
    }
  }
  if (left.is_array() && right.is_array()) {
    const json::array& ours = left.get_array();
    const json::array& theirs = right.get_array();
    for (std::size_t at = 0; at < std::max(ours.size(), theirs.size()); ++at) {
      const std::string each = where + "[" + std::to_string(at) + "]";
      if (at >= ours.size()) return Difference{each, {}, shown(theirs[at])};
      if (at >= theirs.size()) return Difference{each, shown(ours[at]), {}};
      if (auto found = differ(each, ours[at], theirs[at])) return found;
    }
  }
  return Difference{where, shown(left), shown(right)};
}

}  // namespace

Difference first_difference(std::string_view left, std::string_view right) {
  const auto ours = read_json("left", left);
  const auto theirs = read_json("right", right);
  if (!ours || !theirs) {
    return {{}, std::string(left.substr(0, kShownMax)), std::string(right.substr(0, kShownMax))};
  }
  if (auto found = differ({}, *ours, *theirs)) return std::move(*found);
  // The same members, written in another way.
  return {{}, std::string(left.substr(0, kShownMax)), std::string(right.substr(0, kShownMax))};
}

}  // namespace tradewind
