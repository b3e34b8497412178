#include "gateway/s3_settings.h"

#include <fmt/format.h>

#include "schemas/ids.h"
#include "schemas/url.h"

namespace tradewind {
namespace {

constexpr std::size_t buckets_max = 256;

std::string endpoint_at(const TomlTable& table, const Environment& environment) {
  const std::string text = table.text("endpoint", std::nullopt);
  std::string endpoint = expanded(table, "endpoint", text, environment).value_or("");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const auto host = behind_http(endpoint);
  const bool good =
      host && !host->empty() && host->find_first_of("/?#@ ") == std::string_view::npos;
  if (table.has("endpoint") && !good) {
    table.refuse("endpoint", fmt::format("\"{}\" is no endpoint", endpoint),
                 "write https://HOST or https://HOST:PORT");
  }
  return endpoint;
}

}  // namespace

std::vector<S3Bucket> read_s3_buckets(const TomlTable& staging, const Environment& environment) {
  std::vector<S3Bucket> buckets;
  const auto tables = staging.tables("s3", {"bucket", "endpoint", "region", "style", "private_host",
                                            "write", "credentials_file", "tenants"});
  if (tables.size() > buckets_max) {
    staging.refuse("s3", fmt::format("there are {} buckets", tables.size()),
                   fmt::format("give at most {}", buckets_max));
  }
  for (const TomlTable& table : tables) {
    S3Bucket& each = buckets.emplace_back();
    each.bucket = table.text("bucket", std::nullopt);
    if (const auto named = split_s3_url("bucket", "s3://" + each.bucket + "/key");
        table.has("bucket") && (!named || named->bucket != each.bucket)) {
      table.refuse("bucket", fmt::format("\"{}\" is no name of a bucket", each.bucket),
                   "give 3 to 63 of a-z, 0-9, - and .");
    }
    each.endpoint = endpoint_at(table, environment);
    each.region = table.text("region", each.region);
    const std::string style = table.text("style", "virtual");
    if (style != "virtual" && style != "path") {
      table.refuse("style", fmt::format("\"{}\" is no style", style),
                   "write \"virtual\" (BUCKET.HOST) or \"path\" (HOST/BUCKET)");
    }
    each.path_style = style == "path";
    each.private_host = table.flag("private_host", each.private_host);
    each.writable = table.flag("write", each.writable);
    each.credentials_file =
        path_at(table, "credentials_file", "/etc/tradewind/s3/results", environment);
    for (const std::string& tenant : table.texts("tenants")) {
      if (const Status good = check_name("tenants", tenant); !good) {
        table.refuse("tenants", good.error());
      }
      each.tenants.push_back(TenantId{tenant});
    }
  }
  return buckets;
}

}  // namespace tradewind
