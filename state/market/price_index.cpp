#include "state/market/price_index.h"

#include <algorithm>
#include <tuple>

#include "schemas/assert.h"

namespace tradewind {

void PriceIndex::add_lanes(std::uint32_t count) {
  while (lanes_.size() < count) {
    lanes_.push_back(Lane{std::vector(blocks_.size() * block_pools, absent),
                          std::vector(blocks_.size(), absent),
                          std::vector(groups_.size(), absent)});
  }
}

std::uint32_t PriceIndex::add_group() {
  if (!free_groups_.empty()) {
    const std::uint32_t group = free_groups_.back();
    free_groups_.pop_back();
    return group;
  }
  groups_.emplace_back();
  for (Lane& lane : lanes_) lane.group_least.push_back(absent);
  return groups_count() - 1;
}

void PriceIndex::drop_group(std::uint32_t group) {
  TRADEWIND_ASSERT(groups_[group].empty());
  free_groups_.push_back(group);
}

void PriceIndex::insert(std::uint32_t group, std::uint32_t pool, std::string_view locality) {
  if (pool >= slots_.size()) {
    slots_.resize(pool + 1);
    localities_.resize(pool + 1);
  }
  localities_[pool] = locality;
  const std::uint32_t number = block_for(group, locality);
  Block& block = blocks_[number];
  TRADEWIND_ASSERT(block.count < block_pools);
  slots_[pool] = number * block_pools + block.count;
  block.pools[block.count++] = pool;
}

void PriceIndex::erase(std::uint32_t pool) {
  const std::uint32_t slot = slots_[pool];
  const std::uint32_t number = slot / block_pools;
  Block& block = blocks_[number];
  TRADEWIND_ASSERT(block.count > 0 && block.pools[slot % block_pools] == pool);
  --block.count;
  const std::uint32_t last = number * block_pools + block.count;
  block.pools[slot % block_pools] = block.pools[block.count];
  slots_[block.pools[block.count]] = slot;
  move_slot(last, slot);
  find_least(number);
  if (block.count > 0) return;
  std::erase(groups_[block.group], number);
  free_blocks_.push_back(number);
}

void PriceIndex::set(std::uint32_t lane_number, std::uint32_t pool, std::uint64_t key) {
  Lane& lane = lanes_[lane_number];
  const std::uint32_t slot = slots_[pool];
  const std::uint64_t before = lane.keys[slot];
  if (before == key) return;
  lane.keys[slot] = key;
  const std::uint32_t number = slot / block_pools;
  std::uint64_t& block_least = lane.block_least[number];
  std::uint64_t& group_least = lane.group_least[blocks_[number].group];
  if (key < block_least) {
    // Whether or not the group's least was this block's, it can only have gone down.
    block_least = key;
    group_least = std::min(group_least, key);
    return;
  }
  if (before != block_least) return;
  find_block_least(lane, number);
  if (before == group_least) find_group_least(lane, blocks_[number].group);
}

void PriceIndex::set_free(std::uint32_t pool, std::uint32_t units, std::uint32_t units_node) {
  units_free_[slots_[pool]] = units;
  units_free_node_[slots_[pool]] = units_node;
}

std::uint32_t PriceIndex::new_block(std::uint32_t group, std::string_view locality) {
  std::uint32_t number = 0;
  if (!free_blocks_.empty()) {
    number = free_blocks_.back();
    free_blocks_.pop_back();
  } else {
    number = blocks_count();
    blocks_.emplace_back();
    const std::size_t slots = blocks_.size() * block_pools;
    units_free_.resize(slots, 0);
    units_free_node_.resize(slots, 0);
    for (Lane& lane : lanes_) {
      lane.keys.resize(slots, absent);
      lane.block_least.push_back(absent);
    }
  }
  blocks_[number].group = group;
  blocks_[number].locality = locality;
  return number;
}

std::uint32_t PriceIndex::block_for(std::uint32_t group, std::string_view locality) {
  std::vector<std::uint32_t>& blocks = groups_[group];
  if (blocks.empty()) blocks.push_back(new_block(group, locality));
  const auto place = [&] {
    const auto after = std::ranges::upper_bound(blocks, locality, {}, [this](std::uint32_t number) {
      return std::string_view(blocks_[number].locality);
    });
    return static_cast<std::size_t>(after - blocks.begin());
  };
  // Before the first block belongs to the first.
  std::size_t at = std::max<std::size_t>(place(), 1) - 1;
  if (blocks_[blocks[at]].count == block_pools) {
    split(group, at);
    at = std::max<std::size_t>(place(), 1) - 1;
  }
  Block& block = blocks_[blocks[at]];
  if (locality < block.locality) block.locality = locality;
  return blocks[at];
}

void PriceIndex::split(std::uint32_t group, std::size_t place) {
  const std::uint32_t number = groups_[group][place];
  std::array<std::uint32_t, block_pools> pools = blocks_[number].pools;
  std::ranges::sort(pools, [this](std::uint32_t a, std::uint32_t b) {
    return std::tie(localities_[a], a) < std::tie(localities_[b], b);
  });
  constexpr std::uint32_t half = block_pools / 2;
  const std::uint32_t other = new_block(group, localities_[pools[half]]);
  for (std::uint32_t index = half; index < block_pools; ++index) {
    const std::uint32_t pool = pools[index];
    const std::uint32_t slot = slots_[pool];
    Block& from = blocks_[number];
    Block& to = blocks_[other];
    slots_[pool] = other * block_pools + to.count;
    to.pools[to.count++] = pool;
    move_slot(slot, slots_[pool]);
    --from.count;
    const std::uint32_t last = number * block_pools + from.count;
    if (last == slot) continue;
    from.pools[slot % block_pools] = from.pools[from.count];
    slots_[from.pools[from.count]] = slot;
    move_slot(last, slot);
  }
  groups_[group].insert(groups_[group].begin() + static_cast<std::ptrdiff_t>(place) + 1, other);
  find_least(number);
  find_least(other);
}

void PriceIndex::move_slot(std::uint32_t from, std::uint32_t to) {
  for (Lane& lane : lanes_) {
    const std::uint64_t key = lane.keys[from];
    lane.keys[from] = absent;
    if (from != to) lane.keys[to] = key;
  }
  const std::uint32_t units = units_free_[from];
  const std::uint32_t units_node = units_free_node_[from];
  units_free_[from] = 0;
  units_free_node_[from] = 0;
  if (from == to) return;
  units_free_[to] = units;
  units_free_node_[to] = units_node;
}

void PriceIndex::find_block_least(Lane& lane, std::uint32_t block) {
  const std::uint64_t* const keys = &lane.keys[std::size_t{block} * block_pools];
  lane.block_least[block] = *std::min_element(keys, keys + block_pools);
}

void PriceIndex::find_group_least(Lane& lane, std::uint32_t group) {
  std::uint64_t least = absent;
  for (const std::uint32_t block : groups_[group]) least = std::min(least, lane.block_least[block]);
  lane.group_least[group] = least;
}

void PriceIndex::find_least(std::uint32_t block) {
  for (Lane& lane : lanes_) {
    find_block_least(lane, block);
    find_group_least(lane, blocks_[block].group);
  }
}

}  // namespace tradewind
