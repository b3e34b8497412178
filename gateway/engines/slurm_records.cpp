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
  if (found->is_int64()) return found->as_int64();
  if (found->is_uint64()) return std::numeric_limits<std::int64_t>::max();
  return 0;
}

std::uint64_t amount_of(const boost::json::object& from, const char* key) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(number_of(from, key), 0));
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
    job.word = text_of(*object, "job_state");
    job.state = parse_slurm_state(job.word);
    job.reason = text_of(*object, "state_reason");
    job.wait_status = number_of(*object, "exit_code");
    job.submitted = number_of(*object, "submit_time");
    job.start = number_of(*object, "start_time");
    job.end = number_of(*object, "end_time");
    jobs.push_back(std::move(job));
  }
  return jobs;
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
    node.features = words_of(text_of(*object, "active_features"));
    if (const auto* partitions = object->if_contains("partitions");
        partitions != nullptr && partitions->is_array()) {
      for (const auto& one : partitions->as_array()) {
        if (one.is_string()) node.partitions.emplace_back(one.as_string());
      }
    }
    std::vector<std::string_view> state;
    const std::string base = text_of(*object, "state");
    state.push_back(base);
    if (const auto* flags = object->if_contains("state_flags");
        flags != nullptr && flags->is_array()) {
      for (const auto& flag : flags->as_array()) {
        if (flag.is_string()) state.emplace_back(flag.as_string());
      }
    }
    node.in_service = slurm_node_serves(state);
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
