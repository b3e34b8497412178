#include "gateway/engines/node_exchange.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

#include "gateway/staging/file_copy.h"
#include "gateway/staging/unique_fd.h"
#include "schemas/codec.h"
#include "schemas/limits.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t settings_bytes_max = 1 << 20;
constexpr std::size_t ticket_bytes_max = limits::frame_bytes_max;
constexpr std::size_t word_bytes_max = 256;
constexpr int orders_tries = 3;  // of reading them while they are written
constexpr std::size_t news_at_once_max = 10'000;

Status not_written(const fs::path& file) {
  return fail(ErrorCode::unavailable, file.string(),
              fmt::format("cannot be written: {}", std::strerror(errno)),
              "check the cluster's shared file system");
}

// Whole or not at all for whoever reads it; gone after a crash of the machine, perhaps.
Status write_quickly(const fs::path& file, std::string_view text) {
  const fs::path draft = file.string() + fmt::format(".{}", ::getpid());
  const UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd || !write_all(fd.get(), text) || std::rename(draft.c_str(), file.c_str()) != 0) {
    return not_written(file);
  }
  return ok();
}

std::vector<std::string> texts_of(const json::value& list) {
  return json::value_to<std::vector<std::string>>(list);
}

json::array paths_of(const std::vector<fs::path>& paths) {
  json::array list;
  for (const fs::path& each : paths) list.emplace_back(each.string());
  return list;
}

// Of one length, so that they can be written over those before; said twice, so that who reads them
// meanwhile sees it.
std::string text_of(const NodeOrders& orders) {
  const std::string once =
      fmt::format("{:015} {:03}", orders.lease_end ? to_ms(*orders.lease_end) : -1,
                  orders.stop ? static_cast<int>(*orders.stop) : -1);
  return fmt::format("{} {}\n", once, once);
}

// Nothing where the text was being written when it was read.
std::optional<NodeOrders> orders_in(std::string_view text) {
  std::int64_t lease = 0;
  int stop = 0;
  const char* const last = text.data() + text.size();
  auto read = std::from_chars(text.data(), last, lease);
  if (read.ec != std::errc{} || read.ptr == last || lease < -1) return std::nullopt;
  read = std::from_chars(read.ptr + 1, last, stop);
  if (read.ec != std::errc{} || stop < -1 || stop >= end_codes_count) return std::nullopt;
  const auto once = text.substr(0, static_cast<std::size_t>(read.ptr - text.data()));
  const auto rest = text.substr(once.size());
  // Gateways of before said it once.
  if (rest != "\n" && rest != fmt::format(" {}\n", once)) return std::nullopt;
  constexpr std::int64_t ms_max = 253'402'300'799'000;  // the year 9999
  NodeOrders orders;
  if (lease >= 0) orders.lease_end = wall_from_ms(std::min(lease, ms_max));
  if (stop >= 0) orders.stop = static_cast<EndCode>(stop);
  return orders;
}

Error unreadable(const fs::path& file) {
  return {ErrorCode::corrupt, file.string(), "is not as a gateway writes it",
          "check the cluster's shared file system"};
}

json::array buckets_to_json(const std::vector<S3Bucket>& buckets) {
  json::array list;
  for (const S3Bucket& each : buckets) {
    json::array tenants;
    for (const TenantId& tenant : each.tenants) tenants.emplace_back(tenant.value);
    list.push_back(json::object{{"bucket", each.bucket},
                                {"endpoint", each.endpoint},
                                {"region", each.region},
                                {"path_style", each.path_style},
                                {"private_host", each.private_host},
                                {"writable", each.writable},
                                {"credentials_file", each.credentials_file},
                                {"tenants", std::move(tenants)}});
  }
  return list;
}

std::vector<S3Bucket> buckets_of(const json::value& list) {
  std::vector<S3Bucket> buckets;
  for (const json::value& each : list.as_array()) {
    S3Bucket& bucket = buckets.emplace_back();
    bucket.bucket = json::value_to<std::string>(each.at("bucket"));
    bucket.endpoint = json::value_to<std::string>(each.at("endpoint"));
    bucket.region = json::value_to<std::string>(each.at("region"));
    bucket.path_style = each.at("path_style").as_bool();
    bucket.private_host = each.at("private_host").as_bool();
    bucket.writable = each.at("writable").as_bool();
    bucket.credentials_file = json::value_to<std::string>(each.at("credentials_file"));
    for (auto& tenant : texts_of(each.at("tenants"))) bucket.tenants.push_back(TenantId{tenant});
  }
  return buckets;
}

}  // namespace

