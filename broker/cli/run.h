// `tradewind run`: a job as if it ran here.
#pragma once

#include <boost/json.hpp>

namespace tradewind::cli {

// What `run` exits with when it is not the command's own exit code, as timeout, docker and shells
// have it.
namespace run_exit {
inline constexpr int time_limit = 124;  // it was stopped at a time limit
inline constexpr int none = 125;        // it did not run, or was lost: there is no code
inline constexpr int canceled = 130;    // by Ctrl-C, or by somebody
inline constexpr int terminated = 143;  // by SIGTERM to `run`
}  // namespace run_exit

// Of a job that has ended; `signal` is the one that had it canceled, or 0.
int run_exit_of(const boost::json::value& job, int signal);

}  // namespace tradewind::cli
