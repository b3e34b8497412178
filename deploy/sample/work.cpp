// A small real program for the sample workload, built for two architectures. It reads a data file, does integer work
// on its lines and prints a result that is the same on every machine.
//
//   work FILE INDEX COUNT ROUNDS    works on the lines whose number modulo COUNT is INDEX;
//                                   "array" as INDEX takes the task's own from TRADEWIND_ARRAY_INDEX
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s FILE INDEX COUNT ROUNDS\n", argv[0]);
    return 2;
  }
  std::ifstream file(argv[1]);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", argv[1]);
    return 1;
  }
  const char* const task = std::getenv("TRADEWIND_ARRAY_INDEX");
  const bool of_array = std::string(argv[2]) == "array" && task != nullptr;
  const std::uint64_t index = std::strtoull(of_array ? task : argv[2], nullptr, 10);
  const std::uint64_t count = std::strtoull(argv[3], nullptr, 10);
  const std::uint64_t rounds = std::strtoull(argv[4], nullptr, 10);
  if (count == 0) return 2;

  std::uint64_t lines = 0;
  std::uint64_t number = 0;
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (std::string line; std::getline(file, line); ++number) {
    if (number % count != index) continue;
    ++lines;
    for (std::uint64_t round = 0; round < rounds; ++round) {
      for (const char each : line) {
        hash = (hash ^ static_cast<unsigned char>(each)) * 0x100000001b3ULL;
      }
    }
  }
  std::printf("lines %llu hash %016llx\n", static_cast<unsigned long long>(lines),
              static_cast<unsigned long long>(hash));
  return 0;
}
