// Cap'n Proto's packing, https://capnproto.org/encoding.html#packing, of encoded messages that
// leave by a narrow way or lie in memory for long. In codec_packing.cpp. Any thread.
#pragma once

#include <cstddef>
#include <string_view>

#include "schemas/result.h"

namespace tradewind::codec {

// Of whole words, as each encoded message is.
Bytes pack(BytesView flat);
// Fails, naming `name`, when the bytes end early or would come to more than `bytes_max`; never
// allocates more.
Result<Bytes> unpack(std::string_view name, BytesView packed, std::size_t bytes_max);
// Whether an encoded message is packed and not flat, for those of which both are about.
bool is_packed(BytesView message);
// What pack() makes of them, without making it.
std::size_t packed_bytes(BytesView flat);

}  // namespace tradewind::codec
