#include "gateway/engines/tes_records.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <limits>
#include <utility>

#include "schemas/ascii.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

namespace json = boost::json;

constexpr std::size_t tags_max = 256;
constexpr std::size_t parameters_max = 256;
constexpr std::size_t line_bytes_max = 1'000;

constexpr std::array<std::pair<std::string_view, TesState>, 10> words{{
    {"QUEUED", TesState::queued},
    {"INITIALIZING", TesState::initializing},
    {"RUNNING", TesState::running},
    {"PAUSED", TesState::paused},
    {"CANCELING", TesState::canceling},
    {"COMPLETE", TesState::complete},
    {"EXECUTOR_ERROR", TesState::executor_error},
    {"SYSTEM_ERROR", TesState::system_error},
    {"CANCELED", TesState::canceled},
    {"PREEMPTED", TesState::preempted},
}};

std::string_view text_of(const json::object& from, const char* key) {
  const auto* found = from.if_contains(key);
  if (found == nullptr || !found->is_string()) return {};
  return std::string_view(found->as_string());
}

const json::array* list_of(const json::object& from, const char* key) {
  const auto* found = from.if_contains(key);
  return found == nullptr ? nullptr : found->if_array();
}

// Servers write no time as an empty text too.
Wall::time_point time_of(const json::object& from, const char* key) {
  const auto at = parse_rfc3339(key, text_of(from, key));
  return at ? *at : Wall::time_point{};
}

// TES has whole numbers as texts; not all servers do.
std::int64_t number_of(const json::object& from, const char* key) {
  const auto* found = from.if_contains(key);
  if (found == nullptr) return 0;
  if (found->is_int64()) return found->as_int64();
  std::int64_t value = 0;
  const std::string_view text = text_of(from, key);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Control characters would spoil a log.
std::string line_of(std::string_view text, std::size_t bytes_max = line_bytes_max) {
  std::string line(text.substr(0, bytes_max));
  std::ranges::replace_if(
      line, [](char each) { return static_cast<unsigned char>(each) < ' '; }, ' ');
  return line;
}

TesExecutorLog executor_log(const json::object& from) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  TesExecutorLog log;
  log.exit_code = static_cast<std::int32_t>(std::clamp(number_of(from, "exit_code"), -most, most));
  log.started = time_of(from, "start_time");
  log.ended = time_of(from, "end_time");
  log.out = text_of(from, "stdout");
  log.err = text_of(from, "stderr");
  return log;
}

TesLog task_log(const json::object& from) {
  TesLog log;
  log.started = time_of(from, "start_time");
  log.ended = time_of(from, "end_time");
  if (const auto* list = list_of(from, "logs")) {
    for (const auto& each : *list) {
      if (log.executors.size() == limits::executors_max) break;
      if (each.is_object()) log.executors.push_back(executor_log(each.as_object()));
    }
  }
  if (const auto* list = list_of(from, "outputs")) {
    for (const auto& each : *list) {
      if (log.outputs.size() == limits::report_files_max) break;
      const auto* object = each.if_object();
      if (object == nullptr) continue;
      const auto size = std::max<std::int64_t>(number_of(*object, "size_bytes"), 0);
      log.outputs.push_back({line_of(text_of(*object, "path"), limits::text_bytes_max),
                             line_of(text_of(*object, "url"), limits::text_bytes_max),
                             static_cast<std::uint64_t>(size)});
    }
  }
  if (const auto* list = list_of(from, "system_logs")) {
    const std::size_t first =
        list->size() - std::min<std::size_t>(list->size(), tes_system_lines_max);
    for (std::size_t i = first; i < list->size(); ++i) {
      if ((*list)[i].is_string()) log.system_log.push_back(line_of((*list)[i].as_string()));
    }
  }
  return log;
}

