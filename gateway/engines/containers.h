// Runs executors that name an image in containers, by the runtime that the site has. All calls but
// name_of() and the words block; none is tied to a thread.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/engines/container_words.h"
#include "gateway/engines/image_reference.h"
#include "gateway/engines/process_engine.h"
#include "schemas/result.h"

namespace tradewind {

// An image that is here, is the pool's, and cannot change any more.
struct ContainerImage {
  std::string run;     // what the runtime is told, so that these bytes run
  std::string pinned;  // "docker.io/library/debian@sha256:…"
};

// How a container ended.
struct ContainerEnd {
  bool ran = false;  // it was there, and its command began
  int exit_code = 0;
  bool out_of_memory = false;
};

class Containers {
 public:
  // Sees that the runtime is there and answers. Fails with ErrorCode::unavailable.
  static Result<Containers> probe(const ProcessEngineOptions& options);

  const ContainerOptions& options() const { return options_; }
  // Of all attempts below this attempts_directory, and of one of them.
  std::string name_prefix() const { return prefix_; }
  std::string name_of(const std::string& attempt) const { return prefix_ + attempt; }

  // Finds the image, pulling it where the site wants that, and sees that it is the pool's. Fails
  // with ErrorCode::forbidden (not one that the site allows), invalid (no such name, or of another
  // architecture) or unavailable.
  Result<ContainerImage> resolve(std::string_view field, const std::string& image,
                                 Architecture pool, const std::stop_token& stop) const;

  // The command line of a run.
  std::vector<std::string> run(const ContainerRun& run) const;

  // How it ended, and then it is not there any more. `exit_code` is the runtime's own; `folder` is
  // where that was started.
  ContainerEnd end(const std::string& name, int exit_code,
                   const std::filesystem::path& folder) const;
  // Kills and removes it, if it is there.
  void remove(const std::string& name) const;
  // Likewise what an earlier gateway left behind, of the attempts for which `over` holds.
  void remove_left(const std::function<bool(const std::string& attempt)>& over) const;
  // A command that kills and removes the containers whose names follow; empty: none outlives the
  // process that started it.
  std::vector<std::string> removal() const;

 private:
  Containers() = default;
  std::vector<std::string> command(std::vector<std::string> words) const;
  Result<ImageFacts> look(std::string_view field, const ImageReference& image,
                          Architecture pool) const;

  ContainerOptions options_;
  std::vector<std::string> program_;  // and its options
  std::string inspector_;             // of apptainer: skopeo
  std::string prefix_;
};

// Whether a site's containers could ever run the executor: its image by name, its environment.
Status check_container(std::string_view field, const std::string& image,
                       const std::map<std::string, std::string>& env,
                       const ContainerOptions& options);
// Whether a path can be shown to a container.
Status check_mount(std::string_view field, const std::string& path);

}  // namespace tradewind
