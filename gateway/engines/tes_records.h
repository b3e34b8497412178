// What a TES 1.1 server answers, as far as the gateway needs it. Pure; the bytes are hostile.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

enum class TesState {
  unknown,  // also what no version of TES has
  queued,
  initializing,
  running,
  paused,
  canceling,
  complete,
  executor_error,
  system_error,
  canceled,
  preempted,
};
TesState parse_tes_state(std::string_view word);
bool is_over(TesState state);

struct TesExecutorLog {
  std::int32_t exit_code = 0;
  Wall::time_point started{};  // the epoch: not said
  Wall::time_point ended{};
  std::string out;
  std::string err;
};

struct TesOutputLog {
  std::string path;
  std::string url;
  std::uint64_t size_bytes = 0;
};

// Of the newest try.
struct TesLog {
  Wall::time_point started{};
  Wall::time_point ended{};
  std::vector<TesExecutorLog> executors;  // at most limits::executors_max
  std::vector<TesOutputLog> outputs;      // at most limits::report_files_max
  std::vector<std::string> system_log;    // the last `tes_system_lines_max`
};
inline constexpr std::size_t tes_system_lines_max = 50;

struct TesTask {
  std::string id;  // printable ASCII, never empty, at most `tes_id_bytes_max`
  TesState state = TesState::unknown;
  std::map<std::string, std::string> tags;  // not in a minimal view
  std::optional<TesLog> log;
};
inline constexpr std::size_t tes_id_bytes_max = 512;

struct TesPage {
  std::vector<TesTask> tasks;
  std::string next;  // of the page that follows; empty: none does
};

// All fail with ErrorCode::corrupt.
Result<TesTask> read_tes_task(std::string_view text);
Result<TesPage> read_tes_page(std::string_view text);
// The id in the answer to a create.
Result<std::string> read_tes_created(std::string_view text);
// The backend parameters that a service-info lists, in lower case.
Result<std::vector<std::string>> read_tes_parameters(std::string_view text);
// What an answer that is no success says is wrong, as a line.
std::string read_tes_problem(std::string_view text);

}  // namespace tradewind
