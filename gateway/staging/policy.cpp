#include "gateway/staging/policy.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "schemas/ascii.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using UrlHandle = std::unique_ptr<CURLU, FreeUrl>;

// libcurl's own parser, so that what is checked is what is fetched.
UrlHandle parse(const std::string& url) {
  UrlHandle handle(curl_url());
  if (handle && curl_url_set(handle.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    handle.reset();
  }
  return handle;
}

std::optional<std::string> part(const UrlHandle& handle, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(handle.get(), which, &text, 0) != CURLUE_OK) return std::nullopt;
  std::string value(text);
  curl_free(text);
  return value;
}

std::string scheme_of(const std::string& url) {
  const std::size_t colon = url.find(':');
  return colon == std::string::npos ? std::string{} : ascii_lower(url.substr(0, colon));
}

std::string percent_encoded(std::string_view path) {
  std::string encoded;
  for (const char each : path) {
    const bool plain = (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
                       (each >= '0' && each <= '9') ||
                       std::string_view("-._~/").find(each) != std::string_view::npos;
    if (plain) {
      encoded += each;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(each));
    }
  }
  return encoded;
}

Status check_roots(const std::vector<std::filesystem::path>& roots, std::string_view field,
                   const std::string& url, std::string_view what) {
  const auto path = path_of_file_url(field, url);
  if (!path) return fail(path.error());
  if (roots.empty()) {
    return fail(ErrorCode::forbidden, std::string(field),
                fmt::format("this site lets no job {} files of its machines", what),
                "give an http: or https: URL");
  }
  for (const auto& root : roots) {
    const auto normal = root.lexically_normal();
    const auto below = path->lexically_relative(normal);
    if (!below.empty() && *below.begin() != "..") return ok();
  }
  return fail(ErrorCode::forbidden, std::string(field),
              fmt::format("{} is in none of the directories that this site lets jobs {}",
                          path->string(), what),
              "ask the site which directories are open, or give an http: or https: URL");
}

Status check_http(const StagingPolicy& policy, std::string_view field) {
  if (policy.http_allowed) return ok();
  return fail(ErrorCode::forbidden, std::string(field), "this site stages no http: or https: URLs",
              "give a file: URL in a directory that the site has opened");
}

Status check_s3(const StagingPolicy& policy, std::string_view field, const std::string& url,
                bool writes) {
  const auto named = split_s3_url(field, url);
  if (!named) return fail(named.error());
  const auto bucket = std::ranges::find(policy.s3, named->bucket, &S3Bucket::bucket);
  if (bucket != policy.s3.end() && (bucket->writable || !writes)) return ok();
  return fail(ErrorCode::forbidden, std::string(field),
              fmt::format("this site lets the job {} no bucket {}", writes ? "write to" : "read",
                          named->bucket),
              "ask the site which buckets are open");
}

}  // namespace

StagingPolicy policy_for(const StagingPolicy& policy, const TenantId& tenant) {
  StagingPolicy own = policy;
  std::erase_if(own.s3, [&tenant](const S3Bucket& each) {
    return !each.tenants.empty() && std::ranges::find(each.tenants, tenant) == each.tenants.end();
  });
  return own;
}

Result<S3Url> split_s3_url(std::string_view field, const std::string& url) {
  const auto wrong = [&](const char* what) {
    return fail(ErrorCode::invalid, std::string(field), what, "give it as s3://BUCKET/KEY");
  };
  const std::size_t begin = url.find("://");
  if (begin == std::string::npos || scheme_of(url) != "s3") return wrong("the URL is no s3: URL");
  const std::string rest = url.substr(begin + 3);
  const std::size_t slash = rest.find('/');
  S3Url named{rest.substr(0, slash), slash == std::string::npos ? "" : rest.substr(slash + 1)};
  const bool plain = std::ranges::all_of(named.bucket, [](char each) {
    return (each >= 'a' && each <= 'z') || (each >= '0' && each <= '9') || each == '-' ||
           each == '.';
  });
  if (!plain || named.bucket.size() < 3 || named.bucket.size() > 63) {
    return wrong("the URL names no bucket: 3 to 63 of a-z, 0-9, - and .");
  }
  if (named.key.empty()) return wrong("the URL names no key");
  for (const auto& each : std::filesystem::path(named.key)) {
    if (each == "." || each == "..") return wrong("the key has a part \".\" or \"..\"");
  }
  return named;
}

