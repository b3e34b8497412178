// A podman with a store of its own and two images, made when first asked for: localhost/tools:1 has
// busybox, and an entry point that does nothing; localhost/tools:other is of another architecture.
#pragma once

#include <string>
#include <vector>

#include "gateway/engines/container_options.h"
#include "schemas/result.h"
#include "tests/unit/staging/scratch.h"

namespace tradewind::test {

class PodmanStore {
 public:
  static PodmanStore& get();
  ~PodmanStore();
  // Why there is none; empty when there is.
  const std::string& missing() const { return missing_; }
  // Of an engine that runs these images and no others.
  ContainerOptions options() const;
  // What podman said, asked with these words.
  Result<std::string> podman(const std::vector<std::string>& words) const;
  // The names of those that there are, running or not.
  std::string containers() const;

 private:
  PodmanStore();
  void make();

  Scratch scratch_;
  std::string missing_;
};

}  // namespace tradewind::test
