// One figure of a benchmark over five rounds, printed as a JSON line that tests/bench/run reads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>

namespace tradewind::bench {

inline constexpr int rounds = 5;

class Figure {
 public:
  void add(double value) { values_[count_++] = value; }
  double median() {
    std::ranges::sort(values_);
    return values_[rounds / 2];
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

  std::array<double, rounds> values_{};
  std::size_t count_ = 0;
};

}  // namespace tradewind::bench
