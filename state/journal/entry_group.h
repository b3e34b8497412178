// Entries of one commit that follow each other, in one row under the number of the first: a row
// costs the store several times what a small entry does, and what they have in common is written
// once. Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

// Makes rows. One of a single entry is that entry as it is, which is also what every row of the
// formats before this one was.
class EntryGroup {
 public:
  // encode(Entry); not once it is full.
  void add(BytesView entry);
  bool empty() const { return count_ == 0; }
  // Whether more would make whoever reads one entry read too many others.
  bool full() const;
  // The row of what was added since the last one.
  Bytes take();

 private:
  Bytes plain_;  // each entry behind its length
  std::uint32_t count_ = 0;
};

// How many entries there are in a row, without reading them. Fails with ErrorCode::corrupt.
Result<std::uint32_t> entries_in(BytesView row);

// The entries of a row, in order.
class EntryRow {
 public:
  // Fails with ErrorCode::corrupt when the bytes are no row. `row` must outlive what this returns.
  static Result<EntryRow> open(BytesView row);
  // Each as encode(Entry) made it; they live as long as this and the row do.
  const std::vector<BytesView>& entries() const { return entries_; }

 private:
  std::unique_ptr<const Bytes> plain_;  // of a group; where it is does not change
  std::vector<BytesView> entries_;
};

}  // namespace tradewind
