#include "broker/cli/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>

#include "broker/cli/context.h"

namespace tradewind::cli {
namespace {

using Option = CommandWords::Option;

// The words that an option or argument takes: a check against a list describes itself as "{a,b}".
std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto open = type.find('{');
  const auto close = type.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return {};
  std::vector<std::string> words;
  std::string word;
  for (const char each : type.substr(open + 1, close - open - 1)) {
    if (each == ',') {
      words.push_back(std::exchange(word, {}));
    } else {
      word += each;
    }
  }
  words.push_back(word);
  return words;
}

Option option_words(const CLI::Option& option) {
  Option words;
  for (const std::string& each : option.get_lnames()) words.names.push_back("--" + each);
  for (const std::string& each : option.get_snames()) words.names.push_back("-" + each);
  words.about = option.get_description();
  words.takes_value = option.get_items_expected_max() > 0;
  const std::string type = option.get_type_name();
  words.file = type.starts_with("FILE") || type.starts_with("DIR");
  if (words.takes_value) words.choices = choices_of(option);
  return words;
}

void add_command(const CLI::App& app, const std::string& path, const std::vector<Option>& global,
                 std::vector<CommandWords>& out) {
  CommandWords words;
  words.path = path;
  words.options = global;
  for (const CLI::Option* each : app.get_options()) {
    if (each->get_positional()) {
      for (std::string& choice : choices_of(*each)) words.choices.push_back(std::move(choice));
      continue;
    }
    Option option = option_words(*each);
    const bool known = std::any_of(global.begin(), global.end(), [&](const Option& other) {
      return other.names == option.names;
    });
    if (!known) words.options.push_back(std::move(option));
  }
  const auto below = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* each : below) {
    // The first line says what it is for.
    const std::string about = each->get_description();
    words.subcommands.emplace_back(each->get_name(), about.substr(0, about.find('\n')));
  }
  const std::vector<Option> inherited = out.empty() ? words.options : global;
  out.push_back(std::move(words));
  for (const CLI::App* each : below)
    add_command(*each, path + " " + each->get_name(), inherited, out);
}

// In single quotes, for bash and zsh.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char each : text) {
    if (each == '\'') {
      out += "'\\''";
    } else {
      out += each;
    }
  }
  return out + "'";
}

// The same for fish, where a backslash counts inside.
std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char each : text) {
    if (each == '\'' || each == '\\') out += '\\';
    out += each;
  }
  return out + "'";
}

std::string joined(const std::vector<std::string>& words, std::string_view between = " ") {
  return fmt::format("{}", fmt::join(words, between));
}

// "--a|--b" of the options that `wanted` picks; empty when it picks none.
std::string patterns(const CommandWords& command,
                     const std::function<bool(const Option&)>& wanted) {
  std::vector<std::string> names;
  for (const Option& each : command.options) {
    if (wanted(each)) names.insert(names.end(), each.names.begin(), each.names.end());
  }
  return joined(names, "|");
}

// "'tradewind jobs'|'tradewind dataset'": every command but the program itself.
std::string all_paths(const std::vector<CommandWords>& commands) {
  std::vector<std::string> paths;
  for (std::size_t i = 1; i < commands.size(); ++i) paths.push_back(shell_quoted(commands[i].path));
  return joined(paths, "|");
}

// A function that tells whether the option takes a value there.
std::string takes_value_function(const std::vector<CommandWords>& commands) {
  std::string out = "_tradewind_takes_value() {\n  case \"$1\" in\n";
  for (const CommandWords& each : commands) {
    const std::string names = patterns(each, [](const Option& o) { return o.takes_value; });
    out += fmt::format("    {}) case \"$2\" in {}) return 0 ;; esac ;;\n", shell_quoted(each.path),
                       names);
  }
  return out + "  esac\n  return 1\n}\n";
}

