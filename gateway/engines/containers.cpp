#include "gateway/engines/containers.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "gateway/engines/sandbox.h"
#include "gateway/engines/tool_run.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

constexpr auto answer_time_max = 60s;
constexpr auto pull_time_max = 1h;
constexpr std::size_t answer_bytes_max = 4 << 20;
// Podman reads the environment's file line by line, at most 64 KiB each.
constexpr std::size_t env_line_bytes_max = 32 * 1024;

std::string program_of(const ContainerOptions& options) {
  if (!options.program.empty()) return options.program;
  return options.runtime == ContainerRuntime::podman ? "podman" : "apptainer";
}

std::uint64_t hard_limit(decltype(RLIMIT_CORE) which) {
  struct rlimit limit{};
  if (::getrlimit(which, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return 0;
  return limit.rlim_max;
}

// Podman lowers its own limit of processes to what the kernel can number.
std::uint64_t processes_numbered_max() {
  std::uint64_t most = 0;
  std::ifstream("/proc/sys/kernel/pid_max") >> most;
  return most;
}

}  // namespace

Result<Containers> Containers::probe(const ProcessEngineOptions& options) {
  Containers containers;
  containers.options_ = *options.containers;
  containers.prefix_ =
      fmt::format("tradewind-{:016x}-", stable_hash(options.attempts_directory.string()));
  const auto missing = [](const std::string& name) {
    return fail(ErrorCode::unavailable, "engine.container",
                fmt::format("there is no program {}", name),
                "install it, or leave [engine.container] out");
  };
  const std::string program = find_program(program_of(containers.options_));
  if (program.empty()) return missing(program_of(containers.options_));
  containers.program_ = {program};
  containers.program_.insert(containers.program_.end(), containers.options_.options.begin(),
                             containers.options_.options.end());
  if (containers.options_.runtime == ContainerRuntime::apptainer) {
    containers.inspector_ = find_program("skopeo");
    if (containers.inspector_.empty()) return missing("skopeo");
  }
  const std::vector<std::string> question = lives_apart(containers.options_.runtime)
                                                ? list_words(containers.prefix_)
                                                : std::vector<std::string>{"--version"};
  if (const auto answer = run_tool(containers.command(question), answer_time_max, answer_bytes_max);
      !answer) {
    return fail(ErrorCode::unavailable, "engine.container", describe(answer.error()),
                "see to the runtime and its options");
  }
  return containers;
}

std::vector<std::string> Containers::command(std::vector<std::string> words) const {
  words.insert(words.begin(), program_.begin(), program_.end());
  return words;
}

Result<ImageFacts> Containers::look(std::string_view field, const ImageReference& image,
                                    Architecture pool) const {
  const auto answer =
      inspector_.empty()
          ? run_tool(command({"image", "inspect", image.text()}), answer_time_max, answer_bytes_max)
          : run_tool({inspector_, fmt::format("--override-arch={}", to_string(pool)), "inspect",
                      "--no-tags", "docker://" + image.text()},
                     answer_time_max, answer_bytes_max);
  if (!answer) return fail(answer.error());
  return read_image_facts(field, *answer);
}

Result<ContainerImage> Containers::resolve(std::string_view field, const std::string& name,
                                           Architecture pool, const std::stop_token& stop) const {
  const auto image = parse_image_reference(field, name);
  if (!image) return fail(image.error());
  if (!image_allowed(*image, options_.images)) {
    return fail(ErrorCode::forbidden, std::string(field),
                fmt::format("this site runs no images of {}", image->repository),
                "name one of those that it allows, or a site that allows it");
  }
  const auto unavailable = [&](const Error& error) {
    return fail(ErrorCode::unavailable, std::string(field),
                fmt::format("{} cannot be had: {}", image->text(), describe(error)),
                "see that it is there and may be read");
  };
  auto facts = options_.pull == ImagePull::always && image->digest.empty()
                   ? Result<ImageFacts>(fail(ErrorCode::not_found, "", "it is looked for anew"))
                   : look(field, *image, pool);
  if (const auto pull = pull_words(options_.runtime, image->text(), pool);
      !facts && options_.pull != ImagePull::never && !pull.empty()) {
    const auto pulled = run_tool(command(pull), pull_time_max, answer_bytes_max, stop);
    if (!pulled) return unavailable(pulled.error());
    facts = look(field, *image, pool);
  }
  if (!facts) return unavailable(facts.error());
  const auto architecture = parse_architecture(field, facts->architecture);
  if (!architecture || *architecture != pool) {
    return fail(ErrorCode::invalid, std::string(field),
                fmt::format("{} is for {}, and the pool is {}", image->text(), facts->architecture,
                            to_string(pool)),
                "name an image of the pool's architecture, or a variant for the other one");
  }
  ContainerImage found;
  found.pinned = image->repository + "@" + facts->digest;
  found.run = facts->id.empty() ? found.pinned : facts->id;
  return found;
}

std::vector<std::string> Containers::run(const ContainerRun& run) const {
  ContainerRun limited = run;
  limited.open_files_max = hard_limit(RLIMIT_NOFILE);
  limited.user_processes_max = hard_limit(RLIMIT_NPROC);
  if (const std::uint64_t most = processes_numbered_max();
      limited.user_processes_max == 0 || limited.user_processes_max > most) {
    limited.user_processes_max = most;
  }
  return command(run_words(options_, limited));
}

ContainerEnd Containers::end(const std::string& name, int exit_code,
                             const std::filesystem::path& folder) const {
  ContainerEnd end;
  end.exit_code = exit_code;
  if (!lives_apart(options_.runtime)) {
    end.ran = true;
    return end;
  }
  const auto state = run_tool(command(state_words(name)), answer_time_max, answer_bytes_max);
  if (state) {
    std::int64_t started = 0;
    int code = 0;
    std::string out_of_memory;
    std::istringstream words(*state);
    if (words >> started >> code >> out_of_memory && started > 0) {
      end.ran = true;
      // With control groups of version 1 podman does not always say so itself, but what waits for
      // the container below it leaves this file.
      std::error_code ignored;
      end.out_of_memory =
          std::filesystem::remove(folder / "oom", ignored) || out_of_memory == "true";
      end.exit_code = code;
    }
  }
  remove(name);
  return end;
}

void Containers::remove(const std::string& name) const {
  auto words = removal();
  if (words.empty()) return;
  words.push_back(name);
  // What cannot be removed now is tried again at the next start.
  static_cast<void>(run_tool(words, answer_time_max, answer_bytes_max));
}

void Containers::remove_left(const std::function<bool(const std::string&)>& over) const {
  auto words = removal();
  if (words.empty()) return;
  const auto listed = run_tool(command(list_words(prefix_)), answer_time_max, answer_bytes_max);
  if (!listed) return;
  const std::size_t before = words.size();
  std::istringstream names(*listed);
  for (std::string name; names >> name;) {
    if (name.starts_with(prefix_) && over(name.substr(prefix_.size()))) words.push_back(name);
  }
  if (words.size() > before) {
    static_cast<void>(run_tool(words, answer_time_max, answer_bytes_max));
  }
}

std::vector<std::string> Containers::removal() const {
  if (!lives_apart(options_.runtime)) return {};
  return command(remove_words());
}

Status check_container(std::string_view field, const std::string& image,
                       const std::map<std::string, std::string>& env,
                       const ContainerOptions& options) {
  const std::string image_field = fmt::format("{}.image", field);
  const auto named = parse_image_reference(image_field, image);
  if (!named) return fail(named.error());
  if (!image_allowed(*named, options.images)) {
    return fail(ErrorCode::invalid, image_field,
                fmt::format("this site runs no images of {}", named->repository),
                "name one of those that it allows, or another site");
  }
  for (const auto& [name, value] : env) {
    const bool plain = std::ranges::all_of(name, [](char each) {
      return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
             (each >= '0' && each <= '9') || each == '_';
    });
    if (!plain || value.find_first_of("\r\n") != std::string::npos ||
        name.size() + value.size() > env_line_bytes_max) {
      return fail(ErrorCode::invalid, fmt::format("{}.env", field),
                  fmt::format("\"{}\" cannot be given to a container", name.substr(0, 64)),
                  "give names of letters, digits and _, and values of one line");
    }
  }
  return ok();
}

Status check_mount(std::string_view field, const std::string& path) {
  if (path.find_first_of(":,\n") == std::string::npos) return ok();
  return fail(ErrorCode::invalid, std::string(field),
              fmt::format("{} cannot be shown to a container", path.substr(0, 128)),
              "leave out ':', ',' and line ends in its first part");
}

}  // namespace tradewind
