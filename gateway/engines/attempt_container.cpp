// The part of an attempt that is about containers: which bytes its images are, and how an executor
// runs in one.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/engines/assignment_check.h"
#include "gateway/engines/attempt.h"
#include "gateway/engines/sandbox.h"
#include "gateway/engines/tool_run.h"
#include "schemas/assert.h"

namespace tradewind {

void Attempt::find_images() {
  if (!context_.containers) {
    for (std::size_t index = 0; index < assignment_->executors.size(); ++index) {
      const std::string& image = assignment_->executors[index].image;
      if (image.empty()) continue;
      note(fmt::format("executors[{}].image {} is not used: commands run on the site's own system",
                       index, image));
    }
    return stage_in();
  }
  if (std::ranges::none_of(assignment_->executors, names_image)) return stage_in();
  const Status taken = context_.runtime->run(
      context_.io.get_executor(),
      [&containers = *context_.containers, assignment = assignment_,
       pool = context_.options.pools.at(assignment_->pool), stop = stop_transfers_.get_token()] {
        Result<std::vector<std::optional<ContainerImage>>> images;
        for (std::size_t index = 0; index < assignment->executors.size(); ++index) {
          const std::string& name = assignment->executors[index].image;
          images->emplace_back();
          if (name.empty()) continue;
          auto image =
              containers.resolve(fmt::format("executors[{}].image", index), name, pool, stop);
          if (!image) {
            images = fail(image.error());
            return images;
          }
          images->back() = std::move(*image);
        }
        return images;
      },
      [weak = weak_from_this()](Result<std::vector<std::optional<ContainerImage>>> images) {
        if (const auto self = weak.lock()) self->on_images(std::move(images));
      });
  TRADEWIND_ASSERT(taken);
}

void Attempt::on_images(Result<std::vector<std::optional<ContainerImage>>> images) {
  if (ended_by_stop()) return;
  if (!images) return end(EndCode::engine_failed, describe(images.error()));
  images_ = std::move(*images);
  for (std::size_t index = 0; index < images_.size(); ++index) {
    if (!images_[index]) continue;
    note(fmt::format("executors[{}].image {} is {}", index, assignment_->executors[index].image,
                     images_[index]->pinned));
  }
  stage_in();
}

Status Attempt::fill_container(const Executor& executor, const std::string& workdir,
                               ExecutorTask& task) {
  const ProcessEngineOptions& options = context_.options;
  const Containers& containers = *context_.containers;
  const ContainerRuntime runtime = containers.options().runtime;
  ContainerRun run;
  run.name = container_name();
  run.image = images_[executor_]->run;
  run.command = executor.command;
  run.workdir = workdir;
  for (const auto& each : options.read_only_binds) {
    run.mounts.push_back({each.string(), each.string(), true});
  }
  for (const auto& name : visible_) {
    run.mounts.push_back({(directory_.files() / name).string(), "/" + name, false});
  }
  run.devices = devices();
  run.network = assignment_->network;
  run.input = task.input.get() >= 0;
  run.env_file = fmt::format("/dev/fd/{}", Sandbox::arguments_descriptor);
  run.process_file = directory_.container_process().string();
  run.memory_bytes = assignment_->resources.memory_mib * mib;
  run.cpus = assignment_->resources.cpus;
  run.processes_max = options.processes_max;
  run.file_bytes_max = assignment_->resources.disk_mib * mib;
  task.spec.argv = containers.run(run);
  // The runtime itself runs on the machine: nothing that a job sets may reach it but under its
  // prefix.
  task.spec.env = tool_environment();
  std::string lines;
  for (const auto& [name, value] : environment(executor)) {
    const std::string line = fmt::format("{}={}", name, value);
    if (const auto prefix = env_prefix(runtime); !prefix.empty()) {
      task.spec.env.push_back(std::string(prefix) + line);
    } else {
      lines += line + "\n";
    }
  }
  if (!lives_apart(runtime)) return ok();
  task.spec.directory = directory_.state().string();
  auto file = memory_file(lines);
  if (!file) return fail(file.error());
  task.arguments = std::move(*file);
  std::error_code ignored;
  std::filesystem::remove(run.process_file, ignored);
  task.process_file = run.process_file;
  task.sampled = true;
  task.cgroup = nullptr;
  task.kill_apart = [&context = context_, name = run.name](std::function<void()> done) {
    const Status taken = context.runtime->run(
        context.io.get_executor(),
        [&context, name] {
          context.containers->remove(name);
          return true;
        },
        [done = std::move(done)](bool) { done(); });
    TRADEWIND_ASSERT(taken);
  };
  return ok();
}

void Attempt::on_run_ended(ExecutorOutcome outcome) {
  if (!in_container()) return on_executor_ended(std::move(outcome));
  container_ending_ = true;
  const Status taken = context_.runtime->run(
      context_.io.get_executor(),
      [&containers = *context_.containers, name = container_name(), folder = directory_.state(),
       code = outcome.exit_code] { return containers.end(name, code, folder); },
      [weak = weak_from_this(), outcome = std::move(outcome)](ContainerEnd ended) mutable {
        const auto self = weak.lock();
        if (!self) return;
        self->container_ending_ = false;
        outcome.exit_code = ended.exit_code;
        outcome.out_of_memory = ended.out_of_memory;
        // 126 and 127 are the runtime's words for a program that cannot be run, or found.
        if (!ended.ran && ended.exit_code != 126 && ended.exit_code != 127) {
          outcome.problem =
              outcome.stderr_tail.empty() ? "it ended without a word" : outcome.stderr_tail;
        }
        self->on_executor_ended(std::move(outcome));
      });
  TRADEWIND_ASSERT(taken);
}

}  // namespace tradewind
