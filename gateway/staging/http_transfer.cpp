#include "gateway/staging/http_transfer.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "gateway/staging/http_exchange.h"
#include "gateway/staging/range_book.h"
#include "gateway/staging/range_download.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"

namespace tradewind {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t answer_bytes_max = 64 * 1024;
// A file comes by several ranges when it has so many of the least size of one.
constexpr std::uint64_t ranges_least = 4;

void give_up(Error& error, std::uint32_t tries) {
  if (tries > 1) error.message += fmt::format(" ({} tries)", tries);
}

// --- in

// A download with all its tries: by one request after another until a server shows that it can send
// ranges of a large file, then by several at once.
class Download : HttpExchange {
 public:
  Download(const StagingPolicy& policy_of, std::string_view field_of, const HttpTarget& target_of,
           int fd, const std::string& sha256, StagingBudget& budget, const std::stop_token& stop_of)
      : HttpExchange{policy_of, target_of, std::string(field_of), stop_of},
        fd_(fd),
        sha256_(sha256),
        budget_(budget),
        deadline_(Clock::now() + policy_of.total_timeout),
        may_split_(policy_of.ranges_max > 1) {}

  Result<Transferred> run();

 private:
  bool digest_is_known() const { return !sha256_.empty(); }
  void take_up();
  void start_anew();
  bool start_body(long status);
  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* user);
  std::size_t write(const char* data, std::size_t size);
  std::optional<Failure> by_one_request();
  std::optional<Failure> by_ranges();

  const int fd_;
  const std::string& sha256_;
  StagingBudget& budget_;
  const SteadyTime deadline_;

  Sha256 digest_{};
  std::uint64_t offset_ = 0;  // bytes in the file and in the digest
  FileVersion begun_{};       // what these are of
  bool may_split_;
  std::optional<RangeBook> ranges_{};  // then it goes on by several
  std::uint32_t counted_ = 0;
  Transferred result_{};
};

// Takes up what the file holds: a beginning goes into the digest and the budget, a book of ranges
// says what is there.
void Download::take_up() {
  if (auto book = read_range_book(fd_, policy.range_bytes_min);
      may_split_ && book && book->size_bytes() <= policy.file_bytes_max) {
    const std::uint64_t there = book->size_bytes() - book->missing_bytes();
    if (!budget_.take_bytes(there)) return start_anew();
    result_.begun_bytes = there;
    ranges_ = std::move(book);
    return;
  }
  std::vector<char> chunk(256 * 1024);
  while (!stop.stop_requested()) {
    const ssize_t got = ::read(fd_, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    const auto size = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    if (got == 0) break;
    if (got < 0 || offset_ + size > policy.file_bytes_max || !budget_.take_bytes(size)) {
      return start_anew();
    }
    digest_.update({chunk.data(), size});
    offset_ += size;
  }
  result_.begun_bytes = offset_;
}

void Download::start_anew() {
  budget_.give_back_bytes(offset_);
  offset_ = 0;
  digest_.finish();
  begun_ = {};
  if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) {
    refusal = error(ErrorCode::unavailable,
                    fmt::format("the partial file cannot be reset: {}", std::strerror(errno)),
                    "check the site's disk");
  }
}

// Whether the body that begins is the one that was asked for, and wanted in one piece; sets the
// file's offset.
bool Download::start_body(long status) {
  if (status == 200) {
    if (offset_ != 0) start_anew();  // the server sends all of it again
  } else if (range_start != offset_ || !begun_.may_be(version)) {
    start_anew();  // a range that nobody asked for: the next try asks for everything
    return false;
  }
  begun_ = version;
  curl_off_t announced = -1;
  curl_easy_getinfo(easy.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  if (announced <= 0 || refusal) return !refusal;
  const std::uint64_t size = static_cast<std::uint64_t>(announced) + offset_;
  if (size > policy.file_bytes_max) {
    refusal =
        error(ErrorCode::too_large, fmt::format("it has {} bytes", size),
              fmt::format("the site stages files of at most {} bytes", policy.file_bytes_max));
    return false;
  }
  const bool is_large =
      static_cast<std::uint64_t>(announced) / ranges_least >= policy.range_bytes_min;
  if (may_split_ && accepts_ranges && is_large &&
      (digest_is_known() || !begun_.validator().empty())) {
    ranges_.emplace(size, offset_, policy.range_bytes_min);
  }
  return !ranges_;
}

std::size_t Download::on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& download = *static_cast<Download*>(user);
  const long status = download.status();
  if (status != 200 && status != 206) return download.skip_error_body(size);
  if (!download.body_started) {
    download.body_started = true;
    if (!download.start_body(status)) return 0;
  }
  return download.write(data, size);
}

