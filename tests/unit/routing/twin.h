// Routing once more, as slowly and plainly as can be: every variant at every pool, on demand and
// preemptible, each predicate in turn, everything sorted whole. It shares no code with the room it
// is compared with, and takes moderate numbers only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/decision.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind::twin {

struct Answer {
  Outcome outcome = Outcome::unroutable;
  std::vector<Candidate> candidates;  // one a pool, in order; the chosen one first
  std::vector<Rejection> rejections;  // in order, without words
};

Answer route(const sample::Market& market, const JobSpec& spec, Wall::time_point now = sample::now);

}  // namespace tradewind::twin
