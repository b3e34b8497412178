#include "broker/cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "broker/cli/table.h"

namespace tradewind::cli {
namespace {

constexpr std::size_t kWidthDefault = 80;
constexpr std::chrono::seconds kProgressAfter{2};
constexpr std::chrono::milliseconds kProgressInterval{200};

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string printable(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) text[i] = '?';
    const bool may_be_c1 = byte == 0xC2 && i + 1 < text.size();
    if (may_be_c1 && (static_cast<unsigned char>(text[i + 1]) & 0xE0U) == 0x80) {
      text.replace(i, 2, "?");
    }
  }
  return text;
}

Style Style::of_output() {
  Style style;
  if (::isatty(STDOUT_FILENO) != 1) return style;
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  style.width = known ? size.ws_col : kWidthDefault;
  style.height = known ? size.ws_row : 0;
  style.colour = variable("NO_COLOR").empty() && variable("TERM") != "dumb";
  return style;
}

std::string coloured(std::string_view text, Colour colour, const Style& style) {
  if (!style.colour) return std::string(text);
  constexpr std::array<int, 6> codes = {1, 2, 31, 32, 33, 36};
  return fmt::format("\033[{}m{}\033[0m", codes.at(static_cast<std::size_t>(colour)), text);
}

std::string coloured_state(std::string_view text, std::string_view word, const Style& style) {
  constexpr std::array<std::pair<std::string_view, Colour>, 15> colours = {{
      {"succeeded", Colour::green},
      {"active", Colour::green},
      {"valid", Colour::green},
      {"failed", Colour::red},
      {"unroutable", Colour::red},
      {"quarantined", Colour::red},
      {"locked", Colour::red},
      {"revoked", Colour::red},
      {"canceled", Colour::yellow},
      {"suspended", Colour::yellow},
      {"draining", Colour::yellow},
      {"silent", Colour::yellow},
      {"expired", Colour::yellow},
      {"running", Colour::cyan},
      {"queued", Colour::dim},
  }};
  for (const auto& [name, colour] : colours) {
    if (name == word) return coloured(text, colour, style);
  }
  return std::string(text);
}

Progress::Progress(std::string what, std::uint64_t total)
    : what_(std::move(what)),
      total_(total),
      terminal_(::isatty(STDERR_FILENO) == 1),
      next_(began_ + kProgressAfter) {}

Progress::~Progress() {
  if (drawn_) std::cerr << "\r\033[K" << std::flush;
}

void Progress::at(std::uint64_t done) {
  if (!terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + kProgressInterval;
  drawn_ = true;
  const auto took = std::chrono::duration_cast<std::chrono::seconds>(now - began_);
  std::cerr << '\r' << progress_line(what_, done, total_, took) << "\033[K" << std::flush;
}

std::string progress_line(std::string_view what, std::uint64_t done, std::uint64_t total,
                          std::chrono::seconds took) {
  const std::string of =
      total == 0 ? "" : fmt::format(" of {} ({} %)", total, std::min(done, total) * 100 / total);
  return fmt::format("{}: {}{}, {}", what, done, of, duration(took.count()));
}

}  // namespace tradewind::cli