std::size_t Download::write(const char* data, std::size_t size) {
  if (offset_ + size > policy.file_bytes_max) {
    refusal =
        error(ErrorCode::too_large, fmt::format("it has more than {} bytes", offset_),
              fmt::format("the site stages files of at most {} bytes", policy.file_bytes_max));
    return 0;
  }
  if (!budget_.take_bytes(size)) {
    refusal = error(ErrorCode::too_large, "the attempt's files have too many bytes together",
                    fmt::format("the site stages at most {} bytes", policy.attempt_bytes_max));
    return 0;
  }
  std::size_t written = 0;
  while (written < size) {
    const ssize_t now = ::write(fd_, data + written, size - written);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) {
      refusal = error(ErrorCode::unavailable,
                      fmt::format("it cannot be written: {}", std::strerror(errno)),
                      "check the space on the site's disk");
      return 0;
    }
    written += static_cast<std::size_t>(now);
  }
  digest_.update({data, size});
  offset_ += size;
  return size;
}

// A GET of what is missing. Nothing when the file is complete, or is to go on by ranges.
std::optional<Failure> Download::by_one_request() {
  if (offset_ > 0 && begun_.validator().empty() && !digest_is_known()) start_anew();
  if (refusal) return Failure{*refusal, false};
  begin(deadline_);
  if (!easy) return Failure{error(ErrorCode::internal, "libcurl cannot start", ""), true};
  curl_easy_setopt(easy.get(), CURLOPT_FOLLOWLOCATION, target.headers ? 0L : 1L);
  curl_easy_setopt(easy.get(), CURLOPT_MAXREDIRS, static_cast<long>(policy.redirects_max));
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &Download::on_body);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, this);
  const std::string range = fmt::format("{}-", offset_);
  std::vector<std::string> more;
  if (offset_ > 0) {
    curl_easy_setopt(easy.get(), CURLOPT_RANGE, range.c_str());
    if (!begun_.validator().empty()) more.push_back("If-Range: " + begun_.validator());
  }
  const HeaderList headers = header_list(target, "GET", std::move(more));
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());

  const CURLcode code = curl_easy_perform(easy.get());
  const long answered = status();
  if (ranges_) return std::nullopt;
  if (code == CURLE_OK && (answered == 200 || answered == 206)) {
    if (!body_started && answered == 200 && offset_ != 0) start_anew();
    if (refusal) return Failure{*refusal, false};
    if (answered == 206 && offset_ < range_total.value_or(0)) {
      return Failure{error(ErrorCode::unavailable, "the server sends less of it than asked",
                           "try again when the server is well"),
                     true};
    }
    return std::nullopt;
  }
  if (code == CURLE_OK && answered == 416 && offset_ > 0) {
    // Nothing follows: it is complete if its digest says so.
    if (digest_is_known()) return std::nullopt;
    start_anew();
    return Failure{error(ErrorCode::unavailable, "it changed on its way", ""), true};
  }
  return failure(code);
}

// What is missing, by several requests. Nothing when the file is complete, or when the server does
// not do that and it is to go on by one.
std::optional<Failure> Download::by_ranges() {
  RangeDownload download{.policy = policy,
                         .target = target,
                         .field = field,
                         .stop = stop,
                         .deadline = deadline_,
                         .fd = fd_,
                         .budget = budget_,
                         .keep_book = digest_is_known(),
                         .version = begun_,
                         .book = std::move(*ranges_),
                         .digest = digest_,
                         .digested_bytes = offset_,
                         .counted_tries = counted_};
  ranges_.reset();
  may_split_ = false;
  const auto end = download_ranges(download);
  counted_ = download.counted_tries;
  result_.tries += download.tries;
  result_.resumed_bytes += download.resumed_bytes;
  result_.ranges = policy.ranges_max;
  if (!end) return Failure{end.error(), false};
  const std::uint64_t there = download.book.size_bytes() - download.book.missing_bytes();
  offset_ = download.book.beginning_bytes();
  if (*end == RangesEnd::complete) return std::nullopt;
  budget_.give_back_bytes(there - offset_);
  const auto begun = static_cast<off_t>(offset_);
  if (::ftruncate(fd_, begun) != 0 || ::lseek(fd_, begun, SEEK_SET) != begun) start_anew();
  return by_one_request();
}

