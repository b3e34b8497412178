// Completion scripts for shells, made from the commands as they are. Pure.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace tradewind::cli {

// What may follow at one place of the command line.
struct CommandWords {
  struct Option {
    std::vector<std::string> names;  // "--state", "-s"
    std::string about;
    bool takes_value = false;
    bool file = false;                 // the value is a file or folder
    std::vector<std::string> choices;  // the values that there are; empty: any
  };
  std::string path;                                              // "tradewind dataset set"
  std::vector<std::pair<std::string, std::string>> subcommands;  // name and what it is for
  std::vector<Option> options;
  std::vector<std::string> choices;  // of the words that follow
};
// The program itself first, then each command before those below it.
std::vector<CommandWords> command_words(const CLI::App& app);

std::string bash_completion(const std::vector<CommandWords>& commands);
std::string zsh_completion(const std::vector<CommandWords>& commands);
std::string fish_completion(const std::vector<CommandWords>& commands);

}  // namespace tradewind::cli
