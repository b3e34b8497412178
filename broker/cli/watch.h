// `--watch`: the same again and again.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>

#include "broker/cli/context.h"
#include "broker/cli/table.h"

namespace tradewind::cli {

// One look at something.
struct View {
  boost::json::value value;  // for programs
  Table table;               // for people
  std::string none;          // what they are told when the table is empty
  std::string below;         // and below it
};
using Look = std::function<Result<View>()>;

// Prints it.
void show(const Context& context, const View& view);
// Looks every second, without end: draws it anew on a terminal; else prints it once and then a line
// for each row that has changed; with --output json a line of JSON each time. Where nobody answers
// for a while it goes on when somebody does.
void watch(Context& context, const Look& look);
// Once, or by watching.
void show_or_watch(Context& context, bool watched, const Look& look);

// The lines that fit on a screen of so many; the last one then tells how many do not.
std::string fit_to_height(const std::string& text, std::size_t lines);

}  // namespace tradewind::cli
