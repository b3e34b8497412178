#include "gateway/discovery/discovered_site.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace tradewind {
namespace {

constexpr std::string_view slice_mark = " MIG ";
constexpr std::size_t id_bytes_max = 60;  // leaves room for "-64"
constexpr std::uint64_t memory_step_mib = 256;
constexpr std::uint64_t disk_step_mib = 1024;

struct Kind {
  std::uint32_t devices = 0;
  std::uint64_t memory_mib = 0;  // the least that one of them has
};

// By family and name.
std::map<std::pair<std::string, std::string>, Kind> kinds_of(const Machine& machine) {
  std::map<std::pair<std::string, std::string>, Kind> kinds;
  for (const ListedAccelerators& listed : machine.accelerators) {
    for (const ReportedAccelerator& each : listed.devices) {
      Kind& kind = kinds[{listed.family, each.name}];
      kind.memory_mib =
          kind.devices == 0 ? each.memory_mib : std::min(kind.memory_mib, each.memory_mib);
      ++kind.devices;
    }
  }
  return kinds;
}

// Nominal where what the tool tells is near that, since jobs ask for nominal memory and drivers
// keep some; else what the tool tells.
std::uint32_t memory_gib(const CatalogueAccelerator* known, std::uint64_t listed_mib) {
  if (known != nullptr) {
    const std::uint64_t nominal_mib = std::uint64_t{known->memory_gib} * 1024;
    const bool near = listed_mib * 8 >= nominal_mib * 7 && listed_mib * 8 <= nominal_mib * 9;
    if (near || listed_mib == 0) return known->memory_gib;
  }
  return static_cast<std::uint32_t>(listed_mib / 1024);
}

MachinePool accelerator_pool(const std::string& family, const std::string& name, const Kind& kind) {
  MachinePool pool;
  pool.listed_name = name;
  pool.listed_memory_mib = kind.memory_mib;
  const std::size_t slice = name.find(slice_mark);
  const bool is_slice = slice != std::string::npos;
  const CatalogueAccelerator* whole = find_accelerator(name.substr(0, slice));
  if (!is_slice) pool.known = whole;
  pool.accelerator.family = whole != nullptr ? whole->family : family;
  const std::string device = whole != nullptr ? whole->model : name.substr(0, slice);
  const std::string profile = is_slice ? " " + name.substr(slice + slice_mark.size()) : "";
  pool.accelerator.model = accelerator_slug(device + profile);
  if (pool.accelerator.model.empty()) pool.accelerator.model = family;
  pool.accelerator.memory_gib = memory_gib(pool.known, kind.memory_mib);
  if (kind.devices > 1 && !is_slice) {
    pool.accelerator.interconnect =
        pool.known != nullptr ? pool.known->interconnect : Interconnect::pcie;
  }
  return pool;
}

// The share of `devices` out of `all`, without overflow for any machine there is.
std::uint64_t share(std::uint64_t amount, std::uint64_t devices, std::uint64_t all,
                    std::uint64_t step) {
  return amount / step * devices / all * step;
}

// A unit has a CPU and some memory beside its device.
void limit_devices(MachinePool& pool, std::vector<std::string>& warnings) {
  const std::uint64_t units = std::min<std::uint64_t>(pool.node.cpus, pool.node.memory_mib);
  if (pool.node.accelerators <= units) return;
  warnings.push_back(fmt::format("{}: {} of {} devices are sold, for want of CPUs or memory",
                                 pool.listed_name, units, pool.node.accelerators));
  pool.node.accelerators = static_cast<std::uint32_t>(units);
}

void name_pools(std::vector<MachinePool>& pools) {
  std::set<std::string> ids;
  for (MachinePool& pool : pools) {
    const std::string base = pool.accelerator.family.empty()
                                 ? "cpu"
                                 : accelerator_slug(pool.accelerator.model.substr(0, id_bytes_max));
    pool.id.value = base;
    for (int next = 2; !ids.insert(pool.id.value).second; ++next) {
      pool.id.value = fmt::format("{}-{}", base, next);
    }
  }
}

std::string toml_text(std::string_view text) {
  std::string result = "\"";
  for (const char each : text) {
    if (each == '"' || each == '\\') result += '\\';
    if (static_cast<unsigned char>(each) < 0x20 || each == 0x7F) {
      result += fmt::format("\\u{:04X}", static_cast<unsigned char>(each));
    } else {
      result += each;
    }
  }
  return result + "\"";
}

// GiB of a whole number of quarters: 15, 14.75.
std::string gib(std::uint64_t mib) {
  const std::uint64_t hundredths = mib % 1024 * 100 / 1024;
  return hundredths == 0 ? fmt::format("{}", mib / 1024)
                         : fmt::format("{}.{:02}", mib / 1024, hundredths);
}

std::string pool_text(const MachinePool& pool, Architecture architecture) {
  std::string text = fmt::format("[[pool]]\nid = {}\narchitecture = {}\nnodes = 1\n",
                                 toml_text(pool.id.value), toml_text(to_string(architecture)));
  text += fmt::format("node = {{ cpus = {}, memory_gib = {}, disk_gib = {}", pool.node.cpus,
                      gib(pool.node.memory_mib), gib(pool.node.disk_mib));
  const Accelerator& device = pool.accelerator;
  if (device.family.empty()) {
    return text +
           " }\ntariff = { currency = \"USD\", cpu_hour = \"0\", gib_hour = \"0\" }  # your "
           "prices\n";
  }
  text += fmt::format(", accelerators = {} }}\n", pool.node.accelerators);
  text += fmt::format("# Listed as {} with {} MiB each", toml_text(pool.listed_name),
                      pool.listed_memory_mib);
  if (pool.known == nullptr) {
    text += ", which is not in the catalogue: check family and model";
  } else if (pool.known->peak_gigaflops != 0) {
    text +=
        fmt::format(", {} TFLOPS by the {}", pool.known->peak_gigaflops / 1000, pool.known->source);
  }
  text += fmt::format(
      ".\naccelerator = {{ family = {}, model = {}, memory_gib = {}, interconnect = {} }}\n",
      toml_text(device.family), toml_text(device.model), device.memory_gib,
      toml_text(to_string(device.interconnect)));
  text +=
      "# How much faster than the federation's reference it is, by class of work: learnt from its "
      "jobs,\n# beginning with this. In performance, factors are fixed.\n"
      "learn = { default = 1.0 }\n";
  if (pool.known != nullptr && pool.known->watts != 0) {
    text +=
        fmt::format("unit_watts = {}  # the most that one accelerator draws\n", pool.known->watts);
  }
  return text +
         "tariff = { currency = \"USD\", accelerator_hour = \"0\", cpu_hour = \"0\", "
         "gib_hour = \"0\" }  # your prices\n";
}

boost::json::object pool_json(const MachinePool& pool) {
  boost::json::object node;
  node["cpus"] = pool.node.cpus;
  node["memory_mib"] = pool.node.memory_mib;
  node["disk_mib"] = pool.node.disk_mib;
  node["accelerators"] = pool.node.accelerators;
  boost::json::object json;
  json["id"] = pool.id.value;
  json["nodes"] = 1;
  json["node"] = std::move(node);
  json["accelerator"] = nullptr;
  if (pool.accelerator.family.empty()) return json;
  boost::json::object device;
  device["family"] = pool.accelerator.family;
  device["model"] = pool.accelerator.model;
  device["memory_gib"] = pool.accelerator.memory_gib;
  device["interconnect"] = to_string(pool.accelerator.interconnect);
  device["listed_name"] = pool.listed_name;
  device["listed_memory_mib"] = pool.listed_memory_mib;
  device["in_catalogue"] = pool.known != nullptr;
  json["accelerator"] = std::move(device);
  return json;
}

}  // namespace

