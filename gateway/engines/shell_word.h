// One word of a shell's command.
#pragma once

#include <string>
#include <string_view>

namespace tradewind {

inline std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char each : text) {
    if (each == '\'') {
      word += "'\\''";
    } else {
      word += each;
    }
  }
  return word + "'";
}

}  // namespace tradewind