std::optional<TesTask> task_of(const json::value& value) {
  const auto* from = value.if_object();
  if (from == nullptr) return std::nullopt;
  TesTask task;
  task.id = text_of(*from, "id");
  const bool plain = std::ranges::all_of(task.id, [](char c) { return c > ' ' && c < 127; });
  if (task.id.empty() || task.id.size() > tes_id_bytes_max || !plain) return std::nullopt;
  task.state = parse_tes_state(text_of(*from, "state"));
  if (const auto* tags = from->if_contains("tags"); tags != nullptr && tags->is_object()) {
    for (const auto& each : tags->as_object()) {
      if (task.tags.size() == tags_max) break;
      if (!each.value().is_string()) continue;
      task.tags.emplace(
          each.key(), std::string_view(each.value().as_string()).substr(0, limits::text_bytes_max));
    }
  }
  const auto* logs = list_of(*from, "logs");
  if (logs != nullptr && !logs->empty() && logs->back().is_object()) {
    task.log = task_log(logs->back().as_object());
  }
  return task;
}

Error not_tes(const char* what) {
  return {ErrorCode::corrupt, "engine.tes.url", std::string("the answer is no ") + what,
          "see that it is the base path of a TES server, such as https://HOST/ga4gh/tes/v1"};
}

Result<json::object> object_of(std::string_view text, const char* what) {
  boost::system::error_code bad;
  json::value parsed = json::parse(text, bad);
  if (bad || !parsed.is_object()) return fail(not_tes(what));
  return std::move(parsed.as_object());
}

}  // namespace

TesState parse_tes_state(std::string_view word) {
  const auto* const found =
      std::ranges::find(words, word, &std::pair<std::string_view, TesState>::first);
  return found == words.end() ? TesState::unknown : found->second;
}

bool is_over(TesState state) {
  return state >= TesState::complete;
}

Result<TesTask> read_tes_task(std::string_view text) {
  const auto parsed = object_of(text, "task");
  if (!parsed) return fail(parsed.error());
  auto task = task_of(*parsed);
  if (!task) return fail(not_tes("task with an id"));
  return std::move(*task);
}

Result<TesPage> read_tes_page(std::string_view text) {
  const auto parsed = object_of(text, "list of tasks");
  if (!parsed) return fail(parsed.error());
  TesPage page;
  const auto* list = list_of(*parsed, "tasks");
  // A server in Go leaves an empty list out, or writes null.
  const auto* member = parsed->if_contains("tasks");
  if (list == nullptr && member != nullptr && !member->is_null()) {
    return fail(not_tes("list of tasks"));
  }
  if (list != nullptr) {
    for (const auto& each : *list) {
      auto task = task_of(each);
      if (task) page.tasks.push_back(std::move(*task));
    }
  }
  page.next = text_of(*parsed, "next_page_token");
  if (page.next.size() > limits::text_bytes_max) return fail(not_tes("list with a short token"));
  return page;
}

Result<std::string> read_tes_created(std::string_view text) {
  const auto task = read_tes_task(text);
  if (!task) return fail(task.error());
  return task->id;
}

Result<std::vector<std::string>> read_tes_parameters(std::string_view text) {
  const auto parsed = object_of(text, "service-info");
  if (!parsed) return fail(parsed.error());
  const auto* type = parsed->if_contains("type");
  if (type == nullptr || !type->is_object() || text_of(type->as_object(), "artifact") != "tes") {
    return fail(not_tes("service-info of a TES server"));
  }
  std::vector<std::string> parameters;
  if (const auto* list = list_of(*parsed, "tesResources_backend_parameters")) {
    for (const auto& each : *list) {
      if (parameters.size() == parameters_max) break;
      if (!each.is_string() || each.as_string().size() > line_bytes_max) continue;
      parameters.push_back(ascii_lower(std::string_view(each.as_string())));
    }
  }
  return parameters;
}

std::string read_tes_problem(std::string_view text) {
  boost::system::error_code bad;
  const json::value parsed = json::parse(text, bad);
  if (!bad && parsed.is_object()) {
    for (const char* key : {"error", "detail", "message", "msg", "title"}) {
      const std::string_view said = text_of(parsed.as_object(), key);
      if (!said.empty()) return line_of(said);
    }
  }
  return line_of(text.substr(0, 200));
}

}  // namespace tradewind
