#include "gateway/engines/kubernetes_records.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace tradewind {
namespace {

namespace json = boost::json;

constexpr std::size_t words_kept_max = 500;
constexpr std::size_t containers_max = 256;

// Missing parts of a record are empty ones; the server has checked their types.
const json::object& object_at(const json::object& from, std::string_view key) {
  static const json::object none;
  const auto* value = from.if_contains(key);
  return value != nullptr && value->is_object() ? value->as_object() : none;
}
const json::array& array_at(const json::object& from, std::string_view key) {
  static const json::array none;
  const auto* value = from.if_contains(key);
  return value != nullptr && value->is_array() ? value->as_array() : none;
}
std::string text_at(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(std::string_view(value->as_string()).substr(0, words_kept_max));
}
std::optional<Wall::time_point> time_at(const json::object& from, std::string_view key) {
  const std::string text = text_at(from, key);
  if (text.empty()) return std::nullopt;
  const auto time = parse_rfc3339(key, text);
  return time ? std::optional(*time) : std::nullopt;
}
bool is_true(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

KubernetesAmounts amounts_at(const json::object& from, std::string_view key) {
  KubernetesAmounts amounts;
  for (const auto& each : object_at(from, key)) {
    if (!each.value().is_string()) continue;
    if (const auto amount = parse_quantity(each.value().as_string())) {
      amounts[std::string(each.key())] = *amount;
    }
  }
  return amounts;
}

std::int64_t sum(std::int64_t a, std::int64_t b) {
  return a > std::numeric_limits<std::int64_t>::max() - b ? std::numeric_limits<std::int64_t>::max()
                                                          : a + b;
}

// What a pod takes of its node: the sum of its containers, or what one initial container needs
// before them, whichever is more.
KubernetesAmounts requests_of(const json::object& spec) {
  KubernetesAmounts total = amounts_at(spec, "overhead");
  for (const auto& each : array_at(spec, "containers")) {
    if (!each.is_object()) continue;
    for (const auto& [name, amount] :
         amounts_at(object_at(each.as_object(), "resources"), "requests"))
      total[name] = sum(total[name], amount);
  }
  for (const auto& each : array_at(spec, "initContainers")) {
    if (!each.is_object()) continue;
    for (const auto& [name, amount] :
         amounts_at(object_at(each.as_object(), "resources"), "requests"))
      total[name] = std::max(total[name], amount);
  }
  return total;
}

Result<std::string> name_of(const json::object& object) {
  std::string name = text_at(object_at(object, "metadata"), "name");
  if (!name.empty()) return name;
  return fail(ErrorCode::corrupt, "metadata.name", "is missing", "see that it is a Kubernetes API");
}

std::string attempt_of(const json::object& object) {
  return text_at(object_at(object_at(object, "metadata"), "annotations"), kubernetes_attempt_key);
}
bool is_leaving(const json::object& object) {
  return !text_at(object_at(object, "metadata"), "deletionTimestamp").empty();
}

// "docker-pullable://…" is what older nodes say.
std::string image_of(std::string id) {
  if (const auto at = id.find("://"); at != std::string::npos) id.erase(0, at + 3);
  return id.find("@sha256:") == std::string::npos ? std::string() : id;
}

void read_state(const json::object& status, KubernetesContainer& container) {
  container.image = image_of(text_at(status, "imageID"));
  const json::object& state = object_at(status, "state");
  if (const json::object& waiting = object_at(state, "waiting"); !waiting.empty()) {
    container.reason = text_at(waiting, "reason");
    container.message = text_at(waiting, "message");
  }
  if (const json::object& running = object_at(state, "running"); !running.empty()) {
    container.began = true;
    container.started = time_at(running, "startedAt").value_or(Wall::time_point{});
  }
  if (const json::object& ended = object_at(state, "terminated"); !ended.empty()) {
    container.over = true;
    container.reason = text_at(ended, "reason");
    container.message = text_at(ended, "message");
    container.started = time_at(ended, "startedAt").value_or(Wall::time_point{});
    container.ended =
        std::max(container.started, time_at(ended, "finishedAt").value_or(Wall::time_point{}));
    container.began = container.started != Wall::time_point{};
    const auto* code = ended.if_contains("exitCode");
    if (code != nullptr && code->is_int64()) {
      container.exit_code =
          static_cast<std::int32_t>(std::clamp<std::int64_t>(code->as_int64(), 0, 255));
    }
  }
}

Error malformed(std::string what) {
  return {ErrorCode::corrupt, "", std::move(what), "see that it is a Kubernetes API"};
}

}  // namespace

std::optional<std::int64_t> parse_quantity(std::string_view text) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  struct Suffix {
    std::string_view name;
    std::int64_t thousandths;  // what one of it is; 0: a power of 1024 or 1000 that shift() makes
    int power = 0;
  };
  constexpr std::array<Suffix, 14> suffixes{{{"", 1'000},
                                             {"m", 1},
                                             {"k", 1'000, 1},
                                             {"M", 1'000, 2},
                                             {"G", 1'000, 3},
                                             {"T", 1'000, 4},
                                             {"P", 1'000, 5},
                                             {"E", 1'000, 6},
                                             {"Ki", 1'024, 1},
                                             {"Mi", 1'024, 2},
                                             {"Gi", 1'024, 3},
                                             {"Ti", 1'024, 4},
                                             {"Pi", 1'024, 5},
                                             {"Ei", 1'024, 6}}};
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, end);
  std::string_view suffix = text.substr(end);
  const auto dot = number.find('.');
  const std::string_view whole = number.substr(0, dot);
  std::string_view part = dot == std::string_view::npos ? "" : number.substr(dot + 1);
  if (number.empty() || number == "." || part.find('.') != std::string_view::npos ||
      number.size() > 64) {
    return std::nullopt;
  }
  int exponent = 0;
  if (suffix.size() > 1 && (suffix[0] == 'e' || suffix[0] == 'E') && suffix[1] != 'i') {
    suffix.remove_prefix(suffix[1] == '+' ? 2 : 1);
    const auto read = std::from_chars(suffix.data(), suffix.data() + suffix.size(), exponent);
    if (read.ec != std::errc{} || read.ptr != suffix.data() + suffix.size()) return std::nullopt;
    if (exponent < -30 || exponent > 30) return std::nullopt;
    suffix = "";
  }
  const auto found =
      std::ranges::find_if(suffixes, [suffix](const Suffix& each) { return each.name == suffix; });
  if (found == suffixes.end()) return std::nullopt;
  // In a wide integer: digits, then powers, then the part behind the dot taken off, rounded up.
  unsigned __int128 value = 0;
  constexpr auto bound = static_cast<unsigned __int128>(most) * 1'000'000'000;
  const auto times = [&value](std::uint64_t factor) {
    value = value > bound / factor ? bound : value * factor;
  };
  if (part.size() > 9) part = part.substr(0, 9);
  for (const std::string_view digits : {whole, part}) {
    for (const char each : digits) {
      times(10);
      value += static_cast<unsigned>(each - '0');
    }
  }
  if (found->power == 0) {
    times(static_cast<std::uint64_t>(found->thousandths));
  } else {
    times(1'000);
    for (int each = 0; each < found->power; ++each) {
      times(static_cast<std::uint64_t>(found->thousandths));
    }
  }
  const int less = static_cast<int>(part.size()) - exponent;
  for (int each = less; each < 0; ++each) times(10);
  for (int each = 0; each < less; ++each) value = (value + 9) / 10;
  return value > static_cast<unsigned __int128>(most) ? most : static_cast<std::int64_t>(value);
}

Result<KubernetesPod> read_kubernetes_pod(const json::object& object) {
  auto name = name_of(object);
  if (!name) return fail(name.error());
  const json::object& spec = object_at(object, "spec");
  const json::object& status = object_at(object, "status");
  KubernetesPod pod;
  pod.name = std::move(*name);
  pod.attempt = attempt_of(object);
  pod.node = text_at(spec, "nodeName");
  pod.phase = text_at(status, "phase");
  pod.reason = text_at(status, "reason");
  pod.message = text_at(status, "message");
  pod.bound = time_at(status, "startTime").value_or(Wall::time_point{});
  pod.leaving = is_leaving(object);
  pod.requests = requests_of(spec);
  for (const auto& each : array_at(status, "conditions")) {
    if (!each.is_object() || text_at(each.as_object(), "type") != "PodScheduled") continue;
    if (text_at(each.as_object(), "status") == "False" && pod.message.empty()) {
      pod.message = text_at(each.as_object(), "message");
    }
  }
  const auto read = [&](std::string_view listed, std::string_view told) {
    for (const auto& each : array_at(spec, listed)) {
      if (!each.is_object() || pod.containers.size() == containers_max) continue;
      KubernetesContainer container;
      container.name = text_at(each.as_object(), "name");
      for (const auto& state : array_at(status, told)) {
        if (state.is_object() && text_at(state.as_object(), "name") == container.name) {
          read_state(state.as_object(), container);
        }
      }
      pod.containers.push_back(std::move(container));
    }
  };
  read("initContainers", "initContainerStatuses");
  read("containers", "containerStatuses");
  return pod;
}

Result<KubernetesJob> read_kubernetes_job(const json::object& object) {
  auto name = name_of(object);
  if (!name) return fail(name.error());
  KubernetesJob job;
  job.name = std::move(*name);
  job.attempt = attempt_of(object);
  job.uid = text_at(object_at(object, "metadata"), "uid");
  job.leaving = is_leaving(object);
  const json::object& status = object_at(object, "status");
  job.started = time_at(status, "startTime");
  for (const auto& each : array_at(status, "conditions")) {
    if (!each.is_object()) continue;
    const json::object& condition = each.as_object();
    if (text_at(condition, "type") != "Failed" || text_at(condition, "status") != "True") continue;
    job.failed = text_at(condition, "reason");
    job.message = text_at(condition, "message");
    if (job.failed.empty()) job.failed = "Failed";
  }
  return job;
}

Result<KubernetesNode> read_kubernetes_node(const json::object& object) {
  auto name = name_of(object);
  if (!name) return fail(name.error());
  KubernetesNode node;
  node.name = std::move(*name);
  for (const auto& each : object_at(object_at(object, "metadata"), "labels")) {
    if (each.value().is_string()) {
      node.labels[std::string(each.key())] = std::string(each.value().as_string());
    }
  }
  const json::object& status = object_at(object, "status");
  node.allocatable = amounts_at(status, "allocatable");
  for (const auto& each : array_at(status, "conditions")) {
    if (!each.is_object() || text_at(each.as_object(), "type") != "Ready") continue;
    node.in_service = text_at(each.as_object(), "status") == "True";
  }
  if (is_true(object_at(object, "spec"), "unschedulable")) node.in_service = false;
  return node;
}

Result<KubernetesList> read_kubernetes_list(std::string_view text) {
  boost::system::error_code bad;
  json::value parsed = json::parse(text, bad);
  if (bad || !parsed.is_object()) return fail(malformed("a list that is no JSON object"));
  auto* items = parsed.as_object().if_contains("items");
  // A list of nothing may be null.
  if (items == nullptr || !(items->is_array() || items->is_null())) {
    return fail(malformed("a list without items"));
  }
  KubernetesList list;
  const json::object& metadata = object_at(parsed.as_object(), "metadata");
  list.version = text_at(metadata, "resourceVersion");
  if (const auto* rest = metadata.if_contains("continue"); rest != nullptr && rest->is_string()) {
    list.rest = rest->as_string();
  }
  if (items->is_array()) {
    for (auto& each : items->as_array()) {
      if (!each.is_object()) return fail(malformed("a list with an item that is no object"));
      list.items.push_back(std::move(each.as_object()));
    }
  }
  return list;
}

Result<KubernetesEvent> read_kubernetes_event(std::string_view line) {
  boost::system::error_code bad;
  json::value parsed = json::parse(line, bad);
  if (bad || !parsed.is_object()) return fail(malformed("an event that is no JSON object"));
  auto* object = parsed.as_object().if_contains("object");
  if (object == nullptr || !object->is_object()) return fail(malformed("an event of nothing"));
  KubernetesEvent event;
  event.version = text_at(object_at(object->as_object(), "metadata"), "resourceVersion");
  const std::string type = text_at(parsed.as_object(), "type");
  if (type == "ERROR") {
    const auto* code = object->as_object().if_contains("code");
    if (code != nullptr && code->is_int64() && code->as_int64() == 410) {
      event.change = KubernetesChange::expired;
      return event;
    }
    return fail(
        malformed("a watch that ends with an error: " + text_at(object->as_object(), "message")));
  }
  if (type == "ADDED" || type == "MODIFIED") {
    event.change = KubernetesChange::put;
  } else if (type == "DELETED") {
    event.change = KubernetesChange::gone;
  } else if (type != "BOOKMARK") {
    return fail(malformed(fmt::format("an event of the type \"{}\"", type.substr(0, 64))));
  }
  event.object = std::move(object->as_object());
  return event;
}

std::string kubernetes_error(std::string_view text) {
  boost::system::error_code bad;
  const json::value parsed = json::parse(text, bad);
  if (!bad && parsed.is_object()) {
    if (std::string message = text_at(parsed.as_object(), "message"); !message.empty()) {
      return message;
    }
  }
  return std::string(text.substr(0, 200));
}

}  // namespace tradewind
