// A process engine on a loop of its own, in a directory of its own.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/engines/process_engine.h"
#include "tests/unit/staging/scratch.h"

namespace tradewind::test {

inline AttemptId attempt(std::uint32_t number = 1) {
  return {JobId{"j0000000000001"}, number};
}

class EngineFixture : public testing::Test {
 protected:
  EngineFixture() {
    options.attempts_directory = scratch / "attempts";
    options.pools = {{PoolId{"pool"}, host_architecture()}};
    options.staging.allow_private_hosts = true;
    options.staging.file_read_roots = {scratch / "in"};
    options.staging.file_write_roots = {scratch / "out"};
    options.staging.backoff = std::chrono::milliseconds(1);
    options.stop_grace = std::chrono::milliseconds(500);
    options.on_warning = [this](const std::string& text) { warnings.push_back(text); };
    std::filesystem::create_directories(scratch / "in");
    std::filesystem::create_directories(scratch / "out");
  }

  // Makes the engine with `options`; skips the test, with the reason, where no sandbox can be had.
  void open() {
    engine.reset();
    auto made = make_process_engine(io, options, [this](EngineEvent event) {
      phases[event.attempt].push_back(event.phase);
      if (event.report) reports[event.attempt] = *event.report;
    });
    if (!made && made.error().field == "sandbox") GTEST_SKIP() << describe(made.error());
    ASSERT_TRUE(made) << describe(made.error());
    engine = std::move(*made);
  }

  // Runs the loop until the condition holds; false after `limit`.
  bool until(const std::function<bool()>& holds,
             std::chrono::seconds limit = std::chrono::seconds(30)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      io.restart();
      io.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
  }
  EndReport end_of(const AttemptId& id) {
    EXPECT_TRUE(until([&] { return reports.contains(id); })) << "the attempt did not end";
    return reports[id];
  }
  EndReport run(const Assignment& assignment, const AttemptId& id = attempt()) {
    const Status fine = engine->check(assignment);
    EXPECT_TRUE(fine) << describe(fine.error());
    engine->start(id, assignment);
    return end_of(id);
  }
  std::string log(const AttemptId& id, LogStream stream = LogStream::out) {
    auto chunk = engine->read_log(id, stream, 0, 100'000);
    return chunk ? chunk->data : describe(chunk.error());
  }
  bool is_running(const AttemptId& id) {
    return !phases[id].empty() && phases[id].back() == AttemptPhase::running;
  }

  static Assignment command(std::vector<std::string> argv) {
    Assignment assignment;
    assignment.pool = PoolId{"pool"};
    assignment.run_seconds_max = 60;
    assignment.executors.resize(1);
    assignment.executors[0].command = std::move(argv);
    return assignment;
  }
  static Assignment shell(const std::string& script) { return command({"sh", "-c", script}); }
  static Input content(const std::string& path, const std::string& bytes, bool executable = false) {
    Input input;
    input.path = path;
    input.content = bytes;
    input.executable = executable;
    return input;
  }
  Output output(const std::string& path, const std::string& name) {
    Output made;
    made.path = path;
    made.url = "file://" + (scratch / ("out/" + name)).string();
    return made;
  }

  Scratch scratch;
  boost::asio::io_context io;
  ProcessEngineOptions options;
  std::vector<std::string> warnings;
  std::map<AttemptId, std::vector<AttemptPhase>> phases;
  std::map<AttemptId, EndReport> reports;
  std::unique_ptr<Engine> engine;
};

// How many processes of this machine have `text` in their arguments.
int processes_with(const std::string& text);
// Waits, for half a minute at most, while nothing runs the loop.
bool comes(const std::function<bool()>& holds);

}  // namespace tradewind::test
