#include "gateway/staging/http_transfer.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "gateway/staging/private_address.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"

namespace tradewind {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t news_bytes_min = 64 * 1024;  // of a try that is not counted
constexpr std::size_t error_body_bytes_max = 64 * 1024;
constexpr std::chrono::milliseconds backoff_max{10'000};

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// What one transfer, with all its tries, has come to.
struct Transfer {
  const StagingPolicy& policy;
  const HttpTarget& target;
  std::string field;
  const std::stop_token& stop;
  int fd = -1;

  CURL* easy = nullptr;
  std::optional<Error> refusal{};  // a reason to give up, found in a callback
  std::string refused_address{};   // the last address that the policy did not allow

  // Of a download.
  StagingBudget* budget = nullptr;
  Sha256 digest{};
  std::uint64_t offset = 0;  // bytes in the file and in the digest
  std::string strong_etag{};
  std::string last_modified{};
  // Of the response that is being read.
  bool body_started = false;
  std::size_t error_body_bytes = 0;
  std::optional<std::uint64_t> range_start{};
  std::string response_etag{};
  std::string response_last_modified{};

  // Of what is sent.
  const HttpBody* body = nullptr;
  std::uint64_t sent = 0;
  std::string answer{};

  Error error(ErrorCode code, const std::string& message, std::string remedy) const {
    return {code, field, target.shown + ": " + message, std::move(remedy)};
  }
  long status() const {
    long code = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    return code;
  }
  void start_anew() {
    if (budget != nullptr) budget->give_back_bytes(offset);
    offset = 0;
    digest.finish();
    strong_etag.clear();
    last_modified.clear();
    if (::ftruncate(fd, 0) != 0 || ::lseek(fd, 0, SEEK_SET) != 0) {
      refusal = error(ErrorCode::unavailable,
                      fmt::format("the partial file cannot be reset: {}", std::strerror(errno)),
                      "check the site's disk");
    }
  }
};

curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!transfer.policy.allow_private_hosts && !transfer.target.allow_private_host &&
      is_private_address(&address->addr, static_cast<socklen_t>(address->addrlen))) {
    transfer.refused_address =
        address_text(&address->addr, static_cast<socklen_t>(address->addrlen));
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->stop.stop_requested() ? 1 : 0;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char each) {
    return each == ' ' || each == '\t' || each == '\r' || each == '\n';
  };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) {  // of a redirect's target, too
    transfer.body_started = false;
    transfer.error_body_bytes = 0;
    transfer.range_start.reset();
    transfer.response_etag.clear();
    transfer.response_last_modified.clear();
    return size;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](char each) {
    return each >= 'A' && each <= 'Z' ? static_cast<char>(each - 'A' + 'a') : each;
  });
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "content-range" && value.starts_with("bytes ")) {
    std::uint64_t start = 0;
    const auto* first = value.data() + 6;
    const auto [end, problem] = std::from_chars(first, value.data() + value.size(), start);
    if (problem == std::errc{} && end != value.data() + value.size() && *end == '-') {
      transfer.range_start = start;
    }
  } else if (name == "etag" && value.starts_with('"') && value.size() <= 256) {
    transfer.response_etag = value;  // a weak one (W/"…") does not vouch for bytes
  } else if (name == "last-modified" && value.size() <= 64) {
    transfer.response_last_modified = value;
  }
  return size;
}

// Whether a range that has come is of the version that the file's beginning is of, also from a
// server that takes no notice of If-Range.
bool is_same_version(const Transfer& transfer) {
  if (!transfer.strong_etag.empty()) return transfer.response_etag == transfer.strong_etag;
  return transfer.last_modified.empty() ||
         transfer.response_last_modified == transfer.last_modified;
}

