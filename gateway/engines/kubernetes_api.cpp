#include "gateway/engines/kubernetes_api.h"

#include <algorithm>

#include <fmt/format.h>

#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t token_bytes_max = 64 * 1024;
constexpr std::size_t answer_bytes_max = 64UL << 20;
constexpr std::size_t event_bytes_max = 4UL << 20;  // etcd keeps objects of 1.5 MiB at most
constexpr auto token_interval = 60s;  // Kubernetes writes a new one long before it ends
constexpr int list_part = 500;
constexpr std::size_t parts_max = 1'000;
constexpr auto watch_time = 300s;

// A label's value and a "continue" are of letters that URLs know, but for a few.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char each : text) {
    const bool plain = (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
                       (each >= '0' && each <= '9') || each == '-' || each == '_' || each == '.';
    result +=
        plain ? std::string(1, each) : fmt::format("%{:02X}", static_cast<unsigned char>(each));
  }
  return result;
}

HttpClientOptions options_of(const KubernetesAccess& access) {
  HttpClientOptions options;
  options.answer_bytes_max = answer_bytes_max;
  options.ca_file = access.ca_file;
  options.ca_pem = access.ca_pem;
  options.certificate_pem = access.certificate_pem;
  options.key_pem = access.key_pem;
  return options;
}

}  // namespace

KubernetesApi::KubernetesApi(KubernetesAccess access, std::string namespace_name)
    : access_(std::move(access)),
      namespace_(std::move(namespace_name)),
      http_(options_of(access_)),
      token_(access_.token) {}

std::string KubernetesApi::jobs_path(std::string_view gateway) const {
  return fmt::format("/apis/batch/v1/namespaces/{}/jobs?labelSelector={}%3D{}", namespace_,
                     escaped(kubernetes_gateway_key), escaped(gateway));
}
std::string KubernetesApi::pods_path(std::string_view gateway) const {
  return fmt::format("/api/v1/namespaces/{}/pods?labelSelector={}%3D{}", namespace_,
                     escaped(kubernetes_gateway_key), escaped(gateway));
}
std::string KubernetesApi::all_pods_path() {
  return "/api/v1/pods?fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed";
}

std::vector<std::string> KubernetesApi::headers(std::string_view content_type) {
  std::vector<std::string> lines{fmt::format("Content-Type: {}", content_type),
                                 "Accept: application/json"};
  const std::lock_guard lock(mutex_);
  const Mono::time_point now = system_now().mono;
  if (!access_.token_file.empty() && (token_.empty() || now - token_read_ > token_interval)) {
    if (auto read = load_file(access_.token_file, token_bytes_max)) {
      token_ = std::move(*read);
      token_.erase(std::find_if(token_.begin(), token_.end(),
                                [](char each) { return each <= ' ' || each > '~'; }),
                   token_.end());
      token_read_ = now;
    }
  }
  if (!token_.empty()) lines.push_back("Authorization: Bearer " + token_);
  return lines;
}

void KubernetesApi::refused() {
  const std::lock_guard lock(mutex_);
  if (!access_.token_file.empty()) token_.clear();
}

Result<HttpAnswer> KubernetesApi::call(const char* method, const std::string& path,
                                       const std::string& body, std::string_view content_type) {
  auto answer = http_.call(method, access_.url + path, headers(content_type), body);
  if (answer && answer->status == 401) refused();
  return answer;
}

Status KubernetesApi::judge(const Result<HttpAnswer>& answer) const {
  if (!answer) {
    Error error = answer.error();
    error.field = "engine.kubernetes.url";
    error.remedy = "see whether the API server runs";
    return fail(std::move(error));
  }
  const long status = answer->status;
  if (status >= 200 && status < 300) return ok();
  const auto code = [status] {
    if (status == 401) return ErrorCode::unauthenticated;
    if (status == 403) return ErrorCode::forbidden;
    if (status == 404 || status == 410) return ErrorCode::not_found;
    if (status == 409) return ErrorCode::conflict;
    // Asked too much, or not ready: it has not been done.
    if (status == 429) return ErrorCode::unavailable;
    return status >= 400 && status < 500 ? ErrorCode::refused : ErrorCode::maybe_delivered;
  };
  return fail(code(), "engine.kubernetes",
              fmt::format("Kubernetes answered {}: {}", status, kubernetes_error(answer->body)),
              "see the gateway's account and its rights");
}

