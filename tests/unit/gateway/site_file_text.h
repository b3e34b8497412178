// A site file with every key, and the same with something else in it.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "gateway/site_file.h"

namespace tradewind::site_text {

inline const std::string whole_file = R"(
[site]
id = "de-berlin-1"
region = "de-berlin"
jurisdiction = "DE"
provider = "Spree Computing"
state = "active"
labels = { tier = "research" }

[link]
listen = "tcp://0.0.0.0:7401"
advertise = "tcp://gateway.example.org:7401"

[[pool]]
id = "gpu"
architecture = "x86_64"
nodes = 4
node = { cpus = 96, memory_gib = 1024, disk_gib = 4096, accelerators = 8 }
accelerator = { family = "cuda", model = "h100-sxm", memory_gib = 80, interconnect = "nvlink" }
performance = { default = 1.2, training = "2.5" }
learn = { inference = 3 }
unit_watts = 700
tariff.currency = "EUR"
tariff.node_hour = "0.5"
tariff.cpu_hour = "0.04"
tariff.gib_hour = "0.005"
tariff.accelerator_hour = "2.25"
tariff.preemptible = "0.4"
tariff.preemptible_only = true
tariff.interruptions_per_hour = 0.01
tariff.increment_seconds = 60
tariff.minimum_seconds = 120
tariff.fixed_fee = "0.01"
price_curve = { a = "2.5", exponent = 6 }
labels = { room = "north" }

[[pool]]
id = "cpu"
architecture = "arm64"
nodes = 10
node = { cpus = 8, memory_gib = 4, disk_gib = 100 }
unit = { cpus = 2, memory_gib = 0.5, disk_gib = 10 }
tariff = { cpu_hour = "0.02", gib_hour = 1 }

[[network]]
peer = "region:us-iowa"
egress_per_gb = "0.02"
ingress_per_gb = "0.001"
bandwidth_mbit = 1000
rtt_ms = 110

[[network]]
egress_per_gb = "0.09"

[policy]
tenants_allowed = ["physics"]
tenants_denied = ["mining"]
run_seconds_max = 86400

[energy]
carbon_g_kwh = 300
quota_wh = 500000

[engine]
kind = "process"
sandbox = "none"
emulators = { arm64 = "/usr/bin/qemu-aarch64-static" }
read_only = ["/opt/${SUITE}/lib"]

[staging]
file_roots = ["${DATA}", "/srv/in"]
write_roots = ["${DATA}/out"]
http = false
allow_private_hosts = true
limits = { file_gib = 0.5, attempt_gib = 2, files = 100 }
cache = { directory = "${DATA}/kept", gib = 0.25 }
ranges = 8
)";

inline std::optional<std::string> environment(const std::string& name) {
  if (name == "DATA") return "/srv/data";
  if (name == "SUITE") return "suite";
  return std::nullopt;
}

inline Result<SiteFile> parse(const std::string& text) {
  return parse_site_file(text, "site.toml", environment);
}

// The whole file with one passage replaced.
inline std::string with(const std::string& from, const std::string& to) {
  std::string text = whole_file;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// The whole file with another engine, in which one passage may be replaced.
inline std::string with_engine(std::string engine, const std::string& from = "",
                               const std::string& to = "") {
  if (!from.empty()) engine.replace(engine.find(from), from.size(), to);
  std::string text = whole_file;
  const std::size_t begin = text.find("[engine]");
  return text.replace(begin, text.find("[staging]") - begin, engine + "\n");
}

}  // namespace tradewind::site_text
