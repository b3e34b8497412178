#include "gateway/staging/s3.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/staging/unique_fd.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

constexpr std::uint64_t piece_bytes_least = 64ULL << 20;
constexpr std::uint64_t pieces_max = 10'000;
constexpr std::size_t credentials_bytes_max = 4'096;

// An object, found through the policy.
struct Object {
  const S3Bucket& bucket;
  S3Credentials credentials;
  std::string scheme;  // "https://"
  std::string host;    // with its port
  std::string path;
  std::string shown;

  HttpTarget target(const std::map<std::string, std::string>& query,
                    std::string payload_sha256) const {
    const std::string asked = s3_query(query);
    HttpTarget target;
    target.url = scheme + host + path + (asked.empty() ? "" : "?" + asked);
    target.shown = shown;
    target.allow_private_host = bucket.private_host;
    target.headers = [request = S3Request{"", host, path, query, std::move(payload_sha256)},
                      credentials = credentials,
                      region = bucket.region](std::string_view method) mutable {
      request.method = method;
      return s3_signature(request, credentials, region, system_now().wall);
    };
    return target;
  }
};

Result<Object> object_of(const StagingPolicy& policy, std::string_view field,
                         const std::string& url) {
  const auto named = split_s3_url(field, url);
  if (!named) return fail(named.error());
  const auto bucket = std::ranges::find(policy.s3, named->bucket, &S3Bucket::bucket);
  if (bucket == policy.s3.end()) {
    return fail(ErrorCode::forbidden, std::string(field),
                fmt::format("this site has no bucket {}", named->bucket), "ask the site for it");
  }
  auto credentials = read_s3_credentials(field, bucket->credentials_file);
  if (!credentials) return fail(credentials.error());
  const std::size_t after_scheme = bucket->endpoint.find("://") + 3;
  Object object{*bucket,
                std::move(*credentials),
                bucket->endpoint.substr(0, after_scheme),
                bucket->endpoint.substr(after_scheme),
                "/" + s3_encoded(named->key, true),
                url};
  if (bucket->path_style) {
    object.path = "/" + named->bucket + object.path;
  } else {
    object.host = named->bucket + "." + object.host;
  }
  return object;
}

// The digest of a part of the file.
Result<std::string> digest_piece(int fd, std::uint64_t offset, std::uint64_t size,
                                 std::string_view field) {
  std::vector<char> chunk(256 * 1024);
  Sha256 digest;
  while (size > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, chunk.size()));
    const ssize_t got = ::pread(fd, chunk.data(), wanted, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      return fail(ErrorCode::unavailable, std::string(field), "the file cannot be read any more",
                  "leave no process that changes outputs behind");
    }
    digest.update({chunk.data(), static_cast<std::size_t>(got)});
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::uint64_t>(got);
  }
  return hex(digest.finish());
}

HttpBody text_body(std::string text) {
  HttpBody body;
  body.size_bytes = text.size();
  body.text = std::move(text);
  return body;
}

// A multipart upload that has begun.
class Pieces {
 public:
  Pieces(const StagingPolicy& policy, std::string_view field, const Object& object, std::string id,
         const std::stop_token& stop)
      : policy_(policy), field_(field), object_(object), id_(std::move(id)), stop_(stop) {}

  Status put(int fd, std::uint64_t size_bytes) {
    const std::uint64_t piece =
        std::max(piece_bytes_least, (size_bytes + pieces_max - 1) / pieces_max);
    for (std::uint64_t offset = 0; offset < size_bytes; offset += piece) {
      const HttpBody body{fd, offset, std::min(piece, size_bytes - offset)};
      const auto digest = digest_piece(fd, offset, body.size_bytes, field_);
      if (!digest) return fail(digest.error());
      const std::string number = std::to_string(offset / piece + 1);
      const auto put = send(policy_, field_,
                            object_.target({{"partNumber", number}, {"uploadId", id_}}, *digest),
                            "PUT", body, stop_);
      if (!put) return fail(put.error());
      list_ +=
          fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number, put->etag);
    }
    return complete();
  }

  void abort() const {
    // Nobody waits for it: what remains costs the bucket's owner space until it is tidied up.
    const auto gone = send(policy_, field_, object_.target({{"uploadId", id_}}, hex(sha256(""))),
                           "DELETE", {}, {});
    static_cast<void>(gone);
  }

 private:
  Status complete() const {
    const HttpBody body =
        text_body("<CompleteMultipartUpload>" + list_ + "</CompleteMultipartUpload>");
    const auto done =
        send(policy_, field_, object_.target({{"uploadId", id_}}, hex(sha256(body.text))), "POST",
             body, stop_);
    if (!done) return fail(done.error());
    // Which begins with 200 before the server knows how it will end.
    if (const std::string code = s3_element(done->body, "Code"); !code.empty()) {
      return fail(ErrorCode::unavailable, std::string(field_),
                  fmt::format("{}: the server could not put the pieces together: {}", object_.shown,
                              code.substr(0, 64)),
                  "try again when the server is well");
    }
    return ok();
  }

  const StagingPolicy& policy_;
  const std::string_view field_;
  const Object& object_;
  const std::string id_;
  const std::stop_token& stop_;
  std::string list_;
};

}  // namespace

