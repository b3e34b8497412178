#include "gateway/site_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "gateway/container_settings.h"
#include "gateway/metrics_server.h"
#include "gateway/s3_settings.h"
#include "gateway/toml_table.h"
#include "schemas/limits.h"
#include "schemas/rates.h"

namespace tradewind {

namespace {

constexpr std::uint64_t units_max = 16'777'216;  // of one pool
constexpr std::int64_t ranges_max = 16;
constexpr std::int64_t performance_ppm_max = 1'000 * ppm_one;
// The price factor, 1 + a when all is taken, must stay within what receivers believe.
constexpr std::int64_t price_curve_a_ppm_max = limits::price_ppm_max - ppm_one;
static_assert(performance_ppm_max <= limits::performance_ppm_max);
static_assert(TomlTable::money_micros_max <= limits::price_micros_max);

// A name that becomes an id; refused at its place in the file.
std::string name_at(const TomlTable& table, std::string_view key) {
  const std::string name = table.text(key, std::nullopt);
  if (const Status good = check_name(key, name); !good && table.has(key)) {
    table.refuse(key, good.error());
  }
  return name;
}

// RFC 3339 text; a time at fault is refused at its place in the file.
Wall::time_point time_at(const TomlTable& table, std::string_view key) {
  const std::string text = table.text(key, std::nullopt);
  const auto time = parse_rfc3339(key, text);
  if (time) return *time;
  if (table.has(key)) table.refuse(key, time.error());
  return {};
}

std::map<std::string, std::string> labels_of(const TomlTable& table) {
  return table.open_table("labels").text_map();
}

// "tcp://host:port". The port may be 0 only where one is listened on.
bool is_endpoint(std::string_view text, bool port_zero_allowed) {
  constexpr std::string_view scheme = "tcp://";
  if (text.substr(0, scheme.size()) != scheme) return false;
  text.remove_prefix(scheme.size());
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool host_good = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']' || c == '*';
  });
  if (!host_good || port.empty() || port.size() > 5) return false;
  std::uint32_t number = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return number <= 65'535 && (number != 0 || port_zero_allowed);
}

bool listens_everywhere(std::string_view endpoint) {
  return endpoint.find("tcp://0.0.0.0:") == 0 || endpoint.find("tcp://*:") == 0 ||
         endpoint.find("tcp://[::]:") == 0;
}

void read_site(const TomlTable& root, SiteRecord& record) {
  const TomlTable site =
      root.table("site", {"id", "region", "jurisdiction", "provider", "state", "labels"});
  if (!root.has("site")) root.refuse("site", "is missing", "add [site] with id and region");
  record.site.value = name_at(site, "id");
  record.region.value = name_at(site, "region");
  record.jurisdiction.value = site.text("jurisdiction", std::nullopt);
  if (const Status good = check_jurisdiction("jurisdiction", record.jurisdiction.value);
      !good && site.has("jurisdiction")) {
    site.refuse("jurisdiction", good.error());
  }
  record.provider = site.text("provider", std::nullopt);
  if (site.has("provider") && record.provider.empty()) {
    site.refuse("provider", "is empty", "name the organisation that runs the site");
  }
  const std::string state = site.text("state", "active");
  if (state == "active") {
    record.state = SiteState::active;
  } else if (state == "draining") {
    record.state = SiteState::draining;
  } else if (state == "maintenance") {
    record.state = SiteState::maintenance;
  } else {
    site.refuse("state", fmt::format("\"{}\" is no state", state),
                "use active, draining or maintenance");
  }
  record.labels = labels_of(site);
}

void read_metrics(const TomlTable& root, std::string& listen) {
  const TomlTable table = root.table("metrics", {"listen"});
  listen = table.text("listen", "");
  if (listen.empty()) return;
  if (const Status good = check_metrics_address(listen); !good) {
    table.refuse("listen", good.error().message, good.error().remedy);
  }
}

void read_link(const TomlTable& root, LinkSettings& link) {
  const TomlTable table = root.table("link", {"listen", "advertise"});
  link.listen = table.text("listen", "");
  link.advertise = table.text("advertise", "");
  if (!link.listen.empty() && !is_endpoint(link.listen, true)) {
    table.refuse("listen", fmt::format("\"{}\" is no endpoint", link.listen),
                 "write tcp://HOST:PORT, port 0 for any free one, or \"\" for outbound only");
  }
  if (link.advertise.empty()) {
    if (listens_everywhere(link.listen)) {
      table.refuse("advertise", "is missing while listen takes every address",
                   "give the tcp://HOST:PORT that other sites reach this one by");
    }
    return;
  }
  if (link.listen.empty()) {
    table.refuse("advertise", "is given, but nothing listens", "add listen, or leave it out");
  }
  if (!is_endpoint(link.advertise, false) || listens_everywhere(link.advertise)) {
    table.refuse("advertise", fmt::format("\"{}\" is no address to connect to", link.advertise),
                 "write tcp://HOST:PORT with a real host and port");
  }
}

