// Cap'n Proto's packing: for each word a byte that tells which of its eight bytes are not zero,
// then these; after a word of zeros the count of further such words, after a word without any the
// count of words that follow as they are.
#include <algorithm>
#include <array>
#include <cstring>

#include "schemas/codec_internal.h"

namespace tradewind::codec {
namespace {

constexpr std::size_t kWord = sizeof(capnp::word);
constexpr std::size_t kRunMax = 255;

std::uint64_t load(const char* word) {
  std::uint64_t value = 0;
  std::memcpy(&value, word, kWord);
  return value;
}

// The eighth bit of each byte that is zero, since no other's low seven bits carry into it.
std::uint64_t zeros_in(std::uint64_t word) {
  constexpr std::uint64_t low = 0x7f7f7f7f7f7f7f7fULL;
  return ~(((word & low) + low) | word | low);
}

// How many words from `at` on, before `end`, satisfy the predicate, 255 at most.
template <class Predicate>
std::size_t run_of(const char* at, const char* end, Predicate predicate) {
  const std::size_t most = std::min(kRunMax, static_cast<std::size_t>(end - at) / kWord);
  std::size_t words = 0;
  while (words < most && predicate(load(at + words * kWord))) ++words;
  return words;
}

bool is_zero(std::uint64_t word) {
  return word == 0;
}
// Two zeros are worth a tag.
bool is_full(std::uint64_t word) {
  const std::uint64_t zeros = zeros_in(word);
  return (zeros & (zeros - 1)) == 0;
}

// Gives `put` each stretch of the packed form: where it begins and how long it is.
template <class Put>
void pack_into(BytesView flat, Put put) {
  TRADEWIND_ASSERT(flat.size() % kWord == 0);
  const char* at = flat.data();
  const char* const end = at + flat.size();
  while (at != end) {
    std::array<char, kWord + 2> packed;
    std::size_t size = 1;
    unsigned tag = 0;
    for (unsigned i = 0; i < kWord; ++i) {
      const char byte = at[i];
      tag |= static_cast<unsigned>(byte != 0) << i;
      packed[size] = byte;
      size += static_cast<std::size_t>(byte != 0);
    }
    packed[0] = static_cast<char>(tag);
    at += kWord;
    std::size_t copied = 0;
    if (tag == 0) {
      const std::size_t more = run_of(at, end, is_zero);
      packed[size++] = static_cast<char>(more);
      at += more * kWord;
    } else if (tag == 0xffU) {
      copied = run_of(at, end, is_full);
      packed[size++] = static_cast<char>(copied);
    }
    put(packed.data(), size);
    put(at, copied * kWord);
    at += copied * kWord;
  }
}

}  // namespace

Bytes pack(BytesView flat) {
  // A word takes ten bytes at most: its tag, itself, and a count.
  Bytes packed(flat.size() + flat.size() / 4, '\0');
  char* at = packed.data();
  pack_into(flat, [&at](const char* stretch, std::size_t size) {
    std::memcpy(at, stretch, size);
    at += size;
  });
  packed.resize(static_cast<std::size_t>(at - packed.data()));
  return packed;
}

bool is_packed(BytesView message) {
  // Flat, it begins with the count of its segments less one, which is small; packed, with the tag
  // of that count and the first segment's length, which is not zero.
  constexpr unsigned char least_tag = 1U << (kWord / 2);
  return !message.empty() && static_cast<unsigned char>(message.front()) >= least_tag;
}

std::size_t packed_bytes(BytesView flat) {
  std::size_t size = 0;
  // A record's bytes are whole words; what a stranger says is one need not be.
  pack_into(flat.substr(0, flat.size() - flat.size() % kWord),
            [&size](const char* /*stretch*/, std::size_t more) { size += more; });
  return size + flat.size() % kWord;
}

Result<Bytes> unpack(std::string_view name, BytesView packed, std::size_t bytes_max) {
  const auto cut = [name] {
    return fail(ErrorCode::corrupt, std::string(name), "is packed, and ends too early");
  };
  Bytes flat;
  flat.reserve(std::min(2 * packed.size(), bytes_max));
  while (!packed.empty()) {
    const auto tag = static_cast<unsigned char>(packed.front());
    packed.remove_prefix(1);
    std::array<char, kWord> word{};
    for (std::size_t i = 0; i < kWord; ++i) {
      if ((tag >> i & 1U) == 0) continue;
      if (packed.empty()) return cut();
      word[i] = packed.front();
      packed.remove_prefix(1);
    }
    std::size_t run = 0;
    if (tag == 0 || tag == 0xffU) {
      if (packed.empty()) return cut();
      run = kWord * static_cast<unsigned char>(packed.front());
      packed.remove_prefix(1);
      if (tag == 0xffU && packed.size() < run) return cut();
    }
    if (flat.size() + kWord + run > bytes_max) {
      return fail(ErrorCode::too_large, std::string(name),
                  "unpacks to more than the limit of " + std::to_string(bytes_max));
    }
    flat.append(word.data(), kWord);
    if (tag == 0) {
      flat.append(run, '\0');
    } else {
      flat.append(packed.substr(0, run));
      packed.remove_prefix(run);
    }
  }
  return flat;
}

}  // namespace tradewind::codec