bool due(const NodeOrders& orders, const NodeOrders& sent, Wall::time_point now) {
  if (orders.stop != sent.stop) return true;
  if (!orders.lease_end || !sent.lease_end || *orders.lease_end < *sent.lease_end) {
    return orders.lease_end != sent.lease_end;
  }
  return *sent.lease_end - now < *orders.lease_end - *sent.lease_end;
}

fs::path NodeExchange::ticket_folder(const std::string& name) const {
  return folder_ / "tickets" / name;
}

Status NodeExchange::create() const {
  std::error_code problem;
  fs::create_directories(folder_ / "tickets", problem);
  if (!problem) fs::create_directories(folder_ / "news", problem);
  if (!problem) fs::permissions(folder_, fs::perms::owner_all, problem);
  if (!problem) return ok();
  return fail(ErrorCode::unavailable, folder_.string(),
              fmt::format("cannot be made: {}", problem.message()),
              "give a directory that the gateway may write to");
}

Status NodeExchange::write_settings(const ProcessEngineOptions& options) const {
  json::object pools;
  for (const auto& [pool, architecture] : options.pools) {
    pools[pool.value] = std::string(to_string(architecture));
  }
  json::object emulators;
  for (const auto& [architecture, path] : options.emulators) {
    emulators[std::string(to_string(architecture))] = path;
  }
  json::object devices;
  for (const auto& [pool, paths] : options.devices) devices[pool.value] = json::value_from(paths);
  const StagingPolicy& staging = options.staging;
  const json::object settings{
      {"attempts_directory", options.attempts_directory.string()},
      {"sandbox", options.sandbox == SandboxMode::bubblewrap ? "bubblewrap" : "none"},
      {"bubblewrap", options.bubblewrap},
      {"read_only_binds", paths_of(options.read_only_binds)},
      {"cgroups", options.cgroups == CgroupUse::automatic ? "auto" : "off"},
      {"pools", pools},
      {"emulators", emulators},
      {"devices", devices},
      {"containers", options.containers ? json::value(to_json(*options.containers)) : nullptr},
      {"file_read_roots", paths_of(staging.file_read_roots)},
      {"file_write_roots", paths_of(staging.file_write_roots)},
      {"http_allowed", staging.http_allowed},
      {"allow_private_hosts", staging.allow_private_hosts},
      {"file_bytes_max", staging.file_bytes_max},
      {"attempt_bytes_max", staging.attempt_bytes_max},
      {"files_max", staging.files_max},
      {"ranges_max", staging.ranges_max},
      {"cache_directory", staging.cache_directory.string()},
      {"cache_bytes_max", staging.cache_bytes_max},
      {"s3", buckets_to_json(staging.s3)},
      {"stop_grace_ms", options.stop_grace.count()},
  };
  return store_file(folder_ / "settings", json::serialize(settings), private_mode);
}

Result<ProcessEngineOptions> NodeExchange::read_settings() const {
  const fs::path file = folder_ / "settings";
  const auto text = load_file(file, settings_bytes_max);
  if (!text) return fail(text.error());
  ProcessEngineOptions options;
  try {
    const json::value parsed = json::parse(*text);
    const auto at = [&parsed](const char* key) -> const json::value& { return parsed.at(key); };
    options.attempts_directory = json::value_to<std::string>(at("attempts_directory"));
    const auto sandbox = parse_sandbox_mode("sandbox", json::value_to<std::string>(at("sandbox")));
    const auto cgroups = parse_cgroup_use("cgroups", json::value_to<std::string>(at("cgroups")));
    if (!sandbox || !cgroups) return fail(unreadable(file));
    options.sandbox = *sandbox;
    options.cgroups = *cgroups;
    options.bubblewrap = json::value_to<std::string>(at("bubblewrap"));
    for (auto& each : texts_of(at("read_only_binds"))) options.read_only_binds.emplace_back(each);
    for (const auto& each : at("pools").as_object()) {
      const auto architecture =
          parse_architecture("pools", json::value_to<std::string>(each.value()));
      if (!architecture) return fail(architecture.error());
      options.pools[PoolId{std::string(each.key())}] = *architecture;
    }
    for (const auto& each : at("emulators").as_object()) {
      const auto architecture = parse_architecture("emulators", std::string_view(each.key()));
      if (!architecture) return fail(architecture.error());
      options.emulators[*architecture] = json::value_to<std::string>(each.value());
    }
    // Gateways of before know nothing of these.
    if (const auto* devices = parsed.as_object().if_contains("devices")) {
      for (const auto& each : devices->as_object()) {
        options.devices[PoolId{std::string(each.key())}] = texts_of(each.value());
      }
    }
    if (const auto* containers = parsed.as_object().if_contains("containers");
        containers != nullptr && !containers->is_null()) {
      options.containers = container_options_from_json(containers->as_object());
    }
    StagingPolicy& staging = options.staging;
    for (auto& each : texts_of(at("file_read_roots"))) staging.file_read_roots.emplace_back(each);
    for (auto& each : texts_of(at("file_write_roots"))) staging.file_write_roots.emplace_back(each);
    staging.http_allowed = at("http_allowed").as_bool();
    staging.allow_private_hosts = at("allow_private_hosts").as_bool();
    staging.file_bytes_max = json::value_to<std::uint64_t>(at("file_bytes_max"));
    staging.attempt_bytes_max = json::value_to<std::uint64_t>(at("attempt_bytes_max"));
    staging.files_max = json::value_to<std::uint32_t>(at("files_max"));
    staging.ranges_max = json::value_to<std::uint32_t>(at("ranges_max"));
    staging.cache_directory = json::value_to<std::string>(at("cache_directory"));
    staging.cache_bytes_max = json::value_to<std::uint64_t>(at("cache_bytes_max"));
    staging.s3 = buckets_of(at("s3"));
    options.stop_grace =
        std::chrono::milliseconds(json::value_to<std::int64_t>(at("stop_grace_ms")));
  } catch (const std::exception&) {
    return fail(unreadable(file));
  }
  return options;
}

