#include "gateway/engines/slurm_listing.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

namespace tradewind {
namespace {

constexpr std::size_t text_bytes_max = 4'096;
constexpr std::size_t sacct_fields = 11;
constexpr std::uint64_t time_part_max = 1'000'000'000;

template <class Each>
void for_each_part(std::string_view text, char separator, Each each) {
  for (;;) {
    const std::size_t end = text.find(separator);
    each(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

// 0 where no whole number stands: "N/A", "Unknown".
std::int64_t number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size() ? std::max(number, 0L) : 0;
}

std::uint64_t amount_in(std::string_view text) {
  return static_cast<std::uint64_t>(number_in(text));
}

// Slurm's word for nothing.
std::string text_in(std::string_view text) {
  return text == "(null)" ? std::string() : std::string(text.substr(0, text_bytes_max));
}

std::vector<std::string> words_in(std::string_view text) {
  std::vector<std::string> words;
  if (text == "(null)") return words;
  for_each_part(text, ',', [&words](std::string_view word) {
    if (!word.empty()) words.emplace_back(word);
  });
  return words;
}

// Processor time as sacct prints it: [DAYS-[HOURS:]]MINUTES:SECONDS[.MILLISECONDS]. What it does
// not print counts as 0.
std::uint64_t milliseconds_in(std::string_view text) {
  const auto bounded = [](std::string_view digits) {
    return std::min(amount_in(digits), time_part_max);
  };
  std::uint64_t days = 0;
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    days = bounded(text.substr(0, dash));
    text.remove_prefix(dash + 1);
  }
  const std::size_t dot = text.find('.');
  std::uint64_t seconds = 0;
  for_each_part(text.substr(0, dot), ':', [&](std::string_view part) {
    seconds = std::min(seconds, time_part_max) * 60 + bounded(part);
  });
  std::uint64_t thousandths = 0;
  if (dot != std::string_view::npos) thousandths = std::min(amount_in(text.substr(dot + 1)), 999UL);
  return (days * 86'400 + seconds) * 1'000 + thousandths;
}

// Number, user, partition, state, submission, start, end, reason, comment: a reason may hold bars,
// a comment of ours does not.
std::optional<SlurmJob> read_job(std::string_view line, std::string_view user) {
  std::array<std::string_view, 7> fields;
  for (std::string_view& each : fields) {
    const std::size_t bar = line.find('|');
    if (bar == std::string_view::npos) return std::nullopt;
    each = line.substr(0, bar);
    line.remove_prefix(bar + 1);
  }
  const std::size_t bar = line.rfind('|');
  const auto [number, owner, partition, word, submitted, start, end] = fields;
  if (bar == std::string_view::npos || number_in(number) == 0) return std::nullopt;
  SlurmJob job;
  job.id = number_in(number);
  if (owner == user) job.key = text_in(line.substr(bar + 1));
  job.partition = text_in(partition);
  job.word = text_in(word);
  job.state = parse_slurm_state(job.word);
  job.reason = text_in(line.substr(0, bar));
  job.submitted = number_in(submitted);
  job.start = number_in(start);
  job.end = number_in(end);
  return job;
}

// Of "Name=value" between spaces. What follows freely written text ("OS=", "Reason=") does not
// matter here.
std::string_view value_of(std::string_view line, std::string_view name) {
  std::size_t at = 0;
  while ((at = line.find(name, at)) != std::string_view::npos) {
    const bool begins = at == 0 || line[at - 1] == ' ';
    at += name.size();
    if (!begins || at >= line.size() || line[at] != '=') continue;
    line.remove_prefix(at + 1);
    return line.substr(0, line.find(' '));
  }
  return {};
}

}  // namespace

std::string squeue_format(std::string_view mark) {
  return fmt::format("{}|%A|%u|%P|%T|%V|%S|%e|%r|%k", mark);
}

std::vector<SlurmJob> read_squeue(std::string_view text, std::string_view mark,
                                  std::string_view user) {
  std::vector<SlurmJob> jobs;
  for_each_part(text, '\n', [&](std::string_view line) {
    if (!line.starts_with(mark) || line.size() == mark.size() || line[mark.size()] != '|') return;
    if (auto job = read_job(line.substr(mark.size() + 1), user)) jobs.push_back(std::move(*job));
  });
  return jobs;
}

std::vector<SlurmRecord> read_sacct(std::string_view text) {
  std::vector<SlurmRecord> records;
  for_each_part(text, '\n', [&records](std::string_view line) {
    std::vector<std::string_view> fields;
    for_each_part(line, '|', [&fields](std::string_view field) { fields.push_back(field); });
    if (fields.size() != sacct_fields) return;
    // A job's steps ("7.batch") follow it: their number is not a whole one.
    if (const std::size_t dot = fields[0].find('.'); dot != std::string_view::npos) {
      if (records.empty() || number_in(fields[0].substr(0, dot)) != records.back().job.id) return;
      std::uint64_t& peak = records.back().memory_peak_bytes;
      peak = std::max(peak, amount_in(fields[8]));
      return;
    }
    SlurmRecord record;
    record.job.id = number_in(fields[0]);
    if (record.job.id == 0) return;
    record.user = text_in(fields[1]);
    record.job.word = text_in(fields[2].substr(0, fields[2].find(' ')));  // "CANCELLED by 7"
    record.job.state = parse_slurm_state(record.job.word);
    record.job.submitted = number_in(fields[3]);
    record.job.start = number_in(fields[4]);
    record.job.end = number_in(fields[5]);
    record.job.wait_status = wait_status_of(number_in(fields[6].substr(0, fields[6].find(':'))));
    record.cpu_milliseconds = milliseconds_in(fields[7]);
    record.job.key = text_in(fields[9]);
    record.name = text_in(fields[10]);
    records.push_back(std::move(record));
  });
  return records;
}

std::vector<SlurmNode> read_scontrol_nodes(std::string_view text) {
  std::vector<SlurmNode> nodes;
  for_each_part(text, '\n', [&nodes](std::string_view line) {
    SlurmNode node;
    node.name = text_in(value_of(line, "NodeName"));
    if (node.name.empty()) return;
    node.architecture = text_in(value_of(line, "Arch"));
    node.partitions = words_in(value_of(line, "Partitions"));
    node.features = words_in(value_of(line, "ActiveFeatures"));
    std::vector<std::string_view> state;
    for_each_part(value_of(line, "State"), '+',
                  [&](std::string_view each) { state.push_back(each); });
    node.in_service = slurm_node_serves(state);
    node.cpus = amount_in(value_of(line, "CPUTot"));
    node.cpus_idle = node.cpus - std::min(amount_in(value_of(line, "CPUAlloc")), node.cpus);
    node.memory_mib = amount_in(value_of(line, "RealMemory"));
    node.memory_idle_mib =
        node.memory_mib - std::min(amount_in(value_of(line, "AllocMem")), node.memory_mib);
    node.gres = text_in(value_of(line, "Gres"));
    node.gres_used = text_in(value_of(line, "GresUsed"));
    nodes.push_back(std::move(node));
  });
  return nodes;
}

}  // namespace tradewind
