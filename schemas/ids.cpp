#include "schemas/ids.h"

#include <algorithm>
#include <charconv>

#include "schemas/assert.h"

namespace tradewind {
namespace {

constexpr std::string_view kCrockford = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kTagDigits = 4;
constexpr std::size_t kSequenceDigits = 9;  // 45 bits
constexpr std::size_t kDigits = kTagDigits + kSequenceDigits;
constexpr std::uint32_t kTags = 1U << 19U;
constexpr std::size_t kIndexDigits = 5;  // arrays hold at most 100,000 tasks

bool is_plain_job_id(std::string_view text) {
  return text.size() == 1 + kDigits && text[0] == 'j' &&
         std::all_of(text.begin() + 1, text.end(),
                     [](char c) { return kCrockford.find(c) != std::string_view::npos; });
}

void put_digits(std::string& text, std::size_t at, std::size_t count, std::uint64_t number) {
  for (std::size_t i = at + count; i > at; --i) {
    text[i - 1] = kCrockford[number % 32];
    number /= 32;
  }
}

std::uint64_t read_digits(std::string_view digits) {
  std::uint64_t number = 0;
  for (const char each : digits) number = number * 32 + kCrockford.find(each);
  return number;
}

}  // namespace

std::string to_string(const AttemptId& attempt) {
  return attempt.job.value + "#" + std::to_string(attempt.number);
}

Result<AttemptId> parse_attempt(std::string_view text) {
  const auto hash = text.find('#');
  std::uint32_t number = 0;
  if (hash != std::string_view::npos && is_job_id(text.substr(0, hash))) {
    const std::string_view digits = text.substr(hash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc{} && end == digits.data() + digits.size() && number > 0) {
      return AttemptId{JobId{std::string(text.substr(0, hash))}, number};
    }
  }
  return fail(ErrorCode::invalid, "attempt",
              "\"" + std::string(text.substr(0, 64)) + "\" is no attempt id",
              "write it as JOB#NUMBER");
}

BrokerTag tag_of(const NodeId& broker) {
  return BrokerTag{1 + static_cast<std::uint32_t>(stable_hash(broker.value) % (kTags - 1))};
}

bool may_be_of(const JobId& job, const NodeId& broker) {
  if (!is_job_id(job.value)) return false;
  const std::uint64_t tag = read_digits(std::string_view(job.value).substr(1, kTagDigits));
  return tag == 0 || tag == tag_of(broker).value;
}

JobId job_id(Sequence sequence, BrokerTag broker) {
  TRADEWIND_ASSERT(sequence <= job_sequence_max && broker.value < kTags);
  std::string text(1 + kDigits, 'j');
  put_digits(text, 1, kTagDigits, broker.value);
  put_digits(text, 1 + kTagDigits, kSequenceDigits, sequence.value);
  return JobId{std::move(text)};
}

JobId array_task_id(const JobId& array, std::uint32_t index) {
  std::string digits = std::to_string(index);
  if (digits.size() < kIndexDigits) digits.insert(0, kIndexDigits - digits.size(), '0');
  return JobId{array.value + "-" + digits};
}

Sequence submitted_at(const JobId& job) {
  if (!is_job_id(job.value)) return Sequence{};
  return Sequence{read_digits(std::string_view(job.value).substr(1 + kTagDigits, kSequenceDigits))};
}

bool is_job_id(std::string_view text) {
  if (is_plain_job_id(text)) return true;
  return text.size() == 1 + kDigits + 1 + kIndexDigits &&
         is_plain_job_id(text.substr(0, 1 + kDigits)) && text[1 + kDigits] == '-' &&
         std::all_of(text.end() - kIndexDigits, text.end(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

Status check_name(std::string_view field, std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool good =
      !name.empty() && name.size() <= 63 && plain(name.front()) && plain(name.back()) &&
      std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-'; });
  if (good) return ok();
  return fail(ErrorCode::invalid, std::string(field),
              "\"" + std::string(name.substr(0, 80)) + "\" is no valid name",
              "use 1 to 63 of a-z, 0-9 and '-', with no '-' at either end");
}

Status check_jurisdiction(std::string_view field, std::string_view name) {
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (name.size() == 2 && capital(name[0]) && capital(name[1])) return ok();
  return fail(ErrorCode::invalid, std::string(field),
              "\"" + std::string(name.substr(0, 80)) + "\" is no jurisdiction",
              "use the two capital letters of ISO 3166-1, such as JP");
}

NodeId site_node(const SiteId& site) {
  return NodeId{"site/" + site.value};
}
NodeId broker_node(std::string_view name) {
  return NodeId{"broker/" + std::string(name)};
}

Result<SiteId> site_of(const NodeId& node) {
  constexpr std::string_view prefix = "site/";
  if (node.value.compare(0, prefix.size(), prefix) == 0)
    return SiteId{node.value.substr(prefix.size())};
  return fail(ErrorCode::not_found, "node", "\"" + node.value + "\" is no site");
}

}  // namespace tradewind
