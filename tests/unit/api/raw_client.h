// A client that sends exactly the bytes it is given and reads responses, over a real socket.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tradewind::testing {

struct RawResponse {
  int status = 0;                              // 0: the connection ended without a response
  std::map<std::string, std::string> headers;  // lower-case names; the last of several
  std::string head;
  std::string body;
  bool cut = false;  // the body ended before its announced end
};

class RawClient {
 public:
  // From 127.0.0.1 or another address of the loopback network. `receive_bytes`: what the socket
  // holds that was not read; 0: as usual.
  explicit RawClient(std::uint16_t port, const char* from = "127.0.0.1", int receive_bytes = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_bytes > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    }
    sockaddr_in own{};
    own.sin_family = AF_INET;
    ::inet_pton(AF_INET, from, &own.sin_addr);
    ::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
    const int one = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    set_timeout(std::chrono::seconds(10));
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void set_timeout(std::chrono::milliseconds timeout) {
    timeval value{};
    value.tv_sec = timeout.count() / 1000;
    value.tv_usec = timeout.count() % 1000 * 1000;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
  }
  void set_send_timeout(std::chrono::milliseconds timeout) {
    timeval value{};
    value.tv_sec = timeout.count() / 1000;
    value.tv_usec = timeout.count() % 1000 * 1000;
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value);
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  // Whether the server closes within the receive timeout, whatever it sends before.
  bool sees_close() {
    while (more()) {
    }
    return ended_;
  }
  // The next bytes of a body as they come; empty at the end.
  std::string read_some() {
    if (buffer_.empty()) more();
    return std::exchange(buffer_, {});
  }

  RawResponse read(bool head_only = false) {
    RawResponse response;
    std::size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return response;
    }
    response.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    parse_head(response);
    if (head_only || response.status == 100 || response.status == 304) return response;
    if (response.headers.contains("content-length")) {
      const std::size_t length = std::stoul(response.headers["content-length"]);
      while (buffer_.size() < length && more()) {
      }
      response.cut = buffer_.size() < length;
      response.body = buffer_.substr(0, length);
      buffer_.erase(0, length);
    } else if (response.headers["transfer-encoding"] == "chunked") {
      read_chunks(response);
    } else {
      while (more()) {
      }
      response.body = std::exchange(buffer_, {});
    }
    return response;
  }

 private:
  bool more() {
    char bytes[16 * 1024];
    const ssize_t count = ::recv(fd_, bytes, sizeof bytes, 0);
    if (count == 0 || (count < 0 && errno == ECONNRESET)) ended_ = true;
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }
  void parse_head(RawResponse& response) {
    response.status = std::stoi(response.head.substr(9, 3));
    std::size_t at = response.head.find("\r\n") + 2;
    while (at < response.head.size()) {
      const std::size_t line_end = response.head.find("\r\n", at);
      const std::size_t colon = response.head.find(':', at);
      std::string name = response.head.substr(at, colon - at);
      std::transform(name.begin(), name.end(), name.begin(), ::tolower);
      response.headers[name] = response.head.substr(colon + 2, line_end - colon - 2);
      at = line_end + 2;
    }
  }
  void read_chunks(RawResponse& response) {
    for (;;) {
      std::size_t line;
      while ((line = buffer_.find("\r\n")) == std::string::npos) {
        if (!more()) {
          response.cut = true;
          return;
        }
      }
      const std::size_t size = std::stoul(buffer_.substr(0, line), nullptr, 16);
      buffer_.erase(0, line + 2);
      while (buffer_.size() < size + 2) {
        if (!more()) {
          response.cut = true;
          return;
        }
      }
      response.body += buffer_.substr(0, size);
      buffer_.erase(0, size + 2);
      if (size == 0) return;
    }
  }

  int fd_ = -1;
  bool ended_ = false;
  std::string buffer_;
};

// "POST /v1/jobs" with the body and further header lines, each ending in CRLF.
inline std::string request_text(std::string_view method, std::string_view target,
                                std::string_view body = {}, std::string_view headers = {}) {
  std::string text = std::string(method) + " " + std::string(target) +
                     " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers);
  if (!body.empty() || method == "POST") {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + std::string(body);
}

}  // namespace tradewind::testing