// Whether the body that begins is the one that was asked for; sets the file's offset.
bool start_body(Transfer& transfer, long status) {
  if (status == 200) {
    if (transfer.offset != 0) transfer.start_anew();  // the server sends all of it again
  } else if (transfer.range_start != transfer.offset || !is_same_version(transfer)) {
    transfer.start_anew();  // a range that nobody asked for: the next try asks for everything
    return false;
  }
  transfer.strong_etag = transfer.response_etag;
  transfer.last_modified = transfer.response_last_modified;
  curl_off_t announced = -1;
  curl_easy_getinfo(transfer.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  if (announced > 0 &&
      static_cast<std::uint64_t>(announced) + transfer.offset > transfer.policy.file_bytes_max) {
    transfer.refusal = transfer.error(
        ErrorCode::too_large,
        fmt::format("it has {} bytes", static_cast<std::uint64_t>(announced) + transfer.offset),
        fmt::format("the site stages files of at most {} bytes", transfer.policy.file_bytes_max));
  }
  return !transfer.refusal;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const long status = transfer.status();
  if (status != 200 && status != 206) {  // an error page, of which nothing is kept
    transfer.error_body_bytes += size;
    return transfer.error_body_bytes <= error_body_bytes_max ? size : 0;
  }
  if (!transfer.body_started) {
    transfer.body_started = true;
    if (!start_body(transfer, status)) return 0;
  }
  if (transfer.offset + size > transfer.policy.file_bytes_max) {
    transfer.refusal = transfer.error(
        ErrorCode::too_large, fmt::format("it has more than {} bytes", transfer.offset),
        fmt::format("the site stages files of at most {} bytes", transfer.policy.file_bytes_max));
    return 0;
  }
  if (!transfer.budget->take_bytes(size)) {
    transfer.refusal = transfer.error(
        ErrorCode::too_large, "the attempt's files have too many bytes together",
        fmt::format("the site stages at most {} bytes", transfer.policy.attempt_bytes_max));
    return 0;
  }
  std::size_t written = 0;
  while (written < size) {
    const ssize_t now = ::write(transfer.fd, data + written, size - written);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) {
      transfer.refusal = transfer.error(
          ErrorCode::unavailable, fmt::format("it cannot be written: {}", std::strerror(errno)),
          "check the space on the site's disk");
      return 0;
    }
    written += static_cast<std::size_t>(now);
  }
  transfer.digest.update({data, size});
  transfer.offset += size;
  return size;
}

std::size_t on_read(char* buffer, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const HttpBody& body = *transfer.body;
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(body.size_bytes - transfer.sent, size));
  if (wanted == 0) return 0;
  ssize_t now = 0;
  if (body.fd < 0) {
    now = static_cast<ssize_t>(body.text.copy(buffer, wanted, transfer.sent));
  } else {
    now = ::pread(body.fd, buffer, wanted, static_cast<off_t>(body.offset + transfer.sent));
  }
  if (now <= 0) {
    transfer.refusal = transfer.error(ErrorCode::unavailable, "the file cannot be read any more",
                                      "leave no process that changes outputs behind");
    return CURL_READFUNC_ABORT;
  }
  transfer.sent += static_cast<std::uint64_t>(now);
  return static_cast<std::size_t>(now);
}

int on_seek(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Transfer*>(user)->sent = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

std::size_t on_answer(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.answer.size() + size > error_body_bytes_max) return 0;
  transfer.answer.append(data, size);
  return size;
}

// libcurl's global state must be made once, before the first handle.
void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(started);
}

std::vector<std::string> header_lines(const HttpTarget& target, std::string_view method) {
  return target.headers ? target.headers(method) : std::vector<std::string>();
}

std::unique_ptr<curl_slist, FreeList> list_of(const std::vector<std::string>& lines) {
  std::unique_ptr<curl_slist, FreeList> list;
  for (const std::string& each : lines) {
    curl_slist* const longer = curl_slist_append(list.get(), each.c_str());
    static_cast<void>(list.release());
    list.reset(longer);
  }
  return list;
}

void set_common(Transfer& transfer, Clock::time_point deadline) {
  CURL* easy = transfer.easy;
  const StagingPolicy& policy = transfer.policy;
  curl_easy_setopt(easy, CURLOPT_URL, transfer.target.url.c_str());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  if (transfer.target.headers) curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);  // as it is signed
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // a proxy would connect where our check cannot look
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "tradewind-gateway");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(policy.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(policy.stall_timeout.count()));
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(left, 1)));
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
}

// How a try ended, when it did not succeed.
struct Failure {
  Error error;
  bool again = false;  // whether another try may help
};

