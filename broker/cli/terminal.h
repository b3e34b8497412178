// What the terminal can show: its width, colours, and how far long work is.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tradewind::cli {

// How text for people is laid out.
struct Style {
  std::size_t width = 0;   // columns; 0: without end
  std::size_t height = 0;  // lines; 0: without end
  bool colour = false;

  // As standard output is now: a terminal has a width, and colours unless NO_COLOR is set to
  // something or TERM is "dumb"; a file or pipe has neither.
  static Style of_output();
};

// The text with '?' for what terminals obey: control characters, those of two bytes among them.
std::string printable(std::string text);

enum class Colour { bold, dim, red, green, yellow, cyan };
// The text in that colour, or as it is.
std::string coloured(std::string_view text, Colour colour, const Style& style);
// "succeeded" is green, "failed" red, and so on; a word that has no colour stays as it is.
std::string coloured_state(std::string_view text, std::string_view word, const Style& style);

// How far long work is, on one line of standard error that is drawn anew; only on a terminal, and
// only once the work has taken two seconds.
class Progress {
 public:
  // `total` 0: not known.
  Progress(std::string what, std::uint64_t total);
  // Takes the line away.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void at(std::uint64_t done);

 private:
  const std::string what_;
  const std::uint64_t total_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_;
  bool drawn_ = false;
};
// "jobs sent: 1200 of 5000 (24 %), 10s".
std::string progress_line(std::string_view what, std::uint64_t done, std::uint64_t total,
                          std::chrono::seconds took);

}  // namespace tradewind::cli
