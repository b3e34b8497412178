// How a site runs executors that name an image: the part of the site file below [engine.container],
// as the gateway and the nodes of its cluster keep it.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

enum class ContainerRuntime { podman, apptainer };

enum class ImagePull {
  never,    // only images that the machine has
  missing,  // what it lacks
  always,   // each time, unless the job names a digest
};

struct ContainerOptions {
  ContainerRuntime runtime = ContainerRuntime::podman;
  std::string program;               // looked up in PATH unless absolute; empty: the runtime's name
  std::vector<std::string> options;  // before each command: "--runtime=runc"
  std::vector<std::string> run;      // words of a run; empty: default_run(runtime)
  std::vector<std::string> images;   // what jobs may name, as image_allowed() takes it
  ImagePull pull = ImagePull::missing;
  std::string network = "private";  // of a job that asked for network; else "none"
  std::string user = "0:0";         // inside, "UID:GID"
  friend bool operator==(const ContainerOptions&, const ContainerOptions&) = default;
};

// Fail with ErrorCode::invalid naming `field`.
Result<ContainerRuntime> parse_container_runtime(std::string_view field, std::string_view text);
Result<ImagePull> parse_image_pull(std::string_view field, std::string_view text);
// Placeholders that are not known, and templates without {image} or {command}.
Status check_run_words(std::string_view field, const std::vector<std::string>& words);

boost::json::object to_json(const ContainerOptions& options);
// Of what to_json() gave; throws std::exception for anything else.
ContainerOptions container_options_from_json(const boost::json::object& json);

}  // namespace tradewind
