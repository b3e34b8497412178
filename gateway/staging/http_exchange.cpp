#include "gateway/staging/http_exchange.h"

#include <sys/socket.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "gateway/staging/private_address.h"
#include "schemas/ascii.h"

namespace tradewind {
namespace {

constexpr std::size_t error_body_bytes_max = 64 * 1024;

curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& exchange = *static_cast<HttpExchange*>(user);
  if (!exchange.policy.allow_private_hosts && !exchange.target.allow_private_host &&
      is_private_address(&address->addr, static_cast<socklen_t>(address->addrlen))) {
    exchange.refused_address =
        address_text(&address->addr, static_cast<socklen_t>(address->addrlen));
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<HttpExchange*>(user)->stop.stop_requested() ? 1 : 0;
}

// Whether it can stand in a line of another head.
bool is_plain(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char each) { return each < ' ' || each == 127; });
}

// The number that the text begins with, and what follows it.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// Of a Content-Range, "bytes 5-9/10" or "bytes 5-9/*".
void read_range(HttpExchange& exchange, std::string_view value) {
  value.remove_prefix(std::string_view("bytes ").size());
  const auto start = take_number(value);
  if (!start || !value.starts_with('-')) return;
  exchange.range_start = *start;
  value.remove_prefix(1);
  if (!take_number(value) || !value.starts_with('/')) return;
  value.remove_prefix(1);
  exchange.range_total = take_number(value);
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  static_cast<HttpExchange*>(user)->read_head({data, size});
  return size;
}

// libcurl's global state must be made once, before the first handle.
void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(started);
}

Failure failure_of_status(const HttpExchange& exchange, long status) {
  const bool again = status >= 500 || status == 408 || status == 429;
  const char* remedy = "check the URL";
  if (status == 401 || status == 403)
    remedy = "give a URL that grants access, such as a signed one";
  if (status >= 300 && status < 400) remedy = "give the final URL";
  if (again) remedy = "try again when the server is well";
  return {exchange.error(again ? ErrorCode::unavailable : ErrorCode::invalid,
                         fmt::format("the server answered {}", status), remedy),
          again};
}

}  // namespace

bool FileVersion::may_be(const FileVersion& other) const {
  if (!strong_etag.empty() && !other.strong_etag.empty()) return strong_etag == other.strong_etag;
  return last_modified.empty() || other.last_modified.empty() ||
         last_modified == other.last_modified;
}

void HttpExchange::read_head(std::string_view line) {
  if (line.starts_with("HTTP/")) {  // of a redirect's target, too
    body_started = false;
    error_body_bytes = 0;
    range_start.reset();
    range_total.reset();
    accepts_ranges = false;
    version = {};
    return;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string name = ascii_lower(line.substr(0, colon));
  const std::string_view value = trimmed(line.substr(colon + 1), " \t\r\n");
  if (!is_plain(value)) return;
  if (name == "content-range" && value.starts_with("bytes ")) {
    read_range(*this, value);
  } else if (name == "accept-ranges") {
    accepts_ranges = value == "bytes";
  } else if (name == "etag" && value.starts_with('"') && value.size() <= 256) {
    version.strong_etag = value;  // a weak one (W/"…") does not vouch for bytes
  } else if (name == "last-modified" && value.size() <= 64) {
    version.last_modified = value;
  }
}

long HttpExchange::status() const {
  long code = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &code);
  return code;
}

Error HttpExchange::error(ErrorCode code, const std::string& message, std::string remedy) const {
  return {code, field, target.shown + ": " + message, std::move(remedy)};
}

std::size_t HttpExchange::skip_error_body(std::size_t size) {
  error_body_bytes += size;
  return error_body_bytes <= error_body_bytes_max ? size : 0;
}

void HttpExchange::begin(SteadyTime deadline) {
  start_curl();
  refused_address.clear();
  body_started = false;
  easy.reset(curl_easy_init());
  if (!easy) return;
  CURL* const handle = easy.get();
  curl_easy_setopt(handle, CURLOPT_URL, target.url.c_str());
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
  if (target.headers) curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);  // as it is signed
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_PROXY, "");  // it would connect where our check cannot look
  curl_easy_setopt(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "tradewind-gateway");
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(policy.connect_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(policy.stall_timeout.count()));
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                        deadline - std::chrono::steady_clock::now())
                        .count();
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(left, 1)));
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, this);
}

Failure HttpExchange::failure(CURLcode code) const {
  if (stop.stop_requested()) return {error(ErrorCode::unavailable, "stopped", ""), false};
  if (refusal) return {*refusal, false};
  // An oversized error page is cut off; its status says more than the cut.
  const long answered = status();
  if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && answered >= 300)) {
    return failure_of_status(*this, answered);
  }
  if (code == CURLE_COULDNT_CONNECT && !refused_address.empty()) {
    return {error(ErrorCode::forbidden,
                  fmt::format("it leads to {}, which is not an address of the public internet",
                              refused_address),
                  "give a public URL, or let the site allow private hosts"),
            false};
  }
  switch (code) {
    case CURLE_TOO_MANY_REDIRECTS:
      return {error(ErrorCode::invalid, fmt::format("more than {} redirects", policy.redirects_max),
                    "give the final URL"),
              false};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return {error(ErrorCode::invalid, "it leads to no http: or https: URL", "give the final URL"),
              false};
    case CURLE_PEER_FAILED_VERIFICATION:
      return {error(ErrorCode::forbidden, "the server's certificate does not verify",
                    "check the host's name and certificate"),
              false};
    default:
      return {error(ErrorCode::unavailable, curl_easy_strerror(code),
                    "check that the site can reach the URL"),
              true};
  }
}

HeaderList header_list(const HttpTarget& target, std::string_view method,
                       std::vector<std::string> more) {
  HeaderList list;
  const auto append = [&list](const std::string& line) {
    curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
    static_cast<void>(list.release());
    list.reset(longer);
  };
  if (target.headers) std::ranges::for_each(target.headers(method), append);
  std::ranges::for_each(more, append);
  return list;
}

}  // namespace tradewind