Resources read_resources(const TomlTable& table, const std::optional<Resources>& otherwise) {
  Resources shape;
  const auto default_of = [&](auto member) -> std::optional<std::uint64_t> {
    if (!otherwise) return std::nullopt;
    return static_cast<std::uint64_t>((*otherwise).*member);
  };
  shape.cpus = static_cast<std::uint32_t>(
      table.whole("cpus", 0, limits::node_cpus_max, default_of(&Resources::cpus)));
  shape.memory_mib = table.mebibytes("memory_gib", default_of(&Resources::memory_mib));
  shape.disk_mib = table.mebibytes("disk_gib", default_of(&Resources::disk_mib).value_or(0));
  shape.accelerators =
      static_cast<std::uint32_t>(table.whole("accelerators", 0, limits::node_accelerators_max,
                                             default_of(&Resources::accelerators).value_or(0)));
  return shape;
}

// One accelerator, or without any one CPU, with its share of the rest of the node.
Resources default_unit(const Resources& node) {
  const std::uint32_t parts = node.accelerators != 0 ? node.accelerators : node.cpus;
  if (parts == 0) return node;
  return Resources{node.cpus / parts, node.memory_mib / parts, node.disk_mib / parts,
                   node.accelerators / parts};
}

void read_shape(const TomlTable& table, Pool& pool) {
  static const std::vector<std::string_view> shape_keys = {"cpus", "memory_gib", "disk_gib",
                                                           "accelerators"};
  pool.nodes =
      static_cast<std::uint32_t>(table.whole("nodes", 1, limits::pool_nodes_max, std::nullopt));
  if (!table.has("node")) {
    table.refuse("node", "is missing", "add node = { cpus = …, memory_gib = …, disk_gib = … }");
    return;
  }
  const TomlTable node = table.table("node", shape_keys);
  pool.node = read_resources(node, std::nullopt);
  if (pool.node.cpus == 0) {
    node.refuse("cpus", "0 is not a number of CPUs", "give at least 1");
  }
  if (pool.node.memory_mib == 0) {
    node.refuse("memory_gib", "a node without memory runs nothing", "give the memory in GiB");
  }
  pool.unit = default_unit(pool.node);
  if (table.has("unit")) {
    pool.unit = read_resources(table.table("unit", shape_keys), Resources{});
  }
  const std::uint32_t units = units_per_node(pool);
  if (!pool.node.covers(pool.unit) || units == 0 || pool.unit.cpus == 0 ||
      pool.unit.memory_mib == 0) {
    table.refuse("unit",
                 fmt::format("a unit of {} CPUs, {} MiB of memory, {} MiB of disk and {} "
                             "accelerators cannot be sold from this node",
                             pool.unit.cpus, pool.unit.memory_mib, pool.unit.disk_mib,
                             pool.unit.accelerators),
                 "give a unit of at least one CPU and some memory that fits into the node");
    return;
  }
  if (std::uint64_t{units} * pool.nodes > units_max) {
    table.refuse(
        "nodes", fmt::format("makes {} units", std::uint64_t{units} * pool.nodes),
        fmt::format("a pool has at most {}: use a larger unit or several pools", units_max));
  }
}

void read_accelerator(const TomlTable& table, Pool& pool) {
  const TomlTable accelerator =
      table.table("accelerator", {"family", "model", "memory_gib", "interconnect"});
  if (!table.has("accelerator")) {
    if (pool.node.accelerators != 0) {
      table.refuse("accelerator", "is missing while the node has accelerators",
                   "add accelerator = { family = …, model = …, memory_gib = … }");
    }
    return;
  }
  if (pool.node.accelerators == 0) {
    table.refuse("accelerator", "is given, but the node has none",
                 "say node.accelerators, or leave it out");
  }
  pool.accelerator.family = name_at(accelerator, "family");
  pool.accelerator.model = name_at(accelerator, "model");
  pool.accelerator.memory_gib =
      static_cast<std::uint32_t>(accelerator.whole("memory_gib", 1, 1'048'576, std::nullopt));
  const auto interconnect =
      parse_interconnect("interconnect", accelerator.text("interconnect", "none"));
  if (interconnect) {
    pool.accelerator.interconnect = *interconnect;
  } else {
    accelerator.refuse("interconnect", interconnect.error());
  }
}

