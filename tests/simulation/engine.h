// The engine of a simulated site: attempts that take their time and end. It writes down what became
// of each before it tells, and outlives its gateway when the options say so.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schemas/dispatch.h"
#include "tests/simulation/node.h"

namespace tradewind::simulation {

class Engine {
 public:
  // What becomes of an attempt, whatever the site does.
  struct Fate {
    Micros run = 0;
    EndCode code = EndCode::succeeded;
  };
  using FateOf = std::function<Fate(const AttemptId&)>;
  // That there is something new to `phase` or `report`.
  using Tell = std::function<void(const AttemptId&)>;

  Engine(const Surroundings& around, SiteId site, FateOf fate_of, Tell tell)
      : around_(around),
        site_(std::move(site)),
        fate_of_(std::move(fate_of)),
        tell_(std::move(tell)) {}

  void start(const SiteRecord& record, const Pool& pool, const AttemptId& attempt,
             const Assignment& assignment, const std::vector<std::uint32_t>& nodes);
  void stop(const AttemptId& attempt, EndCode code);
  void forget(const AttemptId& attempt) { runs_.erase(attempt); }
  void clear() { runs_.clear(); }
  // The gateway is gone. What is not to survive it is killed at once, without a word.
  void orphan(const AttemptId& attempt, bool survives, std::optional<Micros> ends);

  // Whether it runs or has ended with a report.
  bool knows(const AttemptId& attempt) const;
  std::vector<AttemptId> alive() const;
  AttemptPhase phase(const AttemptId& attempt) const { return runs_.at(attempt).phase; }
  // Null while it runs.
  const EndReport* report(const AttemptId& attempt) const;

 private:
  struct Run {
    std::uint64_t serial = 0;
    bool alive = false;
    AttemptPhase phase = AttemptPhase::staging;
    Micros began = 0;
    std::optional<EndReport> report;
  };
  // Null unless that very run is alive.
  Run* find(const AttemptId& attempt, std::uint64_t serial);
  void advance(const AttemptId& attempt, std::uint64_t serial);
  void end(const AttemptId& attempt, std::uint64_t serial, EndCode code);
  Random luck(std::string_view what, const AttemptId& attempt) const;

  const Surroundings around_;
  const SiteId site_;
  FateOf fate_of_;
  Tell tell_;
  std::map<AttemptId, Run> runs_;
  std::uint64_t serial_ = 0;
};

}  // namespace tradewind::simulation
