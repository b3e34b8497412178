#include "tests/simulation/scenario.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "tests/simulation/span.h"

namespace tradewind::simulation {
namespace {

constexpr std::string_view kRule = "----";

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string_view first_word(std::string_view line) {
  return line.substr(0, line.find(' '));
}

std::string_view after_first_word(std::string_view line) {
  const std::size_t space = line.find(' ');
  return space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
}

// What a line is shown by: its first word, or at:EVENT and lost:EVENT.
std::string name_of(std::string_view line) {
  const std::string_view verb = first_word(line);
  if (verb == "at")
    return "at:" + std::string(first_word(after_first_word(after_first_word(line))));
  if (verb == "lost") return "lost:" + std::string(first_word(after_first_word(line)));
  return std::string(verb);
}

// Which events are told.
class Filter {
 public:
  void show(std::string_view names) {
    names_.emplace();
    while (!names.empty()) {
      names_->emplace_back(first_word(names));
      names = after_first_word(names);
    }
  }
  bool tells(std::string_view event) const {
    if (!names_) return true;
    const std::string name = name_of(event);
    return std::any_of(names_->begin(), names_->end(), [&](std::string_view shown) {
      if (shown.empty() || shown.back() != '*') return shown == name;
      shown.remove_suffix(1);
      return name.starts_with(shown);
    });
  }

 private:
  std::optional<std::vector<std::string>> names_;
};

// What was expected and what was told, with - and + where they differ: a longest common
// subsequence.
std::string difference(const std::vector<std::string>& expected,
                       const std::vector<std::string>& told) {
  const std::size_t rows = expected.size();
  const std::size_t columns = told.size();
  std::vector<std::vector<std::size_t>> common(rows + 1, std::vector<std::size_t>(columns + 1));
  for (std::size_t i = rows; i-- > 0;) {
    for (std::size_t j = columns; j-- > 0;) {
      common[i][j] = expected[i] == told[j] ? common[i + 1][j + 1] + 1
                                            : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::string text;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && expected[i] == told[j]) {
      text += "    " + expected[i] + '\n';
      ++i, ++j;
    } else if (j == columns || (i < rows && common[i + 1][j] >= common[i][j + 1])) {
      text += "  - " + expected[i++] + '\n';
    } else {
      text += "  + " + told[j++] + '\n';
    }
  }
  return text;
}

// One reading of a scenario from its first line to its last, while the federation does what it
// says.
class Reading {
 public:
  Reading(std::string_view name, std::string_view text, const MakeStage& make)
      : name_(name), lines_(lines_of(text)), make_(make) {}

  Result<ScenarioRun> run() {
    while (next_ < lines_.size()) {
      const std::string& line = lines_[next_++];
      run_.text += line + '\n';
      if (line == kRule) {
        end_block();
      } else if (!line.empty() && line.front() != '#') {
        const Status status = command(line);
        if (!status) return at_line(status.error());
        open_ = true;
      }
    }
    if (open_)
      return at_line({ErrorCode::invalid, "", "nothing follows the commands", remedy_end()});
    if (!over_) {
      return at_line(
          {ErrorCode::invalid, "", "the story has no end", "let `finish` be its last command"});
    }
    return std::move(run_);
  }

 private:
  static std::string remedy_end() { return "end each block with ---- and what it tells"; }

  tl::unexpected<Error> at_line(Error error) const {
    error.field = std::string(name_) + ':' + std::to_string(next_) +
                  (error.field.empty() ? "" : ": " + error.field);
    return fail(std::move(error));
  }

  Status command(std::string_view line) {
    const std::string_view verb = first_word(line);
    if (verb == "federation") {
      if (stage_) return fail(ErrorCode::invalid, "", "a second federation", "write another file");
      auto made = make_(after_first_word(line));
      if (!made) return fail(made.error());
      stage_ = std::move(*made);
      return ok();
    }
    if (!stage_) {
      return fail(ErrorCode::invalid, "", '"' + std::string(line) + "\" comes before `federation`",
                  "begin with the federation and its options");
    }
    if (over_) {
      return fail(ErrorCode::invalid, "", '"' + std::string(line) + "\" comes after `finish`",
                  "let `finish` be the last command");
    }
    if (verb == "show") {
      filter_.show(after_first_word(line));
      return ok();
    }
    over_ = line == "finish";
    if (violated_) return ok();
    if (verb == "advance") {
      const auto span = read_span(after_first_word(line));
      if (!span || *span < 0) {
        return fail(ErrorCode::invalid, "",
                    '"' + std::string(after_first_word(line)) + "\" is no span of time",
                    "write 250ms, 20s or 5m");
      }
      stage_->advance(*span);
    } else if (line == "finish") {
      stage_->finish();
    } else if (const Status status = stage_->apply(line); !status) {
      return status;
    }
    listen();
    return ok();
  }

  void listen() {
    for (std::string& event : stage_->told()) {
      if (filter_.tells(event)) told_.push_back(std::move(event));
    }
    if (const auto violation = stage_->violation()) {
      told_.push_back("violated: " + *violation);
      violated_ = true;
    }
  }

  void end_block() {
    open_ = false;
    const std::size_t line = next_ + 1;
    std::vector<std::string> expected;
    while (next_ < lines_.size() && !lines_[next_].empty()) expected.push_back(lines_[next_++]);
    for (const std::string& event : told_) run_.text += event + '\n';
    if (expected != told_) {
      run_.differences += std::string(name_) + ':' + std::to_string(line) +
                          ": - was expected, + was told\n" + difference(expected, told_);
    }
    told_.clear();
  }

  std::string_view name_;
  std::vector<std::string> lines_;
  const MakeStage& make_;
  std::size_t next_ = 0;
  ScenarioRun run_;
  std::unique_ptr<Stage> stage_;
  Filter filter_;
  std::vector<std::string> told_;
  bool open_ = false;  // commands stand since the last ----
  bool over_ = false;
  bool violated_ = false;
};

}  // namespace

Result<ScenarioRun> run_scenario(std::string_view name, std::string_view text,
                                 const MakeStage& make) {
  return Reading(name, text, make).run();
}

}  // namespace tradewind::simulation
