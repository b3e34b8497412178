// Which witnesses must have cosigned a checkpoint before it counts (C2SP tlog-policy): a text that
// logs, their readers and auditors share. Any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "schemas/result.h"
#include "state/transparency/verifier_key.h"

namespace tradewind {

struct PolicyLog {
  VerifierKey key;  // of type ed25519; its name is the log's origin
  std::string url;  // may be empty, and means what its reader likes
  friend bool operator==(const PolicyLog&, const PolicyLog&) = default;
};

struct PolicyWitness {
  std::string name;  // inside this policy only
  VerifierKey key;   // of type cosignature
  std::string url;   // as above
  friend bool operator==(const PolicyWitness&, const PolicyWitness&) = default;
};

// Counts as a witness once `needed` of its members do.
struct PolicyGroup {
  std::string name;  // no witness has it
  std::size_t needed = 1;
  std::vector<std::string> members;  // witnesses, and groups that stand before this one
  friend bool operator==(const PolicyGroup&, const PolicyGroup&) = default;
};

struct Policy {
  std::vector<PolicyLog> logs;
  std::vector<PolicyWitness> witnesses;
  std::vector<PolicyGroup> groups;
  std::string quorum;  // a witness or a group; empty: no cosignature is asked for
  friend bool operator==(const Policy&, const Policy&) = default;
};

// Strict. Fails with ErrorCode::invalid, or too_large over limits::policy_bytes_max, naming the
// line, the value and what to write.
Result<Policy> parse_policy(BytesView text);

// The line that names this witness, with its newline.
std::string format_witness_line(const PolicyWitness& witness);

// Whether cosignatures by these witnesses, by their names in the policy, are enough.
bool is_satisfied(const Policy& policy, const std::set<std::string, std::less<>>& cosigned);

}  // namespace tradewind
