#include "tests/simulation/engine.h"

#include <utility>

namespace tradewind::simulation {

Random Engine::luck(std::string_view what, const AttemptId& attempt) const {
  return dice(around_.options.seed,
              std::string(what) + ' ' + site_.value + ' ' + around_.names.of(attempt));
}

void Engine::start(const SiteRecord& record, const Pool& pool, const AttemptId& attempt,
                   const Assignment& assignment, const std::vector<std::uint32_t>& nodes) {
  around_.checker.run_started(record, pool, attempt, assignment, nodes);
  around_.scheduler.trace("start " + site_.value + ' ' + around_.names.of(attempt));
  Run run;
  run.serial = ++serial_;
  run.alive = true;
  run.began = around_.scheduler.now();
  runs_[attempt] = run;
  around_.scheduler.after(luck("staging", attempt).between(10, 1'000) * kMillisecond,
                          [this, attempt, serial = run.serial] { advance(attempt, serial); });
}

Engine::Run* Engine::find(const AttemptId& attempt, std::uint64_t serial) {
  const auto found = runs_.find(attempt);
  if (found == runs_.end() || found->second.serial != serial || !found->second.alive) {
    return nullptr;
  }
  return &found->second;
}

void Engine::advance(const AttemptId& attempt, std::uint64_t serial) {
  Run* const run = find(attempt, serial);
  if (run == nullptr) return;
  Micros next = 0;
  if (run->phase == AttemptPhase::staging) {
    run->phase = AttemptPhase::running;
    next = fate_of_(attempt).run;
  } else if (run->phase == AttemptPhase::running) {
    run->phase = AttemptPhase::finishing;
    next = luck("finishing", attempt).between(1, 2'000) * kMillisecond;
  } else {
    end(attempt, serial, fate_of_(attempt).code);
    return;
  }
  tell_(attempt);
  around_.scheduler.after(next, [this, attempt, serial] { advance(attempt, serial); });
}

void Engine::stop(const AttemptId& attempt, EndCode code) {
  const auto found = runs_.find(attempt);
  if (found == runs_.end() || !found->second.alive) return;
  around_.scheduler.trace("stop " + site_.value + ' ' + around_.names.of(attempt));
  // A tree of processes takes a moment to die.
  around_.scheduler.after(
      luck("stopping", attempt).between(10, 1'500) * kMillisecond,
      [this, attempt, code, serial = found->second.serial] { end(attempt, serial, code); });
}

void Engine::end(const AttemptId& attempt, std::uint64_t serial, EndCode code) {
  Run* const run = find(attempt, serial);
  if (run == nullptr) return;
  run->alive = false;
  EndReport report;
  report.code = code;
  report.started = run->phase != AttemptPhase::staging;
  report.usage.wall_seconds =
      static_cast<std::uint64_t>((around_.scheduler.now() - run->began + kSecond - 1) / kSecond);
  run->report = report;
  around_.checker.run_ended(site_, attempt);
  around_.scheduler.trace("end " + site_.value + ' ' + around_.names.of(attempt) + ' ' +
                          std::string(to_string(code)));
  tell_(attempt);
}

void Engine::orphan(const AttemptId& attempt, bool survives, std::optional<Micros> ends) {
  Run& run = runs_.at(attempt);
  if (!survives) {
    run.alive = false;
    around_.checker.run_ended(site_, attempt);
    around_.scheduler.trace("end " + site_.value + ' ' + around_.names.of(attempt) + " killed");
  } else if (ends) {
    around_.scheduler.at(*ends, [this, attempt, serial = run.serial] {
      end(attempt, serial, EndCode::lease_expired);
    });
  }
}

bool Engine::knows(const AttemptId& attempt) const {
  const auto run = runs_.find(attempt);
  return run != runs_.end() && (run->second.alive || run->second.report);
}

std::vector<AttemptId> Engine::alive() const {
  std::vector<AttemptId> attempts;
  for (const auto& [id, run] : runs_) {
    if (run.alive) attempts.push_back(id);
  }
  return attempts;
}

const EndReport* Engine::report(const AttemptId& attempt) const {
  const Run& run = runs_.at(attempt);
  return run.report ? &*run.report : nullptr;
}

}  // namespace tradewind::simulation
