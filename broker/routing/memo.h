// What was worked out before, found again by a hash and a comparison. Bounded: a full table is
// emptied by `trim`. Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace tradewind {

// Folds one more value into a hash that is used for finding only, never for a decision.
inline std::uint64_t fold(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
  return hash ^ (hash >> 29);
}
inline std::uint64_t fold(std::uint64_t hash, std::string_view text) {
  return fold(hash, std::hash<std::string_view>{}(text));
}

template <class Entry>
class Memo {
 public:
  Memo() { resize(64); }

  // Null when `same` holds of no entry with this hash. Entries stay where they are until `trim`.
  template <class Same>
  Entry* find(std::uint64_t hash, Same same) {
    for (std::size_t at = hash & mask_; slots_[at].entry != nullptr; at = (at + 1) & mask_) {
      if (slots_[at].hash == hash && same(*slots_[at].entry)) return slots_[at].entry;
    }
    return nullptr;
  }

  Entry& add(std::uint64_t hash, std::unique_ptr<Entry> entry) {
    if (2 * (entries_.size() + 1) > slots_.size()) {
      const std::vector<Slot> before = std::exchange(slots_, {});
      resize(2 * before.size());
      for (const Slot& each : before) {
        if (each.entry != nullptr) place(each);
      }
    }
    place(Slot{hash, entry.get()});
    return *entries_.emplace_back(std::move(entry));
  }

  // Forgets everything when more entries than this are held.
  void trim(std::size_t entries_max) {
    if (entries_.size() > entries_max) clear();
  }
  void clear() {
    entries_.clear();
    slots_.clear();
    resize(64);
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    Entry* entry = nullptr;
  };
  void resize(std::size_t count) {
    slots_.resize(count);
    mask_ = count - 1;
  }
  void place(const Slot& slot) {
    std::size_t at = slot.hash & mask_;
    while (slots_[at].entry != nullptr) at = (at + 1) & mask_;
    slots_[at] = slot;
  }

  std::size_t mask_ = 0;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::vector<Slot> slots_;  // a power of two of them, at most half full
};

}  // namespace tradewind
