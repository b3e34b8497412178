#include "tests/unit/staging/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <sstream>

namespace tradewind::test {
namespace {

std::optional<HttpRequest> read_request(int connection) {
  std::string text;
  std::array<char, 65536> chunk{};
  std::size_t header_end = std::string::npos;
  std::size_t body_bytes = 0;
  HttpRequest request;
  while (header_end == std::string::npos || text.size() < header_end + 4 + body_bytes) {
    const ssize_t got = ::recv(connection, chunk.data(), chunk.size(), 0);
    if (got <= 0) return std::nullopt;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (header_end != std::string::npos) continue;
    header_end = text.find("\r\n\r\n");
    if (header_end == std::string::npos) continue;
    std::istringstream lines(text.substr(0, header_end));
    std::string line;
    std::getline(lines, line);
    std::istringstream(line) >> request.method >> request.target;
    while (std::getline(lines, line)) {
      if (line.ends_with('\r')) line.pop_back();
      const auto colon = line.find(": ");
      if (colon == std::string::npos) continue;
      std::string name = line.substr(0, colon);
      std::ranges::transform(name, name.begin(), [](unsigned char each) {
        return static_cast<char>(std::tolower(each));
      });
      request.headers[name] = line.substr(colon + 2);
    }
    if (request.headers.contains("content-length")) {
      body_bytes = std::stoul(request.headers["content-length"]);
    }
  }
  request.body = text.substr(header_end + 4);
  return request;
}

}  // namespace

HttpServer::HttpServer(Handler handler, const std::string& address)
    : handler_(std::move(handler)), address_(address) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  ::inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  socklen_t size = sizeof at;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
      ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(at.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  over_ = true;
  thread_.join();
  for (std::thread& each : answering_) each.join();
  ::close(listener_);
}

std::string HttpServer::url(const std::string& path) const {
  return "http://" + address_ + ":" + std::to_string(port_) + path;
}

std::vector<HttpRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t HttpServer::at_once() const {
  const std::lock_guard lock(mutex_);
  return at_once_;
}

std::size_t HttpServer::most_at_once() const {
  const std::lock_guard lock(mutex_);
  return most_at_once_;
}

void HttpServer::serve() {
  while (!over_) {
    pollfd ready{listener_, POLLIN, 0};
    if (::poll(&ready, 1, 20) != 1) continue;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    {
      const std::lock_guard lock(mutex_);
      most_at_once_ = std::max(most_at_once_, ++at_once_);
    }
    answering_.emplace_back([this, connection] {
      answer(connection);
      ::close(connection);
      const std::lock_guard lock(mutex_);
      --at_once_;
    });
  }
}

void HttpServer::answer(int connection) {
  const auto request = read_request(connection);
  if (!request) return;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(*request);
  }
  const HttpReply reply = [&] {
    const std::lock_guard lock(handling_);
    return handler_(*request);
  }();
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) +
                     " Answer\r\nContent-Length: " + std::to_string(reply.body.size()) +
                     "\r\nConnection: close\r\n";
  for (const auto& [name, value] : reply.headers)
    text.append(name).append(": ").append(value).append("\r\n");
  text += "\r\n" + reply.body.substr(0, reply.cut_after.value_or(reply.body.size()));
  std::size_t sent = 0;
  const std::size_t tick = reply.bytes_per_second / 50;
  while (sent < text.size() && !over_) {
    const std::size_t left = text.size() - sent;
    const ssize_t now = ::send(connection, text.data() + sent,
                               tick == 0 ? left : std::min(left, tick), MSG_NOSIGNAL);
    if (now <= 0) return;
    sent += static_cast<std::size_t>(now);
    if (tick > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  while (reply.stall && !over_) {
    pollfd closed{connection, POLLIN | POLLRDHUP, 0};
    if (::poll(&closed, 1, 20) > 0) return;
  }
}

HttpReply serve_range(const HttpRequest& request, const std::string& content,
                      const std::string& etag, std::optional<std::size_t> cut_after) {
  HttpReply reply;
  reply.headers.emplace_back("ETag", etag);
  reply.headers.emplace_back("Accept-Ranges", "bytes");
  reply.body = content;
  reply.cut_after = cut_after;
  const auto range = request.headers.find("range");
  const auto condition = request.headers.find("if-range");
  const bool same = condition == request.headers.end() || condition->second == etag;
  if (range != request.headers.end() && same) {
    std::string asked = range->second.substr(std::string("bytes=").size());
    std::size_t digits = 0;
    const std::size_t start = std::stoul(asked, &digits);
    if (start >= content.size()) return HttpReply{.status = 416};
    asked = asked.substr(digits + 1);
    const std::size_t end = asked.empty() ? content.size() : std::stoul(asked) + 1;
    reply.status = 206;
    reply.headers.emplace_back("Content-Range", "bytes " + std::to_string(start) + "-" +
                                                    std::to_string(end - 1) + "/" +
                                                    std::to_string(content.size()));
    reply.body = content.substr(start, end - start);
  }
  return reply;
}

}  // namespace tradewind::test
