#include "schemas/dispatch.h"

#include <array>

namespace tradewind {
namespace {

constexpr std::array<std::string_view, refusal_codes_count> kRefusals = {
    "no_capacity",  "price",   "policy", "site_state",  "term",
    "unknown_pool", "invalid", "fenced", "engine_down", "contract"};
constexpr std::array<std::string_view, attempt_phases_count> kPhases = {
    "unknown", "granted", "staging", "running", "finishing", "ended"};
constexpr std::array<std::string_view, end_codes_count> kEnds = {
    "succeeded",     "failed",          "canceled",         "time_limit",
    "lease_expired", "stage_in_failed", "stage_out_failed", "engine_failed",
    "interrupted",   "preempted",       "out_of_memory"};

}  // namespace

std::string_view to_string(RefusalCode code) {
  return kRefusals.at(static_cast<std::size_t>(code));
}
std::string_view to_string(AttemptPhase phase) {
  return kPhases.at(static_cast<std::size_t>(phase));
}
std::string_view to_string(EndCode code) {
  return kEnds.at(static_cast<std::size_t>(code));
}

}  // namespace tradewind