Result<Transferred> Download::run() {
  if (digest_is_known()) take_up();
  std::uint64_t furthest = offset_;
  auto backoff = policy.backoff;
  while (true) {
    const std::uint64_t resumed_from = offset_;
    auto failure = ranges_ ? by_ranges() : by_one_request();
    if (ranges_ && !failure) continue;
    if (resumed_from > 0 && offset_ > resumed_from) result_.resumed_bytes += resumed_from;
    if (!failure) {
      result_.size_bytes = offset_;
      result_.sha256 = hex(digest_.finish());
      if (sha256_.empty() || sha256_ == result_.sha256) return result_;
      failure = Failure{error(ErrorCode::corrupt,
                              fmt::format("its sha256 is {}, not {}", result_.sha256, sha256_),
                              "check the digest in the job, or the file"),
                        resumed_from > 0 || result_.resumed_bytes > 0 ||
                            result_.begun_bytes > 0};  // two versions?
      result_.resumed_bytes = 0;
      result_.begun_bytes = 0;
      start_anew();
    }
    if (offset_ < furthest + news_bytes_min) {
      ++counted_;
    } else {
      backoff = policy.backoff;
    }
    furthest = std::max(furthest, offset_);
    if (!failure->again || counted_ >= policy.tries_max || Clock::now() + backoff >= deadline_ ||
        !wait_unless_stopped(backoff, stop)) {
      give_up(failure->error, result_.tries);
      return fail(failure->error);
    }
    backoff = std::min(backoff * 2, backoff_max);
    ++result_.tries;
  }
}

// --- out

struct Upload : HttpExchange {
  const HttpBody& body;
  std::uint64_t sent = 0;
  std::string answer{};
};

std::size_t on_read(char* buffer, std::size_t, std::size_t size, void* user) {
  auto& upload = *static_cast<Upload*>(user);
  const HttpBody& body = upload.body;
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(body.size_bytes - upload.sent, size));
  if (wanted == 0) return 0;
  ssize_t now = 0;
  if (body.fd < 0) {
    now = static_cast<ssize_t>(body.text.copy(buffer, wanted, upload.sent));
  } else {
    now = ::pread(body.fd, buffer, wanted, static_cast<off_t>(body.offset + upload.sent));
  }
  if (now <= 0) {
    upload.refusal = upload.error(ErrorCode::unavailable, "the file cannot be read any more",
                                  "leave no process that changes outputs behind");
    return CURL_READFUNC_ABORT;
  }
  upload.sent += static_cast<std::uint64_t>(now);
  return static_cast<std::size_t>(now);
}

int on_seek(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Upload*>(user)->sent = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

std::size_t on_answer(char* data, std::size_t, std::size_t size, void* user) {
  auto& upload = *static_cast<Upload*>(user);
  if (upload.answer.size() + size > answer_bytes_max) return 0;
  upload.answer.append(data, size);
  return size;
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
  return Download(policy, field, target, fd, sha256, budget, stop).run();
}

HttpTarget plain_target(const std::string& url) {
  return {.url = url, .shown = without_credentials(url)};
}

Result<HttpAnswer> send(const StagingPolicy& policy, std::string_view field,
                        const HttpTarget& target, std::string_view method, const HttpBody& body,
                        const std::stop_token& stop) {
  Upload upload{{policy, target, std::string(field), stop}, body};
  const auto deadline = Clock::now() + policy.total_timeout;
  const std::string verb(method);
  auto backoff = policy.backoff;
  for (std::uint32_t tries = 1;; ++tries) {
    upload.begin(deadline);
    if (!upload.easy) return fail(upload.error(ErrorCode::internal, "libcurl cannot start", ""));
    upload.sent = 0;
    upload.answer.clear();
    CURL* const easy = upload.easy.get();
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, verb.c_str());
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(body.size_bytes));
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, &upload);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, &upload);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &upload);
    // Many servers answer 417 or nothing to "Expect: 100-continue", which costs a second each.
    const HeaderList headers = header_list(target, method, {"Expect:"});
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());

    const CURLcode code = curl_easy_perform(easy);
    const long status = upload.status();
    if (code == CURLE_OK && status >= 200 && status < 300) {
      return HttpAnswer{upload.version.strong_etag, std::move(upload.answer)};
    }
    auto failure = upload.failure(code);
    if (!failure.again || tries >= policy.tries_max || Clock::now() + backoff >= deadline ||
        !wait_unless_stopped(backoff, stop)) {
      give_up(failure.error, tries);
      return fail(failure.error);
    }
    backoff = std::min(backoff * 2, backoff_max);
  }
}

}  // namespace tradewind
