#include "tests/simulation/command.h"

#include <algorithm>
#include <utility>

#include "tests/simulation/span.h"

namespace tradewind::simulation {

Command::Command(std::string_view text) {
  while (!text.empty()) {
    const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(begin);
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    const std::size_t equals = word.find('=');
    if (word.empty()) continue;
    if (equals == std::string_view::npos) {
      words_.emplace_back(word);
    } else if (!values_.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
      bad_ = word;
    }
  }
}

std::string Command::word() {
  if (words_.empty()) return {};
  std::string first = std::move(words_.front());
  words_.erase(words_.begin());
  return first;
}

bool Command::has(std::string_view word) {
  const auto found = std::find(words_.begin(), words_.end(), word);
  if (found == words_.end()) return false;
  words_.erase(found);
  return true;
}

std::string Command::text(std::string_view key) {
  const auto found = values_.find(key);
  if (found == values_.end()) return {};
  std::string value = std::move(found->second);
  values_.erase(found);
  if (value.empty()) bad_ = std::string(key) + '=';
  return value;
}

Micros Command::span(std::string_view key, Micros otherwise) {
  const std::string value = text(key);
  if (value.empty()) return otherwise;
  const auto span = read_span(value);
  if (!span) bad_ = std::string(key) + '=' + value;
  return span.value_or(otherwise);
}

std::int64_t Command::number(std::string_view key, std::int64_t otherwise, std::int64_t most) {
  const std::string value = text(key);
  if (value.empty()) return otherwise;
  const auto number = read_number(value);
  if (!number || *number > most || *number < -most) {
    bad_ = std::string(key) + '=' + value;
    return otherwise;
  }
  return *number;
}

std::vector<std::string> Command::list(std::string_view key) {
  const std::string value = text(key);
  std::vector<std::string> items;
  for (std::size_t begin = 0; begin < value.size();) {
    const std::size_t end = std::min(value.find(',', begin), value.size());
    items.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

Status Command::unused() const {
  if (bad_) return not_understood(*bad_);
  if (!words_.empty()) return not_understood(words_.front());
  if (!values_.empty()) {
    return not_understood(values_.begin()->first + '=' + values_.begin()->second);
  }
  return ok();
}

tl::unexpected<Error> not_understood(std::string_view word, std::string remedy) {
  return fail(
      ErrorCode::invalid, "command", '\'' + std::string(word) + "' is not understood",
      remedy.empty() ? "the words are those of tests/simulation/stage.h" : std::move(remedy));
}

}  // namespace tradewind::simulation
