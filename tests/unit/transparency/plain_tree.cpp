#include "tests/unit/transparency/plain_tree.h"

#include <bit>

namespace tradewind::testing {
namespace {

std::uint64_t largest_power_below(std::uint64_t count) {
  std::uint64_t power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

}  // namespace

void PlainTree::add(const Hash& leaf) {
  Hash next = leaf;
  for (std::size_t height = 0;; ++height) {
    if (complete_.size() == height) complete_.emplace_back();
    complete_[height].push_back(next);
    const std::size_t count = complete_[height].size();
    if (count % 2 != 0) return;
    next = hasher_.node(complete_[height][count - 2], complete_[height][count - 1]);
  }
}

Hash PlainTree::hash(std::uint64_t begin, std::uint64_t end) const {
  const std::uint64_t count = end - begin;
  if (std::has_single_bit(count) && begin % count == 0) {
    const auto height = static_cast<std::size_t>(std::countr_zero(count));
    return complete_[height][begin / count];
  }
  const std::uint64_t split = begin + largest_power_below(count);
  return hasher_.node(hash(begin, split), hash(split, end));
}

Hash PlainTree::root(std::uint64_t size) const {
  return size == 0 ? empty_root() : hash(0, size);
}

void PlainTree::path(std::uint64_t index, std::uint64_t begin, std::uint64_t end,
                     std::vector<Hash>& out) const {
  if (end - begin == 1) return;
  const std::uint64_t split = begin + largest_power_below(end - begin);
  if (index < split) {
    path(index, begin, split, out);
    out.push_back(hash(split, end));
  } else {
    path(index, split, end, out);
    out.push_back(hash(begin, split));
  }
}

std::vector<Hash> PlainTree::path(std::uint64_t index, std::uint64_t size) const {
  std::vector<Hash> out;
  path(index, 0, size, out);
  return out;
}

void PlainTree::subproof(std::uint64_t old_size, std::uint64_t begin, std::uint64_t end, bool whole,
                         std::vector<Hash>& out) const {
  if (old_size == end - begin) {
    if (!whole) out.push_back(hash(begin, end));
    return;
  }
  const std::uint64_t half = largest_power_below(end - begin);
  if (old_size <= half) {
    subproof(old_size, begin, begin + half, whole, out);
    out.push_back(hash(begin + half, end));
  } else {
    subproof(old_size - half, begin + half, end, false, out);
    out.push_back(hash(begin, begin + half));
  }
}

std::vector<Hash> PlainTree::proof(std::uint64_t old_size, std::uint64_t size) const {
  std::vector<Hash> out;
  if (old_size > 0) subproof(old_size, 0, size, true, out);
  return out;
}

}  // namespace tradewind::testing
