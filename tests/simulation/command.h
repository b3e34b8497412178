// A command as words: "kill s1 before=granted wipe" is kill, s1 and wipe, with before=granted.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"
#include "tests/simulation/scheduler.h"

namespace tradewind::simulation {

class Command {
 public:
  explicit Command(std::string_view text);

  // Each is asked for once; `unused` then names what nobody asked for.
  std::string word();                      // the next that has no '='; empty: none is left
  bool has(std::string_view word);         // a word without '=', wherever it stands
  std::string text(std::string_view key);  // empty: not given
  Micros span(std::string_view key, Micros otherwise);
  std::int64_t number(std::string_view key, std::int64_t otherwise, std::int64_t most);
  std::vector<std::string> list(std::string_view key);  // at commas

  // The first word that is not understood.
  Status unused() const;

 private:
  std::vector<std::string> words_;
  std::map<std::string, std::string, std::less<>> values_;
  std::optional<std::string> bad_;
};

// The error of a word that is not understood.
tl::unexpected<Error> not_understood(std::string_view word, std::string remedy = {});

}  // namespace tradewind::simulation
