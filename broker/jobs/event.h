// The words for what happens: the same in logs, in metrics, in the transparency log (whose event
// types are these with "org.tradewind." before them) and in what the command line shows.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "schemas/journal.h"

namespace tradewind {

// By the place of the entry's body in its variant. DO NOT CHANGE: they are in logs.
inline constexpr std::array event_names = {
    std::string_view("broker.term_began"),    std::string_view("job.submitted"),
    std::string_view("job.decided"),          std::string_view("job.unroutable"),
    std::string_view("job.cancel_requested"), std::string_view("job.expired"),
    std::string_view("attempt.granted"),      std::string_view("attempt.refused"),
    std::string_view("attempt.advanced"),     std::string_view("attempt.ended"),
    std::string_view("attempt.lost"),         std::string_view("site.invited"),
    std::string_view("member.changed"),       std::string_view("dataset.changed"),
    std::string_view("rates.changed"),        std::string_view("jobs.cleared"),
    std::string_view("market.recorded"),      std::string_view("trust.changed"),
    std::string_view("site.quarantined"),     std::string_view("budget.changed")};
static_assert(event_names.size() == std::variant_size_v<decltype(Entry::body)>);

inline std::string_view event_name(const Entry& entry) {
  return event_names[entry.body.index()];
}

// What a log line says of an entry about a job behind its name, "attempt=j0000000000001#2
// site=eu-zurich-1 reason=lost detail=\"...\""; `job` is the record after it. Texts of users and
// sites are quoted, their control characters and quotes replaced.
std::string event_details(const Entry& entry, const JobRecord& job);

}  // namespace tradewind
