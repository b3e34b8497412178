#include "gateway/engines/log_capture.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "gateway/staging/file_copy.h"
#include "schemas/limits.h"

namespace tradewind {

Result<LogFile> LogFile::create(const std::filesystem::path& path, std::uint64_t bytes_max) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) {
    return fail(ErrorCode::unavailable, path.string(),
                fmt::format("the log cannot be made: {}", std::strerror(errno)),
                "check the site's disk");
  }
  return LogFile(std::move(fd), bytes_max);
}

void LogFile::append(std::string_view bytes) {
  if (full_) return;
  const std::string_view kept = bytes.substr(0, bytes_max_ - bytes_);
  bytes_ += kept.size();
  full_ = kept.size() < bytes.size() || !write_all(fd_.get(), kept);
  if (full_) {
    // Where the disk is full, this fails as well; the tails in the report still tell the end.
    write_all(fd_.get(), fmt::format("\n[tradewind: only the first {} bytes are kept]\n", bytes_));
  }
}

LogCapture::LogCapture(boost::asio::io_context& io, UniqueFd pipe, LogFile& log, StreamCopy copy,
                       std::function<void()> on_end)
    : pipe_(io, pipe.release()), log_(log), copy_(std::move(copy)), on_end_(std::move(on_end)) {
  pipe_.non_blocking(true);
}

std::shared_ptr<LogCapture> LogCapture::start(boost::asio::io_context& io, UniqueFd pipe,
                                              LogFile& log, StreamCopy copy,
                                              std::function<void()> on_end) {
  std::shared_ptr<LogCapture> capture(
      new LogCapture(io, std::move(pipe), log, std::move(copy), std::move(on_end)));
  capture->read();
  return capture;
}

void LogCapture::read() {
  pipe_.async_read_some(
      boost::asio::buffer(chunk_),
      [self = shared_from_this()](const boost::system::error_code& problem, std::size_t size) {
        if (self->ended_) return;  // closed meanwhile: nothing of the others may be touched
        self->take({self->chunk_.data(), size});
        if (!problem) return self->read();
        self->ended_ = true;
        self->on_end_();
      });
}

void LogCapture::close() {
  if (ended_) return;
  ended_ = true;
  boost::system::error_code problem;
  // Bounded, for what still writes into the pipe may be faster.
  for (int rounds = 0; rounds < 64 && !problem; ++rounds) {
    const std::size_t size = pipe_.read_some(boost::asio::buffer(chunk_), problem);
    take({chunk_.data(), size});
  }
  pipe_.close(problem);
}

void LogCapture::take(std::string_view bytes) {
  if (bytes.empty()) return;
  log_.append(bytes);
  if (copy_.fd && copy_.problem.empty()) {
    const std::string_view room = bytes.substr(0, copy_.bytes_max - copy_.bytes);
    copy_.bytes += room.size();
    if (!write_all(copy_.fd.get(), room)) {
      copy_.problem = std::strerror(errno);
    } else if (room.size() < bytes.size()) {
      copy_.problem = fmt::format("only the first {} bytes fit", copy_.bytes_max);
    }
  }
  if (bytes.size() >= limits::log_tail_bytes_max) {
    tail_ = bytes.substr(bytes.size() - limits::log_tail_bytes_max);
    return;
  }
  tail_.append(bytes);
  if (tail_.size() > limits::log_tail_bytes_max) {
    tail_.erase(0, tail_.size() - limits::log_tail_bytes_max);
  }
}

}  // namespace tradewind
