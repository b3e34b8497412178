#include "broker/api/issuer_keys.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "broker/api/json.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

constexpr long kFetchSecondsMax = 10;
constexpr std::chrono::seconds kRetryFirst{2};  // after a failure; doubles
constexpr std::chrono::seconds kRetryMax{60};
constexpr std::size_t kWaitersMax = 64;

struct Free {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

std::size_t receive(char* data, std::size_t size, std::size_t count, void* user) {
  auto& body = *static_cast<std::string*>(user);
  if (body.size() + size * count > jwks_bytes_max) return 0;
  body.append(data, size * count);
  return size * count;
}

int give_up(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(user)->load() ? 1 : 0;
}

// No redirects are followed: where the keys come from is what was configured, or what the issuer
// itself says.
Result<std::string> get(const std::string& url, const std::filesystem::path& ca_file,
                        const std::atomic<bool>& over) {
  const auto away = [&](std::string what) {
    return fail(ErrorCode::unavailable, "oidc", fmt::format("no answer from {}: {}", url, what),
                "see whether the issuer runs and can be reached from here");
  };
  const std::unique_ptr<CURL, Free> handle(curl_easy_init());
  if (!handle) return fail(ErrorCode::internal, "oidc", "libcurl could not be started");
  CURL* const curl = handle.get();
  std::string body;
  const bool secure = url.starts_with("https://");
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, secure ? "https" : "http");
  if (!secure) curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  if (!ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kFetchSecondsMax);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &give_up);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&over));
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) return away(curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return away(fmt::format("the status {}", status));
  return body;
}

Result<std::string> text_in(const json::value& document, const char* name) {
  const json::object* const object = document.if_object();
  const json::value* const value = object == nullptr ? nullptr : object->if_contains(name);
  const json::string* const text = value == nullptr ? nullptr : value->if_string();
  if (text != nullptr) return std::string(text->data(), text->size());
  return fail(ErrorCode::invalid, name, "the issuer's discovery document has no such text",
              "see what the issuer serves at /.well-known/openid-configuration");
}

}  // namespace

IssuerKeys::IssuerKeys(const OidcSettings& settings) : settings_(settings) {}

Result<std::unique_ptr<IssuerKeys>> IssuerKeys::start(const OidcSettings& settings) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  std::unique_ptr<IssuerKeys> made(new IssuerKeys(settings));
  if (!settings.jwks_file.empty()) {
    const auto text = made->fetch();
    if (!text) return fail(text.error());
    const auto keys = parse_jwks(*text);
    if (!keys) return fail(keys.error());
    made->take(text);
  }
  made->thread_ = std::thread([self = made.get()] { self->run(); });
  return made;
}

IssuerKeys::~IssuerKeys() {
  over_ = true;
  {
    const std::lock_guard lock(mutex_);  // so that the thread is not between looking and waiting
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const KeySet> IssuerKeys::current() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

bool IssuerKeys::fetch_now(std::function<void()> then) {
  const std::lock_guard lock(mutex_);
  if (then_.size() >= kWaitersMax) return false;
  const bool joins = wished_ || (under_way_ && keys_ == nullptr);
  if (!joins && !wishes_.take(std::chrono::steady_clock::now())) return false;
  then_.push_back(std::move(then));
  wished_ = wished_ || !joins;
  changed_.notify_all();
  return true;
}

Result<std::string> IssuerKeys::keys_url() const {
  if (!settings_.jwks_url.empty()) return settings_.jwks_url;
  std::string base = settings_.issuer;
  while (base.ends_with('/')) base.pop_back();
  const auto text = get(base + "/.well-known/openid-configuration", settings_.ca_file, over_);
  if (!text) return fail(text.error());
  const auto document = parse_json("discovery", *text);
  if (!document) return fail(document.error());
  const auto issuer = text_in(*document, "issuer");
  if (!issuer) return fail(issuer.error());
  if (*issuer != settings_.issuer) {
    return fail(ErrorCode::invalid, "issuer",
                "the discovery document is of \"" + issuer->substr(0, 200) + "\"",
                "configure the issuer exactly as it says");
  }
  auto url = text_in(*document, "jwks_uri");
  if (!url) return fail(url.error());
  if (!is_safe_url(*url) ||
      (settings_.issuer.starts_with("https:") && !url->starts_with("https:"))) {
    return fail(ErrorCode::invalid, "jwks_uri", "\"" + url->substr(0, 200) + "\" is no https URL",
                "let the issuer serve its keys by https");
  }
  return url;
}

Result<std::string> IssuerKeys::fetch() const {
  if (!settings_.jwks_file.empty()) return load_file(settings_.jwks_file, jwks_bytes_max);
  const auto url = keys_url();
  if (!url) return fail(url.error());
  return get(*url, settings_.ca_file, over_);
}

void IssuerKeys::take(const Result<std::string>& text) {
  auto keys = text ? parse_jwks(*text) : Result<KeySet>(fail(text.error()));
  const std::lock_guard lock(mutex_);
  ++fetches_;
  if (!keys) {
    ++failures_;
    ++failures_in_a_row_;
    std::string complaint = describe(keys.error());
    if (complaint != complaint_) {
      spdlog::error("oidc.keys_not_fetched {}; {}", complaint,
                    keys_ ? "the keys stay as they were" : "no token of the issuer is valid yet");
    }
    complaint_ = std::move(complaint);
    return;
  }
  failures_in_a_row_ = 0;
  complaint_.clear();
  if (keys_ != nullptr && text_ == *text) return;
  text_ = *text;
  for (const std::string& each : keys->skipped) spdlog::warn("oidc.key_skipped {}", each);
  spdlog::info("oidc.keys issuer={} keys={}", settings_.issuer, keys->keys.size());
  keys_ = std::make_shared<const KeySet>(std::move(*keys));
}

void IssuerKeys::run() {
  while (!over_) {
    {
      const std::lock_guard lock(mutex_);
      wished_ = false;
      under_way_ = true;
    }
    take(fetch());
    std::vector<std::function<void()>> then;
    std::unique_lock lock(mutex_);
    under_way_ = false;
    if (!wished_) then = std::exchange(then_, {});
    lock.unlock();
    if (!over_) {
      for (const auto& each : then) each();
    }
    then.clear();
    lock.lock();
    const auto retry = kRetryFirst * (1U << std::min(failures_in_a_row_, 6U)) / 2;
    const auto pause = failures_in_a_row_ == 0
                           ? settings_.refresh
                           : std::min({std::chrono::duration_cast<std::chrono::seconds>(retry),
                                       kRetryMax, settings_.refresh});
    changed_.wait_for(lock, pause, [&] { return over_.load() || wished_; });
  }
}

std::string IssuerKeys::metrics() const {
  const std::lock_guard lock(mutex_);
  return fmt::format(
      "# HELP tradewind_oidc_keys Keys of the issuer that tokens are checked with.\n"
      "# TYPE tradewind_oidc_keys gauge\ntradewind_oidc_keys {}\n"
      "# HELP tradewind_oidc_fetches_total Fetches of the issuer's keys.\n"
      "# TYPE tradewind_oidc_fetches_total counter\ntradewind_oidc_fetches_total {}\n"
      "# HELP tradewind_oidc_fetches_failed_total Those that failed.\n"
      "# TYPE tradewind_oidc_fetches_failed_total counter\n"
      "tradewind_oidc_fetches_failed_total {}\n",
      keys_ == nullptr ? 0 : keys_->keys.size(), fetches_, failures_);
}

}  // namespace tradewind
