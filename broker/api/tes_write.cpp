// Jobs as TES tasks.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "broker/api/decision_json.h"
#include "broker/api/job_json.h"
#include "broker/api/tes_task.h"
#include "schemas/url.h"

namespace tradewind {
namespace {

void put(json::object& out, const char* name, const std::string& text) {
  if (!text.empty()) out[name] = text;
}

const char* type_word(FileType type) {
  return type == FileType::directory ? "DIRECTORY" : "FILE";
}

json::object map_to_json(const std::map<std::string, std::string>& map) {
  json::object out;
  for (const auto& [key, value] : map) out[key] = value;
  return out;
}

json::object input_to_json(const Input& input, std::size_t replica, TesView view) {
  json::object out;
  put(out, "name", input.name);
  put(out, "description", input.description);
  if (!input.replicas.empty()) {
    out["url"] = input.replicas[replica < input.replicas.size() ? replica : 0].url;
  }
  out["path"] = input.path;
  out["type"] = type_word(input.type);
  if (view == TesView::full) put(out, "content", input.content);
  if (input.streamable) out["streamable"] = true;
  return out;
}

json::object output_to_json(const Output& output) {
  json::object out;
  put(out, "name", output.name);
  put(out, "description", output.description);
  out["url"] = output.url;
  out["path"] = output.path;
  put(out, "path_prefix", output.path_prefix);
  out["type"] = type_word(output.type);
  return out;
}

json::object executor_to_json(const Executor& executor) {
  json::array command;
  for (const std::string& each : executor.command) command.emplace_back(each);
  json::object out{{"image", executor.image}, {"command", std::move(command)}};
  put(out, "workdir", executor.workdir);
  put(out, "stdin", executor.stdin_path);
  put(out, "stdout", executor.stdout_path);
  put(out, "stderr", executor.stderr_path);
  if (!executor.env.empty()) out["env"] = map_to_json(executor.env);
  if (executor.ignore_error) out["ignore_error"] = true;
  return out;
}

// What came with the task, or what a native job asks for. `warnings` gets what is kept beside it.
json::object resources_to_json(const JobSpec& spec, std::vector<std::string>& warnings) {
  if (!spec.tes_resources.empty()) {
    const auto stored = parse_json("resources", spec.tes_resources);
    if (stored && stored->is_object()) {
      json::object echo = stored->get_object();
      if (const auto* list = echo.if_contains(tes_warnings_member)) {
        for (const auto& each : list->get_array()) {
          warnings.emplace_back(each.get_string().data(), each.get_string().size());
        }
        echo.erase(tes_warnings_member);
      }
      return echo;
    }
  }
  json::object out{{"cpu_cores", spec.resources.cpus},
                   {"ram_gb", static_cast<double>(spec.resources.memory_mib) / 1024}};
  if (spec.resources.disk_mib > 0) {
    out["disk_gb"] = static_cast<double>(spec.resources.disk_mib) / 1024;
  }
  if (spec.constraints.preemptible_allowed) out["preemptible"] = true;
  return out;
}

std::size_t executors_ended(const AttemptRecord& attempt) {
  return attempt.report ? attempt.report->executors.size() : 0;
}

// Attempts that get an entry of their own: those in which an executor ended, and the one that runs
// now or was the last, if it came that far.
std::vector<const AttemptRecord*> shown_attempts(const JobRecord& job) {
  std::vector<const AttemptRecord*> shown;
  const AttemptRecord* leading = leading_attempt(job);
  for (const AttemptRecord& each : job.attempts) {
    const bool ran = each.state == AttemptState::running || each.state == AttemptState::finishing ||
                     (each.report && each.report->started) || each.started != Wall::time_point{};
    if (executors_ended(each) > 0 || (&each == leading && ran)) shown.push_back(&each);
  }
  return shown;
}

std::string at_site(const AttemptRecord& attempt) {
  return attempt.decision.chosen ? " at " + attempt.decision.chosen->site.value : "";
}

// The decisions and moves of one attempt, a line each.
void attempt_lines(const AttemptRecord& attempt, const JobSpec& spec, std::string_view currency,
                   std::vector<std::string>& lines) {
  lines.push_back(
      fmt::format("{} decided: attempt {}{}", to_rfc3339(attempt.decided), attempt.number,
                  attempt.decision.chosen ? ", " + explain(attempt.decision, spec, currency) : ""));
  const std::string over = to_rfc3339(attempt.over);
  if (attempt.state == AttemptState::refused) {
    lines.push_back(fmt::format("{} refused{}: {}{}{}", over, at_site(attempt),
                                to_string(attempt.refusal), attempt.detail.empty() ? "" : ", ",
                                attempt.detail));
  }
  if (attempt.state == AttemptState::lost) {
    lines.push_back(fmt::format("{} re-placed from{}: {}", over, at_site(attempt).substr(3),
                                attempt.detail.empty() ? "lost" : attempt.detail));
  }
  if (attempt.report) {
    lines.push_back(
        fmt::format("{} ended{}: {}{}{}", over, at_site(attempt), to_string(attempt.report->code),
                    attempt.report->detail.empty() ? "" : ", ", attempt.report->detail));
    lines.insert(lines.end(), attempt.report->system_log.begin(), attempt.report->system_log.end());
  }
}

// What is said of the task as a whole, behind its attempts.
void task_lines(const JobRecord& job, std::string_view currency,
                const std::optional<WaitingDecision>& waiting, std::vector<std::string>& lines) {
  if (job.cancel_requested && !is_final(job.state)) lines.emplace_back("cancel requested");
  if (job.state == JobState::queued) {
    lines.push_back("waiting: " +
                    (waiting ? explain(*waiting, job.spec, currency) : "to be placed"));
  }
  if (job.unplaced && job.state == JobState::unroutable) {
    lines.push_back("unroutable: " + explain(*job.unplaced, job.spec, currency));
    for (const Rejection& each : job.unplaced->rejections) {
      lines.push_back("nearest miss: " + explain(each));
    }
  }
  if (!job.end_reason.empty()) lines.push_back("ended: " + job.end_reason);
}

// What left the site when outputs were stored; file: targets lie at it.
std::uint64_t egress_bytes(const EndReport& report) {
  std::uint64_t bytes = 0;
  for (const OutputFile& each : report.outputs) {
    if (!each.url.empty() && !is_file_url(each.url)) bytes += each.size_bytes;
  }
  return bytes;
}

json::object metadata_to_json(const JobRecord& job, const AttemptRecord& attempt,
                              const Places& places, std::string_view currency) {
  json::object out{{"placement_id", to_string(AttemptId{job.job, attempt.number})}};
  if (attempt.decision.chosen) {
    const Candidate& chosen = *attempt.decision.chosen;
    out["site"] = chosen.site.value;
    if (const PoolPlace* place = places.find(chosen.site, chosen.pool)) {
      out["region"] = place->region;
      out["architecture"] = place->architecture;
    }
    if (!chosen.contract.value.empty()) out["contract_id"] = chosen.contract.value;
    out["price"] = to_decimal(chosen.rate.micros);
    out["currency"] = json::string(currency);
    out["cost"] = to_decimal((attempt.report ? attempt.report->charge : chosen.cost.total).micros);
  }
  if (attempt.report) out["egress_bytes"] = std::to_string(egress_bytes(*attempt.report));
  return out;
}

json::object log_to_json(const JobRecord& job, const AttemptRecord* attempt, TesView view,
                         const Places& places, std::string_view currency) {
  json::object out;
  json::array logs;
  json::array outputs;
  if (attempt != nullptr) {
    out["metadata"] = metadata_to_json(job, *attempt, places, currency);
    const bool measured = attempt->report && attempt->report->usage.started != Wall::time_point{};
    put_time(out, "start_time", measured ? attempt->report->usage.started : attempt->started);
    put_time(out, "end_time", attempt->over);
  }
  if (attempt != nullptr && attempt->report) {
    for (const ExecutorEnd& each : attempt->report->executors) {
      json::object log{{"exit_code", each.exit_code}};
      put_time(log, "start_time", each.started);
      put_time(log, "end_time", each.ended);
      if (view == TesView::full) {
        log["stdout"] = each.stdout_tail;
        log["stderr"] = each.stderr_tail;
      }
      logs.push_back(std::move(log));
    }
    for (const OutputFile& each : attempt->report->outputs) {
      outputs.push_back(json::object{
          {"url", each.url}, {"path", each.path}, {"size_bytes", std::to_string(each.size_bytes)}});
    }
  }
  out["logs"] = std::move(logs);
  out["outputs"] = std::move(outputs);
  return out;
}

void put_lines(json::object& log, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  json::array array;
  for (const std::string& each : lines) array.emplace_back(each);
  log["system_logs"] = std::move(array);
}

json::array logs_to_json(const JobRecord& job, TesView view, const Places& places,
                         std::string_view currency, const std::optional<WaitingDecision>& waiting,
                         const std::vector<std::string>& warnings) {
  const std::vector<const AttemptRecord*> shown = shown_attempts(job);
  json::array logs;
  // Lines of attempts without an entry stand in the next entry, or in the last one.
  std::vector<std::string> lines = warnings;
  for (const AttemptRecord& each : job.attempts) {
    attempt_lines(each, job.spec, currency, lines);
    const bool is_shown = std::find(shown.begin(), shown.end(), &each) != shown.end();
    const bool is_last = !shown.empty() && &each == shown.back();
    if (!is_shown || is_last) continue;
    json::object log = log_to_json(job, &each, view, places, currency);
    if (view == TesView::full) put_lines(log, lines);
    lines.clear();
    logs.push_back(std::move(log));
  }
  task_lines(job, currency, waiting, lines);
  if (shown.empty() && view != TesView::full) return logs;
  json::object log =
      log_to_json(job, shown.empty() ? nullptr : shown.back(), view, places, currency);
  if (view == TesView::full) put_lines(log, lines);
  if (!shown.empty() || !lines.empty()) logs.push_back(std::move(log));
  return logs;
}

}  // namespace

Result<TesView> parse_tes_view(std::string_view text) {
  if (text.empty() || text == "MINIMAL") return TesView::minimal;
  if (text == "BASIC") return TesView::basic;
  if (text == "FULL") return TesView::full;
  return fail(ErrorCode::invalid, "view", "\"" + std::string(text.substr(0, 40)) + "\" is no view",
              "use MINIMAL, BASIC or FULL");
}

std::string_view tes_state(const JobRecord& job) {
  switch (job.state) {
    case JobState::queued: return "QUEUED";
    case JobState::dispatching:
    case JobState::staging: return "INITIALIZING";
    case JobState::running:
    case JobState::finishing: return "RUNNING";
    case JobState::succeeded: return "COMPLETE";
    case JobState::canceled: return "CANCELED";
    case JobState::unroutable: return "SYSTEM_ERROR";
    case JobState::failed: break;
  }
  const AttemptRecord* leading = leading_attempt(job);
  if (leading == nullptr || !leading->report) return "SYSTEM_ERROR";
  const EndReport& report = *leading->report;
  const bool by_command = report.code == EndCode::failed || report.code == EndCode::out_of_memory;
  const bool has_code = std::any_of(report.executors.begin(), report.executors.end(),
                                    [](const ExecutorEnd& each) { return each.exit_code != 0; });
  return by_command && has_code ? "EXECUTOR_ERROR" : "SYSTEM_ERROR";
}

bool is_tes_state(std::string_view text) {
  static constexpr std::array<std::string_view, 11> states = {
      "UNKNOWN",        "QUEUED",       "INITIALIZING", "RUNNING",   "PAUSED",   "COMPLETE",
      "EXECUTOR_ERROR", "SYSTEM_ERROR", "CANCELED",     "PREEMPTED", "CANCELING"};
  return std::find(states.begin(), states.end(), text) != states.end();
}

json::object tes_task_to_json(const JobRecord& job, TesView view, const Places& places,
                              std::string_view currency,
                              const std::optional<WaitingDecision>& waiting) {
  json::object out{{"id", job.job.value}, {"state", json::string(tes_state(job))}};
  if (view == TesView::minimal) return out;
  const JobSpec& spec = job.spec;
  const AttemptRecord* leading = leading_attempt(job);
  const Candidate* chosen =
      leading != nullptr && leading->decision.chosen ? &*leading->decision.chosen : nullptr;
  put(out, "name", spec.name);
  put(out, "description", spec.description);
  if (!spec.inputs.empty()) {
    json::array inputs;
    for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
      const std::size_t replica =
          chosen != nullptr && i < chosen->replicas.size() ? chosen->replicas[i] : 0;
      inputs.push_back(input_to_json(spec.inputs[i], replica, view));
    }
    out["inputs"] = std::move(inputs);
  }
  if (!spec.outputs.empty()) {
    json::array outputs;
    for (const Output& each : spec.outputs) outputs.push_back(output_to_json(each));
    out["outputs"] = std::move(outputs);
  }
  std::vector<std::string> warnings;
  out["resources"] = resources_to_json(spec, warnings);
  json::array executors;
  const std::size_t index =
      chosen != nullptr && chosen->variant < spec.variants.size() ? chosen->variant : 0;
  if (index < spec.variants.size()) {
    for (const Executor& each : spec.variants[index].executors) {
      executors.push_back(executor_to_json(each));
    }
  }
  out["executors"] = std::move(executors);
  if (!spec.volumes.empty()) {
    json::array volumes;
    for (const std::string& each : spec.volumes) volumes.emplace_back(each);
    out["volumes"] = std::move(volumes);
  }
  if (!spec.tags.empty()) out["tags"] = map_to_json(spec.tags);
  json::array logs = logs_to_json(job, view, places, currency, waiting, warnings);
  if (!logs.empty()) out["logs"] = std::move(logs);
  put_time(out, "creation_time", job.submitted);
  return out;
}

}  // namespace tradewind
