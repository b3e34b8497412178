#include "schemas/decision.h"

#include <array>

namespace tradewind {
namespace {

constexpr std::array<std::string_view, outcomes_count> kOutcomes = {"placed", "waiting",
                                                                    "unroutable"};
constexpr std::array<std::string_view, reason_codes_count> kReasons = {"none",
                                                                       "architecture",
                                                                       "accelerator_family",
                                                                       "accelerator_model",
                                                                       "accelerator_memory",
                                                                       "accelerator_count",
                                                                       "interconnect",
                                                                       "cpus",
                                                                       "memory",
                                                                       "disk",
                                                                       "nodes",
                                                                       "site_denied",
                                                                       "region_denied",
                                                                       "jurisdiction_denied",
                                                                       "provider_denied",
                                                                       "data_residency",
                                                                       "label",
                                                                       "site_policy",
                                                                       "workload_class",
                                                                       "preemptible_only",
                                                                       "carbon",
                                                                       "latency",
                                                                       "rate_cap",
                                                                       "currency",
                                                                       "site_state",
                                                                       "excluded",
                                                                       "quote_missing",
                                                                       "energy_quota",
                                                                       "capacity",
                                                                       "wait",
                                                                       "deadline",
                                                                       "budget",
                                                                       "transfer_unknown",
                                                                       "contract_capacity",
                                                                       "distrusted"};

}  // namespace

std::string_view to_string(ReasonCode code) {
  return kReasons.at(static_cast<std::size_t>(code));
}

std::string_view to_string(Outcome outcome) {
  return kOutcomes.at(static_cast<std::size_t>(outcome));
}

std::uint16_t predicate_place(ReasonCode code) {
  const auto place = [](ReasonCode each) {
    return static_cast<std::uint16_t>(2 * static_cast<std::uint16_t>(each));
  };
  // These came later than their places.
  if (code == ReasonCode::contract_capacity) {
    return static_cast<std::uint16_t>(place(ReasonCode::capacity) + 1);
  }
  if (code == ReasonCode::distrusted) {
    return static_cast<std::uint16_t>(place(ReasonCode::excluded) + 1);
  }
  return place(code);
}

bool is_passing(ReasonCode code) {
  switch (code) {
    case ReasonCode::none:
    case ReasonCode::rate_cap:
    case ReasonCode::currency:
    case ReasonCode::site_state:
    case ReasonCode::excluded:
    case ReasonCode::distrusted:
    case ReasonCode::quote_missing:
    case ReasonCode::energy_quota:
    case ReasonCode::capacity:
    case ReasonCode::contract_capacity:
    case ReasonCode::wait:
    case ReasonCode::budget: return true;
    default: return false;
  }
}

}  // namespace tradewind
