// The log of a job as it grows, through all attempts, whatever becomes of connections.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "broker/cli/context.h"

namespace tradewind::cli {

// Which attempts there are, as the one who watches the job tells those who read its logs.
class AttemptsSeen {
 public:
  // Of the job's answer; from then on those of its attempts that a site has taken are known, and
  // whether more can come.
  void tell(const boost::json::value& job);
  // Nobody shall wait any longer.
  void give_up();
  // The next attempt after this number; waits for it. Nothing when none will come.
  std::optional<std::uint32_t> next(std::uint32_t after);

 private:
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::set<std::uint32_t> attempts_;
  bool over_ = false;
};

// Copies one stream of the log ("stdout" or "stderr"), attempt after attempt, on a thread of its
// own. Where a connection breaks it goes on at the same byte.
class LogReader {
 public:
  using Write = std::function<void(std::string_view)>;
  LogReader(const Context& context, std::string job, std::string stream, AttemptsSeen& attempts,
            Write write);
  // Waits until all has come; AttemptsSeen has been told of the job's end, or to give up.
  ~LogReader();
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

 private:
  void run();
  void copy(std::uint32_t attempt);

  HttpClient client_;
  const std::string path_;
  AttemptsSeen& attempts_;
  const Write write_;
  std::thread thread_;
};

}  // namespace tradewind::cli
