#include "gateway/engines/http_client.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
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

void HttpClient::stop() {
  stopped_ = true;
  const std::lock_guard lock(mutex_);
  for (const int each : streaming_) ::shutdown(each, SHUT_RDWR);
}

std::unique_ptr<HttpClient::Handle> HttpClient::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handle>();
  auto handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void* HttpClient::prepare(Handle& handle, const std::string& url,
                          const std::vector<std::string>& headers) {
  CURL* const curl = handle.curl;
  curl_easy_reset(curl);  // keeps the connection
  curl_slist* lines = curl_slist_append(nullptr, "Expect:");
  const bool typed = std::ranges::any_of(
      headers, [](const std::string& each) { return each.starts_with("Content-Type:"); });
  if (!typed) lines = curl_slist_append(lines, "Content-Type: application/json");
  for (const std::string& each : headers) lines = curl_slist_append(lines, each.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT,
                   static_cast<long>(options_.connect_time_max.count()));
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  const auto put = [curl](CURLoption option, const std::string& bytes) {
    if (bytes.empty()) return;
    curl_blob blob{const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_COPY};
    curl_easy_setopt(curl, option, &blob);
  };
  if (!options_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options_.ca_file.c_str());
  put(CURLOPT_CAINFO_BLOB, options_.ca_pem);
  put(CURLOPT_SSLCERT_BLOB, options_.certificate_pem);
  put(CURLOPT_SSLKEY_BLOB, options_.key_pem);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &end_when_stopped);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stopped_);
  return lines;
}

Result<HttpAnswer> HttpClient::call(const char* method, const std::string& url,
                                    const std::vector<std::string>& headers,
                                    const std::string& body) {
  auto handle = take();
  CURL* const curl = handle->curl;
  if (curl == nullptr) return fail(ErrorCode::internal, "", "libcurl could not be started");
  auto* const lines = static_cast<curl_slist*>(prepare(*handle, url, headers));
  Receiver receiver{{}, options_.answer_bytes_max};
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(options_.answer_time_max.count()));
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

namespace {

struct StreamReceiver {
  CURL* curl = nullptr;
  Receiver other;  // of an answer that is none
  const std::function<bool(std::string_view)>* on_bytes = nullptr;
};

std::size_t receive_stream(char* data, std::size_t size, std::size_t count, void* user) {
  auto& into = *static_cast<StreamReceiver*>(user);
  long status = 0;
  curl_easy_getinfo(into.curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return receive(data, size, count, &into.other);
  return (*into.on_bytes)({data, size * count}) ? size * count : 0;
}

}  // namespace

Result<HttpAnswer> HttpClient::stream(const std::string& url,
                                      const std::vector<std::string>& headers,
                                      std::chrono::seconds time_max,
                                      const std::function<bool(std::string_view)>& on_bytes) {
  // A connection of its own, which stop() can cut.
  struct Cut {
    HttpClient& client;
    static int opened(void* user, curl_socket_t socket, curlsocktype) {
      auto& cut = *static_cast<Cut*>(user);
      const std::lock_guard lock(cut.client.mutex_);
      if (cut.client.stopped_) return CURL_SOCKOPT_ERROR;
      cut.client.streaming_.insert(socket);
      return CURL_SOCKOPT_OK;
    }
    static int closed(void* user, curl_socket_t socket) {
      auto& cut = *static_cast<Cut*>(user);
      const std::lock_guard lock(cut.client.mutex_);
      cut.client.streaming_.erase(socket);
      return ::close(socket);
    }
  } cut{*this};
  Handle handle;
  CURL* const curl = handle.curl;
  if (curl == nullptr) return fail(ErrorCode::internal, "", "libcurl could not be started");
  auto* const lines = static_cast<curl_slist*>(prepare(handle, url, headers));
  StreamReceiver receiver{curl, {{}, options_.answer_bytes_max}, &on_bytes};
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(time_max.count()));
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, &Cut::opened);
  curl_easy_setopt(curl, CURLOPT_SOCKOPTDATA, &cut);
  curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, &Cut::closed);
  curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, &cut);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &receive_stream);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  const CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(lines);
  HttpAnswer answer;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  answer.body = std::move(receiver.other.body);
  // The connection is closed while `cut` is there.
  curl_easy_cleanup(std::exchange(handle.curl, nullptr));
  if (code == CURLE_OK) return answer;
  return fail(never_left(code) ? ErrorCode::unavailable : ErrorCode::maybe_delivered, "",
              fmt::format("{} said no more: {}", url, curl_easy_strerror(code)));
}

}  // namespace tradewind
