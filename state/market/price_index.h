// Pools in groups, and the groups in blocks of at most 32, with lanes of keys: in each lane a pool
// has one number, each block knows its least and each group the least of its blocks. Whoever wants
// the least of something looks at the groups, opens the few blocks that may hold it, and leaves the
// rest alone; a key changes in place, in constant time unless it was its block's least. Pure; one
// thread.
//
// Within a group the pools are kept near to those of like locality, a text that the caller gives:
// so a block's pools lie close together, and bounds on what they have in common are tight.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tradewind {

class PriceIndex {
 public:
  static constexpr std::uint32_t block_pools = 32;
  static constexpr std::uint64_t absent = UINT64_MAX;  // a pool without a key in a lane

  struct Block {
    std::uint32_t group = 0;
    std::uint32_t count = 0;
    std::array<std::uint32_t, block_pools> pools{};  // the first `count`; in no order
    std::string locality;  // of the blocks of a group in order: at most that of any of its pools
  };

  // Makes room for lanes 0 to `count` - 1; the new ones are empty.
  void add_lanes(std::uint32_t count);

  // An empty group; numbers are small and used again after `drop_group`.
  std::uint32_t add_group();
  // The group must be empty.
  void drop_group(std::uint32_t group);
  std::uint32_t groups_count() const { return static_cast<std::uint32_t>(groups_.size()); }

  // Puts a pool, by its number, that is in no group now into one; it has no keys and nothing free.
  void insert(std::uint32_t group, std::uint32_t pool, std::string_view locality);
  // Takes the pool out of its group.
  void erase(std::uint32_t pool);

  void set(std::uint32_t lane, std::uint32_t pool, std::uint64_t key);
  std::uint64_t key(std::uint32_t lane, std::uint32_t pool) const {
    return lanes_[lane].keys[slots_[pool]];
  }
  // What stands beside the keys, to pass over pools that are full.
  void set_free(std::uint32_t pool, std::uint32_t units, std::uint32_t units_node);

  // Blocks of a group, in order of locality.
  const std::vector<std::uint32_t>& blocks(std::uint32_t group) const { return groups_[group]; }
  const Block& block(std::uint32_t number) const { return blocks_[number]; }
  // Every block number is below this; some may be unused, with a count of 0.
  std::uint32_t blocks_count() const { return static_cast<std::uint32_t>(blocks_.size()); }
  std::uint32_t block_of(std::uint32_t pool) const { return slots_[pool] / block_pools; }

  std::uint64_t group_least(std::uint32_t lane, std::uint32_t group) const {
    return lanes_[lane].group_least[group];
  }
  // All groups' at once, by group.
  const std::uint64_t* group_leasts(std::uint32_t lane) const {
    return lanes_[lane].group_least.data();
  }
  std::uint64_t block_least(std::uint32_t lane, std::uint32_t block) const {
    return lanes_[lane].block_least[block];
  }
  // Of the block's pools in their order; block_pools numbers, those past `count` absent or 0.
  const std::uint64_t* keys(std::uint32_t lane, std::uint32_t block) const {
    return &lanes_[lane].keys[std::size_t{block} * block_pools];
  }
  const std::uint32_t* units_free(std::uint32_t block) const {
    return &units_free_[std::size_t{block} * block_pools];
  }
  const std::uint32_t* units_free_node(std::uint32_t block) const {
    return &units_free_node_[std::size_t{block} * block_pools];
  }

 private:
  struct Lane {
    std::vector<std::uint64_t> keys;  // by slot: block * block_pools + place in the block
    std::vector<std::uint64_t> block_least;
    std::vector<std::uint64_t> group_least;
  };

  std::uint32_t new_block(std::uint32_t group, std::string_view locality);
  // The block of the group that the locality belongs to, with room for one more.
  std::uint32_t block_for(std::uint32_t group, std::string_view locality);
  void split(std::uint32_t group, std::size_t place);
  // Moves what is known of a slot's pool into another slot and empties the first.
  void move_slot(std::uint32_t from, std::uint32_t to);
  void find_block_least(Lane& lane, std::uint32_t block);
  void find_group_least(Lane& lane, std::uint32_t group);
  void find_least(std::uint32_t block);

  std::vector<std::vector<std::uint32_t>> groups_;
  std::vector<std::uint32_t> free_groups_;
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> free_blocks_;
  std::vector<std::uint32_t> slots_;     // by pool
  std::vector<std::string> localities_;  // by pool
  std::vector<Lane> lanes_;
  std::vector<std::uint32_t> units_free_;  // by slot
  std::vector<std::uint32_t> units_free_node_;
};

}  // namespace tradewind
