// The frame around every message: size, alignment, limits, and the words of refusals.
#include "schemas/codec_internal.h"
// The shim in there must come before other headers of kj.
#include <kj/io.h>

#include <cstring>
#include <memory>

namespace tradewind::codec {
namespace {

// Every record, and nearly every other message, fits into one first segment; a larger message goes
// on in further segments, and what is written where depends on the value alone.
constexpr std::size_t kFirstSegmentWords = 16 * 1024;
static_assert(kFirstSegmentWords * sizeof(capnp::word) >= 2 * limits::site_record_bytes_max);

kj::ArrayPtr<capnp::word> first_segment() {
  // A builder needs zeros, and leaves zeros behind.
  thread_local const std::unique_ptr<capnp::word[]> words(new capnp::word[kFirstSegmentWords]());
  return kj::arrayPtr(words.get(), kFirstSegmentWords);
}

class BytesStream final : public kj::OutputStream {
 public:
  explicit BytesStream(Bytes& bytes) : bytes_(bytes) {}
  void write(const void* buffer, std::size_t size) override {
    bytes_.append(static_cast<const char*>(buffer), size);
  }

 private:
  Bytes& bytes_;
};

}  // namespace

void broken(std::string_view field, std::string message) {
  throw Broken{Error{ErrorCode::corrupt, std::string(field), std::move(message), {}}};
}

void over_limit(std::string_view field, std::size_t size, std::size_t limit) {
  throw Broken{Error{
      ErrorCode::too_large,
      std::string(field),
      "has a size of " + std::to_string(size) + ", over the limit of " + std::to_string(limit),
      {}}};
}

void unknown_kind(std::string_view field, unsigned kind) {
  throw Broken{Error{ErrorCode::corrupt, std::string(field),
                     "is of kind " + std::to_string(kind) + ", which this version does not know",
                     "the sender may run a newer version; upgrade this node"}};
}

Building::Building() : message_(first_segment()) {}

Bytes Building::finish() {
  Bytes bytes;
  bytes.reserve(capnp::computeSerializedSizeInWords(message_) * sizeof(capnp::word));
  BytesStream stream(bytes);
  capnp::writeMessage(stream, message_);
  return bytes;
}

Words::Words(BytesView bytes) {
  const std::size_t count = bytes.size() / sizeof(capnp::word);
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(std::uint64_t) == 0) {
    array_ = kj::arrayPtr(reinterpret_cast<const capnp::word*>(bytes.data()), count);
    return;
  }
  copy_ = kj::heapArray<capnp::word>(count);
  std::memcpy(copy_.begin(), bytes.data(), count * sizeof(capnp::word));
  array_ = copy_;
}

Status check_size(std::string_view name, BytesView bytes, std::size_t bytes_max) {
  if (bytes.size() > bytes_max) {
    return fail(ErrorCode::too_large, std::string(name),
                "has " + std::to_string(bytes.size()) + " bytes, over the limit of " +
                    std::to_string(bytes_max));
  }
  if (bytes.empty() || bytes.size() % sizeof(capnp::word) != 0) {
    return fail(ErrorCode::corrupt, std::string(name),
                "has " + std::to_string(bytes.size()) + " bytes, which no message has");
  }
  return ok();
}

capnp::ReaderOptions reader_options(std::size_t bytes) {
  // Far pointers and list tags are charged besides what they lead to, hence twice.
  return capnp::ReaderOptions{2 * (bytes / sizeof(capnp::word)) + 64, limits::decode_nesting_max};
}

Error malformed(std::string_view name, std::string_view description) {
  return Error{ErrorCode::corrupt,
               std::string(name),
               "is malformed: " + std::string(description.substr(0, 200)),
               {}};
}

std::int64_t in_range(std::string_view field, std::int64_t value, std::int64_t low,
                      std::int64_t high) {
  if (value < low || value > high) {
    broken(field, std::to_string(value) + " is outside " + std::to_string(low) + " to " +
                      std::to_string(high));
  }
  return value;
}

void check_at_most(std::string_view field, std::uint64_t value, std::uint64_t high) {
  if (value > high) {
    broken(field, std::to_string(value) + " is over the limit of " + std::to_string(high));
  }
}

Wall::time_point read_time(std::string_view field, std::int64_t micros) {
  constexpr std::int64_t year_10000 = 253'402'300'800'000'000;
  return Wall::time_point(Wall::duration(in_range(field, micros, 0, year_10000 - 1)));
}

unsigned list_size(std::size_t size) {
  TRADEWIND_ASSERT(size < (1U << 29));
  return static_cast<unsigned>(size);
}

}  // namespace tradewind::codec
