// What a process writes to a stream: kept in the attempt's log, copied to the job's own file when
// it asked for one, and its end remembered. One thread, the event loop's.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "gateway/staging/unique_fd.h"
#include "schemas/result.h"

namespace tradewind {

// One stream's log of an attempt, written by all its executors in turn.
class LogFile {
 public:
  // Makes the file; at most `bytes_max` are kept, then a note, then nothing.
  static Result<LogFile> create(const std::filesystem::path& path, std::uint64_t bytes_max);
  void append(std::string_view bytes);

 private:
  LogFile(UniqueFd fd, std::uint64_t bytes_max) : fd_(std::move(fd)), bytes_max_(bytes_max) {}
  UniqueFd fd_;
  std::uint64_t bytes_max_ = 0;
  std::uint64_t bytes_ = 0;
  bool full_ = false;
};

// The job's own file for a stream, or none.
struct StreamCopy {
  UniqueFd fd;
  std::uint64_t bytes_max = 0;
  std::uint64_t bytes = 0;
  std::string problem;  // why it is incomplete; empty: it is not
};

// Reads one pipe to its end.
class LogCapture : public std::enable_shared_from_this<LogCapture> {
 public:
  // `log` and what `on_end` uses must live until on_end was called or close().
  static std::shared_ptr<LogCapture> start(boost::asio::io_context& io, UniqueFd pipe, LogFile& log,
                                           StreamCopy copy, std::function<void()> on_end);
  // Reads what is there without waiting, then no more; on_end is not called any more.
  void close();

  bool ended() const { return ended_; }
  const std::string& tail() const { return tail_; }  // at most limits::log_tail_bytes_max
  const StreamCopy& copy() const { return copy_; }

 private:
  LogCapture(boost::asio::io_context& io, UniqueFd pipe, LogFile& log, StreamCopy copy,
             std::function<void()> on_end);
  void read();
  void take(std::string_view bytes);

  boost::asio::posix::stream_descriptor pipe_;
  LogFile& log_;
  StreamCopy copy_;
  std::function<void()> on_end_;
  std::array<char, 64 * 1024> chunk_{};
  std::string tail_;
  bool ended_ = false;
};

}  // namespace tradewind
