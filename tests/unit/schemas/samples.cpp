#include "tests/unit/schemas/samples.h"

#include <algorithm>
#include <utility>

#include "schemas/limits.h"

namespace tradewind::testing {

std::uint64_t Sampler::number(std::uint64_t low, std::uint64_t high) {
  if (full_)
    return low == high ? low : low + 1 + counter_++ % std::min<std::uint64_t>(high - low, 97);
  switch (random_() % 4) {
    case 0: return low;
    case 1: return high;
    case 2: return low + random_() % (std::min<std::uint64_t>(high - low, 1'000) + 1);
    default: return std::uniform_int_distribution<std::uint64_t>(low, high)(random_);
  }
}
std::int64_t Sampler::amount(std::int64_t high, std::int64_t low) {
  return static_cast<std::int64_t>(
      number(static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high)));
}
Wall::time_point Sampler::time() {
  return Wall::time_point(Wall::duration(amount(253'402'300'799'999'999)));
}

std::string Sampler::text() {
  if (full_) return "text " + std::to_string(++counter_);
  return bytes(number(0, 40));
}
std::string Sampler::clean_text() {
  static const std::vector<std::string> parts = {"a",    "Z", " ",   "\"",    "é",
                                                 "東京", "𝄞", "<b>", "\u00a0"};
  if (full_) return "clean " + std::to_string(++counter_);
  std::string value;
  for (std::size_t i = count(8); i > 0; --i) value += parts[random_() % parts.size()];
  return value;
}
std::string Sampler::name() {
  if (full_) return "name-" + std::to_string(++counter_);
  // The number makes names that must differ differ.
  return std::string(number(1, 40), 'x') + "-" + std::to_string(++counter_);
}
Bytes Sampler::bytes(std::size_t size) {
  Bytes value(size, '\0');
  for (char& each : value) each = static_cast<char>(random_());
  return value;
}
std::string Sampler::sha256() {
  if (!full_ && flag()) return {};
  std::string digits(64, '0');
  for (char& each : digits) each = "0123456789abcdef"[random_() % 16];
  return digits;
}
JobId Sampler::job() {
  const std::uint64_t bits = any();
  const JobId array = job_id(Sequence{bits & job_sequence_max.value},
                             BrokerTag{static_cast<std::uint32_t>(bits >> 45U)});
  return full_ || flag() ? array_task_id(array, small(limits::array_tasks_max - 1)) : array;
}
NodeId Sampler::node() {
  return flag() ? broker_node(name()) : site_node(SiteId{name()});
}
std::vector<std::string> Sampler::texts() {
  std::vector<std::string> values(count());
  for (std::string& each : values) each = text();
  return values;
}
std::map<std::string, std::string> Sampler::map(bool clean) {
  std::map<std::string, std::string> values;
  for (std::size_t i = count(); i > 0; --i) {
    std::string key = clean ? clean_text() : text();
    values.emplace(std::move(key), clean ? clean_text() : text());
  }
  return values;
}

void Sampler::fill(Resources& to) {
  to.cpus = small();
  to.memory_mib = any();
  to.disk_mib = any();
  to.accelerators = small();
}
void Sampler::fill(Accelerator& to) {
  to.family = clean_text();
  to.model = clean_text();
  to.memory_gib = small();
  to.interconnect = member_of<Interconnect>(interconnects_count);
}
void Sampler::fill(AcceleratorNeed& to) {
  to.family = text();
  to.models = texts();
  to.memory_gib_min = small();
  to.interconnect_min = member_of<Interconnect>(interconnects_count);
}
void Sampler::fill(AttemptId& to) {
  to.job = job();
  to.number = small(UINT32_MAX, 1);
}
void Sampler::fill(RecordVersion& to) {
  to.epoch = any();
  to.version = any();
}
void Sampler::fill(SignedRecord& to) {
  to.body = bytes(number(1, 300));
  to.signature = bytes(64);
}
void Sampler::fill(Equivocation& to) {
  fill(to.first);
  fill(to.second);
}

}  // namespace tradewind::testing
