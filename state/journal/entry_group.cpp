#include "state/journal/entry_group.h"

#include <string_view>
#include <utility>

#include "schemas/assert.h"
#include "schemas/limits.h"
#include "state/journal/compression.h"
#include "state/journal/limits.h"

namespace tradewind {
namespace {

// DO NOT CHANGE: it is on disk. No entry begins so: packed, its first word would have no zero byte
// in the count of its segments; flat, it would have 255 of them.
constexpr char kGroup = '\xff';
constexpr std::size_t kNumberBytes = 4;
constexpr std::size_t kHeaderBytes = 1 + kNumberBytes;

// A group is full before its last entry would make it longer than that and this.
constexpr std::size_t kPlainBytesMax =
    limits::entry_group_bytes + limits::entry_bytes_max + kNumberBytes;

void append_number(Bytes& bytes, std::size_t number) {
  TRADEWIND_ASSERT(number <= UINT32_MAX);
  for (std::size_t at = 0; at < kNumberBytes; ++at) {
    bytes.push_back(static_cast<char>(number >> (8 * at) & 0xffU));
  }
}

std::uint32_t read_number(BytesView bytes) {
  std::uint32_t number = 0;
  for (std::size_t at = 0; at < kNumberBytes; ++at) {
    number |= std::uint32_t{static_cast<unsigned char>(bytes[at])} << (8 * at);
  }
  return number;
}

tl::unexpected<Error> corrupt() {
  return fail(ErrorCode::corrupt, "entries", "a row of them does not read");
}

}  // namespace

void EntryGroup::add(BytesView entry) {
  TRADEWIND_ASSERT(!full() && !entry.empty() && entry.size() <= limits::entry_bytes_max);
  append_number(plain_, entry.size());
  plain_ += entry;
  ++count_;
}

bool EntryGroup::full() const {
  return count_ == limits::entry_group_count || plain_.size() >= limits::entry_group_bytes;
}

Bytes EntryGroup::take() {
  TRADEWIND_ASSERT(count_ > 0);
  Bytes row;
  if (count_ == 1) {
    row = plain_.substr(kNumberBytes);
  } else {
    row.push_back(kGroup);
    append_number(row, count_);
    row += compress(plain_);
  }
  plain_.clear();
  count_ = 0;
  return row;
}

Result<std::uint32_t> entries_in(BytesView row) {
  if (row.empty()) return corrupt();
  if (row.front() != kGroup) return 1;
  if (row.size() < kHeaderBytes) return corrupt();
  const std::uint32_t count = read_number(row.substr(1));
  if (count < 2 || count > limits::entry_group_count) return corrupt();
  return count;
}

Result<EntryRow> EntryRow::open(BytesView row) {
  const auto count = entries_in(row);
  if (!count) return fail(count.error());
  EntryRow opened;
  if (*count == 1) {
    opened.entries_.push_back(row);
    return opened;
  }
  auto plain = expand(row.substr(kHeaderBytes), kPlainBytesMax);
  if (!plain) return fail(plain.error());
  opened.plain_ = std::make_unique<const Bytes>(std::move(*plain));
  opened.entries_.reserve(*count);
  for (BytesView rest = *opened.plain_; !rest.empty();) {
    if (rest.size() < kNumberBytes || opened.entries_.size() == *count) return corrupt();
    const std::size_t length = read_number(rest);
    rest.remove_prefix(kNumberBytes);
    if (length > rest.size()) return corrupt();
    opened.entries_.push_back(rest.substr(0, length));
    rest.remove_prefix(length);
  }
  if (opened.entries_.size() != *count) return corrupt();
  return opened;
}

}  // namespace tradewind