MachinePools machine_pools(const Machine& machine) {
  const std::uint64_t memory_mib = machine.memory_mib - machine.memory_mib / 16;
  const std::uint64_t disk_mib = machine.disk_mib - machine.disk_mib / 10;
  MachinePools found;
  std::uint64_t all = 0;
  for (const auto& [name, kind] : kinds_of(machine)) {
    MachinePool pool = accelerator_pool(name.first, name.second, kind);
    if (pool.accelerator.memory_gib == 0) {
      found.warnings.push_back(
          fmt::format("{} is left out: nothing tells how much memory it has", pool.listed_name));
      continue;
    }
    pool.node.accelerators = kind.devices;
    all += kind.devices;
    found.pools.push_back(std::move(pool));
  }
  if (found.pools.empty()) {
    all = 1;
    found.pools.emplace_back();
  }
  std::uint32_t cpus_left = machine.cpus;
  for (MachinePool& pool : found.pools) {
    const std::uint64_t devices = std::max<std::uint64_t>(pool.node.accelerators, 1);
    pool.node.cpus = static_cast<std::uint32_t>(share(machine.cpus, devices, all, 1));
    pool.node.memory_mib = share(memory_mib, devices, all, memory_step_mib);
    pool.node.disk_mib = share(disk_mib, devices, all, disk_step_mib);
    cpus_left -= pool.node.cpus;
  }
  // What rounding left, one for each, those with none first.
  for (const bool with_none : {true, false}) {
    for (MachinePool& pool : found.pools) {
      if (cpus_left == 0 || (pool.node.cpus == 0) != with_none) continue;
      ++pool.node.cpus;
      --cpus_left;
    }
  }
  for (MachinePool& pool : found.pools) limit_devices(pool, found.warnings);
  std::erase_if(found.pools, [](const MachinePool& each) {
    return each.node.cpus == 0 || each.node.memory_mib == 0;
  });
  name_pools(found.pools);
  return found;
}

