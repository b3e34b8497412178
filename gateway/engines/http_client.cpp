#include "gateway/engines/http_client.h"

#include <curl/curl.h>

#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace tradewind {
namespace {

struct Receiver {
  std::string body;
  std::size_t bytes_max = 0;
};

std::size_t receive(char* data, std::size_t size, std::size_t count, void* user) {
  auto& into = *static_cast<Receiver*>(user);
  if (into.body.size() + size * count > into.bytes_max) return 0;
  into.body.append(data, size * count);
  return size * count;
}

int end_when_stopped(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<const std::atomic<bool>*>(user) ? 1 : 0;
}

// Of calls that cannot have reached anybody who would act on them.
bool never_left(CURLcode code) {
  return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
         code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
         code == CURLE_SSL_CACERT_BADFILE;
}

}  // namespace

struct HttpClient::Handle {
  CURL* curl = curl_easy_init();
  ~Handle() { curl_easy_cleanup(curl); }
};

HttpClient::HttpClient(HttpClientOptions options) : options_(std::move(options)) {}

HttpClient::~HttpClient() = default;

Result<HttpAnswer> HttpClient::call(const char* method, const std::string& url,
                                    const std::vector<std::string>& headers,
                                    const std::string& body) {
  std::unique_ptr<Handle> handle;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      handle = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!handle) handle = std::make_unique<Handle>();
  CURL* const curl = handle->curl;
  if (curl == nullptr) return fail(ErrorCode::internal, "", "libcurl could not be started");
  curl_easy_reset(curl);  // keeps the connection
  curl_slist* lines = curl_slist_append(nullptr, "Content-Type: application/json");
  lines = curl_slist_append(lines, "Expect:");
  for (const std::string& each : headers) lines = curl_slist_append(lines, each.c_str());
  Receiver receiver{{}, options_.answer_bytes_max};
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT,
                   static_cast<long>(options_.connect_time_max.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(options_.answer_time_max.count()));
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  if (!options_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options_.ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
  // What a kept connection has lost without an answer is sent again by libcurl: fine for a
  // question, twice the work for an order.
  if (std::string_view(method) == "POST") curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
  if (!body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  }
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &end_when_stopped);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stopped_);
  const CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(lines);
  HttpAnswer answer;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  if (code != CURLE_OK) {
    return fail(never_left(code) ? ErrorCode::unavailable : ErrorCode::maybe_delivered, "",
                fmt::format("no answer from {}: {}", url, curl_easy_strerror(code)));
  }
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(handle));
  }
  answer.body = std::move(receiver.body);
  return answer;
}

}  // namespace tradewind
