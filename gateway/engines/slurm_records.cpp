#include "gateway/engines/slurm_records.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace tradewind {
namespace {

std::string text_of(const boost::json::object& from, const char* key) {
  const auto* found = from.if_contains(key);
  if (found == nullptr || !found->is_string()) return {};
  return std::string(std::string_view(found->as_string()).substr(0, 4'096));
}

std::int64_t number_of(const boost::json::object& from, const char* key) {
  const auto* found = from.if_contains(key);
  if (found == nullptr) return 0;
  // {"set": true, "infinite": false, "number": 7}; what has no end counts as not known.
  if (const auto* stated = found->if_object()) {
    const auto* set = stated->if_contains("set");
    const auto* number = stated->if_contains("number");
    const auto* infinite = stated->if_contains("infinite");
    const bool known = set != nullptr && *set == true && (infinite == nullptr || *infinite != true);
    return known && number != nullptr && number->is_int64() ? number->as_int64() : 0;
  }
  if (found->is_int64()) return found->as_int64();
  if (found->is_uint64()) return std::numeric_limits<std::int64_t>::max();
  return 0;
}

std::uint64_t amount_of(const boost::json::object& from, const char* key) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(number_of(from, key), 0));
}

const boost::json::object& object_of(const boost::json::object& from, const char* key) {
  static const boost::json::object none;
  const auto* found = from.if_contains(key);
  const auto* object = found == nullptr ? nullptr : found->if_object();
  return object == nullptr ? none : *object;
}

template <class Each>
void for_each_object(const boost::json::object& from, const char* key, Each each) {
  const auto* found = from.if_contains(key);
  if (found == nullptr || !found->is_array()) return;
  for (const auto& one : found->as_array()) {
    if (const auto* object = one.if_object()) each(*object);
  }
}

// What one step of a job used. What is called "requested" there is what was taken.
void add_step(const boost::json::object& step, SlurmRecord& record) {
  constexpr std::uint64_t amount_max = 1'000'000'000'000;
  const boost::json::object& total = object_of(object_of(step, "time"), "total");
  const std::uint64_t spent = std::min(amount_of(total, "seconds"), amount_max) * 1'000 +
                              std::min(amount_of(total, "microseconds"), amount_max) / 1'000;
  record.cpu_milliseconds = std::min(record.cpu_milliseconds + spent, amount_max * 1'000);
  for_each_object(object_of(object_of(step, "tres"), "requested"), "max",
                  [&record](const boost::json::object& each) {
                    if (text_of(each, "type") != "mem") return;
                    record.memory_peak_bytes =
                        std::max(record.memory_peak_bytes, amount_of(each, "count"));
                  });
}

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> words;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (comma != 0) words.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return words;
}

// A list, or one text with commas.
std::vector<std::string> words_of(const boost::json::object& from, const char* key) {
  const auto* found = from.if_contains(key);
  if (found == nullptr || !found->is_array()) return words_of(text_of(from, key));
  std::vector<std::string> words;
  for (const auto& each : found->as_array()) {
    if (each.is_string()) words.emplace_back(each.as_string());
  }
  return words;
}

// A wait status, or what it says in words.
std::int64_t wait_status_in(const boost::json::object& from, const char* key) {
  const boost::json::object& told = object_of(from, key);
  return told.contains("return_code") ? wait_status_of(number_of(told, "return_code"))
                                      : number_of(from, key);
}

Result<const boost::json::array*> list_of(const boost::json::object& answer, const char* key) {
  const auto* found = answer.if_contains(key);
  if (found == nullptr || !found->is_array()) {
    return fail(ErrorCode::corrupt, "engine.slurm.url",
                std::string("the answer holds no list of ") + key, "see that it is a slurmrestd");
  }
  return &found->as_array();
}

}  // namespace