Status NodeExchange::write_ticket(const std::string& name, const NodeTicket& ticket,
                                  const NodeOrders& orders) const {
  const fs::path folder = ticket_folder(name);
  std::error_code problem;
  fs::create_directory(folder, problem);
  if (problem) {
    return fail(ErrorCode::unavailable, folder.string(),
                fmt::format("cannot be made: {}", problem.message()),
                "check the cluster's shared file system");
  }
  if (const Status made = write_quickly(folder / "orders", text_of(orders)); !made) return made;
  // An assignment and an attempt make a dispatch, which has a form of its own.
  const ToGateway message{Term{}, Dispatch{ticket.attempt, ticket.assignment, 1}};
  return write_quickly(folder / "ticket", encode(message));
}

Result<NodeTicket> NodeExchange::read_ticket(const std::string& name) const {
  const fs::path file = ticket_folder(name) / "ticket";
  const auto bytes = load_file(file, ticket_bytes_max);
  if (!bytes) return fail(bytes.error());
  auto message = decode_to_gateway(*bytes);
  if (!message) return fail(message.error());
  auto* dispatch = std::get_if<Dispatch>(&message->body);
  if (dispatch == nullptr) return fail(unreadable(file));
  return NodeTicket{std::move(dispatch->attempt), std::move(dispatch->assignment)};
}

Status NodeExchange::write_orders(const std::string& name, const NodeOrders& orders) const {
  // In their place: a new file for each renewal cost the file system more than all else that a
  // gateway with thousands of attempts does.
  const fs::path file = ticket_folder(name) / "orders";
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd && write_all(fd.get(), text_of(orders))) return ok();
  return not_written(file);
}

Result<NodeOrders> NodeExchange::read_orders(const std::string& name) const {
  const fs::path file = ticket_folder(name) / "orders";
  for (int tries = 0; tries < orders_tries; ++tries) {
    const auto text = load_file(file, word_bytes_max);
    if (!text) return fail(text.error());
    if (const auto orders = orders_in(*text)) return *orders;
  }
  return fail(unreadable(file));
}

Status NodeExchange::tell_phase(const std::string& name, AttemptPhase phase) const {
  const Status written =
      write_quickly(ticket_folder(name) / "phase", fmt::format("{}\n", static_cast<int>(phase)));
  if (!written) return written;
  return write_quickly(folder_ / "news" / name, "");
}

std::optional<AttemptPhase> NodeExchange::read_phase(const std::string& name) const {
  const auto text = load_file(ticket_folder(name) / "phase", word_bytes_max);
  int phase = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), phase).ec != std::errc{})
    return std::nullopt;
  if (phase <= 0 || phase >= attempt_phases_count) return std::nullopt;
  return static_cast<AttemptPhase>(phase);
}

std::vector<std::string> NodeExchange::take_news() const {
  std::vector<std::string> names;
  std::error_code problem;
  fs::directory_iterator each(folder_ / "news", problem);
  for (const fs::directory_iterator end; !problem && each != end && names.size() < news_at_once_max;
       each.increment(problem)) {
    const std::string name = each->path().filename().string();
    // Drafts have the writer's number behind a second dot.
    if (std::ranges::count(name, '.') == 1) names.push_back(name);
  }
  // Before the phases are read: what comes after that is news again.
  for (const std::string& name : names) {
    std::error_code ignored;
    fs::remove(folder_ / "news" / name, ignored);
  }
  return names;
}

void NodeExchange::remove_ticket(const std::string& name) const {
  std::error_code ignored;
  fs::remove_all(ticket_folder(name), ignored);
}

}  // namespace tradewind
