// Writes decisions with all that they rest on, or routes again what another build has written.
//
//   routing_replay write FILE CASES
//   routing_replay check FILE
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/unit/routing/replay.h"

namespace {

int failed(const tradewind::Error& error) {
  std::fprintf(stderr, "%s\n", tradewind::describe(error).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  if (what == "write" && argc == 4) {
    const auto bytes = tradewind::replay::written(std::strtoull(argv[3], nullptr, 10));
    if (!bytes) return failed(bytes.error());
    std::ofstream file(argv[2], std::ios::binary);
    file << *bytes;
    return file.flush() ? 0 : 1;
  }
  if (what == "check" && argc == 3) {
    std::ifstream file(argv[2], std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    const auto count = tradewind::replay::replayed(bytes);
    if (!count) return failed(count.error());
    std::printf("%zu\n", *count);
    return 0;
  }
  std::fprintf(stderr, "usage: %s write FILE CASES | check FILE\n", argv[0]);
  return 2;
}
