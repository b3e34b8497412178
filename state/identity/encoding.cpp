#include "state/identity/encoding.h"

#include <cstdint>

namespace tradewind {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kPlain =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(BytesView bytes, std::string_view alphabet, bool padded) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t held = 0;
  int bits = 0;
  for (const char each : bytes) {
    held = (held << 8) | static_cast<unsigned char>(each);
    for (bits += 8; bits >= 6; bits -= 6) text += alphabet[(held >> (bits - 6)) & 63U];
  }
  if (bits > 0) text += alphabet[(held << (6 - bits)) & 63U];
  while (padded && text.size() % 4 != 0) text += '=';
  return text;
}

tl::unexpected<Error> not_text_of(std::string_view field, std::string_view form,
                                  std::string_view why, std::size_t length) {
  return fail(ErrorCode::invalid, std::string(field),
              "the " + std::to_string(length) + " characters given are no " + std::string(form) +
                  ": " + std::string(why),
              "copy it again, whole and without spaces");
}

Result<Bytes> decode(std::string_view field, std::string_view text, std::string_view alphabet,
                     bool padded) {
  const std::string_view form = padded ? "base64" : "base64url";
  const std::size_t length = text.size();
  if (padded) {
    if (length % 4 != 0)
      return not_text_of(field, form, "the length is not a multiple of 4", length);
    for (int pads = 0; pads < 2 && text.ends_with('='); ++pads) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return not_text_of(field, form, "the end is missing", length);
  Bytes bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t held = 0;
  int bits = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t digit = alphabet.find(text[at]);
    if (digit == std::string_view::npos) {
      return not_text_of(field, form, "character " + std::to_string(at + 1) + " is not of it",
                         length);
    }
    held = (held << 6) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>((held >> bits) & 0xffU);
    }
  }
  // Bits beyond the last whole byte must be zero, or two texts would mean the same bytes.
  if ((held & ((1U << bits) - 1U)) != 0)
    return not_text_of(field, form, "its last character has bits left over", length);
  return bytes;
}

}  // namespace

std::string hex(BytesView bytes) {
  std::string text(bytes.size() * 2, '0');
  auto at = text.begin();
  for (const char each : bytes) {
    *at++ = kHex[static_cast<unsigned char>(each) >> 4];
    *at++ = kHex[static_cast<unsigned char>(each) & 15U];
  }
  return text;
}

std::string base64_encode(BytesView bytes) {
  return encode(bytes, kPlain, true);
}
std::string base64url_encode(BytesView bytes) {
  return encode(bytes, kUrl, false);
}

Result<Bytes> hex_decode(std::string_view field, std::string_view text) {
  if (text.size() % 2 != 0)
    return not_text_of(field, "lower-case hexadecimal", "the length is odd", text.size());
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t at = 0; at < text.size(); at += 2) {
    const std::size_t high = kHex.find(text[at]);
    const std::size_t low = kHex.find(text[at + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      return not_text_of(field, "lower-case hexadecimal",
                         "character " +
                             std::to_string(at + (high == std::string_view::npos ? 1 : 2)) +
                             " is not of it",
                         text.size());
    }
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

Result<Bytes> base64_decode(std::string_view field, std::string_view text) {
  return decode(field, text, kPlain, true);
}
Result<Bytes> base64url_decode(std::string_view field, std::string_view text) {
  return decode(field, text, kUrl, false);
}

}  // namespace tradewind
