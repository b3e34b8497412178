#include "broker/core/value_keys.h"

#include <charconv>
#include <utility>

#include "schemas/codec.h"

namespace tradewind::value_keys {

std::string invite(std::string_view token_sha256) {
  return std::string(registry) + "invite/" + std::string(token_sha256);
}

std::string of_registry(const Entry& entry) {
  if (const auto* issued = std::get_if<InviteIssued>(&entry.body)) {
    return invite(issued->token_sha256);
  }
  const auto& changed = std::get<MemberChanged>(entry.body);
  const auto header = decode_record_header(changed.record.body);
  return std::string(registry) + "member/" + (header ? header->subject.value : std::string());
}

std::string market(RecordKind kind) {
  return "market/" + std::string(to_string(kind)) + '/';
}

std::string failed_task(const JobId& array) {
  return "array/" + array.value;
}

std::string to_text(const BudgetSpent& spent) {
  return std::to_string(spent.since.time_since_epoch().count()) + ' ' +
         std::to_string(spent.spent.micros);
}

std::optional<BudgetSpent> read_spent(BytesView text) {
  BudgetSpent spent;
  std::int64_t since = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, since);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, spent.spent.micros);
  if (second.ec != std::errc() || second.ptr != end || spent.spent.micros < 0) return std::nullopt;
  spent.since = Wall::time_point(Wall::duration(since));
  return spent;
}

std::vector<JournalValue> changed(
    const std::vector<Entry>& entries, const std::vector<ChangedJob>& jobs,
    const std::map<TenantId, std::optional<BudgetSpent>>& of_budgets) {
  std::vector<JournalValue> values;
  for (const ChangedJob& job : jobs) {
    if (!job.array || !is_final(job.state) || job.state == JobState::succeeded) continue;
    // An array's tasks follow each other.
    std::string key = failed_task(*job.array);
    if (values.empty() || values.back().key != key) {
      values.push_back({std::move(key), job.job.value});
    }
  }
  for (const auto& [tenant, now] : of_budgets) {
    values.push_back({std::string(spent) + tenant.value,
                      now ? std::optional<Bytes>(to_text(*now)) : std::nullopt});
  }
  for (const Entry& entry : entries) {
    if (const auto* changed = std::get_if<BudgetChanged>(&entry.body)) {
      values.push_back({std::string(budget) + changed->tenant.value,
                        changed->budget ? std::optional(encode(entry)) : std::nullopt});
      continue;
    }
    // They were verified, so they read.
    if (const auto* quarantined = std::get_if<SiteQuarantined>(&entry.body)) {
      if (const auto header = header_of(quarantined->proof)) {
        values.push_back({std::string(quarantine) + header->subject.value, encode(entry)});
      }
      continue;
    }
    const auto* recorded = std::get_if<MarketRecorded>(&entry.body);
    if (recorded == nullptr) continue;
    if (const auto header = decode_record_header(recorded->record.body)) {
      values.push_back({market(header->kind) + header->subject.value, encode(entry)});
    }
  }
  return values;
}

}  // namespace tradewind::value_keys
