// An engine of one kind on a loop of its own, with the outside that it needs.
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

#include "gateway/engines/batch_engine.h"
#include "gateway/engines/slurm_engine.h"
#include "gateway/engines/tes_engine.h"
#include "tests/engines/private_grid_engine.h"
#include "tests/unit/staging/scratch.h"

namespace tradewind::test {

// One private Slurm for all tests of this process, started when first asked for.
class SlurmCluster {
 public:
  // Set before the cluster is used for the first time: whether it is to keep accounting.
  static inline bool wants_accounting = false;
  // Why there is none; empty when there is.
  static std::string missing();
  // Why it keeps no accounting; empty when it does.
  static std::string no_accounting();
  static std::filesystem::path folder();
  static std::string url();
  // Of a slurmrestd that serves later versions of the interface, tests/engines/later_slurmrestd.
  static std::string later_url();
  static std::string user();
  // tests/engines/slurm WHAT folder() NAME
  static void tell(const std::string& what, const std::string& name = "");
  // The output of a command that speaks to this Slurm.
  static std::string run(const std::string& command);
};

// A federation of its own for all tests of this process, started when first asked for: the TES
// server that attempts are given to. Its site "open" has no sandbox, "boxed" has one.
class TesServer {
 public:
  static std::string url();
  static std::filesystem::path token_file();
};

enum class Kind { process, slurm, slurm_commands, slurm_later, batch, tes, kubernetes };
std::string name_of(Kind kind);

class EngineUnderTest : public testing::Test {
 protected:
  explicit EngineUnderTest(Kind kind);

  // Makes the engine; skips the test, with the reason, where its kind cannot be had.
  void open();
  // As a gateway that is gone: no event is told any more.
  void close();

  bool until(const std::function<bool()>& holds,
             std::chrono::seconds limit = std::chrono::seconds(120));
  // Until it takes jobs.
  void await_up();
  void start(const AttemptId& id, const Assignment& assignment);
  EndReport end_of(const AttemptId& id);
  EndReport run(const AttemptId& id, const Assignment& assignment) {
    start(id, assignment);
    return end_of(id);
  }
  bool is_running(const AttemptId& id) const;
  std::string log(const AttemptId& id, LogStream stream = LogStream::out);

  // Whether an end names the digests of outputs.
  bool tells_digests() const { return kind_ != Kind::tes; }

  // Of this test alone, however many share a cluster.
  AttemptId attempt(std::uint32_t number = 1) const;
  Assignment shell(const std::string& script) const;
  // A command that writes a line to an outside file when it starts and another when it has ended.
  Assignment told(const std::string& work) const;
  // Work that goes on until let_go().
  std::string held() const;
  void let_go() const;
  int starts() const;
  int ends() const;

  const Kind kind_;
  Scratch scratch;
  std::unique_ptr<boost::asio::io_context> io = std::make_unique<boost::asio::io_context>();
  SlurmEngineOptions options;
  std::optional<BatchCommands> commands;  // nothing: the sample's for Grid Engine
  TesEngineOptions tes;
  std::map<AttemptId, std::vector<AttemptPhase>> phases;
  std::map<AttemptId, EndReport> reports;
  std::map<AttemptId, int> ended;
  std::unique_ptr<Engine> engine;

 private:
  int lines(const std::string& word) const;
};

}  // namespace tradewind::test
