// Names and numbers that must never be mixed up. None converts to another, nor to or from a plain
// string or number without saying so.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "schemas/result.h"

namespace tradewind {

template <class Tag, class Rep>
struct Strong {
  Rep value{};
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
  friend constexpr bool operator==(const Strong&, const Strong&) = default;
};

using FederationId = Strong<struct FederationTag, std::string>;    // "example-federation"
using SiteId = Strong<struct SiteTag, std::string>;                // "jp-osaka-1"
using RegionId = Strong<struct RegionTag, std::string>;            // "jp-osaka"
using Jurisdiction = Strong<struct JurisdictionTag, std::string>;  // ISO 3166-1 alpha-2: "JP"
using PoolId = Strong<struct PoolTag, std::string>;          // unique within its site: "cpu-small"
using TenantId = Strong<struct TenantTag, std::string>;      // who owns jobs and pays
using ContractId = Strong<struct ContractTag, std::string>;  // unique within its site
using NodeId = Strong<struct NodeTag, std::string>;          // "site/jp-osaka-1" or "broker/eu-1"

// A job id is "j" and 13 Crockford base32 digits, four of its broker's tag and nine of the journal
// sequence, then for a task of an array "-" and its index as five digits. One broker's ids sort by
// submission. Ids from before there were tags have none: their tag is 0.
using JobId = Strong<struct JobTag, std::string>;
// What keeps the job ids of a federation's brokers apart: 19 bits, so that tag and sequence are 64.
using BrokerTag = Strong<struct BrokerTagTag, std::uint32_t>;

using Sequence = Strong<struct SequenceTag, std::uint64_t>;     // place in the journal, from 1
inline constexpr Sequence job_sequence_max{(1ULL << 45U) - 1};  // of a submission
using Term = Strong<struct TermTag, std::uint64_t>;  // a broker's reign; rises at every start
using MemberNumber =
    Strong<struct MemberNumberTag, std::uint32_t>;  // a member's short name in digests

// One try of a job at one site.
struct AttemptId {
  JobId job;
  std::uint32_t number = 0;  // from 1
  friend auto operator<=>(const AttemptId&, const AttemptId&) = default;
  friend bool operator==(const AttemptId&, const AttemptId&) = default;
};

// "j0000000000001#2"
std::string to_string(const AttemptId& attempt);
// The reverse of to_string; fails with ErrorCode::invalid.
Result<AttemptId> parse_attempt(std::string_view text);

// By a stable hash of the name; never 0. The registry admits no two brokers with one tag.
BrokerTag tag_of(const NodeId& broker);
// Whether the broker may have given this id: it has that broker's tag, or none.
bool may_be_of(const JobId& job, const NodeId& broker);

// Job id of the entry at `sequence`, at most job_sequence_max, in the journal of the broker with
// that tag; `index` is given for tasks of an array.
JobId job_id(Sequence sequence, BrokerTag broker = {});
JobId array_task_id(const JobId& array, std::uint32_t index);
// Where the submission stands in its broker's journal, of a task that of its array. Of anything but
// a job id 0.
Sequence submitted_at(const JobId& job);
// Whether the text has the form of a job id, of a task or not.
bool is_job_id(std::string_view text);

// Site, region, pool, tenant and node part names: 1 to 63 of a-z 0-9 and inner '-'. `field` names
// it in the error.
Status check_name(std::string_view field, std::string_view name);
// A jurisdiction: two capital letters.
Status check_jurisdiction(std::string_view field, std::string_view name);

NodeId site_node(const SiteId& site);       // "site/<id>"
NodeId broker_node(std::string_view name);  // "broker/<name>"
// The site of a "site/..." node; not_found for others.
Result<SiteId> site_of(const NodeId& node);

// FNV-1a, 64 bit, for ties that must fall the same way on every machine.
constexpr std::uint64_t stable_hash(std::string_view text,
                                    std::uint64_t seed = 0xcbf29ce484222325ULL) {
  std::uint64_t hash = seed;
  for (const char each : text) {
    hash ^= static_cast<unsigned char>(each);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace tradewind

template <class Tag, class Rep>
struct std::hash<tradewind::Strong<Tag, Rep>> {
  std::size_t operator()(const tradewind::Strong<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
template <>
struct std::hash<tradewind::AttemptId> {
  std::size_t operator()(const tradewind::AttemptId& id) const noexcept {
    return std::hash<std::string>{}(id.job.value) * 31 + id.number;
  }
};
