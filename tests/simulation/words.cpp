#include "tests/simulation/words.h"

#include <type_traits>
#include <variant>

#include "broker/audit/leaf_type.h"
#include "broker/jobs/fold.h"
#include "schemas/codec.h"

namespace tradewind::simulation {
namespace {

constexpr std::string_view kPrefix = "org.tradewind.";

std::string site_of_attempt(const AttemptId& attempt, const std::map<JobId, JobRecord>& jobs) {
  const auto job = jobs.find(attempt.job);
  if (job == jobs.end()) return {};
  const AttemptRecord* const record = find_attempt(job->second, attempt.number);
  return record != nullptr ? ' ' + record->decision.chosen->site.value : "";
}

std::string_view type_of(const TermBegan&) {
  return leaf_type::term_began;
}
std::string_view type_of(const JobSubmitted&) {
  return leaf_type::submitted;
}
std::string_view type_of(const JobDecided&) {
  return leaf_type::decided;
}
std::string_view type_of(const JobsCleared&) {
  return leaf_type::cleared;
}
std::string_view type_of(const JobUnroutable&) {
  return leaf_type::unroutable;
}
std::string_view type_of(const CancelRequested&) {
  return leaf_type::cancel_requested;
}
std::string_view type_of(const JobExpired&) {
  return leaf_type::expired;
}
std::string_view type_of(const AttemptGranted&) {
  return leaf_type::granted;
}
std::string_view type_of(const AttemptRefused&) {
  return leaf_type::refused;
}
std::string_view type_of(const AttemptAdvanced&) {
  return leaf_type::advanced;
}
std::string_view type_of(const AttemptFinished&) {
  return leaf_type::ended;
}
std::string_view type_of(const AttemptLost&) {
  return leaf_type::lost;
}
std::string_view type_of(const InviteIssued&) {
  return leaf_type::invited;
}
std::string_view type_of(const MemberChanged&) {
  return leaf_type::member_changed;
}
std::string_view type_of(const MarketRecorded&) {
  return leaf_type::market_recorded;
}
std::string_view type_of(const DatasetChanged&) {
  return leaf_type::dataset_changed;
}
std::string_view type_of(const RatesChanged&) {
  return leaf_type::rates_changed;
}

std::string_view type_of(const BudgetChanged&) {
  return leaf_type::budget_changed;
}

std::string_view type_of(const SiteQuarantined&) {
  return leaf_type::quarantined;
}

std::string_view type_of(const TrustChanged&) {
  return leaf_type::trust_changed;
}

}  // namespace

Told told_of(const ToGateway& message, const Names& names) {
  return std::visit(
      [&](const auto& body) -> Told {
        using Body = std::decay_t<decltype(body)>;
        if constexpr (std::is_same_v<Body, Dispatch>) {
          return {"dispatch", names.of(body.attempt)};
        } else if constexpr (std::is_same_v<Body, RenewLeases>) {
          std::string about;
          for (const AttemptId& each : body.attempts) {
            about += (about.empty() ? "" : " ") + names.of(each);
          }
          return {"renew", about};
        } else if constexpr (std::is_same_v<Body, CancelAttempt>) {
          return {"cancel", names.of(body.attempt)};
        } else if constexpr (std::is_same_v<Body, AskAttempt>) {
          return {"ask", names.of(body.attempt)};
        } else if constexpr (std::is_same_v<Body, AcknowledgeEnd>) {
          return {"acknowledge", names.of(body.attempt)};
        } else {
          return {"other", {}};
        }
      },
      message.body);
}

Told told_of(const ToBroker& message, const Names& names) {
  return std::visit(
      [&](const auto& body) -> Told {
        using Body = std::decay_t<decltype(body)>;
        if constexpr (std::is_same_v<Body, Granted>) {
          return {"granted", names.of(body.attempt)};
        } else if constexpr (std::is_same_v<Body, Refused>) {
          return {"refused", names.of(body.attempt) + ' ' + std::string(to_string(body.code))};
        } else if constexpr (std::is_same_v<Body, AttemptStatus>) {
          return {"status", names.of(body.attempt) + ' ' + std::string(to_string(body.phase))};
        } else if constexpr (std::is_same_v<Body, AttemptEnded>) {
          return {"ended", names.of(body.attempt) + ' ' + std::string(to_string(body.report.code))};
        } else {
          return {"other", {}};
        }
      },
      message.body);
}

Told told_of(const Entry& entry, const std::map<JobId, JobRecord>& jobs, const Names& names) {
  return std::visit(
      [&](const auto& body) -> Told {
        using Body = std::decay_t<decltype(body)>;
        Told told{std::string(type_of(body).substr(kPrefix.size())), {}};
        if constexpr (std::is_same_v<Body, TermBegan>) {
          told.about = std::to_string(body.term.value);
        } else if constexpr (std::is_same_v<Body, JobDecided>) {
          told.about = names.of(body.attempt) + ' ' + body.decision.chosen->site.value;
        } else if constexpr (std::is_same_v<Body, JobsCleared>) {
          for (const auto& each : body.jobs) {
            told.about += (told.about.empty() ? "" : " ") + names.of(each.job);
          }
        } else if constexpr (requires { body.attempt; }) {
          told.about = names.of(body.attempt) + site_of_attempt(body.attempt, jobs);
          if constexpr (std::is_same_v<Body, AttemptRefused>) {
            told.about += ' ' + std::string(to_string(body.code));
          } else if constexpr (std::is_same_v<Body, AttemptAdvanced>) {
            told.about += ' ' + std::string(to_string(body.phase));
          } else if constexpr (std::is_same_v<Body, AttemptFinished>) {
            told.about += ' ' + std::string(to_string(body.report.code));
          }
        } else if constexpr (requires { body.job; }) {
          told.about = names.of(body.job);
        } else if constexpr (std::is_same_v<Body, MarketRecorded>) {
          if (const auto header = decode_record_header(body.record.body)) {
            told.about = std::string(to_string(header->kind)) + ' ' + header->subject.value;
          }
        } else if constexpr (std::is_same_v<Body, BudgetChanged>) {
          told.about = body.tenant.value + ' ' +
                       (body.budget ? to_decimal(body.budget->limit.micros) : "removed");
        } else if constexpr (std::is_same_v<Body, SiteQuarantined>) {
          if (const auto header = header_of(body.proof)) told.about = header->subject.value;
        }
        return told;
      },
      entry.body);
}

Told told_of_end(const JobRecord& job, const Names& names) {
  std::string why = job.end_reason.empty() ? "" : ": " + job.end_reason;
  for (const JobId& each : job.spec.after) {
    const std::size_t at = why.find(each.value);
    if (at != std::string::npos) why.replace(at, each.value.size(), names.of(each));
  }
  return {"job.ended", names.of(job.job) + ' ' + std::string(to_string(job.state)) + why};
}

}  // namespace tradewind::simulation
