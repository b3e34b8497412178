#include "broker/jobs/record_compressor.h"

#include <cstdint>
#include <cstring>

#include "schemas/assert.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

// Some thirty records. More finds little more, and what is looked up in must stay near.
constexpr std::size_t kDictionaryBytes = 16'384;

// Before the body: the length that it expands to, or this for one that is as it was.
constexpr std::uint32_t kPlain = 0;
using Length = std::uint32_t;
static_assert(limits::job_record_bytes_max <= LZ4_MAX_INPUT_SIZE);

Bytes with_length(Length length, std::size_t body_bytes) {
  Bytes bytes(sizeof length + body_bytes, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes;
}

}  // namespace

void RecordCompressor::learn(BytesView plain) {
  dictionary_.reserve(kDictionaryBytes);
  dictionary_ += plain.substr(0, kDictionaryBytes - dictionary_.size());
  if (dictionary_.size() < kDictionaryBytes) return;
  full_ = true;
  LZ4_initStream(&learnt_, sizeof learnt_);
  LZ4_loadDict(&learnt_, dictionary_.data(), static_cast<int>(dictionary_.size()));
}

Bytes RecordCompressor::compress(BytesView plain) {
  TRADEWIND_ASSERT(!plain.empty() && plain.size() <= limits::job_record_bytes_max);
  if (!full_) {
    learn(plain);
    Bytes bytes = with_length(kPlain, 0);
    bytes += plain;
    return bytes;
  }
  const int length = static_cast<int>(plain.size());
  const int bound = LZ4_compressBound(length);
  Bytes bytes = with_length(static_cast<Length>(plain.size()), static_cast<std::size_t>(bound));
  // A copy of what was learnt costs far less than to learn it again.
  LZ4_stream_t stream = learnt_;
  const int made = LZ4_compress_fast_continue(&stream, plain.data(), bytes.data() + sizeof(Length),
                                              length, bound, 1);
  TRADEWIND_ASSERT(made > 0);
  bytes.resize(sizeof(Length) + static_cast<std::size_t>(made));
  return bytes;
}

Bytes RecordCompressor::expand(BytesView compressed) const {
  TRADEWIND_ASSERT(compressed.size() >= sizeof(Length));
  Length length = 0;
  std::memcpy(&length, compressed.data(), sizeof length);
  const BytesView body = compressed.substr(sizeof length);
  if (length == kPlain) return Bytes(body);
  Bytes plain(length, '\0');
  const int made = LZ4_decompress_safe_usingDict(
      body.data(), plain.data(), static_cast<int>(body.size()), static_cast<int>(plain.size()),
      dictionary_.data(), static_cast<int>(dictionary_.size()));
  TRADEWIND_ASSERT(made == static_cast<int>(length));
  return plain;
}

}  // namespace tradewind
