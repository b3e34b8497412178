// The types of the log's events. DO NOT CHANGE: they are in logs.
#pragma once

#include <string_view>

namespace tradewind::leaf_type {

inline constexpr std::string_view term_began = "org.tradewind.broker.term_began";
inline constexpr std::string_view submitted = "org.tradewind.job.submitted";
inline constexpr std::string_view decided = "org.tradewind.job.decided";
inline constexpr std::string_view unroutable = "org.tradewind.job.unroutable";
inline constexpr std::string_view cancel_requested = "org.tradewind.job.cancel_requested";
inline constexpr std::string_view expired = "org.tradewind.job.expired";
inline constexpr std::string_view cleared = "org.tradewind.jobs.cleared";
inline constexpr std::string_view granted = "org.tradewind.attempt.granted";
inline constexpr std::string_view refused = "org.tradewind.attempt.refused";
inline constexpr std::string_view advanced = "org.tradewind.attempt.advanced";
inline constexpr std::string_view ended = "org.tradewind.attempt.ended";
inline constexpr std::string_view lost = "org.tradewind.attempt.lost";
inline constexpr std::string_view invited = "org.tradewind.site.invited";
inline constexpr std::string_view member_changed = "org.tradewind.member.changed";
inline constexpr std::string_view trust_changed = "org.tradewind.trust.changed";
inline constexpr std::string_view quarantined = "org.tradewind.site.quarantined";
inline constexpr std::string_view market_recorded = "org.tradewind.market.recorded";
inline constexpr std::string_view dataset_changed = "org.tradewind.dataset.changed";
inline constexpr std::string_view rates_changed = "org.tradewind.rates.changed";
inline constexpr std::string_view budget_changed = "org.tradewind.budget.changed";

// Whether the event's subject is a job or an attempt of one.
constexpr bool is_of_job(std::string_view type) {
  return type.starts_with("org.tradewind.job.") || type.starts_with("org.tradewind.attempt.");
}

}  // namespace tradewind::leaf_type
