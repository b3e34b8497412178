// One file from or to an http(s) URL, by libcurl. Blocking; any thread; certificates are checked,
// proxies of the environment are not used.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/staging/budget.h"
#include "gateway/staging/policy.h"
#include "schemas/result.h"

namespace tradewind {

struct Transferred {
  std::uint64_t size_bytes = 0;
  std::string sha256;               // lower-case hex
  std::uint64_t resumed_bytes = 0;  // that a later try did not have to fetch again
  std::uint64_t begun_bytes = 0;    // that the file held already
  std::uint32_t tries = 1;
  std::uint32_t ranges = 1;  // that were fetched at once
};

// Where a request goes.
struct HttpTarget {
  std::string url;
  std::string shown;  // of the URL, what errors may tell
  // Further header lines of a request, made for each try; may be empty. With them no redirect is
  // followed.
  std::function<std::vector<std::string>(std::string_view method)> headers{};
  bool allow_private_host = false;  // it was not a job that chose the host
};
HttpTarget plain_target(const std::string& url);

// Fetches the URL into the file `fd`. It is empty or, where `sha256` is known, may hold what an
// earlier call left of the same file, which is gone on with. A transfer that breaks off goes on
// where it stopped, by
// a Range request, if the server names the same version (ETag or Last-Modified, by If-Range) or
// `sha256` (empty: unknown) can tell; else from the start. A large file of a server that says so
// (Accept-Ranges) comes by several ranges at once, each of which goes on where it stopped. Tries
// that brought news do not count against the policy's number of tries. Fails with
// ErrorCode::forbidden for an address that the policy refuses, too_large, invalid (4xx answers),
// corrupt (another sha256) or unavailable.
Result<Transferred> download(const StagingPolicy& policy, std::string_view field,
                             const HttpTarget& target, int fd, const std::string& sha256,
                             StagingBudget& budget, const std::stop_token& stop);

// What is sent: a part of a file or, without one, a text.
struct HttpBody {
  int fd = -1;
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
  std::string text{};
};
struct HttpAnswer {
  std::string etag;  // as the header has it; empty: none
  std::string body;  // at most 64 KiB are read
};
// Sends it with the method (PUT, POST, DELETE) until the server takes it. Never follows a redirect.
// Fails as download does.
Result<HttpAnswer> send(const StagingPolicy& policy, std::string_view field,
                        const HttpTarget& target, std::string_view method, const HttpBody& body,
                        const std::stop_token& stop);

// Sleeps, but not longer than until a stop is requested. Returns false when it is.
bool wait_unless_stopped(std::chrono::milliseconds duration, const std::stop_token& stop);

}  // namespace tradewind
