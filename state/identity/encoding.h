// Bytes as text: hexadecimal (RFC 4648 section 8, but lower case) and base64, plain (section 4) and
// URL-safe without padding (section 5). Decoding is strict: exactly one text decodes to given
// bytes, so that texts may be compared and hashed in place of what they mean. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "schemas/result.h"

namespace tradewind {

std::string hex(BytesView bytes);
std::string base64_encode(BytesView bytes);
std::string base64url_encode(BytesView bytes);

// These fail with ErrorCode::invalid naming `field`. The error never repeats the text, which may be
// secret.
Result<Bytes> hex_decode(std::string_view field, std::string_view text);
Result<Bytes> base64_decode(std::string_view field, std::string_view text);
Result<Bytes> base64url_decode(std::string_view field, std::string_view text);

}  // namespace tradewind
