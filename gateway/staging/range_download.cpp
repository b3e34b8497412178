#include "gateway/staging/range_download.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <vector>

#include <fmt/format.h>

namespace tradewind {
namespace {

using Clock = std::chrono::steady_clock;

// How long a range pauses that failed while others were under way: the server may not want so many.
constexpr std::chrono::milliseconds refused_pause{5'000};
constexpr std::chrono::milliseconds poll_max{200};
constexpr std::uint64_t keep_every_bytes = 16ULL << 20;
constexpr std::uint64_t digest_step_bytes = 4ULL << 20;

struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

// One of the requests that run at once.
struct Lane : HttpExchange {
  explicit Lane(RangeDownload& of)
      : HttpExchange{of.policy, of.target, of.field, of.stop},
        download(of),
        backoff(of.policy.backoff) {}

  RangeDownload& download;
  std::optional<RangeBook::Range> range{};  // that it fetches
  std::uint64_t begun_at = 0;               // where its request began
  bool is_odd = false;                      // the answer is not what was asked for
  SteadyTime not_before{};
  std::chrono::milliseconds backoff;
  HeaderList headers{};
  std::string asked{};

  bool write(const char* data, std::size_t size);
};

bool Lane::write(const char* data, std::size_t size) {
  if (range->end - range->at < size) {
    is_odd = true;
    return false;
  }
  if (!download.budget.take_bytes(size)) {
    refusal = error(ErrorCode::too_large, "the attempt's files have too many bytes together",
                    fmt::format("the site stages at most {} bytes", policy.attempt_bytes_max));
    return false;
  }
  std::size_t written = 0;
  while (written < size) {
    const ssize_t now = ::pwrite(download.fd, data + written, size - written,
                                 static_cast<off_t>(range->at + written));
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) {
      download.budget.give_back_bytes(size);
      refusal = error(ErrorCode::unavailable,
                      fmt::format("it cannot be written: {}", std::strerror(errno)),
                      "check the space on the site's disk");
      return false;
    }
    written += static_cast<std::size_t>(now);
  }
  range->at += size;
  download.book.advance(range->end, range->at);
  return true;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& lane = *static_cast<Lane*>(user);
  const long status = lane.status();
  if (status != 200 && status != 206) return lane.skip_error_body(size);
  if (!lane.body_started) {
    lane.body_started = true;
    const RangeBook& book = lane.download.book;
    lane.is_odd = status == 200 || lane.range_start != lane.range->at ||
                  lane.range_total.value_or(book.size_bytes()) != book.size_bytes() ||
                  !lane.download.version.may_be(lane.version);
  }
  return !lane.is_odd && lane.write(data, size) ? size : 0;
}

class Ranges {
 public:
  explicit Ranges(RangeDownload& download) : download_(download), multi_(curl_multi_init()) {
    for (std::uint32_t each = 0; each < download.policy.ranges_max; ++each) {
      lanes_.push_back(std::make_unique<Lane>(download));
    }
  }
  ~Ranges() {
    for (const auto& lane : lanes_) leave(*lane);
  }
  Ranges(const Ranges&) = delete;
  Ranges& operator=(const Ranges&) = delete;

  Result<RangesEnd> run();

 private:
  bool begin(Lane& lane);
  void leave(Lane& lane);
  void ended(Lane& lane, CURLcode code);
  void failed(Lane& lane, const Failure& failure);
  void begin_idle();
  Status follow_digest(std::uint64_t step_bytes);
  void keep_book();
  std::chrono::milliseconds until_due() const;

  RangeDownload& download_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::optional<Error> error_{};
  bool is_odd_ = false;
  std::uint64_t kept_missing_ = 0;
};

bool Ranges::begin(Lane& lane) {
  lane.range = download_.book.take();
  if (!lane.range) return false;
  lane.begin(download_.deadline);
  if (!lane.easy) {
    error_ = lane.error(ErrorCode::internal, "libcurl cannot start", "");
    return false;
  }
  lane.begun_at = lane.range->at;
  lane.is_odd = false;
  CURL* const easy = lane.easy.get();
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &lane);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, lane.target.headers ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, static_cast<long>(lane.policy.redirects_max));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &lane);
  lane.asked = fmt::format("{}-{}", lane.range->at, lane.range->end - 1);
  curl_easy_setopt(easy, CURLOPT_RANGE, lane.asked.c_str());
  std::vector<std::string> more;
  const std::string& validator = download_.version.validator();
  if (!validator.empty()) more.push_back("If-Range: " + validator);
  lane.headers = header_list(lane.target, "GET", std::move(more));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lane.headers.get());
  curl_multi_add_handle(multi_.get(), easy);
  return true;
}

void Ranges::leave(Lane& lane) {
  if (!lane.easy) return;
  curl_multi_remove_handle(multi_.get(), lane.easy.get());
  lane.easy.reset();
}

void Ranges::begin_idle() {
  const auto now = Clock::now();
  for (const auto& lane : lanes_) {
    if (error_) return;
    if (!lane->easy && lane->not_before <= now && !begin(*lane)) return;
  }
}

