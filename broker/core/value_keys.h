// Where the core keeps its named values beside the journal's entries (JournalValue), and which of
// them a batch of the lifecycle changes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/jobs/budgets.h"
#include "schemas/changed_job.h"
#include "schemas/ids.h"
#include "schemas/journal.h"
#include "schemas/record.h"
#include "state/journal/journal.h"

namespace tradewind::value_keys {

// Prefixes: invitations and members, data sets. Their values are entries.
inline constexpr std::string_view registry = "registry/";
inline constexpr std::string_view dataset = "dataset/";
inline constexpr std::string_view rates = "rates";  // the newest RatesChanged
inline constexpr std::string_view trust = "trust";  // the newest TrustChanged
// Prefixes: of each tenant that has a budget, its newest BudgetChanged; and what it has spent of
// it, as to_text has it.
inline constexpr std::string_view budget = "budget/";
inline constexpr std::string_view spent = "spent/";
std::string to_text(const BudgetSpent& spent);
// Nothing: it is no such text.
std::optional<BudgetSpent> read_spent(BytesView text);

std::string invite(std::string_view token_sha256);
// Of an InviteIssued or a MemberChanged.
std::string of_registry(const Entry& entry);
// Prefix of the proofs that a site is quarantined by, the newest of each site.
inline constexpr std::string_view quarantine = "quarantine/";
// Prefix of the newest records of this kind, one a site, that decisions relied on.
std::string market(RecordKind kind);
// Where it is kept that a task of the array ended otherwise than in success: one that did.
std::string failed_task(const JobId& array);

// What the entries, the jobs that they changed and what was spent by them change of them: the
// records and quarantines that decisions rely on, arrays that cannot succeed any more, and budgets.
std::vector<JournalValue> changed(const std::vector<Entry>& entries,
                                  const std::vector<ChangedJob>& jobs,
                                  const std::map<TenantId, std::optional<BudgetSpent>>& spent);

}  // namespace tradewind::value_keys
