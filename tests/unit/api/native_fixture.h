// The native API in front of a broker in memory, with jobs as attempts leave them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {

class NativeApiTest : public EndpointTest {
 protected:
  AttemptRecord attempt(std::uint32_t number, AttemptState state, const char* site = "alpha-1") {
    AttemptRecord record;
    record.number = number;
    record.state = state;
    record.decision = sample_decision(site);
    record.decided = wall_from_ms(1'700'000'000'000);
    return record;
  }
  void place(const JobId& id, JobState state, std::vector<AttemptRecord> attempts) {
    service.change(id, [&](JobRecord& job) {
      job.state = state;
      job.attempts_count = static_cast<std::uint32_t>(attempts.size());
      job.attempts = std::move(attempts);
      if (is_final(state)) job.ended = system_now().wall;
    });
  }
  AttemptRecord succeeded(std::uint32_t number) {
    AttemptRecord record = attempt(number, AttemptState::ended);
    EndReport report;
    report.started = true;
    ExecutorEnd end;
    end.stdout_tail = "hello\n";
    report.executors = {end};
    report.outputs = {OutputFile{"/out/a", "file:///results/a", 7, std::string(64, 'a')}};
    report.charge = Money{12'345};
    record.report = report;
    return record;
  }
};

}  // namespace tradewind::testing