// The classes and factors of one of the pool's two tables of them.
std::map<std::string, std::int64_t> factors_at(const TomlTable& table, std::string_view key) {
  std::map<std::string, std::int64_t> factors;
  const TomlTable stated = table.open_table(key);
  const std::vector<std::string> classes = stated.keys();
  if (classes.size() > limits::map_entries_max) {
    table.refuse(key, fmt::format("has {} classes", classes.size()),
                 fmt::format("give at most {}", limits::map_entries_max));
    return factors;
  }
  for (const std::string& each : classes) {
    if (const Status good = check_name(each, each); !good) stated.refuse(each, good.error());
    factors[each] = stated.ppm(each, 1, performance_ppm_max, std::nullopt);
  }
  return factors;
}

void read_performance(const TomlTable& table, Pool& pool, SiteFile& file) {
  pool.performance_ppm = factors_at(table, "performance");
  for (const auto& [name, start_ppm] : factors_at(table, "learn")) {
    if (!pool.performance_ppm.try_emplace(name, start_ppm).second) {
      table.refuse("learn", fmt::format("\"{}\" is in performance too", name),
                   "leave it in performance if its factor is fixed, in learn if it is not");
    }
    file.learnt[{pool.id, name}] = start_ppm;
  }
  // Every pool can be compared with every other for work of no particular class.
  pool.performance_ppm.try_emplace("default", ppm_one);
  if (pool.performance_ppm.size() > limits::map_entries_max) {
    table.refuse(
        "learn",
        fmt::format("makes {} classes with those of performance", pool.performance_ppm.size()),
        fmt::format("give at most {}", limits::map_entries_max));
  }
}

