// Which nodes of one pool are taken, in allocation units. Never more than is there.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace tradewind {

class NodeBook {
 public:
  NodeBook(std::uint32_t nodes, std::uint32_t units_per_node);

  // `count` different nodes with at least `units` free on each, the fullest such nodes first, so
  // that empty nodes stay whole for large jobs; ties by index. Ascending. Nothing when there are
  // not so many. Takes nothing.
  std::optional<std::vector<std::uint32_t>> best_fit(std::uint32_t count,
                                                     std::uint32_t units) const;
  // Whether `units` are free on each of these nodes and they are ascending and exist.
  bool fits(const std::vector<std::uint32_t>& nodes, std::uint32_t units) const;
  // `nodes` must fit, or be held, respectively.
  void take(const std::vector<std::uint32_t>& nodes, std::uint32_t units);
  void give_back(const std::vector<std::uint32_t>& nodes, std::uint32_t units);

  std::uint32_t nodes() const { return static_cast<std::uint32_t>(free_.size()); }
  std::uint32_t units() const { return nodes() * units_per_node_; }
  std::uint32_t units_free() const { return units_free_; }
  std::uint32_t units_free_node() const;  // on the emptiest node
  std::uint32_t nodes_free() const { return nodes_free_; }

 private:
  void set_free(std::uint32_t node, std::uint32_t units);

  std::uint32_t units_per_node_;
  std::vector<std::uint32_t> free_;                            // by node
  std::set<std::pair<std::uint32_t, std::uint32_t>> by_free_;  // (units free, node)
  std::uint32_t units_free_ = 0;
  std::uint32_t nodes_free_ = 0;
};

}  // namespace tradewind
