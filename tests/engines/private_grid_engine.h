// One private Grid Engine for all tests of this process, started when first asked for.
#pragma once

#include <filesystem>
#include <string>

#include "gateway/engines/batch_commands.h"

namespace tradewind::test {

class PrivateGridEngine {
 public:
  // Why there is none; empty when there is.
  static std::string missing();
  // Of deploy/sites/queues/gridengine.toml, for this Grid Engine and a pool "pool".
  static BatchCommands commands();
  static std::string user();
  // tests/engines/gridengine WHAT … NAME
  static void tell(const std::string& what, const std::string& name);
  // The output of one of its commands: "qstat -xml".
  static std::string run(const std::string& command);
  static std::filesystem::path program(const std::string& name);
};

}  // namespace tradewind::test