// Which command the words before the cursor have come to, for bash and zsh: sets `at`, empty behind
// "--", where another program's words begin, and `option` when its value is what is asked for.
std::string walk(const std::vector<CommandWords>& commands, std::string_view first,
                 std::string_view word, std::string_view current) {
  return fmt::format(
      "  local at=tradewind option= word i\n"
      "  for ((i = {}; i < {}; ++i)); do\n"
      "    word={}\n"
      "    if [[ -n $option ]]; then option=; continue; fi\n"
      "    if [[ $word == -- ]]; then at=; break; fi\n"
      "    if _tradewind_takes_value \"$at\" \"$word\"; then option=$word; continue; fi\n"
      "    case \"$at $word\" in\n"
      "      {}) at=\"$at $word\" ;;\n"
      "    esac\n"
      "  done\n",
      first, current, word, all_paths(commands));
}

}  // namespace

std::vector<CommandWords> command_words(const CLI::App& app) {
  std::vector<CommandWords> commands;
  add_command(app, "tradewind", {}, commands);
  return commands;
}

std::string bash_completion(const std::vector<CommandWords>& commands) {
  std::string out = "# bash completion of tradewind, made by: tradewind completion bash\n";
  out += takes_value_function(commands);
  out += "_tradewind() {\n";
  out += walk(commands, "1", "${COMP_WORDS[i]}", "COMP_CWORD");
  out +=
      "  local current=${COMP_WORDS[COMP_CWORD]} words=\n"
      "  COMPREPLY=()\n"
      "  [[ -n $at ]] || return 0\n"
      "  case \"$at:$option\" in\n";
  for (const CommandWords& command : commands) {
    for (const Option& each : command.options) {
      if (each.choices.empty() && !each.file) continue;
      std::vector<std::string> places;
      for (const std::string& name : each.names) {
        places.push_back(shell_quoted(command.path + ":" + name));
      }
      out += fmt::format("    {}) {} ;;\n", joined(places, "|"),
                         each.file ? "COMPREPLY=($(compgen -f -- \"$current\")); return 0"
                                   : "words=" + shell_quoted(joined(each.choices)));
    }
    std::vector<std::string> words;
    for (const auto& [name, about] : command.subcommands) words.push_back(name);
    words.insert(words.end(), command.choices.begin(), command.choices.end());
    std::vector<std::string> names;
    for (const Option& each : command.options) {
      names.insert(names.end(), each.names.begin(), each.names.end());
    }
    out += fmt::format("    {}) if [[ $current == -* ]]; then words={}; else words={}; fi ;;\n",
                       shell_quoted(command.path + ":"), shell_quoted(joined(names)),
                       shell_quoted(joined(words)));
  }
  return out +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -o default -F _tradewind tradewind\n";
}

std::string zsh_completion(const std::vector<CommandWords>& commands) {
  // What _describe takes: a colon ends the name.
  const auto described = [](const std::string& name, const std::string& about) {
    std::string escaped;
    for (const char each : name) {
      if (each == ':') escaped += '\\';
      escaped += each;
    }
    return shell_quoted(escaped + ":" + about);
  };
  std::string out =
      "#compdef tradewind\n# zsh completion of tradewind, made by: tradewind completion zsh\n";
  out += takes_value_function(commands);
  out += "_tradewind() {\n  setopt localoptions noksharrays\n  local -a list\n";
  out += walk(commands, "2", "${words[i]}", "CURRENT");
  out += "  if [[ -z $at ]]; then _files; return; fi\n  case \"$at:$option\" in\n";
  for (const CommandWords& command : commands) {
    for (const Option& each : command.options) {
      if (!each.takes_value) continue;
      std::vector<std::string> places;
      std::vector<std::string> choices;
      for (const std::string& name : each.names) {
        places.push_back(shell_quoted(command.path + ":" + name));
      }
      for (const std::string& choice : each.choices) choices.push_back(shell_quoted(choice));
      const std::string what = each.file              ? "_files"
                               : each.choices.empty() ? "_message " + shell_quoted(each.about)
                                                      : "compadd -- " + joined(choices);
      out += fmt::format("    {}) {} ;;\n", joined(places, "|"), what);
    }
    std::vector<std::string> options;
    for (const Option& each : command.options) {
      for (const std::string& name : each.names) options.push_back(described(name, each.about));
    }
    std::vector<std::string> words;
    for (const auto& [name, about] : command.subcommands) words.push_back(described(name, about));
    for (const std::string& choice : command.choices) words.push_back(shell_quoted(choice));
    out += fmt::format(
        "    {})\n"
        "      if [[ ${{words[CURRENT]}} == -* ]]; then\n"
        "        list=({}); _describe option list\n"
        "      else\n"
        "        {}\n"
        "      fi ;;\n",
        shell_quoted(command.path + ":"), joined(options, "\n              "),
        words.empty() ? "_files"
                      : "list=(" + joined(words, "\n              ") + "); _describe command list");
  }
  return out +
         "  esac\n"
         "}\n"
         "if [[ ${funcstack[1]-} == _tradewind ]]; then _tradewind; else compdef _tradewind "
         "tradewind; fi\n";
}