std::uint64_t gres_count(std::string_view list, std::string_view kind) {
  std::uint64_t count = 0;
  int depth = 0;
  std::string plain;  // without what stands in brackets, where commas may be
  for (const char each : list) {
    if (each == '(') ++depth;
    if (depth == 0) plain += each;
    if (each == ')' && depth > 0) --depth;
  }
  for (const std::string& entry : words_of(plain)) {
    const std::size_t colon = entry.rfind(':');
    if (colon == std::string::npos) continue;
    const std::string_view name = std::string_view(entry).substr(0, colon);
    const bool of_kind = name == kind || (name.starts_with(kind) && name[kind.size()] == ':');
    std::uint64_t value = 0;
    const char* const last = entry.data() + entry.size();
    if (of_kind && std::from_chars(entry.data() + colon + 1, last, value).ec == std::errc{}) {
      count += value;
    }
  }
  return count;
}

Result<std::vector<SlurmJob>> read_slurm_jobs(const boost::json::object& answer) {
  const auto list = list_of(answer, "jobs");
  if (!list) return fail(list.error());
  std::vector<SlurmJob> jobs;
  jobs.reserve((*list)->size());
  for (const auto& each : **list) {
    const auto* object = each.if_object();
    if (object == nullptr || number_of(*object, "job_id") <= 0) continue;
    SlurmJob job;
    job.id = number_of(*object, "job_id");
    job.key = text_of(*object, "comment");
    job.partition = text_of(*object, "partition");
    job.word = slurm_state_word(words_of(*object, "job_state"));
    job.state = parse_slurm_state(job.word);
    job.reason = text_of(*object, "state_reason");
    job.wait_status = wait_status_in(*object, "exit_code");
    job.submitted = number_of(*object, "submit_time");
    job.start = number_of(*object, "start_time");
    job.end = number_of(*object, "end_time");
    jobs.push_back(std::move(job));
  }
  return jobs;
}

Result<std::vector<SlurmRecord>> read_slurm_records(const boost::json::object& answer) {
  const auto list = list_of(answer, "jobs");
  if (!list) return fail(list.error());
  std::vector<SlurmRecord> records;
  for (const auto& each : **list) {
    const auto* object = each.if_object();
    if (object == nullptr || number_of(*object, "job_id") <= 0) continue;
    SlurmRecord record;
    SlurmJob& job = record.job;
    job.id = number_of(*object, "job_id");
    job.key = text_of(object_of(*object, "comment"), "job");
    job.partition = text_of(*object, "partition");
    const boost::json::object& state = object_of(*object, "state");
    job.word = slurm_state_word(words_of(state, "current"));
    job.state = parse_slurm_state(job.word);
    job.reason = text_of(state, "reason");
    job.wait_status = wait_status_in(*object, "exit_code");
    const boost::json::object& time = object_of(*object, "time");
    job.submitted = number_of(time, "submission");
    job.start = number_of(time, "start");
    job.end = number_of(time, "end");
    record.name = text_of(*object, "name");
    record.user = text_of(*object, "user");
    for_each_object(*object, "steps",
                    [&record](const boost::json::object& step) { add_step(step, record); });
    records.push_back(std::move(record));
  }
  return records;
}

Result<std::vector<SlurmNode>> read_slurm_nodes(const boost::json::object& answer) {
  const auto list = list_of(answer, "nodes");
  if (!list) return fail(list.error());
  std::vector<SlurmNode> nodes;
  nodes.reserve((*list)->size());
  for (const auto& each : **list) {
    const auto* object = each.if_object();
    if (object == nullptr) continue;
    SlurmNode node;
    node.name = text_of(*object, "name");
    node.architecture = text_of(*object, "architecture");
    node.features = words_of(*object, "active_features");
    node.partitions = words_of(*object, "partitions");
    const std::vector<std::string> state = words_of(*object, "state");
    const std::vector<std::string> flags = words_of(*object, "state_flags");
    std::vector<std::string_view> all(state.begin(), state.end());
    all.insert(all.end(), flags.begin(), flags.end());
    node.in_service = slurm_node_serves(all);
    node.cpus = amount_of(*object, "cpus");
    node.cpus_idle = node.cpus - std::min(amount_of(*object, "alloc_cpus"), node.cpus);
    node.memory_mib = amount_of(*object, "real_memory");
    node.memory_idle_mib =
        node.memory_mib - std::min(amount_of(*object, "alloc_memory"), node.memory_mib);
    node.gres = text_of(*object, "gres");
    node.gres_used = text_of(*object, "gres_used");
    nodes.push_back(std::move(node));
  }
  return nodes;
}

}  // namespace tradewind
