// How the benchmarks written in C++ take times and print what they saw: JSON lines for
// tests/bench/run.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

namespace tradewind::bench {

using Clock = std::chrono::steady_clock;

inline constexpr int kRounds = 5;

// Five rounds of one figure.
class Figure {
 public:
  void add(double value) { values_[count_++] = value; }
  double median() {
    std::ranges::sort(values_);
    return values_[kRounds / 2];
  }
  // `goal` is the most that it may be.
  void print(const std::string& metric, const char* unit, std::optional<double> goal = {}) {
    print(metric, unit, "<=", goal, !goal || median() <= *goal);
  }
  // `goal` is the least that it may be.
  void print_rate(const std::string& metric, const char* unit, double goal) {
    print(metric, unit, ">=", goal, median() >= goal);
  }

 private:
  void print(const std::string& metric, const char* unit, const char* relation,
             std::optional<double> goal, bool holds) {
    const double value = median();
    std::printf(
        "{\"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", \"spread\": [%.3f, %.3f], ",
        metric.c_str(), value, unit, values_.front(), values_.back());
    if (goal) {
      std::printf("\"goal\": \"%s %.10g\", \"holds\": %s}\n", relation, *goal,
                  holds ? "true" : "false");
    } else {
      std::printf("\"goal\": null, \"holds\": null}\n");
    }
    std::fflush(stdout);
  }

  std::array<double, kRounds> values_{};
  std::size_t count_ = 0;
};

inline double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

// Of this process.
inline std::uint64_t resident_bytes() {
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%lu %lu", &pages, &resident) != 2) {
    fail("no /proc/self/statm");
  }
  std::fclose(file);
  return resident * 4'096;
}

}  // namespace tradewind::bench
