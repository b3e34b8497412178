// The names of OCI images as jobs give them, what a site allows of them, and what is found behind
// them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schemas/architecture.h"
#include "schemas/result.h"

namespace tradewind {

struct ImageReference {
  std::string repository;  // with its registry: "docker.io/library/debian"
  std::string tag;         // "12"; empty: none is given
  std::string digest;      // "sha256:" and 64 digits; empty: none is given
  // What a registry or a runtime is asked for; "latest" when neither tag nor digest is given.
  std::string text() const;
  friend bool operator==(const ImageReference&, const ImageReference&) = default;
};

// Names without a registry are Docker Hub's, as everywhere: "debian:12" is
// docker.io/library/debian:12. Takes no transports ("oci:", "dir:"). Fails with ErrorCode::invalid.
Result<ImageReference> parse_image_reference(std::string_view field, std::string_view text);

// Whether one of `prefixes` is the repository or what it lies in: "quay.io/lab" allows
// quay.io/lab/sim, and neither quay.io/lab2/sim nor quay.io/labs.
bool image_allowed(const ImageReference& image, const std::vector<std::string>& prefixes);

// What a runtime says of an image that it has.
struct ImageFacts {
  std::string id;      // of its configuration, without "sha256:"; empty: not told
  std::string digest;  // "sha256:…", of the manifest
  std::string architecture;
  friend bool operator==(const ImageFacts&, const ImageFacts&) = default;
};

// From the JSON of `podman image inspect` or `skopeo inspect`. Fails with ErrorCode::corrupt when
// it names no digest and no architecture.
Result<ImageFacts> read_image_facts(std::string_view field, std::string_view json);

}  // namespace tradewind
