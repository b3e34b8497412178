// Whole numbers as bytes, most significant first.
#pragma once

#include <concepts>

#include "schemas/result.h"

namespace tradewind {

template <std::unsigned_integral Number>
void append_big_endian(Bytes& to, Number number) {
  for (std::size_t at = sizeof(Number); at-- > 0;) to += static_cast<char>(number >> (8 * at));
}

// Of the first bytes, which must be there.
template <std::unsigned_integral Number>
Number read_big_endian(BytesView from) {
  Number number = 0;
  for (std::size_t at = 0; at < sizeof(Number); ++at) {
    number = static_cast<Number>(number << 8) | static_cast<unsigned char>(from[at]);
  }
  return number;
}

}  // namespace tradewind
