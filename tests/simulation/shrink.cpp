#include "tests/simulation/shrink.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <optional>

#include "tests/simulation/span.h"

namespace tradewind::simulation {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// The least of the list that still fails, to within one: no single one of what is left can go.
template <class T>
std::vector<T> least(std::vector<T> list, const std::function<bool(const std::vector<T>&)>& fails) {
  std::size_t parts = 2;
  while (!list.empty()) {
    parts = std::min(parts, list.size());
    bool smaller = false;
    // Without one part of it. (With one part alone is found this way as well, only later.)
    for (std::size_t part = 0; part < parts && !smaller; ++part) {
      const auto begin = static_cast<std::ptrdiff_t>(list.size() * part / parts);
      const auto end = static_cast<std::ptrdiff_t>(list.size() * (part + 1) / parts);
      std::vector<T> rest(list.begin(), list.begin() + begin);
      rest.insert(rest.end(), list.begin() + end, list.end());
      if (!fails(rest)) continue;
      list = std::move(rest);
      parts = std::max<std::size_t>(parts - 1, 2);
      smaller = true;
    }
    if (smaller) continue;
    if (parts == list.size()) break;
    parts *= 2;
  }
  return list;
}

class Shrinking {
 public:
  Shrinking(const Failure& failure, const MakeStage& make, const std::function<bool()>& again)
      : least_(failure), invariant_(invariant_of(failure.violation)), make_(make), again_(again) {}

  Failure shrink() {
    // What the given run did may hang on what is not in its commands.
    if (!fails(least_)) return least_;
    // Each step opens ways for those before it; a second round is cheap.
    for (int round = 0; round < 2; ++round) {
      fewer_commands();
      fewer_options();
      smaller_options();
      fewer_words();
      rounder_times();
    }
    return least_;
  }

 private:
  // Runs it, and keeps it when it violates the invariant.
  bool fails(Failure tried) {
    if (!again_()) return false;
    auto stage = make_(joined(tried.options));
    if (!stage) return false;
    Micros now = 0;
    for (const TimedCommand& each : tried.commands) {
      if (each.at > now) (*stage)->advance(each.at - now);
      now = std::max(now, each.at);
      if ((*stage)->violation()) break;
      if (!(*stage)->apply(each.command)) return false;
    }
    if (tried.end > now) (*stage)->advance(tried.end - now);
    if (!(*stage)->violation()) (*stage)->finish();
    const auto violation = (*stage)->violation();
    if (!violation || invariant_of(*violation) != invariant_) return false;
    tried.violation = *violation;
    least_ = std::move(tried);
    return true;
  }

  void fewer_commands() {
    least<TimedCommand>(least_.commands, [this](const std::vector<TimedCommand>& commands) {
      Failure tried = least_;
      tried.commands = commands;
      return fails(tried);
    });
  }

  void fewer_options() {
    least<std::string>(least_.options, [this](const std::vector<std::string>& options) {
      Failure tried = least_;
      tried.options = options;
      return fails(tried);
    });
  }

  // sites=5: 1, 2…
  void smaller_options() {
    for (std::size_t i = 0; i < least_.options.size(); ++i) {
      const std::string word = least_.options[i];
      const std::size_t begin = word.find('=') + 1;
      std::uint32_t count = 0;
      const auto read = std::from_chars(word.data() + begin, word.data() + word.size(), count);
      constexpr std::uint32_t kMany = 32;
      if (begin == 0 || read.ptr != word.data() + word.size() || count > kMany) continue;
      for (std::uint32_t smaller = 1; smaller < count; ++smaller) {
        Failure tried = least_;
        tried.options[i] = word.substr(0, begin) + std::to_string(smaller);
        if (fails(tried)) break;
      }
    }
  }

  // priority=2 of a submission.
  void fewer_words() {
    for (std::size_t i = 0; i < least_.commands.size(); ++i) {
      const std::vector<std::string> words = words_of(least_.commands[i].command);
      std::vector<std::string> optional(words.begin() + 1, words.end());
      least<std::string>(optional, [&](const std::vector<std::string>& rest) {
        Failure tried = least_;
        tried.commands[i].command = joined(rest).insert(0, words[0] + (rest.empty() ? "" : " "));
        return fails(tried);
      });
    }
  }

  // Each command, and the end, nearer to the one before it, or a rounder time after it; those that
  // follow stay or move with it.
  void rounder_times() {
    for (std::size_t i = 0; i <= least_.commands.size(); ++i) {
      const Micros before = i == 0 ? 0 : least_.commands[i - 1].at;
      const Micros wait =
          (i == least_.commands.size() ? least_.end : least_.commands[i].at) - before;
      std::vector<Micros> waits = {0, kSecond, 10 * kSecond, 60 * kSecond};
      std::erase_if(waits, [&](Micros each) { return each >= wait; });
      for (const Micros unit : {60 * kSecond, 10 * kSecond, kSecond, 100 * kMillisecond,
                                10 * kMillisecond, kMillisecond}) {
        if (wait % unit == 0) break;
        if (wait > unit) waits.push_back(wait / unit * unit);
        waits.push_back(wait / unit * unit + unit);
      }
      for (const Micros each : waits) {
        if (wait > 0 && (move(i, each - wait, false) || move(i, each - wait, true))) break;
      }
    }
  }
  bool move(std::size_t first, Micros by, bool all) {
    Failure tried = least_;
    const std::size_t count = tried.commands.size();
    for (std::size_t i = first; i < (all ? count : std::min(first + 1, count)); ++i) {
      tried.commands[i].at += by;
    }
    if (all || first == count) tried.end += by;
    const bool in_order =
        first + 1 >= count || tried.commands[first].at <= tried.commands[first + 1].at;
    return in_order && fails(tried);
  }

  Failure least_;
  std::string invariant_;
  const MakeStage& make_;
  const std::function<bool()>& again_;
};

}  // namespace

std::string invariant_of(std::string_view violation) {
  for (std::size_t i = violation.find('I'); i != std::string_view::npos;
       i = violation.find('I', i + 1)) {
    std::size_t end = i + 1;
    while (end < violation.size() &&
           std::isdigit(static_cast<unsigned char>(violation[end])) != 0) {
      ++end;
    }
    const bool at_word = i == 0 || violation[i - 1] == ' ';
    if (at_word && end > i + 1 && end < violation.size() && violation[end] == ':') {
      return std::string(violation.substr(i, end - i));
    }
  }
  return {};
}

Failure shrink(const Failure& failure, const MakeStage& make, const std::function<bool()>& again) {
  return Shrinking(failure, make, again).shrink();
}

std::string to_scenario(std::string_view title, const Failure& failure) {
  std::string text = "# " + std::string(title) + "\n# It violated " + failure.violation + "\n" +
                     "federation " + joined(failure.options) + "\nshow\n\n";
  Micros now = 0;
  for (const TimedCommand& each : failure.commands) {
    if (each.at > now) text += "advance " + span_text(each.at - now) + '\n';
    now = std::max(now, each.at);
    text += each.command + '\n';
  }
  if (failure.end > now) text += "advance " + span_text(failure.end - now) + '\n';
  return text + "finish\n----\n";
}

}  // namespace tradewind::simulation
