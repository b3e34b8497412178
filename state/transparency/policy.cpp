#include "state/transparency/policy.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "state/transparency/limits.h"
#include "state/transparency/line.h"

namespace tradewind {
namespace {

constexpr std::string_view kNone = "none";

std::string quoted(std::string_view value) {
  constexpr std::size_t shown_max = 80;
  return "\"" + std::string(value.substr(0, shown_max)) + (value.size() > shown_max ? "…" : "") +
         "\"";
}

std::vector<std::string_view> items_of(std::string_view line) {
  constexpr std::string_view blank = " \t";
  std::vector<std::string_view> items;
  for (std::size_t at = line.find_first_not_of(blank); at != line.npos;) {
    const std::size_t end = std::min(line.find_first_of(blank, at), line.size());
    items.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(blank, end);
  }
  return items;
}

// Takes the policy's lines one after the other.
class Reader {
 public:
  Status take(std::string_view line, std::size_t number) {
    number_ = number;
    for (const char each : line) {
      const auto octet = static_cast<unsigned char>(each);
      if (octet == '\t' || (octet >= 0x20 && octet != 0x7f)) continue;
      return refuse("has the control character " + std::to_string(octet), "take it out");
    }
    const auto items = items_of(line);
    if (items.empty() || items[0].front() == '#') return ok();
    if (items[0] == "log") return take_log(items);
    if (items[0] == "witness") return take_witness(items);
    if (items[0] == "group") return take_group(items);
    if (items[0] == "quorum") return take_quorum(items);
    return refuse(quoted(items[0]) + " begins no line of a policy",
                  "begin the line with log, witness, group, quorum or #");
  }

  Result<Policy> finish() {
    if (!has_quorum_) {
      return fail(ErrorCode::invalid, "policy", "has no quorum",
                  "add the line \"quorum NAME\", or \"quorum none\"");
    }
    return std::move(policy_);
  }

 private:
  using Items = std::vector<std::string_view>;

  tl::unexpected<Error> refuse(std::string why, std::string remedy) const {
    return fail(ErrorCode::invalid, "policy line " + std::to_string(number_), std::move(why),
                std::move(remedy));
  }

  Result<VerifierKey> take_key(std::string_view text, KeyType type) {
    auto key = parse_verifier_key(text);
    if (!key) return refuse(quoted(text) + ": " + key.error().message, key.error().remedy);
    if (key->type != type) {
      return refuse(quoted(text) + " is a key of type " +
                        std::to_string(static_cast<unsigned>(key->type)) + ", not " +
                        std::to_string(static_cast<unsigned>(type)),
                    "give the key that the log signs with, or the witness cosigns with");
    }
    if (!keys_.insert(key->public_key).second) {
      return refuse(quoted(text) + " is the key of a line before", "name each key once");
    }
    return key;
  }

  Status define(std::string_view name) {
    if (name == kNone) return refuse("\"none\" has a meaning of its own", "choose another name");
    if (!defined_.emplace(name).second) {
      return refuse(quoted(name) + " is defined in a line before", "choose another name");
    }
    return ok();
  }

  Status check_defined(std::string_view name) const {
    if (defined_.find(name) != defined_.end()) return ok();
    return refuse(quoted(name) + " is not defined above this line",
                  "write its witness or group line first");
  }

  Status take_log(const Items& items) {
    if (items.size() < 2 || items.size() > 3) {
      return refuse("is no log line", "write: log VKEY [URL]");
    }
    auto key = take_key(items[1], KeyType::ed25519);
    if (!key) return fail(key.error());
    policy_.logs.push_back({std::move(*key), std::string(items.size() > 2 ? items[2] : "")});
    return ok();
  }

  Status take_witness(const Items& items) {
    if (items.size() < 3 || items.size() > 4) {
      return refuse("is no witness line", "write: witness NAME VKEY [URL]");
    }
    if (const Status free = define(items[1]); !free) return free;
    auto key = take_key(items[2], KeyType::cosignature);
    if (!key) return fail(key.error());
    policy_.witnesses.push_back(
        {std::string(items[1]), std::move(*key), std::string(items.size() > 3 ? items[3] : "")});
    return ok();
  }

  Status take_group(const Items& items) {
    if (items.size() < 4) {
      return refuse("is no group line", "write: group NAME all|any|NUMBER MEMBER...");
    }
    PolicyGroup group{std::string(items[1]), 0, {}};
    for (auto member = items.begin() + 3; member != items.end(); ++member) {
      if (const Status known = check_defined(*member); !known) return known;
      if (!grouped_.emplace(*member).second) {
        return refuse(quoted(*member) + " is a member of a group already",
                      "let each name count in one group, once");
      }
      group.members.emplace_back(*member);
    }
    if (const Status free = define(items[1]); !free) return free;
    const std::size_t count = group.members.size();
    const auto needed = items[2] == "all"   ? count
                        : items[2] == "any" ? 1
                                            : parse_decimal(items[2], count).value_or(0);
    if (needed == 0) {
      return refuse(quoted(items[2]) + " is not how many members must have cosigned",
                    "write all, any, or a number from 1 to " + std::to_string(count));
    }
    group.needed = needed;
    policy_.groups.push_back(std::move(group));
    return ok();
  }

  Status take_quorum(const Items& items) {
    if (items.size() != 2) return refuse("is no quorum line", "write: quorum NAME|none");
    if (has_quorum_) return refuse("is a second quorum", "keep one quorum line");
    has_quorum_ = true;
    if (items[1] == kNone) return ok();
    policy_.quorum = items[1];
    return check_defined(items[1]);
  }

  Policy policy_;
  std::size_t number_ = 0;
  bool has_quorum_ = false;
  std::set<Bytes> keys_;
  std::set<std::string, std::less<>> defined_;
  std::set<std::string, std::less<>> grouped_;
};

}  // namespace

Result<Policy> parse_policy(BytesView text) {
  if (text.size() > limits::policy_bytes_max) {
    return fail(ErrorCode::too_large, "policy",
                "has " + std::to_string(text.size()) + " bytes, over the limit of " +
                    std::to_string(limits::policy_bytes_max),
                "name fewer witnesses");
  }
  Reader reader;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto line = take_line(text);
    if (!line) {
      return fail(ErrorCode::invalid, "policy line " + std::to_string(number),
                  "does not end with a newline", "add one; perhaps the file was cut");
    }
    if (const Status taken = reader.take(*line, number); !taken) return fail(taken.error());
  }
  return reader.finish();
}

std::string format_witness_line(const PolicyWitness& witness) {
  std::string line = "witness " + witness.name + " " + format_verifier_key(witness.key);
  if (!witness.url.empty()) line += " " + witness.url;
  return line + "\n";
}

bool is_satisfied(const Policy& policy, const std::set<std::string, std::less<>>& cosigned) {
  if (policy.quorum.empty()) return true;
  // Groups name only what stands before them.
  std::set<std::string_view> counted;
  for (const PolicyWitness& each : policy.witnesses) {
    if (cosigned.count(each.name) != 0) counted.insert(each.name);
  }
  for (const PolicyGroup& each : policy.groups) {
    const auto those = std::ranges::count_if(
        each.members, [&](const std::string& member) { return counted.count(member) != 0; });
    if (static_cast<std::size_t>(those) >= each.needed) counted.insert(each.name);
  }
  return counted.count(policy.quorum) != 0;
}

}  // namespace tradewind
