#include "gateway/engines/batch_commands.h"

#include <algorithm>
#include <functional>
#include <optional>

#include <fmt/format.h>

namespace tradewind {
namespace {

using Words = std::vector<std::string_view>;

const Words submit_words{
    "key",  "script", "directory",  "seconds",        "minutes",      "hms", "nodes",
    "cpus", "slots",  "memory_mib", "memory_mib_cpu", "accelerators", "user"};
const Words job_words{"job", "key", "user"};
const Words list_words{"pool_options", "tenant_options"};

// Calls `found` with each {word} of small letters and the text before it, then with the rest.
void each_word(
    std::string_view text,
    const std::function<void(std::string_view, std::optional<std::string_view>)>& found) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz_";
  std::size_t begin = 0;
  for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
    const std::size_t end = text.find_first_not_of(letters, at + 1);
    if (end == std::string_view::npos || text[end] != '}' || end == at + 1) continue;
    found(text.substr(begin, at - begin), text.substr(at + 1, end - at - 1));
    begin = end + 1;
  }
  found(text.substr(begin), std::nullopt);
}

std::string joined(const Words& words) {
  std::string text;
  for (const std::string_view each : words) text += fmt::format(" {{{}}}", each);
  return text;
}

Status check_words(const std::string& field, const std::vector<std::string>& command,
                   const Words& known) {
  Status status = ok();
  for (const std::string& each : command) {
    each_word(each, [&](std::string_view, std::optional<std::string_view> word) {
      if (!word || std::ranges::find(known, *word) != known.end() || !status) return;
      status = fail(ErrorCode::invalid, field, fmt::format("{{{}}} stands for nothing here", *word),
                    fmt::format("use{}", joined(known)));
    });
  }
  return status;
}

bool is_list(std::string_view argument) {
  return argument.size() > 2 && argument.front() == '{' && argument.back() == '}' &&
         std::ranges::find(list_words, argument.substr(1, argument.size() - 2)) != list_words.end();
}

Status check_command(const std::string& field, const std::vector<std::string>& command,
                     const Words& known) {
  if (command.empty() || command.front().empty()) {
    return fail(ErrorCode::invalid, field, "is missing", "give a program and its arguments");
  }
  return check_words(field, command, known);
}

}  // namespace

Status check_batch_commands(const BatchCommands& commands) {
  std::vector<std::string> submit = commands.submit.command;
  std::erase_if(submit, is_list);
  if (const Status fine = check_command("submit.command", submit, submit_words); !fine) return fine;
  for (const char* needed : {"{key}", "{script}"}) {
    const bool there = std::ranges::any_of(
        submit, [&](const std::string& each) { return each.find(needed) != std::string::npos; });
    if (there) continue;
    return fail(ErrorCode::invalid, "submit.command", fmt::format("has no {}", needed),
                "name the job {key}, by which it is found again, and let it run {script}");
  }
  for (const auto& [pool, options] : commands.pool_options) {
    const Status fine = check_words("pools." + pool.value, options, submit_words);
    if (!fine) return fine;
  }
  for (const auto& [tenant, options] : commands.tenant_options) {
    const Status fine = check_words("tenants." + tenant.value, options, submit_words);
    if (!fine) return fine;
  }
  if (const Status fine = check_words("options", commands.options, submit_words); !fine)
    return fine;
  if (const Status fine = check_command("status.command", commands.status.command, {"user"});
      !fine) {
    return fine;
  }
  if (const Status fine = check_command("cancel.command", commands.cancel, job_words); !fine) {
    return fine;
  }
  if (commands.usage.command.empty()) return ok();
  return check_command("usage.command", commands.usage.command, job_words);
}

std::vector<std::string> fill_in(
    const std::vector<std::string>& command, const BatchValues& values,
    const std::map<std::string, std::vector<std::string>, std::less<>>& lists) {
  std::vector<std::string> filled;
  for (const std::string& argument : command) {
    if (is_list(argument)) {
      const auto list = lists.find(std::string_view(argument).substr(1, argument.size() - 2));
      if (list == lists.end()) continue;
      for (std::string& each : fill_in(list->second, values)) filled.push_back(std::move(each));
      continue;
    }
    std::string text;
    each_word(argument, [&](std::string_view before, std::optional<std::string_view> word) {
      text += before;
      if (!word) return;
      const auto value = values.find(*word);
      text += value == values.end() ? fmt::format("{{{}}}", *word) : value->second;
    });
    filled.push_back(std::move(text));
  }
  return filled;
}

}  // namespace tradewind
