// One HTTP request and its answer, as all transfers make them: where it may connect, which lines of
// the answer's head count, and what a failure means. For http_transfer and range_download alone.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/staging/http_transfer.h"
#include "gateway/staging/policy.h"
#include "schemas/result.h"

namespace tradewind {

using SteadyTime = std::chrono::steady_clock::time_point;

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using EasyHandle = std::unique_ptr<CURL, FreeEasy>;
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

inline constexpr std::uint64_t news_bytes_min = 64 * 1024;  // of a try that is not counted
inline constexpr std::chrono::milliseconds backoff_max{10'000};

// What vouches for it that two parts are of one version of a file; empty where the server tells
// none.
struct FileVersion {
  std::string strong_etag;
  std::string last_modified;
  // For If-Range; empty when nothing vouches.
  const std::string& validator() const { return strong_etag.empty() ? last_modified : strong_etag; }
  // Whether an answer that tells `other` may be of this one.
  bool may_be(const FileVersion& other) const;
};

// How a try ended, when it did not succeed.
struct Failure {
  Error error;
  bool again = false;  // whether another try may help
};

struct HttpExchange {
  const StagingPolicy& policy;
  const HttpTarget& target;
  const std::string field;
  const std::stop_token stop;

  EasyHandle easy{};               // null when none could be made
  std::optional<Error> refusal{};  // a reason to give up, found in a callback
  std::string refused_address{};   // the last address that the policy did not allow
  // Of the answer that is being read.
  std::optional<std::uint64_t> range_start{};
  std::optional<std::uint64_t> range_total{};
  bool accepts_ranges = false;
  FileVersion version{};
  bool body_started = false;
  std::size_t error_body_bytes = 0;

  // The next request, ready but for its own options; nothing of the last one's remains. The easy
  // handle refers to this, which must stay where it is.
  void begin(SteadyTime deadline);
  // A line of an answer's head.
  void read_head(std::string_view line);
  long status() const;
  Error error(ErrorCode code, const std::string& message, std::string remedy) const;
  // A part of an error page, of which nothing is kept: as a write callback returns.
  std::size_t skip_error_body(std::size_t size);
  // How the request failed that ended so, where it did not succeed.
  Failure failure(CURLcode code) const;
};

// The target's own header lines, and `more`.
HeaderList header_list(const HttpTarget& target, std::string_view method,
                       std::vector<std::string> more);

}  // namespace tradewind