std::string fish_completion(const std::vector<CommandWords>& commands) {
  std::string out = "# fish completion of tradewind, made by: tradewind completion fish\n";
  out +=
      "function __tradewind_takes_value\n"
      "  switch \"$argv[1]:$argv[2]\"\n";
  for (const CommandWords& command : commands) {
    std::vector<std::string> places;
    for (const Option& each : command.options) {
      if (!each.takes_value) continue;
      for (const std::string& name : each.names) {
        places.push_back(fish_quoted(command.path + ":" + name));
      }
    }
    out += "    case " + joined(places) + "\n      return 0\n";
  }
  std::vector<std::string> paths;
  for (std::size_t i = 1; i < commands.size(); ++i) paths.push_back(fish_quoted(commands[i].path));
  out +=
      "  end\n  return 1\nend\n"
      "function __tradewind_at\n"
      "  set -l at tradewind\n"
      "  set -l option ''\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    if test -n \"$option\"\n      set option ''\n      continue\n    end\n"
      "    if test \"$word\" = --\n      set at ''\n      break\n    end\n"
      "    if __tradewind_takes_value \"$at\" \"$word\"\n      set option $word\n      continue\n"
      "    end\n"
      "    switch \"$at $word\"\n"
      "      case " +
      joined(paths) +
      "\n        set at \"$at $word\"\n"
      "    end\n  end\n"
      "  test \"$at\" = \"$argv\"\nend\n"
      "complete -c tradewind -e\n";
  for (const CommandWords& command : commands) {
    const std::string here =
        "complete -c tradewind -n " + fish_quoted("__tradewind_at " + command.path);
    for (const auto& [name, about] : command.subcommands) {
      out += fmt::format("{} -f -a {} -d {}\n", here, name, fish_quoted(about));
    }
    if (!command.choices.empty()) {
      out += fmt::format("{} -f -a {}\n", here, fish_quoted(joined(command.choices)));
    }
    for (const Option& each : command.options) {
      out += here;
      for (const std::string& name : each.names) {
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (each.takes_value) out += each.file ? " -r -F" : " -x";
      if (!each.choices.empty()) out += " -a " + fish_quoted(joined(each.choices));
      out += " -d " + fish_quoted(each.about) + "\n";
    }
  }
  return out;
}

void add_completion_command(CLI::App& app, Context& context) {
  auto shell = std::make_shared<std::string>();
  auto* completion =
      app.add_subcommand("completion", "print the script that completes commands in your shell");
  completion->add_option("shell", *shell, "which")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  examples(*completion,
           {"tradewind completion bash    # source <(tradewind completion bash), in ~/.bashrc",
            "tradewind completion zsh     # into _tradewind, in a folder of $fpath",
            "tradewind completion fish    # into ~/.config/fish/completions/tradewind.fish"});
  completion->callback([&app, &context, shell] {
    const auto commands = command_words(app);
    const std::string script = *shell == "bash"  ? bash_completion(commands)
                               : *shell == "zsh" ? zsh_completion(commands)
                                                 : fish_completion(commands);
    context.show(boost::json::object{{"shell", *shell}, {"script", script}},
                 [&] { std::cout << script; });
  });
}

}  // namespace tradewind::cli