Failure failure_of(const Transfer& transfer, CURLcode code) {
  if (transfer.stop.stop_requested()) {
    return {transfer.error(ErrorCode::unavailable, "stopped", ""), false};
  }
  if (transfer.refusal) return {*transfer.refusal, false};
  if (code == CURLE_COULDNT_CONNECT && !transfer.refused_address.empty()) {
    return {transfer.error(ErrorCode::forbidden,
                           fmt::format("it leads to {}, which is not an address of the public "
                                       "internet",
                                       transfer.refused_address),
                           "give a public URL, or let the site allow private hosts"),
            false};
  }
  switch (code) {
    case CURLE_TOO_MANY_REDIRECTS:
      return {transfer.error(ErrorCode::invalid,
                             fmt::format("more than {} redirects", transfer.policy.redirects_max),
                             "give the final URL"),
              false};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return {transfer.error(ErrorCode::invalid, "it leads to no http: or https: URL",
                             "give the final URL"),
              false};
    case CURLE_PEER_FAILED_VERIFICATION:
      return {transfer.error(ErrorCode::forbidden, "the server's certificate does not verify",
                             "check the host's name and certificate"),
              false};
    default:
      return {transfer.error(ErrorCode::unavailable, curl_easy_strerror(code),
                             "check that the site can reach the URL"),
              true};
  }
}

Failure failure_of_status(const Transfer& transfer, long status) {
  const bool again = status >= 500 || status == 408 || status == 429;
  const char* remedy = "check the URL";
  if (status == 401 || status == 403)
    remedy = "give a URL that grants access, such as a signed one";
  if (status >= 300 && status < 400) remedy = "give the final URL";
  if (again) remedy = "try again when the server is well";
  return {transfer.error(again ? ErrorCode::unavailable : ErrorCode::invalid,
                         fmt::format("the server answered {}", status), remedy),
          again};
}

void give_up(Error& error, std::uint32_t tries) {
  if (tries > 1) error.message += fmt::format(" ({} tries)", tries);
}

// Takes the beginning that the file holds into the digest and the budget.
void take_up(Transfer& transfer) {
  std::vector<char> chunk(256 * 1024);
  while (!transfer.stop.stop_requested()) {
    const ssize_t got = ::read(transfer.fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    const auto size = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    if (got == 0) return;
    if (got < 0 || transfer.offset + size > transfer.policy.file_bytes_max ||
        !transfer.budget->take_bytes(size)) {
      return transfer.start_anew();
    }
    transfer.digest.update({chunk.data(), size});
    transfer.offset += size;
  }
}

// One GET of what is missing. Nothing when the file is complete.
std::optional<Failure> try_download(Transfer& transfer, Clock::time_point deadline,
                                    bool digest_known) {
  const std::unique_ptr<CURL, FreeEasy> easy(curl_easy_init());
  if (!easy) return Failure{transfer.error(ErrorCode::internal, "libcurl cannot start", ""), true};
  transfer.easy = easy.get();
  transfer.refused_address.clear();
  transfer.body_started = false;
  set_common(transfer, deadline);
  curl_easy_setopt(easy.get(), CURLOPT_FOLLOWLOCATION, transfer.target.headers ? 0L : 1L);
  curl_easy_setopt(easy.get(), CURLOPT_MAXREDIRS, static_cast<long>(transfer.policy.redirects_max));
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &transfer);
  const std::string& validator =
      transfer.strong_etag.empty() ? transfer.last_modified : transfer.strong_etag;
  if (transfer.offset > 0 && validator.empty() && !digest_known) transfer.start_anew();
  std::vector<std::string> lines = header_lines(transfer.target, "GET");
  const std::string range = fmt::format("{}-", transfer.offset);
  if (transfer.offset > 0) {
    curl_easy_setopt(easy.get(), CURLOPT_RANGE, range.c_str());
    if (!validator.empty()) lines.push_back("If-Range: " + validator);
  }
  const auto headers = list_of(lines);
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  if (transfer.refusal) return Failure{*transfer.refusal, false};

  const CURLcode code = curl_easy_perform(easy.get());
  const long status = transfer.status();
  if (code != CURLE_OK) {
    // An oversized error page is cut off; its status says more than the cut.
    if (code == CURLE_WRITE_ERROR && !transfer.refusal && status >= 400) {
      return failure_of_status(transfer, status);
    }
    return failure_of(transfer, code);
  }
  if (status == 200 || status == 206) {
    if (!transfer.body_started && status == 200 && transfer.offset != 0) transfer.start_anew();
    if (transfer.refusal) return Failure{*transfer.refusal, false};
    return std::nullopt;
  }
  if (status == 416 && transfer.offset > 0) {
    // Nothing follows: it is complete if its digest says so.
    if (digest_known) return std::nullopt;
    transfer.start_anew();
    return Failure{transfer.error(ErrorCode::unavailable, "it changed on its way", ""), true};
  }
  return failure_of_status(transfer, status);
}

}  // namespace

