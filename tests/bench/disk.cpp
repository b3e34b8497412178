// How many small synced appends a second the disk takes: the floor under every durable figure. Prints one JSON line.
//
//   bench_disk FOLDER SECONDS
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s FOLDER SECONDS\n", argv[0]);
    return 2;
  }
  using Clock = std::chrono::steady_clock;
  const std::string file = std::string(argv[1]) + "/bench_disk.tmp";
  const double seconds = std::atof(argv[2]);
  const int fd = ::open(file.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_APPEND, 0600);
  if (fd < 0) {
    std::perror(file.c_str());
    return 1;
  }
  const std::string block(400, 'x');
  std::vector<double> rates;
  for (int round = 0; round < 5; ++round) {
    const auto start = Clock::now();
    const auto end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds / 5));
    std::size_t count = 0;
    for (; Clock::now() < end; ++count) {
      if (::write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size()) || ::fdatasync(fd) != 0) {
        std::perror(file.c_str());
        return 1;
      }
    }
    rates.push_back(static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - start).count());
  }
  ::close(fd);
  ::unlink(file.c_str());
  std::sort(rates.begin(), rates.end());
  std::printf("{\"metric\": \"fdatasync of 400 B\", \"value\": %.0f, \"unit\": \"1/s\", "
              "\"spread\": [%.0f, %.0f], \"goal\": null, \"holds\": null}\n",
              rates[2], rates.front(), rates.back());
  return 0;
}
