#include "gateway/admission/node_book.h"

#include <algorithm>

#include "schemas/assert.h"

namespace tradewind {

NodeBook::NodeBook(std::uint32_t nodes, std::uint32_t units_per_node)
    : units_per_node_(units_per_node),
      free_(nodes, units_per_node),
      units_free_(nodes * units_per_node),
      nodes_free_(nodes) {
  for (std::uint32_t node = 0; node < nodes; ++node) by_free_.emplace(units_per_node, node);
}

std::optional<std::vector<std::uint32_t>> NodeBook::best_fit(std::uint32_t count,
                                                             std::uint32_t units) const {
  if (count == 0 || units == 0 || count > nodes()) return std::nullopt;
  std::vector<std::uint32_t> chosen;
  for (auto each = by_free_.lower_bound({units, 0}); each != by_free_.end(); ++each) {
    chosen.push_back(each->second);
    if (chosen.size() == count) {
      std::sort(chosen.begin(), chosen.end());
      return chosen;
    }
  }
  return std::nullopt;
}

bool NodeBook::fits(const std::vector<std::uint32_t>& nodes, std::uint32_t units) const {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (i != 0 && nodes[i] <= nodes[i - 1]) return false;
    if (nodes[i] >= free_.size() || free_[nodes[i]] < units) return false;
  }
  return true;
}

void NodeBook::take(const std::vector<std::uint32_t>& nodes, std::uint32_t units) {
  TRADEWIND_ASSERT(fits(nodes, units));
  for (const std::uint32_t node : nodes) set_free(node, free_[node] - units);
}

void NodeBook::give_back(const std::vector<std::uint32_t>& nodes, std::uint32_t units) {
  for (const std::uint32_t node : nodes) {
    TRADEWIND_ASSERT(node < free_.size() && free_[node] + units <= units_per_node_);
    set_free(node, free_[node] + units);
  }
}

std::uint32_t NodeBook::units_free_node() const {
  return by_free_.empty() ? 0 : by_free_.rbegin()->first;
}

void NodeBook::set_free(std::uint32_t node, std::uint32_t units) {
  std::uint32_t& now = free_[node];
  by_free_.erase({now, node});
  by_free_.emplace(units, node);
  units_free_ = units_free_ - now + units;
  if (now == units_per_node_) --nodes_free_;
  if (units == units_per_node_) ++nodes_free_;
  now = units;
}

}  // namespace tradewind
