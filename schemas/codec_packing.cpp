// Cap'n Proto's packing: for each word a byte that tells which of its eight bytes are not zero,
// then these; after a word of zeros the count of further such words, after a word without any the
// count of words that follow as they are.
#include <algorithm>
#include <array>

#include "schemas/codec_internal.h"

namespace tradewind::codec {
namespace {

constexpr std::size_t kWord = sizeof(capnp::word);
constexpr std::size_t kRunMax = 255;

std::size_t zeros_in(BytesView word) {
  return static_cast<std::size_t>(std::count(word.begin(), word.end(), '\0'));
}

// How many words from the start of `rest` satisfy the predicate, 255 at most.
template <class Predicate>
std::size_t run_of(BytesView rest, Predicate predicate) {
  std::size_t words = 0;
  while (words < kRunMax && (words + 1) * kWord <= rest.size() &&
         predicate(zeros_in(rest.substr(words * kWord, kWord)))) {
    ++words;
  }
  return words;
}

bool all(std::size_t zeros) {
  return zeros == kWord;
}
// Two zeros are worth a tag.
bool few(std::size_t zeros) {
  return zeros < 2;
}

// Gives `put` each stretch of the packed form.
template <class Put>
void pack_into(BytesView flat, Put put) {
  TRADEWIND_ASSERT(flat.size() % kWord == 0);
  while (!flat.empty()) {
    const BytesView word = flat.substr(0, kWord);
    flat.remove_prefix(kWord);
    std::array<char, kWord + 2> packed{};
    std::size_t size = 1;
    unsigned tag = 0;
    for (std::size_t i = 0; i < kWord; ++i) {
      if (word[i] == '\0') continue;
      tag |= 1U << i;
      packed[size++] = word[i];
    }
    packed[0] = static_cast<char>(tag);
    std::size_t copied = 0;
    if (tag == 0) {
      const std::size_t more = run_of(flat, all);
      packed[size++] = static_cast<char>(more);
      flat.remove_prefix(more * kWord);
    } else if (tag == 0xffU) {
      copied = run_of(flat, few);
      packed[size++] = static_cast<char>(copied);
    }
    put(BytesView(packed.data(), size));
    put(flat.substr(0, copied * kWord));
    flat.remove_prefix(copied * kWord);
  }
}

}  // namespace

Bytes pack(BytesView flat) {
  Bytes packed;
  packed.reserve(flat.size());
  pack_into(flat, [&packed](BytesView stretch) { packed.append(stretch); });
  return packed;
}

std::size_t packed_bytes(BytesView flat) {
  std::size_t size = 0;
  // A record's bytes are whole words; what a stranger says is one need not be.
  pack_into(flat.substr(0, flat.size() - flat.size() % kWord),
            [&size](BytesView stretch) { size += stretch.size(); });
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
