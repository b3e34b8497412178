// The commands as a whole: their help, their examples, and the scripts that complete them.
#include "broker/cli/program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/cli/completion.h"

namespace tradewind::cli {
namespace {

// The words of a line as a shell has them; single quotes are all that examples use. What comes
// after " #" is for people.
std::vector<std::string> shell_words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  bool begun = false;
  for (const char each : line + " ") {
    if (each == '\'') {
      inside = !inside;
      begun = true;
    } else if (each == ' ' && !inside) {
      if (begun) words.push_back(std::exchange(word, {}));
      begun = false;
    } else if (each == '#' && !begun) {
      return words;
    } else {
      word += each;
      begun = true;
    }
  }
  return words;
}

std::vector<std::string> examples_of(const CLI::App& command) {
  const std::string footer = command.get_footer();
  std::vector<std::string> lines;
  for (std::size_t begin = 0, end; (end = footer.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const std::string line = footer.substr(begin, end - begin);
    if (line.starts_with("  ")) lines.push_back(line.substr(2));
  }
  return lines;
}

void visit(CLI::App& command, const std::string& path,
           const std::function<void(CLI::App&, const std::string&)>& each) {
  each(command, path);
  for (CLI::App* below : command.get_subcommands([](CLI::App*) { return true; })) {
    visit(*below, path + " " + below->get_name(), each);
  }
}

struct Program {
  Context context;
  CLI::App app;
  Program() {
    build_program(app, context);
    app.name("tradewind");
  }
};

// What is wrong with the words after the program's name; empty when nothing is. Nothing is carried
// out: there are no such settings, which only a line that parses comes to.
std::string parse_error(std::vector<std::string> words) {
  Program program;
  words.insert(words.begin(), {"--config", "/nowhere"});
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  std::string error;
  try {
    program.app.parse(words);
  } catch (const CLI::RuntimeError&) {
  } catch (const CLI::ParseError& wrong) {
    error = wrong.what();
  }
  ::testing::internal::GetCapturedStderr();
  ::testing::internal::GetCapturedStdout();
  return error;
}

TEST(Program, EveryCommandTeachesByExamplesAndEachOfThemParses) {
  Program program;
  visit(program.app, "tradewind", [](CLI::App& command, const std::string& path) {
    const auto lines = examples_of(command);
    EXPECT_FALSE(lines.empty()) << path << " has no examples";
    bool its_own = path == "tradewind";
    for (const std::string& line : lines) {
      its_own = its_own || (line + " ").starts_with(path + " ");
      std::vector<std::string> words = shell_words(line);
      ASSERT_EQ(words.front(), "tradewind") << line;
      EXPECT_EQ(parse_error({words.begin() + 1, words.end()}), "") << line;
    }
    EXPECT_TRUE(its_own || !command.get_subcommands([](CLI::App*) { return true; }).empty())
        << path << " has no example of its own";
  });
}

TEST(Program, AWrongExampleWouldBeFound) {
  EXPECT_NE(parse_error({"jobs", "--nonsense"}), "");
  EXPECT_NE(parse_error({"site", "state", "x", "gone"}), "");
  EXPECT_NE(parse_error({"nonsense"}), "");
}

TEST(Program, EveryCommandAndOptionSaysWhatItIsFor) {
  Program program;
  visit(program.app, "tradewind", [](CLI::App& command, const std::string& path) {
    EXPECT_NE(command.get_description(), "") << path;
    for (const CLI::Option* each : command.get_options()) {
      if (each->get_positional()) continue;
      EXPECT_NE(each->get_description(), "") << path << " " << each->get_name();
    }
  });
}

TEST(Completion, WordsAreThoseOfTheProgram) {
  Program program;
  const auto commands = command_words(program.app);
  std::map<std::string, const CommandWords*> by_path;
  for (const CommandWords& each : commands) by_path[each.path] = &each;
  std::size_t count = 0;
  visit(program.app, "tradewind", [&](CLI::App& command, const std::string& path) {
    ++count;
    ASSERT_TRUE(by_path.contains(path)) << path;
    EXPECT_EQ(by_path[path]->subcommands.size(),
              command.get_subcommands([](CLI::App*) { return true; }).size());
  });
  EXPECT_EQ(commands.size(), count);
  const auto option = [&](const char* path, const char* name) -> const CommandWords::Option& {
    for (const auto& each : by_path.at(path)->options) {
      if (std::find(each.names.begin(), each.names.end(), name) != each.names.end()) return each;
    }
    ADD_FAILURE() << path << " " << name;
    static const CommandWords::Option none;
    return none;
  };
  EXPECT_EQ(option("tradewind", "--output").choices, (std::vector<std::string>{"table", "json"}));
  EXPECT_EQ(option("tradewind jobs", "--output").names, option("tradewind", "-o").names)
      << "global options count everywhere";
  EXPECT_TRUE(option("tradewind submit", "--file").file);
  EXPECT_TRUE(option("tradewind submit", "--cpus").takes_value);
  EXPECT_FALSE(option("tradewind submit", "--wait").takes_value);
  EXPECT_EQ(by_path.at("tradewind site state")->choices,
            (std::vector<std::string>{"active", "suspended", "revoked"}));
}

}  // namespace
}  // namespace tradewind::cli
