#include "gateway/broker_request.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <string_view>

#include "schemas/http_status.h"
#include "state/identity/certificates.h"
#include "state/identity/digest.h"

namespace tradewind {

namespace {

constexpr std::size_t answer_bytes_max = 32 * 1024 * 1024;  // ten thousand member records

struct Free {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(char* text) const { curl_free(text); }
};

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  const std::unique_ptr<char, Free> owned(text);
  return text;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  constexpr std::string_view net = "127.";
  return host.substr(0, net.size()) == net && std::all_of(host.begin(), host.end(), [](char c) {
           return c == '.' || (c >= '0' && c <= '9');
         });
}

struct Target {
  bool secure = false;
};

Result<Target> check_url_of_broker(const std::string& text) {
  const std::unique_ptr<CURLU, Free> url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return fail(ErrorCode::invalid, "url", fmt::format("\"{}\" is no URL", text),
                "give the broker's address, such as https://broker.example.org");
  }
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme == "https") return Target{true};
  if (scheme == "http" && is_loopback(part_of(url.get(), CURLUPART_HOST))) return Target{false};
  return fail(ErrorCode::invalid, "url",
              fmt::format("\"{}\" would send secrets over an open connection", text),
              "use https; plain http is for a broker on this machine");
}

std::size_t receive(char* data, std::size_t size, std::size_t count, void* user) {
  auto& body = *static_cast<std::string*>(user);
  if (body.size() + size * count > answer_bytes_max) return 0;
  body.append(data, size * count);
  return size * count;
}

// The DER bytes' digest of the certificate; empty when it cannot be encoded.
Bytes fingerprint(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return {};
  const Bytes digest =
      sha256(BytesView(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return digest;
}

int count_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(user)->load() ? 1 : 0;
}

// Trusts a pinned CA when the server shows it, the system's roots otherwise. Everything else of
// the chain (signatures, dates, purposes) is checked as always; host names are libcurl's part.
int verify_chain(X509_STORE_CTX* context, void* user) {
  const auto& pinned = *static_cast<const std::vector<Bytes>*>(user);
  STACK_OF(X509)* const shown = X509_STORE_CTX_get0_untrusted(context);
  for (int i = 0; i < sk_X509_num(shown); ++i) {
    X509* const each = sk_X509_value(shown, i);
    const bool known = std::find(pinned.begin(), pinned.end(), fingerprint(each)) != pinned.end();
    if (!known) continue;
    STACK_OF(X509)* const anchors = sk_X509_new_null();
    if (anchors == nullptr || sk_X509_push(anchors, each) <= 0) {
      sk_X509_free(anchors);
      return 0;
    }
    X509_STORE_CTX_set0_trusted_stack(context, anchors);
    const int good = X509_verify_cert(context);
    sk_X509_free(anchors);
    return good;
  }
  return X509_verify_cert(context);
}

CURLcode prepare_tls(CURL*, void* context, void* user) {
  SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(context), &verify_chain, user);
  return CURLE_OK;
}

// A problem as RFC 9457 writes it, with the field and the remedy beside.
Error problem_of(long status, const std::string& body) {
  Error error{error_code_of(status), "", fmt::format("the broker answered {}", status), ""};
  boost::system::error_code bad;
  const boost::json::value parsed = boost::json::parse(body, bad);
  if (bad || !parsed.is_object()) return error;
  const auto text = [&](const char* key) -> std::string {
    const auto* found = parsed.as_object().if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : "";
  };
  std::string message = text("detail");
  if (message.empty()) message = text("title");
  if (!message.empty()) error.message = message;
  error.field = text("field");
  error.remedy = text("remedy");
  return error;
}

// `body` null: a GET. `pinned` null: any server will do.
Result<std::string> request(const BrokerConnection& broker, const std::string& path,
                            const std::string* body, std::vector<Bytes>* pinned) {
  const std::string url = broker.url + path;
  const auto target = check_url_of_broker(url);
  if (!target) return fail(target.error());
  const std::unique_ptr<CURL, Free> handle(curl_easy_init());
  if (!handle) return fail(ErrorCode::internal, "", "libcurl could not be started");
  CURL* const curl = handle.get();
  std::unique_ptr<curl_slist, Free> headers(
      curl_slist_append(nullptr, "Content-Type: application/json"));
  // Without the wait for "100 Continue", which not every server gives.
  headers.reset(curl_slist_append(headers.release(), "Expect:"));

  std::string answer;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, target->secure ? "https" : "http");
  if (!target->secure) curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(broker.timeout.count()));
  if (body != nullptr) {
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
  }
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  if (broker.canceled != nullptr) {
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &count_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, broker.canceled);
  }
  if (target->secure) {
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    if (pinned == nullptr) {
      curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    } else if (curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, &prepare_tls) != CURLE_OK ||
               curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, pinned) != CURLE_OK) {
      return fail(ErrorCode::internal, "", "libcurl was built without OpenSSL",
                  "install libcurl4 (its OpenSSL build)");
    }
  }
  const CURLcode code = curl_easy_perform(curl);
  if (code == CURLE_PEER_FAILED_VERIFICATION) {
    return fail(ErrorCode::unauthenticated, "url",
                fmt::format("{} does not prove to be of the federation", url),
                "check the address and the token; do not go on if both are right");
  }
  if (code != CURLE_OK) {
    const bool sent = code != CURLE_COULDNT_CONNECT && code != CURLE_COULDNT_RESOLVE_HOST;
    return fail(sent ? ErrorCode::maybe_delivered : ErrorCode::unavailable, "url",
                fmt::format("no answer from {}: {}", url, curl_easy_strerror(code)),
                "check the address and try again; a token stays good for the same keys");
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200 || status > 299) return fail(problem_of(status, answer));
  return answer;
}

}  // namespace

Result<std::string> post_to_broker(const BrokerConnection& broker, const std::string& path,
                                   const std::string& body, const TrustRecord& trust) {
  std::vector<Bytes> pinned;
  for (const std::string& each : trust.issuers) {
    auto sha256 = certificate_sha256(each);
    if (!sha256) return fail(sha256.error());
    pinned.push_back(std::move(*sha256));
  }
  return request(broker, path, &body, &pinned);
}

Result<std::vector<SignedTrust>> fetch_trust(const BrokerConnection& broker,
                                             std::uint64_t version) {
  const auto answer = request(broker, fmt::format("/v1/trust?after={}", version), nullptr, nullptr);
  if (!answer) return fail(answer.error());
  boost::system::error_code bad;
  const boost::json::value parsed = boost::json::parse(*answer, bad);
  const boost::json::value* const texts =
      !bad && parsed.is_object() ? parsed.as_object().if_contains("trust") : nullptr;
  if (texts == nullptr || !texts->is_array()) {
    return fail(ErrorCode::corrupt, "trust", "is no list of the broker's answer",
                "check that the URL is that of a Tradewind broker");
  }
  std::vector<SignedTrust> all;
  for (const boost::json::value& each : texts->as_array()) {
    auto trust = each.is_string() ? parse_trust(std::string_view(each.as_string()))
                                  : parse_trust(std::string_view());
    if (!trust) return fail(trust.error());
    all.push_back(std::move(*trust));
  }
  return all;
}

}  // namespace tradewind
