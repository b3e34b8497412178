// Prints the hashes over the encoded decisions of the first N random cases, and over those of as
// many clearings, to compare builds.
//
//   routing_digest [N]
#include <cstdio>
#include <cstdlib>

#include "tests/unit/routing/digest.h"

int main(int argc, char** argv) {
  if (argc > 2) {
    std::fprintf(stderr, "usage: %s [N]\n", argv[0]);
    return 2;
  }
  const unsigned long long count =
      argc == 2 ? std::strtoull(argv[1], nullptr, 10) : tradewind::digest::cases;
  std::printf("0x%016llx 0x%016llx\n",
              static_cast<unsigned long long>(tradewind::digest::of_decisions(count)),
              static_cast<unsigned long long>(tradewind::digest::of_clearings(count)));
  return 0;
}
