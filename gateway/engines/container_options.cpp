#include "gateway/engines/container_options.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <fmt/format.h>

namespace tradewind {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 14> placeholders{
    "{name}",    "{user}",   "{workdir}", "{env_file}",  "{process_file}",
    "{program}", "{input}",  "{image}",   "{arguments}", "{command}",
    "{network}", "{limits}", "{mounts}",  "{devices}"};

std::string word_of(ContainerRuntime runtime) {
  return runtime == ContainerRuntime::podman ? "podman" : "apptainer";
}
std::string word_of(ImagePull pull) {
  switch (pull) {
    case ImagePull::never: return "never";
    case ImagePull::missing: return "missing";
    case ImagePull::always: return "always";
  }
  return "never";
}

json::array list_of(const std::vector<std::string>& words) {
  json::array list;
  for (const auto& each : words) list.emplace_back(each);
  return list;
}

template <class Value>
Value good(Result<Value> read) {
  if (!read) throw std::runtime_error(describe(read.error()));
  return *read;
}

}  // namespace

Result<ContainerRuntime> parse_container_runtime(std::string_view field, std::string_view text) {
  for (const auto each : {ContainerRuntime::podman, ContainerRuntime::apptainer}) {
    if (text == word_of(each)) return each;
  }
  return fail(ErrorCode::invalid, std::string(field),
              fmt::format("\"{}\" is no container runtime", text.substr(0, 64)),
              "give \"podman\" or \"apptainer\"");
}

Result<ImagePull> parse_image_pull(std::string_view field, std::string_view text) {
  for (const auto each : {ImagePull::never, ImagePull::missing, ImagePull::always}) {
    if (text == word_of(each)) return each;
  }
  return fail(ErrorCode::invalid, std::string(field),
              fmt::format("\"{}\" is no time to pull images", text.substr(0, 64)),
              "give \"never\", \"missing\" or \"always\"");
}

Status check_run_words(std::string_view field, const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) {
    for (auto at = word.find('{'); at != std::string::npos; at = word.find('{', at + 1)) {
      const std::string_view from = std::string_view(word).substr(at);
      const std::string_view name = from.substr(0, from.find('}') + 1);
      if (std::ranges::find(placeholders, name) != placeholders.end()) continue;
      return fail(ErrorCode::invalid, std::string(field),
                  fmt::format("\"{}\" has a placeholder that is none", word.substr(0, 128)),
                  "see docs/engines.md for those that there are");
    }
    all += word + " ";
  }
  const auto has = [&all](std::string_view name) { return all.find(name) != std::string::npos; };
  if (has("{image}") && (has("{command}") || (has("{program}") && has("{arguments}")))) return ok();
  return fail(ErrorCode::invalid, std::string(field), "it names no {image} and {command}",
              "write where image and command go");
}

json::object to_json(const ContainerOptions& options) {
  return {{"runtime", word_of(options.runtime)}, {"program", options.program},
          {"options", list_of(options.options)}, {"run", list_of(options.run)},
          {"images", list_of(options.images)},   {"pull", word_of(options.pull)},
          {"network", options.network},          {"user", options.user}};
}

ContainerOptions container_options_from_json(const json::object& object) {
  const auto text = [&object](const char* key) {
    return json::value_to<std::string>(object.at(key));
  };
  const auto list = [&object](const char* key) {
    return json::value_to<std::vector<std::string>>(object.at(key));
  };
  ContainerOptions options;
  options.runtime = good(parse_container_runtime("runtime", text("runtime")));
  options.program = text("program");
  options.options = list("options");
  options.run = list("run");
  options.images = list("images");
  options.pull = good(parse_image_pull("pull", text("pull")));
  options.network = text("network");
  options.user = text("user");
  return options;
}

}  // namespace tradewind