Status KubernetesApi::create_job(const std::string& document) {
  const Status made =
      judge(call("POST", fmt::format("/apis/batch/v1/namespaces/{}/jobs", namespace_), document));
  if (!made && made.error().code == ErrorCode::conflict) return ok();
  return made;
}

Status KubernetesApi::create_secret(const std::string& document) {
  const Status made =
      judge(call("POST", fmt::format("/api/v1/namespaces/{}/secrets", namespace_), document));
  if (!made && made.error().code == ErrorCode::conflict) return ok();
  return made;
}

Result<KubernetesJob> KubernetesApi::job(const std::string& name) {
  const auto answer =
      call("GET", fmt::format("/apis/batch/v1/namespaces/{}/jobs/{}", namespace_, name));
  if (const Status good = judge(answer); !good) return fail(good.error());
  boost::system::error_code bad;
  const boost::json::value parsed = boost::json::parse(answer->body, bad);
  if (bad || !parsed.is_object()) {
    return fail(ErrorCode::corrupt, "engine.kubernetes", "a job that is no JSON object");
  }
  return read_kubernetes_job(parsed.as_object());
}

Status KubernetesApi::delete_job(const std::string& name) {
  const Status gone =
      judge(call("DELETE", fmt::format("/apis/batch/v1/namespaces/{}/jobs/{}", namespace_, name),
                 R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Foreground"})"));
  if (!gone && gone.error().code == ErrorCode::not_found) return ok();
  return gone;
}

Status KubernetesApi::set_deadline(const std::string& name, std::int64_t seconds) {
  return judge(call("PATCH", fmt::format("/apis/batch/v1/namespaces/{}/jobs/{}", namespace_, name),
                    fmt::format(R"({{"spec":{{"activeDeadlineSeconds":{}}}}})", seconds),
                    "application/merge-patch+json"));
}

Result<std::string> KubernetesApi::log(const std::string& pod, const std::string& container,
                                       std::uint64_t bytes_max) {
  auto answer =
      call("GET", fmt::format("/api/v1/namespaces/{}/pods/{}/log?container={}&limitBytes={}",
                              namespace_, escaped(pod), escaped(container), bytes_max));
  if (const Status good = judge(answer); !good) return fail(good.error());
  return std::move(answer->body);
}

Result<KubernetesList> KubernetesApi::list(const std::string& path) {
  KubernetesList whole;
  const std::string first =
      fmt::format("{}{}limit={}", path, path.find('?') == std::string::npos ? '?' : '&', list_part);
  for (std::size_t part = 0; part < parts_max; ++part) {
    const auto answer =
        call("GET", whole.rest.empty() ? first : first + "&continue=" + escaped(whole.rest));
    if (const Status good = judge(answer); !good) return fail(good.error());
    auto next = read_kubernetes_list(answer->body);
    if (!next) return fail(next.error());
    whole.version = std::move(next->version);
    whole.rest = std::move(next->rest);
    for (auto& each : next->items) whole.items.push_back(std::move(each));
    if (whole.rest.empty()) return whole;
  }
  return fail(ErrorCode::too_large, "engine.kubernetes",
              fmt::format("a list of more than {} parts", parts_max), "");
}

Status KubernetesApi::watch(const std::string& path, const std::string& version,
                            const std::function<void(KubernetesEvent)>& on_event) {
  std::string line;
  Status read = ok();
  const auto answer = http_.stream(
      fmt::format("{}{}{}watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                  access_.url, path, path.find('?') == std::string::npos ? '?' : '&',
                  escaped(version), watch_time.count()),
      headers("application/json"), watch_time + 30s, [&](std::string_view bytes) {
        while (!bytes.empty()) {
          const auto end = bytes.find('\n');
          line += bytes.substr(0, end);
          if (line.size() > event_bytes_max) {
            read = fail(ErrorCode::too_large, "engine.kubernetes",
                        fmt::format("an event of more than {} bytes", event_bytes_max), "");
            return false;
          }
          if (end == std::string_view::npos) break;
          bytes.remove_prefix(end + 1);
          if (!line.empty()) {
            auto event = read_kubernetes_event(line);
            if (!event) {
              read = fail(event.error());
              return false;
            }
            on_event(std::move(*event));
          }
          line.clear();
        }
        return true;
      });
  if (!read) return read;
  if (answer && answer->status == 401) refused();
  return judge(answer);
}

}  // namespace tradewind