Result<S3Credentials> read_s3_credentials(std::string_view field, const std::string& file) {
  const auto wrong = [&](ErrorCode code, std::string_view what, std::string remedy) {
    return fail(code, std::string(field), fmt::format("the site's credentials: {}", what),
                std::move(remedy));
  };
  const auto bytes = load_private_file(file, credentials_bytes_max);
  if (!bytes) {
    return wrong(bytes.error().code, bytes.error().message, "let the site give the file mode 0600");
  }
  const std::string_view text(*bytes);
  const std::size_t line = text.find('\n');
  std::string_view secret = line == std::string_view::npos ? "" : text.substr(line + 1);
  secret = secret.substr(0, secret.find('\n'));
  if (line == 0 || secret.empty()) {
    return wrong(ErrorCode::unavailable, file + " is not two lines",
                 "let the site write the access key's id and the secret, a line each");
  }
  return S3Credentials{std::string(text.substr(0, line)), std::string(secret)};
}

Result<HttpTarget> s3_target(const StagingPolicy& policy, std::string_view field,
                             const std::string& url) {
  const auto object = object_of(policy, field, url);
  if (!object) return fail(object.error());
  return object->target({}, hex(sha256("")));
}

Status s3_upload(const StagingPolicy& policy, std::string_view field, const std::string& url,
                 int fd, std::uint64_t size_bytes, const std::string& sha256_text,
                 const std::stop_token& stop) {
  const auto object = object_of(policy, field, url);
  if (!object) return fail(object.error());
  if (size_bytes <= piece_bytes_least) {
    const auto put = send(policy, field, object->target({}, sha256_text), "PUT",
                          HttpBody{fd, 0, size_bytes}, stop);
    return put ? ok() : Status(fail(put.error()));
  }
  const auto begun =
      send(policy, field, object->target({{"uploads", ""}}, hex(sha256(""))), "POST", {}, stop);
  if (!begun) return fail(begun.error());
  const std::string id = s3_element(begun->body, "UploadId");
  if (id.empty()) {
    return fail(ErrorCode::unavailable, std::string(field),
                fmt::format("{}: the server gave no upload id", url), "check the site's endpoint");
  }
  Pieces pieces(policy, field, *object, id, stop);
  Status done = pieces.put(fd, size_bytes);
  if (!done) pieces.abort();
  return done;
}

std::string s3_element(std::string_view document, std::string_view name) {
  const std::string opening = fmt::format("<{}>", name);
  const std::size_t at = document.find(opening);
  if (at == std::string_view::npos) return {};
  std::string_view rest = document.substr(at + opening.size());
  const std::size_t end = rest.find('<');
  if (end == std::string_view::npos || !rest.substr(end).starts_with(fmt::format("</{}>", name))) {
    return {};
  }
  rest = rest.substr(0, end);
  static constexpr std::array<std::pair<std::string_view, char>, 5> entities{
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  std::string text;
  while (!rest.empty()) {
    const auto entity = std::ranges::find_if(
        entities, [&](const auto& each) { return rest.starts_with(each.first); });
    text += entity == entities.end() ? rest.front() : entity->second;
    rest.remove_prefix(entity == entities.end() ? 1 : entity->first.size());
  }
  return text;
}

}  // namespace tradewind