Result<UrlScheme> check_url(std::string_view field, const std::string& url) {
  if (url.size() > limits::text_bytes_max) {
    return fail(ErrorCode::too_large, std::string(field),
                fmt::format("the URL has {} bytes", url.size()),
                fmt::format("give at most {}", limits::text_bytes_max));
  }
  const std::string scheme = scheme_of(url);
  if (scheme == "file") {
    if (const auto path = path_of_file_url(field, url); !path) return fail(path.error());
    return UrlScheme::file;
  }
  if (scheme == "s3") {
    if (const auto named = split_s3_url(field, url); !named) return fail(named.error());
    return UrlScheme::s3;
  }
  if (scheme != "http" && scheme != "https") {
    return fail(ErrorCode::invalid, std::string(field),
                scheme.empty() ? std::string("the URL has no scheme")
                               : fmt::format("the scheme \"{}\" is not one that sites stage",
                                             scheme.substr(0, 32)),
                "give a file:, http:, https: or s3: URL");
  }
  const UrlHandle parsed = parse(url);
  if (!parsed || part(parsed, CURLUPART_HOST).value_or("").empty()) {
    return fail(ErrorCode::invalid, std::string(field), "the URL is malformed",
                "give it as https://host/path, with special characters percent-encoded");
  }
  return UrlScheme::http;
}

Status check_source(const StagingPolicy& policy, std::string_view field, const std::string& url) {
  const auto scheme = check_url(field, url);
  if (!scheme) return fail(scheme.error());
  if (*scheme == UrlScheme::http) return check_http(policy, field);
  if (*scheme == UrlScheme::s3) return check_s3(policy, field, url, false);
  return check_roots(policy.file_read_roots, field, url, "read");
}

Status check_target(const StagingPolicy& policy, std::string_view field, const std::string& url) {
  const auto scheme = check_url(field, url);
  if (!scheme) return fail(scheme.error());
  if (*scheme == UrlScheme::http) return check_http(policy, field);
  if (*scheme == UrlScheme::s3) return check_s3(policy, field, url, true);
  return check_roots(policy.file_write_roots, field, url, "write");
}

Result<std::filesystem::path> path_of_file_url(std::string_view field, const std::string& url) {
  const auto wrong = [&](std::string message, std::string remedy) {
    return fail(ErrorCode::invalid, std::string(field), std::move(message), std::move(remedy));
  };
  if (scheme_of(url) != "file") return wrong("the URL is not a file: URL", "give file:///path");
  std::string_view rest = std::string_view(url).substr(url.find(':') + 1);
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const auto slash = rest.find('/');
    const std::string_view host = rest.substr(0, slash);
    if (!host.empty() && host != "localhost") {
      return wrong("the file: URL names another host", "give file:///path");
    }
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
  }
  std::string decoded;
  for (std::size_t at = 0; at < rest.size(); ++at) {
    if (rest[at] != '%') {
      decoded += rest[at];
      continue;
    }
    const int high = at + 2 < rest.size() ? hex_digit(rest[at + 1]) : -1;
    const int low = at + 2 < rest.size() ? hex_digit(rest[at + 2]) : -1;
    if (high < 0 || low < 0)
      return wrong("a % is not followed by two hex digits", "write % as %25");
    decoded += static_cast<char>(high * 16 + low);
    at += 2;
  }
  if (decoded.find('\0') != std::string::npos) return wrong("the path holds a NUL", "");
  const std::filesystem::path path(decoded);
  if (!path.is_absolute()) {
    return wrong(fmt::format("the path \"{}\" is not absolute", decoded), "give file:///path");
  }
  for (const auto& each : path) {
    if (each == "..") return wrong(fmt::format("{} has a part \"..\"", decoded), "give it without");
  }
  return path.lexically_normal();
}

std::string without_credentials(const std::string& url) {
  if (scheme_of(url) == "file" || scheme_of(url) == "s3") return url;
  const UrlHandle parsed = parse(url);
  if (!parsed) return "(malformed URL)";
  for (const CURLUPart secret :
       {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    curl_url_set(parsed.get(), secret, nullptr, 0);
  }
  return part(parsed, CURLUPART_URL).value_or("(malformed URL)");
}

std::string url_below(const std::string& url, std::string_view relative_path) {
  const std::string encoded = percent_encoded(relative_path);
  const auto joined = [&encoded](std::string base) {
    while (base.ends_with('/')) base.pop_back();
    return base + "/" + encoded;
  };
  if (scheme_of(url) == "file") return joined(url);
  if (scheme_of(url) == "s3")
    return url + (url.ends_with('/') ? "" : "/") + std::string(relative_path);
  const UrlHandle parsed = parse(url);
  if (!parsed) return joined(url);
  const std::string path = joined(part(parsed, CURLUPART_PATH).value_or("/"));
  curl_url_set(parsed.get(), CURLUPART_PATH, path.c_str(), 0);
  return part(parsed, CURLUPART_URL).value_or(joined(url));
}

}  // namespace tradewind
