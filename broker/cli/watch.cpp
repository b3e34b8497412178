#include "broker/cli/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>
#include <thread>

#include "broker/cli/terminal.h"
#include "schemas/time.h"

namespace tradewind::cli {
namespace {

constexpr std::chrono::seconds kInterval{1};
constexpr int kUnansweredMax = 60;
constexpr std::string_view kClear = "\033[H\033[2J";

std::string for_people(const View& view, const Style& style) {
  return (view.table.empty() ? view.none + "\n" : view.table.render(style)) + view.below;
}

void draw(const View& view) {
  const Style style = Style::of_output();
  const std::string head = coloured(to_rfc3339(system_now().wall), Colour::dim, style);
  std::cout << kClear << fit_to_height(head + "\n" + for_people(view, style), style.height);
}

}  // namespace

std::string fit_to_height(const std::string& text, std::size_t lines) {
  const auto all = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  if (lines < 2 || all < lines) return text;
  std::size_t end = 0;
  const std::size_t kept = lines - 2;  // one tells how many are left out, one has the cursor
  for (std::size_t i = 0; i < kept; ++i) end = text.find('\n', end) + 1;
  return text.substr(0, end) + fmt::format("… {} more lines\n", all - kept);
}

void show(const Context& context, const View& view) {
  context.show(view.value, [&] { std::cout << for_people(view, Style::of_output()); });
}

void watch(Context& context, const Look& look) {
  const bool terminal = Style::of_output().width > 0;
  std::optional<View> before;
  for (int unanswered = 0;;) {
    auto view = look();
    if (!view) {
      if (view.error().code != ErrorCode::unavailable || !before || ++unanswered > kUnansweredMax) {
        return context.report(view.error());
      }
      if (unanswered == 1) std::cerr << "tradewind: " << describe(view.error()) << '\n';
    } else {
      unanswered = 0;
      if (terminal && !context.json) {
        draw(*view);
      } else if (before && !context.json) {
        std::cout << view->table.changes_since(before->table);
      } else {
        show(context, *view);
      }
      std::cout << std::flush;
      before = std::move(*view);
    }
    std::this_thread::sleep_for(kInterval);
  }
}

void show_or_watch(Context& context, bool watched, const Look& look) {
  if (watched) return watch(context, look);
  const auto view = look();
  if (!view) return context.report(view.error());
  show(context, *view);
}

}  // namespace tradewind::cli