void Ranges::ended(Lane& lane, CURLcode code) {
  const long status = lane.status();
  const bool answered = code == CURLE_OK && status == 206;  // perhaps with less than was asked
  // 200 without a body and 416 are no parts of this version either.
  is_odd_ = is_odd_ || lane.is_odd || (code == CURLE_OK && (status == 200 || status == 416));
  const Failure failure =
      answered
          ? Failure{lane.error(ErrorCode::unavailable, "the server sends less of it than asked",
                               "try again when the server is well"),
                    true}
          : lane.failure(code);
  leave(lane);
  if (is_odd_ || (answered && lane.range->at == lane.range->end)) {
    lane.range.reset();
    lane.backoff = lane.policy.backoff;
    return;
  }
  const std::uint64_t came = lane.range->at - lane.begun_at;
  if (lane.range->at < lane.range->end) download_.book.give_back(lane.range->end);
  lane.range.reset();
  ++download_.tries;
  download_.resumed_bytes += came;
  if (lane.refusal) {
    error_ = *lane.refusal;
  } else if (came >= news_bytes_min) {
    lane.backoff = lane.policy.backoff;
    lane.not_before = Clock::now() + lane.backoff;
  } else {
    failed(lane, failure);
  }
}

void Ranges::failed(Lane& lane, const Failure& failure) {
  const auto now = Clock::now();
  auto pause = lane.backoff;
  lane.backoff = std::min(lane.backoff * 2, backoff_max);
  if (std::ranges::any_of(lanes_, [](const auto& each) { return each->easy != nullptr; })) {
    pause = std::max(pause, refused_pause);
  } else {
    ++download_.counted_tries;
    if (!failure.again || download_.counted_tries >= download_.policy.tries_max ||
        now + pause >= download_.deadline) {
      error_ = failure.error;
    }
  }
  lane.not_before = now + pause;
}

// Until a range that pauses goes on, and no longer than a request to stop may wait.
std::chrono::milliseconds Ranges::until_due() const {
  auto due = Clock::now() + poll_max;
  for (const auto& lane : lanes_) {
    if (!lane->easy) due = std::min(due, lane->not_before);
  }
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now()),
                  std::chrono::milliseconds(0));
}

Status Ranges::follow_digest(std::uint64_t step_bytes) {
  std::vector<char> chunk(256 * 1024);
  const std::uint64_t until =
      std::min(download_.book.beginning_bytes(), download_.digested_bytes + step_bytes);
  while (download_.digested_bytes < until) {
    const auto wanted = static_cast<std::size_t>(
        std::min<std::uint64_t>(chunk.size(), until - download_.digested_bytes));
    const ssize_t got =
        ::pread(download_.fd, chunk.data(), wanted, static_cast<off_t>(download_.digested_bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      return fail(ErrorCode::unavailable, download_.field, "the file cannot be read any more",
                  "check the site's disk");
    }
    download_.digest.update({chunk.data(), static_cast<std::size_t>(got)});
    download_.digested_bytes += static_cast<std::uint64_t>(got);
  }
  return ok();
}

// Behind the bytes, so that no reader takes the gaps for content. It is a help for later and not
// needed, so a disk that fails is found by the next write of content.
void Ranges::keep_book() {
  kept_missing_ = download_.book.missing_bytes();
  if (!download_.keep_book) return;
  const std::string bytes = download_.book.encode();
  const ssize_t ignored = ::pwrite(download_.fd, bytes.data(), bytes.size(),
                                   static_cast<off_t>(download_.book.size_bytes()));
  static_cast<void>(ignored);
}

Result<RangesEnd> Ranges::run() {
  if (!multi_) return fail(ErrorCode::internal, download_.field, "libcurl cannot start");
  keep_book();
  while (download_.book.missing_bytes() > 0 && !is_odd_ && !error_) {
    if (download_.stop.stop_requested()) {
      error_ = lanes_.front()->error(ErrorCode::unavailable, "stopped", "");
      break;
    }
    begin_idle();
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    int left = 0;
    bool any_ended = false;
    while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      Lane* lane = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &lane);
      ended(*lane, code);
      any_ended = true;
    }
    if (const Status digested = follow_digest(digest_step_bytes); !digested) {
      error_ = digested.error();
    }
    if (kept_missing_ - download_.book.missing_bytes() >= keep_every_bytes) keep_book();
    const bool behind = download_.digested_bytes < download_.book.beginning_bytes();
    const auto wait = behind || any_ended ? std::chrono::milliseconds(0) : until_due();
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(wait.count()), nullptr);
  }
  for (const auto& lane : lanes_) {
    leave(*lane);
    if (lane->range && lane->range->at < lane->range->end) {
      download_.book.give_back(lane->range->end);
    }
    lane->range.reset();
  }
  if (!error_) {
    const Status digested = follow_digest(download_.book.size_bytes());
    if (!digested) error_ = digested.error();
  }
  if (error_) {
    keep_book();
    return fail(*error_);
  }
  if (is_odd_) return RangesEnd::unusable;
  if (::ftruncate(download_.fd, static_cast<off_t>(download_.book.size_bytes())) != 0) {
    return fail(ErrorCode::unavailable, download_.field,
                fmt::format("the file cannot be cut: {}", std::strerror(errno)),
                "check the site's disk");
  }
  return RangesEnd::complete;
}

}  // namespace

Result<RangesEnd> download_ranges(RangeDownload& download) {
  return Ranges(download).run();
}

std::optional<RangeBook> read_range_book(int fd, std::uint64_t piece_bytes_min) {
  struct stat status{};
  if (::fstat(fd, &status) != 0 || status.st_size < off_t{RangeBook::encoded_bytes}) {
    return std::nullopt;
  }
  const off_t at = status.st_size - off_t{RangeBook::encoded_bytes};
  std::string bytes(RangeBook::encoded_bytes, '\0');
  if (::pread(fd, bytes.data(), bytes.size(), at) != static_cast<ssize_t>(bytes.size())) {
    return std::nullopt;
  }
  auto book = RangeBook::decode(bytes, piece_bytes_min);
  if (!book || book->size_bytes() != static_cast<std::uint64_t>(at)) return std::nullopt;
  return book;
}

}  // namespace tradewind
