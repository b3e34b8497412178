#include "broker/cli/http_client.h"

#include <curl/curl.h>

#include <memory>
#include <utility>

#include "schemas/http_status.h"

namespace tradewind::cli {
namespace {

constexpr std::size_t kReplyBytesMax = 256 * 1024 * 1024;
constexpr long kConnectSeconds = 10;

struct CurlFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// What one transfer's callback needs.
struct Sink {
  CURL* handle = nullptr;
  std::string body;
  const std::function<bool(std::string_view)>* on_data = nullptr;
  bool stopped = false;
};

std::size_t receive(char* data, std::size_t size, std::size_t count, void* user) {
  auto& sink = *static_cast<Sink*>(user);
  const std::size_t bytes = size * count;
  long status = 0;
  curl_easy_getinfo(sink.handle, CURLINFO_RESPONSE_CODE, &status);
  if (sink.on_data != nullptr && status == 200) {
    if (!(*sink.on_data)(std::string_view(data, bytes))) {
      sink.stopped = true;
      return 0;
    }
    return bytes;
  }
  if (sink.body.size() + bytes > kReplyBytesMax) return 0;
  sink.body.append(data, bytes);
  return bytes;
}

std::size_t supply(char* data, std::size_t size, std::size_t count, void* user) {
  return static_cast<const HttpClient::Upload*>(user)->read(data, size * count);
}

std::string text_of(const boost::json::object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

Error problem_of(long status, const std::string& body) {
  boost::system::error_code error;
  const auto value = boost::json::parse(body, error);
  if (!error && value.is_object()) {
    const auto& object = value.as_object();
    std::string message = text_of(object, "detail");
    if (message.empty()) message = text_of(object, "title");
    if (!message.empty()) {
      return Error{error_code_of(status), text_of(object, "field"), message,
                   text_of(object, "remedy")};
    }
  }
  return Error{error_code_of(status), "", "the broker answered " + std::to_string(status), ""};
}

}  // namespace

struct HttpClient::Reply {
  long status = 0;
  std::string body;
};

HttpClient::HttpClient(Connection connection)
    : connection_(std::move(connection)), curl_(nullptr, &curl_easy_cleanup) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  curl_.reset(curl_easy_init());
  while (!connection_.url.empty() && connection_.url.back() == '/') connection_.url.pop_back();
}

Result<HttpClient::Reply> HttpClient::perform(const std::string& method, const std::string& path,
                                              const std::string* body,
                                              const std::vector<std::string>& headers,
                                              const std::function<bool(std::string_view)>* on_data,
                                              const Upload* upload) {
  if (!curl_) return fail(ErrorCode::internal, "", "libcurl could not be started");
  CURL* const curl = curl_.get();
  curl_easy_reset(curl);
  Sink sink{curl, {}, on_data, false};

  std::unique_ptr<curl_slist, CurlFree> list;
  const auto add_header = [&list](const std::string& header) {
    list.reset(curl_slist_append(list.release(), header.c_str()));
  };
  if (!connection_.token.empty()) add_header("Authorization: Bearer " + connection_.token);
  if (body != nullptr) add_header("Content-Type: application/json");
  if (upload != nullptr) {
    add_header("Content-Type: " + upload->content_type);
    add_header("Transfer-Encoding: chunked");
  }
  add_header(on_data != nullptr ? "Accept: */*" : "Accept: application/json");
  add_header("Expect:");
  for (const auto& each : headers) add_header(each);

  curl_easy_setopt(curl, CURLOPT_URL, (connection_.url + path).c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list.get());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
  if (!connection_.ca_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, connection_.ca_file.c_str());
  }
  if (body != nullptr) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
  }
  if (upload != nullptr) {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &supply);
    curl_easy_setopt(curl, CURLOPT_READDATA, upload);
  }
  const CURLcode code = curl_easy_perform(curl);
  Reply reply;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  if (code != CURLE_OK && !sink.stopped) {
    // A request that left may have been carried out although no answer came.
    const bool sent = code != CURLE_COULDNT_CONNECT && code != CURLE_COULDNT_RESOLVE_HOST;
    return fail(sent && method != "GET" ? ErrorCode::maybe_delivered : ErrorCode::unavailable, "",
                "no answer from " + connection_.url + ": " + curl_easy_strerror(code),
                "check --url (TRADEWIND_URL) and that the broker runs");
  }
  reply.body = std::move(sink.body);
  if (reply.status < 200 || reply.status > 299) return fail(problem_of(reply.status, reply.body));
  return reply;
}

namespace {

Result<boost::json::value> parse_reply(const std::string& body) {
  if (body.empty()) return boost::json::value(boost::json::object());
  boost::system::error_code error;
  auto value = boost::json::parse(body, error);
  if (error) {
    return fail(ErrorCode::corrupt, "", "the answer is no JSON: " + error.message(),
                "check that --url names a Tradewind broker");
  }
  return value;
}

}  // namespace

Result<boost::json::value> HttpClient::get(const std::string& path) {
  auto reply = perform("GET", path, nullptr, {}, nullptr);
  if (!reply) return fail(std::move(reply.error()));
  return parse_reply(reply->body);
}

Result<Bytes> HttpClient::get_bytes(const std::string& path) {
  auto reply = perform("GET", path, nullptr, {}, nullptr);
  if (!reply) return fail(std::move(reply.error()));
  return std::move(reply->body);
}

Result<boost::json::value> HttpClient::post(const std::string& path, const boost::json::value& body,
                                            const std::vector<std::string>& headers) {
  return send("POST", path, body, headers);
}

Result<Bytes> HttpClient::upload(const std::string& path, const Upload& body,
                                 const std::vector<std::string>& headers) {
  auto reply = perform("POST", path, nullptr, headers, nullptr, &body);
  if (!reply) return fail(std::move(reply.error()));
  return std::move(reply->body);
}

Result<boost::json::value> HttpClient::put(const std::string& path,
                                           const boost::json::value& body) {
  return send("PUT", path, body, {});
}

Result<boost::json::value> HttpClient::send(const std::string& method, const std::string& path,
                                            const boost::json::value& body,
                                            const std::vector<std::string>& headers) {
  const std::string text = boost::json::serialize(body);
  auto reply = perform(method, path, &text, headers, nullptr);
  if (!reply) return fail(std::move(reply.error()));
  return parse_reply(reply->body);
}

Result<boost::json::value> HttpClient::remove(const std::string& path) {
  auto reply = perform("DELETE", path, nullptr, {}, nullptr);
  if (!reply) return fail(std::move(reply.error()));
  return parse_reply(reply->body);
}

Status HttpClient::stream(const std::string& path,
                          const std::function<bool(std::string_view)>& on_data,
                          const std::vector<std::string>& headers) {
  auto reply = perform("GET", path, nullptr, headers, &on_data);
  if (!reply) return fail(std::move(reply.error()));
  return ok();
}

std::string url_escape(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string escaped;
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '_' || byte == '.' ||
                       byte == '~' || byte == ':';
    if (plain) {
      escaped += each;
    } else {
      escaped += '%';
      escaped += hex[byte >> 4];
      escaped += hex[byte & 15];
    }
  }
  return escaped;
}

}  // namespace tradewind::cli