void read_tariff(const TomlTable& table, Pool& pool) {
  if (!table.has("tariff")) {
    table.refuse("tariff", "is missing", "add tariff = { cpu_hour = \"…\", gib_hour = \"…\" }");
    return;
  }
  const TomlTable tariff =
      table.table("tariff", {"currency", "node_hour", "cpu_hour", "gib_hour", "accelerator_hour",
                             "preemptible", "preemptible_only", "interruptions_per_hour",
                             "increment_seconds", "minimum_seconds", "fixed_fee"});
  Tariff& to = pool.tariff;
  to.currency = tariff.text("currency", "USD");
  if (!is_currency(to.currency)) {
    tariff.refuse("currency", fmt::format("\"{}\" is no currency", to.currency),
                  "give the three capital letters of ISO 4217, such as USD or CHF");
  }
  to.node_hour.micros = tariff.money("node_hour", 0);
  to.cpu_hour.micros = tariff.money("cpu_hour", 0);
  to.gib_hour.micros = tariff.money("gib_hour", 0);
  to.accelerator_hour.micros = tariff.money("accelerator_hour", 0);
  to.fixed_fee.micros = tariff.money("fixed_fee", 0);
  to.preemptible_ppm = tariff.ppm("preemptible", 0, ppm_one, 0);
  to.preemptible_only = tariff.flag("preemptible_only", false);
  if (to.preemptible_only && to.preemptible_ppm == 0) {
    tariff.refuse("preemptible_only", "is true, though nothing is sold as preemptible",
                  "give preemptible, the share of the price, or leave it out");
  }
  to.interruptions_ppm_hour = tariff.ppm("interruptions_per_hour", 0, 1'000 * ppm_one, 0);
  to.increment_seconds =
      static_cast<std::uint32_t>(tariff.whole("increment_seconds", 1, 86'400, 1));
  to.minimum_seconds = static_cast<std::uint32_t>(tariff.whole("minimum_seconds", 0, 86'400, 0));
}

void read_pool(const TomlTable& table, Pool& pool, SiteFile& file) {
  pool.id.value = name_at(table, "id");
  const auto architecture =
      parse_architecture("architecture", table.text("architecture", std::nullopt));
  if (architecture) {
    pool.architecture = *architecture;
  } else {
    table.refuse("architecture", architecture.error());
  }
  read_shape(table, pool);
  read_accelerator(table, pool);
  read_performance(table, pool, file);
  read_tariff(table, pool);
  const TomlTable curve = table.table("price_curve", {"a", "exponent"});
  const PriceCurve standard;
  pool.price_curve.a_ppm = curve.ppm("a", 0, price_curve_a_ppm_max, standard.a_ppm);
  pool.price_curve.exponent =
      static_cast<std::uint32_t>(curve.whole("exponent", 1, 16, standard.exponent));
  pool.unit_watts =
      static_cast<std::uint32_t>(table.whole("unit_watts", 0, limits::unit_watts_max, 0));
  pool.labels = labels_of(table);
}

void read_pools(const TomlTable& root, SiteFile& file) {
  SiteRecord& record = file.record;
  const std::vector<TomlTable> tables = root.tables(
      "pool", {"id", "architecture", "nodes", "node", "unit", "accelerator", "performance", "learn",
               "tariff", "price_curve", "unit_watts", "labels"});
  if (tables.empty()) {
    root.refuse("pool", "is missing", "add at least one [[pool]]: a site sells from pools");
  }
  if (tables.size() > limits::pools_per_site_max) {
    root.refuse("pool", fmt::format("there are {} pools", tables.size()),
                fmt::format("a site has at most {}", limits::pools_per_site_max));
    return;
  }
  std::set<std::string> seen;
  for (const TomlTable& each : tables) {
    Pool pool;
    read_pool(each, pool, file);
    if (!seen.insert(pool.id.value).second) {
      each.refuse("id", fmt::format("\"{}\" names two pools", pool.id.value),
                  "give every pool an id of its own");
    }
    record.pools.push_back(std::move(pool));
  }
}

// "default", "site:<id>", "region:<id>" or "jurisdiction:<XX>".
bool is_peer(std::string_view peer) {
  if (peer == "default") return true;
  const std::size_t colon = peer.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view kind = peer.substr(0, colon);
  const std::string_view name = peer.substr(colon + 1);
  if (kind == "jurisdiction") return check_jurisdiction("peer", name).has_value();
  return (kind == "site" || kind == "region") && check_name("peer", name).has_value();
}

void read_network(const TomlTable& root, SiteRecord& record) {
  const std::vector<TomlTable> tables = root.tables(
      "network", {"peer", "egress_per_gb", "ingress_per_gb", "bandwidth_mbit", "rtt_ms"});
  if (tables.size() > limits::network_rows_max) {
    root.refuse("network", fmt::format("there are {} rows", tables.size()),
                fmt::format("a site has at most {}", limits::network_rows_max));
    return;
  }
  std::set<std::string> seen;
  for (const TomlTable& each : tables) {
    NetworkTariff row;
    row.peer = each.text("peer", "default");
    if (!is_peer(row.peer)) {
      each.refuse("peer", fmt::format("\"{}\" names no peer", row.peer),
                  "use default, site:ID, region:ID or jurisdiction:XX");
    }
    if (!seen.insert(row.peer).second) {
      each.refuse("peer", fmt::format("\"{}\" has two rows", row.peer), "keep one of them");
    }
    row.egress.micros = each.money("egress_per_gb", 0);
    row.ingress.micros = each.money("ingress_per_gb", 0);
    row.bandwidth_mbit = each.whole("bandwidth_mbit", 0, limits::bandwidth_mbit_max, 0);
    row.rtt_ms = static_cast<std::uint32_t>(each.whole("rtt_ms", 0, limits::rtt_ms_max, 0));
    record.network.push_back(std::move(row));
  }
}

void read_contracts(const TomlTable& root, SiteRecord& record) {
  const std::vector<TomlTable> tables =
      root.tables("contract", {"id", "tenant", "pool", "units", "valid_from", "valid_until"});
  if (tables.size() > limits::contracts_per_site_max) {
    root.refuse("contract", fmt::format("there are {} contracts", tables.size()),
                fmt::format("a site has at most {}", limits::contracts_per_site_max));
    return;
  }
  std::set<std::string> seen;
  for (const TomlTable& each : tables) {
    Contract contract;
    contract.id.value = name_at(each, "id");
    contract.tenant.value = name_at(each, "tenant");
    contract.pool.value = name_at(each, "pool");
    contract.units = static_cast<std::uint32_t>(each.whole("units", 1, units_max, std::nullopt));
    contract.valid_from = time_at(each, "valid_from");
    contract.valid_until = time_at(each, "valid_until");
    if (contract.valid_until <= contract.valid_from) {
      each.refuse("valid_until", "is not after valid_from", "give a later time");
    }
    if (!seen.insert(contract.id.value).second) {
      each.refuse("id", fmt::format("\"{}\" names two contracts", contract.id.value),
                  "give every contract an id of its own");
    }
    record.contracts.push_back(std::move(contract));
    if (overbooked(record) == nullptr) continue;
    each.refuse("units",
                fmt::format("the pool \"{}\" has not so many beside its other contracts",
                            record.contracts.back().pool.value),
                "sell less, or for another time, or name another pool");
  }
}

std::vector<TenantId> tenants_at(const TomlTable& table, std::string_view key) {
  std::vector<TenantId> tenants;
  for (const std::string& each : table.texts(key)) {
    if (const Status good = check_name(key, each); !good) table.refuse(key, good.error());
    tenants.push_back(TenantId{each});
  }
  return tenants;
}

void read_policy(const TomlTable& root, SitePolicy& policy) {
  const TomlTable table =
      root.table("policy", {"tenants_allowed", "tenants_denied", "run_seconds_max"});
  policy.tenants_allowed = tenants_at(table, "tenants_allowed");
  policy.tenants_denied = tenants_at(table, "tenants_denied");
  policy.run_seconds_max = static_cast<std::uint32_t>(
      table.whole("run_seconds_max", 1, limits::seconds_max, policy.run_seconds_max));
}

void read_energy(const TomlTable& root, SiteFile& file) {
  const TomlTable table = root.table("energy", {"carbon_g_kwh", "quota_wh"});
  file.record.carbon_g_kwh =
      static_cast<std::uint32_t>(table.whole("carbon_g_kwh", 0, limits::carbon_g_kwh_max, 0));
  if (table.has("quota_wh")) {
    file.energy_quota_wh =
        static_cast<std::int64_t>(table.whole("quota_wh", 0, 1'000'000'000'000, std::nullopt));
  }
}

void read_engine(const TomlTable& root, const SiteRecord& record, EngineSettings& engine,
                 const Environment& environment) {
  const TomlTable table =
      root.table("engine", {"kind", "sandbox", "emulators", "read_only", "slurm", "batch",
                            "kubernetes", "tes", "container", "devices"});
  const std::string kind = table.text("kind", "process");
  if (kind == "slurm") {
    if (!table.has("slurm")) {
      table.refuse("slurm", "is missing", "add [engine.slurm], with url and token_file or empty");
    }
    engine.slurm = read_slurm(table, record, environment);
  } else if (kind == "batch") {
    engine.batch = read_batch(table, record, environment);
  } else if (kind == "kubernetes") {
    engine.kubernetes = read_kubernetes(table, record);
  } else if (kind == "tes") {
    engine.tes = read_tes(table, record, environment);
  } else if (kind != "process") {
    table.refuse("kind", fmt::format("\"{}\" is no engine of this gateway", kind),
                 "use process, slurm, batch, kubernetes or tes");
  }
  for (const char* each : {"slurm", "batch", "kubernetes", "tes"}) {
    if (kind == each || !table.has(each)) continue;
    table.refuse(each, "is given, but the engine is another",
                 fmt::format("write kind = \"{}\"", each));
  }
  const std::string sandbox = table.text("sandbox", "bubblewrap");
  if (sandbox == "none") {
    engine.sandbox = SandboxMode::none;
  } else if (sandbox != "bubblewrap") {
    table.refuse("sandbox", fmt::format("\"{}\" is no sandbox", sandbox),
                 "use bubblewrap, or none on a machine where every tenant is trusted");
  }
  engine.emulators = programs_at(table, "emulators", "/usr/bin/qemu-aarch64-static", environment);
  engine.read_only = paths_at(table, "read_only", environment);
  engine.containers = read_container(table);
  engine.devices = read_devices(table, record);
}

void read_staging(const TomlTable& root, StagingPolicy& staging, const Environment& environment) {
  const TomlTable table =
      root.table("staging", {"file_roots", "write_roots", "http", "allow_private_hosts", "limits",
                             "cache", "s3", "ranges"});
  for (const std::string& each : paths_at(table, "file_roots", environment)) {
    staging.file_read_roots.emplace_back(each);
  }
  for (const std::string& each : paths_at(table, "write_roots", environment)) {
    staging.file_write_roots.emplace_back(each);
  }
  staging.http_allowed = table.flag("http", staging.http_allowed);
  staging.allow_private_hosts = table.flag("allow_private_hosts", staging.allow_private_hosts);
  const TomlTable bounds = table.table("limits", {"file_gib", "attempt_gib", "files"});
  staging.file_bytes_max = bounds.mebibytes("file_gib", staging.file_bytes_max >> 20) << 20;
  staging.attempt_bytes_max = bounds.mebibytes("attempt_gib", staging.attempt_bytes_max >> 20)
                              << 20;
  staging.files_max =
      static_cast<std::uint32_t>(bounds.whole("files", 1, 1'000'000, staging.files_max));
  staging.ranges_max =
      static_cast<std::uint32_t>(table.whole("ranges", 1, ranges_max, staging.ranges_max));
  staging.s3 = read_s3_buckets(table, environment);
  if (!table.has("cache")) return;
  const TomlTable cache = table.table("cache", {"directory", "gib"});
  staging.cache_directory = path_at(cache, "directory", "/var/cache/tradewind", environment);
  staging.cache_bytes_max = cache.mebibytes("gib", std::nullopt) << 20;
}

}  // namespace

Result<SiteFile> parse_site_file(std::string_view text, std::string_view filename,
                                 const Environment& environment) {
  if (text.size() > site_file_bytes_max) {
    return fail(ErrorCode::too_large, "", fmt::format("{}: has {} bytes", filename, text.size()),
                fmt::format("a site file has at most {}", site_file_bytes_max));
  }
  const toml::parse_result parsed = toml::parse(text);
  TomlProblems problems{std::string(filename)};
  if (!parsed) {
    const auto& error = parsed.error();
    problems.note("", error.source().begin.line, std::string(error.description()),
                  "correct the TOML there");
    return fail(*problems.first());
  }
  SiteFile file;
  const TomlTable root(problems, &parsed.table(), "",
                       {"site", "link", "pool", "contract", "network", "policy", "energy", "engine",
                        "staging", "metrics"});
  read_site(root, file.record);
  read_link(root, file.link);
  read_metrics(root, file.metrics_listen);
  read_pools(root, file);
  read_contracts(root, file.record);
  read_network(root, file.record);
  read_policy(root, file.record.policy);
  read_energy(root, file);
  read_engine(root, file.record, file.engine, environment);
  read_staging(root, file.staging, environment);
  if (problems.first()) return fail(*problems.first());
  return file;
}

Result<SiteFile> load_site_file(const std::string& path, const Environment& environment) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return fail(ErrorCode::not_found, "", fmt::format("{}: cannot be read", path),
                "give the path of a site file that this user may read");
  }
  // One byte more than allowed is enough to know.
  std::string text(site_file_bytes_max + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (stream.bad()) {
    return fail(ErrorCode::unavailable, "", fmt::format("{}: reading it failed", path),
                "check the file and its disk");
  }
  return parse_site_file(text, path, environment);
}

std::string summary(const SiteFile& file) {
  const SiteRecord& record = file.record;
  std::string text =
      fmt::format("site {} in {} ({}), {}, {}\n", record.site.value, record.region.value,
                  record.jurisdiction.value, record.provider, to_string(record.state));
  text += fmt::format("link {}\n", file.link.listen.empty() ? "outbound only" : file.link.listen);
  for (const Pool& each : record.pools) {
    const std::uint32_t units = units_per_node(each) * each.nodes;
    text += fmt::format("pool {}: {} nodes of {} CPUs, {} MiB, {}", each.id.value, each.nodes,
                        each.node.cpus, each.node.memory_mib, to_string(each.architecture));
    if (each.node.accelerators != 0) {
      text += fmt::format(", {} x {} {} GiB", each.node.accelerators, each.accelerator.model,
                          each.accelerator.memory_gib);
    }
    text += fmt::format("; {} units of {} CPUs, {} MiB at {} {} an hour\n", units, each.unit.cpus,
                        each.unit.memory_mib, to_decimal(unit_price(each).micros),
                        each.tariff.currency);
  }
  for (const Contract& each : record.contracts) {
    text += fmt::format("contract {}: {} units of {} for {}, {} until {}\n", each.id.value,
                        each.units, each.pool.value, each.tenant.value, to_rfc3339(each.valid_from),
                        to_rfc3339(each.valid_until));
  }
  for (const NetworkTariff& each : record.network) {
    text += fmt::format("network {}: egress {} a GB, ingress {} a GB, {} Mbit/s, {} ms\n",
                        each.peer, to_decimal(each.egress.micros), to_decimal(each.ingress.micros),
                        each.bandwidth_mbit, each.rtt_ms);
  }
  return text;
}

}  // namespace tradewind
