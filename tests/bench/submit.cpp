// Load on the endpoint: jobs submitted one by one over keep-alive connections, each answered only when it is durable.
// Prints JSON lines.
//
//   bench_submit PORT TOKEN CONNECTIONS SECONDS ROUNDS
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Result {
  std::vector<double> milliseconds;
  std::size_t failed = 0;
};

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return -1;
  }
  return fd;
}

// Reads one response; its status, or 0 when the connection broke.
int read_response(int fd, std::string& buffer) {
  for (;;) {
    const auto head = buffer.find("\r\n\r\n");
    if (head != std::string::npos) {
      std::string lower = buffer.substr(0, head);
      std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
      const auto length = lower.find("content-length:");
      const std::size_t body =
          length == std::string::npos ? 0 : std::strtoull(lower.c_str() + length + 15, nullptr, 10);
      if (buffer.size() >= head + 4 + body) {
        const int status = std::atoi(buffer.c_str() + 9);
        buffer.erase(0, head + 4 + body);
        return status;
      }
    }
    char chunk[4096];
    const ssize_t got = ::recv(fd, chunk, sizeof chunk, 0);
    if (got <= 0) return 0;
    buffer.append(chunk, static_cast<std::size_t>(got));
  }
}

Result work(std::uint16_t port, const std::string& request, Clock::time_point end) {
  Result result;
  const int fd = connect_to(port);
  std::string buffer;
  while (fd >= 0 && Clock::now() < end) {
    const auto start = Clock::now();
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()) ||
        read_response(fd, buffer) != 201) {
      ++result.failed;
      break;
    }
    result.milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  if (fd >= 0) ::close(fd);
  if (fd < 0) ++result.failed;
  return result;
}

void print(const char* metric, const char* unit, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  std::printf("{\"metric\": \"%s\", \"value\": %.2f, \"unit\": \"%s\", \"spread\": [%.2f, %.2f], "
              "\"goal\": null, \"holds\": null}\n",
              metric, values[values.size() / 2], unit, values.front(), values.back());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s PORT TOKEN CONNECTIONS SECONDS ROUNDS\n", argv[0]);
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const int connections = std::atoi(argv[3]);
  const double seconds = std::atof(argv[4]);
  const int rounds = std::atoi(argv[5]);
  const std::string body =
      R"({"name":"load","resources":{"cpus":4,"memory_mib":512},"architectures":["amd64"],"duration_seconds":3600,)"
      R"("command":["sh","-c","sleep 3600"],"tags":{"project":"bench"}})";
  const std::string request = "POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " +
                              std::string(argv[2]) + "\r\nContent-Type: application/json\r\nContent-Length: " +
                              std::to_string(body.size()) + "\r\n\r\n" + body;
  std::vector<double> rates, medians, tails;
  for (int round = 0; round < rounds; ++round) {
    std::vector<Result> results(static_cast<std::size_t>(connections));
    const auto start = Clock::now();
    const auto end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    std::vector<std::thread> threads;
    for (auto& each : results) threads.emplace_back([&] { each = work(port, request, end); });
    for (auto& each : threads) each.join();
    const double took = std::chrono::duration<double>(Clock::now() - start).count();
    std::vector<double> all;
    for (const auto& each : results) {
      if (each.failed > 0) {
        std::fprintf(stderr, "a request failed or was refused\n");
        return 1;
      }
      all.insert(all.end(), each.milliseconds.begin(), each.milliseconds.end());
    }
    std::sort(all.begin(), all.end());
    rates.push_back(static_cast<double>(all.size()) / took);
    medians.push_back(all[all.size() / 2]);
    tails.push_back(all[all.size() * 99 / 100]);
  }
  const std::string where = "single submits, " + std::to_string(connections) + " connections";
  print((where + ": accepted durably").c_str(), "1/s", rates);
  print((where + ": p50").c_str(), "ms", medians);
  print((where + ": p99").c_str(), "ms", tails);
  return 0;
}
