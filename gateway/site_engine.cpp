#include "gateway/site_engine.h"

#include <pwd.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "gateway/engines/batch_engine.h"
#include "gateway/engines/kubernetes_engine.h"
#include "gateway/engines/process_engine.h"
#include "gateway/engines/slurm_engine.h"
#include "gateway/engines/tes_engine.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

ProcessEngineOptions engine_options(const SiteFile& site, const std::filesystem::path& directory) {
  ProcessEngineOptions options;
  options.attempts_directory = directory / "attempts";
  options.sandbox = site.engine.sandbox;
  for (const std::string& each : site.engine.read_only) options.read_only_binds.emplace_back(each);
  for (const Pool& each : site.record.pools) options.pools[each.id] = each.architecture;
  options.emulators = site.engine.emulators;
  options.containers = site.engine.containers;
  options.devices = site.engine.devices;
  options.staging = site.staging;
  options.on_warning = [](const std::string& warning) {
    spdlog::warn("engine.warning \"{}\"", warning);
  };
  return options;
}

// This program's own neighbour.
std::string attempt_program() {
  std::error_code error;
  return (std::filesystem::read_symlink("/proc/self/exe", error).parent_path() /
          "tradewind-attempt")
      .string();
}

SlurmEngineOptions slurm_options(const SiteFile& site, const std::filesystem::path& directory) {
  const SlurmSettings& slurm = *site.engine.slurm;
  const std::filesystem::path shared =
      slurm.directory.empty() ? directory : std::filesystem::path(slurm.directory);
  SlurmEngineOptions options;
  options.access = {slurm.url, slurm.user.empty() ? account_name() : slurm.user, slurm.token_file,
                    slurm.token_command, slurm.commands};
  options.node = engine_options(site, shared);
  options.exchange_directory = shared / "exchange";
  options.programs = slurm.programs;
  options.programs.try_emplace(host_architecture(), attempt_program());
  for (const Pool& each : site.record.pools) {
    const SlurmPoolSettings& settings = slurm.pools.at(each.id);
    options.pools.push_back({each, settings.partition, settings.features, settings.gres});
  }
  options.account = {slurm.account.account, slurm.account.qos};
  for (const auto& [tenant, account] : slurm.tenants) {
    options.accounts[tenant] = {account.account, account.qos};
  }
  options.staging_time = std::chrono::minutes(slurm.staging_minutes);
  return options;
}

BatchEngineOptions batch_options(const SiteFile& site, const std::filesystem::path& directory) {
  const BatchSettings& batch = *site.engine.batch;
  const std::filesystem::path shared =
      batch.directory.empty() ? directory : std::filesystem::path(batch.directory);
  BatchEngineOptions options;
  options.node = engine_options(site, shared);
  options.exchange_directory = shared / "exchange";
  options.programs = batch.programs;
  options.programs.try_emplace(host_architecture(), attempt_program());
  options.staging_time = std::chrono::minutes(batch.staging_minutes);
  options.poll_interval = std::chrono::seconds(batch.poll_seconds);
  options.commands = batch.commands;
  options.user = account_name();
  options.pools = site.record.pools;
  return options;
}

Result<KubernetesEngineOptions> kubernetes_options(const SiteFile& site,
                                                   const std::filesystem::path& directory) {
  const KubernetesSettings& settings = *site.engine.kubernetes;
  KubernetesEngineOptions options;
  if (!settings.kubeconfig.empty()) {
    const auto text = load_file(settings.kubeconfig, 1 << 20);
    if (!text) return fail(text.error());
    auto access = read_kubeconfig(*text, settings.kubeconfig);
    if (!access) return fail(access.error());
    options.access = std::move(*access);
  } else if (!settings.url.empty()) {
    options.access.url = settings.url;
    options.access.token_file = settings.token_file;
    options.access.ca_file = settings.ca_file;
  } else {
    auto access = access_of_pod();
    if (!access) return fail(access.error());
    options.access = std::move(*access);
  }
  options.namespace_name =
      settings.name_space.empty() ? options.access.namespace_name : settings.name_space;
  options.directory = directory;
  for (const Pool& each : site.record.pools) {
    const KubernetesPoolSettings& pool = settings.pools.at(each.id);
    options.pools.push_back({each, pool.selector, pool.accelerator, pool.tolerations});
  }
  options.job.image = settings.image;
  options.job.images = settings.images;
  options.job.image_time = std::chrono::minutes(settings.image_minutes);
  options.on_warning = [](const std::string& warning) {
    spdlog::warn("engine.warning \"{}\"", warning);
  };
  return options;
}

TesEngineOptions tes_options(const SiteFile& site, const std::filesystem::path& directory) {
  const TesSettings& tes = *site.engine.tes;
  TesEngineOptions options;
  options.access = {tes.url, tes.token_file, tes.user, tes.ca_file};
  options.form = {tes.image, tes.outputs_url};
  for (const Pool& each : site.record.pools) {
    const auto settings = tes.pools.find(each.id);
    options.pools.push_back({each, {}, {}});
    if (settings == tes.pools.end()) continue;
    options.pools.back().zones = settings->second.zones;
    options.pools.back().backend_parameters = settings->second.backend_parameters;
  }
  options.attempts_directory = directory / "attempts";
  options.on_warning = [](const std::string& warning) {
    spdlog::warn("engine.warning \"{}\"", warning);
  };
  return options;
}

}  // namespace

Result<std::unique_ptr<Engine>> make_site_engine(boost::asio::io_context& io, const SiteFile& site,
                                                 const std::filesystem::path& directory,
                                                 Engine::OnEvent on_event) {
  if (site.engine.slurm) {
    return make_slurm_engine(io, slurm_options(site, directory), std::move(on_event));
  }
  if (site.engine.batch) {
    return make_batch_engine(io, batch_options(site, directory), std::move(on_event));
  }
  if (site.engine.kubernetes) {
    auto options = kubernetes_options(site, directory);
    if (!options) return fail(options.error());
    return make_kubernetes_engine(io, std::move(*options), std::move(on_event));
  }
  if (site.engine.tes) {
    return make_tes_engine(io, tes_options(site, directory), std::move(on_event));
  }
  return make_process_engine(io, engine_options(site, directory), std::move(on_event));
}

std::string account_name() {
  const passwd* const entry = ::getpwuid(::geteuid());
  return entry == nullptr ? std::string() : std::string(entry->pw_name);
}

}  // namespace tradewind
