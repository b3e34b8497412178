// How a federation that is too large for everybody to hear of everything is divided: into cells of
// sites that gossip among themselves, and few relays of each that tell the brokers. Whoever knows
// the same members finds the same cells, without a word about it. Pure; one thread.
//
// A cell is the sites whose names' hashes begin with the same bits: as few bits as leave at most
// `CellSizes::sites_max` of them. A site that joins or leaves changes one cell at most. Cells cut
// across regions, so that every cell measures the way to every region and loses only a few sites
// when one of them is cut off.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "schemas/ids.h"

namespace tradewind {

struct Cell {
  std::uint32_t bits = 0;    // of the hash; 0: everybody
  std::uint64_t prefix = 0;  // those bits, and zeros after them

  bool holds(const NodeId& site) const;
  friend bool operator==(const Cell&, const Cell&) = default;
};

// The same at every node of a federation.
struct CellSizes {
  std::size_t undivided_max = 2'000;  // sites that need no cells
  std::size_t sites_max = 200;        // in a cell
};

class Cells {
 public:
  static constexpr std::size_t relays_count = 3;  // of a cell

  using Predicate = std::function<bool(const NodeId&)>;

  // Of all active sites; brokers belong to none.
  explicit Cells(CellSizes sizes = {}, const std::vector<NodeId>& sites = {});

  bool divided() const { return sites_.size() > sizes_.undivided_max; }
  // The one cell there is, when undivided. `site` need not be known yet.
  Cell cell_of(const NodeId& site) const;
  std::vector<Cell> all() const;
  std::vector<NodeId> sites_in(const Cell& cell) const;
  // The first of the cell's live sites by rendezvous hashing (Thaler and Ravishankar 1996): when
  // one falls silent the next takes its place, and nobody else's changes.
  std::vector<NodeId> relays_of(const Cell& cell, const Predicate& live) const;

 private:
  using Range = std::pair<std::size_t, std::size_t>;
  Range range_of(const Cell& cell) const;

  CellSizes sizes_;
  std::vector<std::pair<std::uint64_t, NodeId>> sites_;  // by hash
};

}  // namespace tradewind
