#include "gateway/staging/range_book.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "schemas/assert.h"

namespace tradewind {
namespace {

constexpr std::uint64_t pieces = 64;
constexpr std::uint64_t piece_bytes_max = 1ULL << 30;

// The magic number, the size, how many gaps, and each gap's two ends. In the order of bytes of the
// machine: another one's magic number is a wrong one.
using Words = std::array<std::uint64_t, RangeBook::encoded_bytes / sizeof(std::uint64_t)>;
constexpr std::uint64_t magic = 0x7477'2d72'616e'6765;
constexpr std::size_t head_words = 3;
constexpr std::size_t encoded_gaps_max = (std::tuple_size_v<Words> - head_words) / 2;

}  // namespace

RangeBook::RangeBook(std::uint64_t size_bytes, std::uint64_t piece_bytes_min)
    : size_bytes_(size_bytes),
      piece_bytes_(std::max(std::min(size_bytes / pieces, piece_bytes_max), piece_bytes_min)) {
  TRADEWIND_ASSERT(piece_bytes_min > 0);
}

RangeBook::RangeBook(std::uint64_t size_bytes, std::uint64_t begun_bytes,
                     std::uint64_t piece_bytes_min)
    : RangeBook(size_bytes, piece_bytes_min) {
  if (begun_bytes < size_bytes) gaps_.push_back({{begun_bytes, size_bytes}, false});
}

std::optional<RangeBook> RangeBook::decode(std::string_view bytes, std::uint64_t piece_bytes_min) {
  Words words{};
  if (bytes.size() != encoded_bytes) return std::nullopt;
  std::memcpy(words.data(), bytes.data(), encoded_bytes);
  if (words[0] != magic || words[2] > encoded_gaps_max) return std::nullopt;
  RangeBook book(words[1], piece_bytes_min);
  std::uint64_t from = 0;
  for (std::size_t each = 0; each < words[2]; ++each) {
    const Range range{words[head_words + 2 * each], words[head_words + 2 * each + 1]};
    if (range.at < from || range.at >= range.end || range.end > book.size_bytes_) {
      return std::nullopt;
    }
    from = range.end;
    book.gaps_.push_back({range, false});
  }
  return book;
}

std::string RangeBook::encode() const {
  Words words{magic, size_bytes_, 0};
  std::size_t count = 0;
  for (const Gap& gap : gaps_) {
    std::uint64_t* const last = words.data() + head_words + 2 * count - 1;
    if (count > 0 && (*last == gap.at || count == encoded_gaps_max)) {
      *last = gap.end;
      continue;
    }
    words[head_words + 2 * count] = gap.at;
    words[head_words + 2 * count + 1] = gap.end;
    ++count;
  }
  words[2] = count;
  return {reinterpret_cast<const char*>(words.data()), encoded_bytes};
}

std::optional<RangeBook::Range> RangeBook::take() {
  const auto gap = std::ranges::find(gaps_, false, &Gap::taken);
  if (gap == gaps_.end()) return std::nullopt;
  Gap piece = *gap;
  piece.taken = true;
  if (piece.end - piece.at <= piece_bytes_) {
    *gap = piece;
    return piece;
  }
  piece.end = piece.at + piece_bytes_;
  gap->at = piece.end;
  gaps_.insert(gap, piece);
  return piece;
}

std::vector<RangeBook::Gap>::iterator RangeBook::taken_until(std::uint64_t end) {
  const auto gap = std::ranges::find(gaps_, end, &Gap::end);
  TRADEWIND_ASSERT(gap != gaps_.end() && gap->taken);
  return gap;
}

void RangeBook::advance(std::uint64_t end, std::uint64_t at) {
  const auto gap = taken_until(end);
  TRADEWIND_ASSERT(gap->at <= at && at <= end);
  gap->at = at;
  if (at == end) gaps_.erase(gap);
}

void RangeBook::give_back(std::uint64_t end) {
  taken_until(end)->taken = false;
}

std::uint64_t RangeBook::missing_bytes() const {
  std::uint64_t sum = 0;
  for (const Gap& gap : gaps_) sum += gap.end - gap.at;
  return sum;
}

std::uint64_t RangeBook::beginning_bytes() const {
  return gaps_.empty() ? size_bytes_ : gaps_.front().at;
}

}  // namespace tradewind
