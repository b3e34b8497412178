#include "tests/engines/private_grid_engine.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "gateway/site_file.h"
#include "tests/engines/shell_output.h"
#include "tests/unit/staging/scratch.h"

namespace tradewind::test {
namespace {

// Down again when the process ends.
struct Started {
  Scratch scratch;
  std::string missing;
  Started() {
    std::filesystem::permissions(scratch.path(), std::filesystem::perms(0755));
    const auto [status, said] =
        output_of(fmt::format("{} up {} --slots 64", TRADEWIND_GRID_ENGINE, folder()));
    if (status == 0) return;
    missing = said.empty() ? "it could not be started" : said;
    if (status != skipped) ADD_FAILURE() << missing;
  }
  ~Started() { output_of(fmt::format("{} down {}", TRADEWIND_GRID_ENGINE, folder())); }
  std::string folder() const { return (scratch / "cluster").string(); }
};

Started& started() {
  static Started one;
  return one;
}

}  // namespace

std::string PrivateGridEngine::missing() {
  return started().missing;
}

std::filesystem::path PrivateGridEngine::program(const std::string& name) {
  return started().scratch / ("cluster/bin/" + name);
}

BatchCommands PrivateGridEngine::commands() {
  const auto site = load_site_file(std::string(TRADEWIND_QUEUE_SITES) + "/gridengine.toml");
  EXPECT_TRUE(site) << describe(site.error());
  BatchCommands commands = site->engine.batch->commands;
  for (auto* each : {&commands.submit.command, &commands.status.command, &commands.cancel,
                     &commands.usage.command}) {
    each->front() = program(each->front()).string();
  }
  commands.pool_options = {{PoolId{"pool"}, commands.pool_options.at(PoolId{"main"})}};
  return commands;
}

std::string PrivateGridEngine::user() {
  return ::getpwuid(::geteuid())->pw_name;
}

void PrivateGridEngine::tell(const std::string& what, const std::string& name) {
  const auto [status, said] =
      output_of(fmt::format("{} {} {} {}", TRADEWIND_GRID_ENGINE, what, started().folder(), name));
  ASSERT_EQ(status, 0) << said;
}

std::string PrivateGridEngine::run(const std::string& command) {
  return output_of(fmt::format("{}/bin/{}", started().folder(), command)).second;
}

}  // namespace tradewind::test
