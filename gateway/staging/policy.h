// What a site lets jobs move in and out, and how hard it tries. The defaults are for a site on the
// internet: no files of the machine, no addresses of the inner network.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ids.h"
#include "schemas/result.h"

namespace tradewind {

// A bucket of S3, or of a store that speaks its API, that jobs may use by s3://BUCKET/KEY.
struct S3Bucket {
  std::string bucket;
  std::string endpoint;  // "https://HOST" or "https://HOST:PORT"; http: likewise
  std::string region = "us-east-1";
  bool path_style = false;        // https://HOST/BUCKET/KEY instead of https://BUCKET.HOST/KEY
  bool private_host = false;      // the endpoint may have a private address
  bool writable = true;           // for outputs
  std::string credentials_file;   // see read_s3_credentials()
  std::vector<TenantId> tenants;  // who may use it; empty: all that the site serves
  friend bool operator==(const S3Bucket&, const S3Bucket&) = default;
};

struct StagingPolicy {
  // Directories of this machine that file: inputs may be read from and file: outputs written to,
  // with everything below them. Empty: file: is refused.
  std::vector<std::filesystem::path> file_read_roots;
  std::vector<std::filesystem::path> file_write_roots;

  bool http_allowed = true;  // http: and https:
  // Whether http(s) may go to loopback, private, link-local and other addresses that are not of the
  // public internet. Off, jobs cannot make the gateway ask the site's inner services. On for
  // federations on loopback. Checked for each connection, so also after each redirect.
  bool allow_private_hosts = false;
  std::uint32_t redirects_max = 5;  // of a download; an upload never follows one

  std::uint64_t file_bytes_max = 1ULL << 40;     // of one input or output file
  std::uint64_t attempt_bytes_max = 4ULL << 40;  // of all inputs, and again of all outputs
  std::uint32_t files_max = 2'048;               // files that one attempt's directories may hold

  std::vector<S3Bucket> s3;  // the first of a bucket counts

  // How many ranges of one input are fetched at once from a server that sends ranges, 1 to 16, and
  // the least size of one. Inputs of less than four of the least size come by one request.
  std::uint32_t ranges_max = 4;
  std::uint64_t range_bytes_min = 16ULL << 20;

  // Where inputs with a stated digest are kept for later attempts, and how many bytes of them (see
  // data_cache.h). Empty: nothing is kept.
  std::filesystem::path cache_directory;
  std::uint64_t cache_bytes_max = 0;

  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::seconds stall_timeout{30};    // a transfer that moves nothing for so long is cut
  std::chrono::seconds total_timeout{3600};  // of one file with all its tries
  std::uint32_t tries_max = 6;               // of one file, the first included
  std::chrono::milliseconds backoff{200};    // before the second try; doubles, up to 10 s

  friend bool operator==(const StagingPolicy&, const StagingPolicy&) = default;
};

// The place a URL names, told apart by scheme.
enum class UrlScheme { file, http, s3 };

// The policy as it is for the tenant: without buckets that it may not use.
StagingPolicy policy_for(const StagingPolicy& policy, const TenantId& tenant);

// The parts of s3://BUCKET/KEY. The key is taken as it stands, nothing in it is decoded. Fails with
// invalid where there is no bucket, no key, or a part "." or ".." in it.
struct S3Url {
  std::string bucket;
  std::string key;
};
Result<S3Url> split_s3_url(std::string_view field, const std::string& url);

// Which of the schemes that staging knows the URL has, and that it is well formed. `field` names it
// in the error; messages never hold the URL's credentials.
Result<UrlScheme> check_url(std::string_view field, const std::string& url);

// Whether the policy lets this URL be read (an input) or written (an output). A host's addresses
// are checked only at the connection. Fails with ErrorCode::invalid or ErrorCode::forbidden.
Status check_source(const StagingPolicy& policy, std::string_view field, const std::string& url);
Status check_target(const StagingPolicy& policy, std::string_view field, const std::string& url);

// The absolute, normal path of a file: URL, percent-decoded; fails when the URL names another host,
// has a ".." part or a NUL.
Result<std::filesystem::path> path_of_file_url(std::string_view field, const std::string& url);

// The URL as it may be shown: without user, password, query and fragment, which may hold secrets.
std::string without_credentials(const std::string& url);

// `url` with "/" and the percent-encoded relative path appended, before any query.
std::string url_below(const std::string& url, std::string_view relative_path);

}  // namespace tradewind
