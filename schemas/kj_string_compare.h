// To be included before any header of Cap'n Proto, and forced into its generated code: kj 0.9 hides
// two comparisons once the compiler has <=>, and clang from 16 on refuses what it would use in
// their place.
#pragma once

#include <kj/string.h>

namespace kj {
inline bool operator==(const char* a, const StringPtr& b) {
  return b == StringPtr(a);
}
inline bool operator!=(const char* a, const StringPtr& b) {
  return !(b == StringPtr(a));
}
}  // namespace kj