bool wait_unless_stopped(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

Result<Transferred> download(const StagingPolicy& policy, std::string_view field,
                             const HttpTarget& target, int fd, const std::string& sha256,
                             StagingBudget& budget, const std::stop_token& stop) {
  start_curl();
  Transfer transfer{.policy = policy,
                    .target = target,
                    .field = std::string(field),
                    .stop = stop,
                    .fd = fd,
                    .budget = &budget};
  const auto deadline = Clock::now() + policy.total_timeout;
  if (!sha256.empty()) take_up(transfer);
  Transferred result;
  result.begun_bytes = transfer.offset;
  std::uint64_t furthest = transfer.offset;
  std::uint32_t counted = 0;
  auto backoff = policy.backoff;
  while (true) {
    const std::uint64_t resumed_from = transfer.offset;
    auto failure = try_download(transfer, deadline, !sha256.empty());
    if (resumed_from > 0 && transfer.offset > resumed_from) result.resumed_bytes += resumed_from;
    if (!failure) {
      result.size_bytes = transfer.offset;
      result.sha256 = hex(transfer.digest.finish());
      if (sha256.empty() || sha256 == result.sha256) return result;
      failure =
          Failure{transfer.error(ErrorCode::corrupt,
                                 fmt::format("its sha256 is {}, not {}", result.sha256, sha256),
                                 "check the digest in the job, or the file"),
                  resumed_from > 0 || result.resumed_bytes > 0};  // of two versions, perhaps
      result.resumed_bytes = 0;
      result.begun_bytes = 0;
      transfer.start_anew();
    }
    if (transfer.offset < furthest + news_bytes_min) {
      ++counted;
    } else {
      backoff = policy.backoff;
    }
    furthest = std::max(furthest, transfer.offset);
    if (!failure->again || counted >= policy.tries_max || Clock::now() + backoff >= deadline ||
        !wait_unless_stopped(backoff, stop)) {
      give_up(failure->error, result.tries);
      return fail(failure->error);
    }
    backoff = std::min(backoff * 2, backoff_max);
    ++result.tries;
  }
}

HttpTarget plain_target(const std::string& url) {
  return {.url = url, .shown = without_credentials(url)};
}

Result<HttpAnswer> send(const StagingPolicy& policy, std::string_view field,
                        const HttpTarget& target, std::string_view method, const HttpBody& body,
                        const std::stop_token& stop) {
  start_curl();
  Transfer transfer{.policy = policy, .target = target, .field = std::string(field), .stop = stop};
  transfer.body = &body;
  const auto deadline = Clock::now() + policy.total_timeout;
  const std::string verb(method);
  auto backoff = policy.backoff;
  for (std::uint32_t tries = 1;; ++tries) {
    const std::unique_ptr<CURL, FreeEasy> easy(curl_easy_init());
    if (!easy) return fail(transfer.error(ErrorCode::internal, "libcurl cannot start", ""));
    transfer.easy = easy.get();
    transfer.refused_address.clear();
    transfer.sent = 0;
    transfer.answer.clear();
    set_common(transfer, deadline);
    curl_easy_setopt(easy.get(), CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, verb.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_INFILESIZE_LARGE,
                     static_cast<curl_off_t>(body.size_bytes));
    curl_easy_setopt(easy.get(), CURLOPT_READFUNCTION, &on_read);
    curl_easy_setopt(easy.get(), CURLOPT_READDATA, &transfer);
    curl_easy_setopt(easy.get(), CURLOPT_SEEKFUNCTION, &on_seek);
    curl_easy_setopt(easy.get(), CURLOPT_SEEKDATA, &transfer);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &on_answer);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &transfer);
    std::vector<std::string> lines = header_lines(target, method);
    // Many servers answer 417 or nothing to "Expect: 100-continue", which costs a second each.
    lines.emplace_back("Expect:");
    const auto headers = list_of(lines);
    curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());

    const CURLcode code = curl_easy_perform(easy.get());
    const long status = transfer.status();
    if (code == CURLE_OK && status >= 200 && status < 300) {
      return HttpAnswer{transfer.response_etag, std::move(transfer.answer)};
    }
    auto failure = code == CURLE_OK || (code == CURLE_WRITE_ERROR && status >= 300)
                       ? failure_of_status(transfer, status)
                       : failure_of(transfer, code);
    if (!failure.again || tries >= policy.tries_max || Clock::now() + backoff >= deadline ||
        !wait_unless_stopped(backoff, stop)) {
      give_up(failure.error, tries);
      return fail(failure.error);
    }
    backoff = std::min(backoff * 2, backoff_max);
  }
}

}  // namespace tradewind