std::string discovered_site_file(const SiteNaming& naming, const Machine& machine) {
  const MachinePools found = machine_pools(machine);
  const bool accelerated = std::ranges::any_of(
      found.pools, [](const MachinePool& each) { return each.node.accelerators > 0; });
  std::string text = fmt::format(
      "# The site {}, as this machine was found. docs/site-file.md says what every key means.\n"
      "# To do: your prices in each tariff, what traffic costs in [[network]], and then\n"
      "# state = \"active\". `tradewind-gateway check --site FILE` shows what it offers.\n",
      toml_text(naming.id));
  if (machine.slurm) {
    text +=
        "#\n"
        "# Slurm is here. To sell a whole cluster, take its pools from\n"
        "#   tradewind-gateway discover --slurm\n"
        "# and the engine from docs/engines.md; the pools below are this machine alone.\n";
  }
  for (const auto* warnings : {&machine.warnings, &found.warnings}) {
    for (const std::string& each : *warnings) text += fmt::format("#\n# Not found out: {}\n", each);
  }
  text += fmt::format("\n[site]\nid = {}\nregion = {}\njurisdiction = {}\nprovider = {}\n",
                      toml_text(naming.id), toml_text(naming.region),
                      toml_text(naming.jurisdiction), toml_text(naming.provider));
  text +=
      "state = \"draining\"  # takes no jobs; \"active\" once the prices are yours\n\n"
      "[link]\n"
      "listen = \"\"  # outbound only; \"tcp://0.0.0.0:PORT\" and advertise where others can "
      "reach it\n\n";
  for (const MachinePool& each : found.pools) {
    text += pool_text(each, machine.architecture) + "\n";
  }
  text +=
      "[[network]]\n"
      "peer = \"default\"\n"
      "egress_per_gb = \"0\"  # what your provider takes for traffic that leaves\n\n"
      "[energy]\n"
      "carbon_g_kwh = 0  # of your electricity; 0: unknown, which fails jobs with a carbon "
      "cap\n\n"
      "[engine]\n"
      "kind = \"process\"\n";
  if (accelerated) {
    text +=
        "# Sandboxed jobs see no accelerators. \"none\" shows them, and all else, to every job:\n"
        "# only where every tenant is trusted. Slurm hands out devices one by one.\n";
  }
  return text + "sandbox = \"bubblewrap\"\n";
}

std::string discovered_machine_json(const Machine& machine) {
  const MachinePools found = machine_pools(machine);
  boost::json::object json;
  json["architecture"] = to_string(machine.architecture);
  json["cpus"] = machine.cpus;
  json["memory_mib"] = machine.memory_mib;
  json["disk_free_mib"] = machine.disk_mib;
  json["slurm"] = machine.slurm;
  boost::json::array pools;
  for (const MachinePool& each : found.pools) pools.push_back(pool_json(each));
  json["pools"] = std::move(pools);
  boost::json::array warnings;
  for (const auto* list : {&machine.warnings, &found.warnings}) {
    for (const std::string& each : *list) warnings.emplace_back(each);
  }
  json["warnings"] = std::move(warnings);
  return boost::json::serialize(json) + "\n";
}

}  // namespace tradewind
