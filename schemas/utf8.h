// Reading UTF-8 as RFC 3629 has it: shortest form, no surrogates, nothing above U+10FFFF.
#pragma once

#include <optional>
#include <string_view>

namespace tradewind {

// Takes one code point off the front of `text`, which must not be empty. Nothing, and nothing
// taken, when what stands there is none.
std::optional<char32_t> take_code_point(std::string_view& text);

}  // namespace tradewind
