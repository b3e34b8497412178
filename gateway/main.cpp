// tradewind-gateway: the agent that speaks for one site. Reading run() tells what it is made of.
#include <curl/curl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "gateway/daemon.h"
#include "gateway/discovery/accelerator_list.h"
#include "gateway/discovery/discovered_site.h"
#include "gateway/engines/batch_engine.h"
#include "gateway/engines/kubernetes_engine.h"
#include "gateway/engines/process_engine.h"
#include "gateway/engines/slurm_discovery.h"
#include "gateway/engines/slurm_engine.h"
#include "gateway/engines/tes_engine.h"
#include "gateway/join.h"
#include "gateway/renewal.h"
#include "gateway/renewer.h"
#include "gateway/site_file.h"
#include "gateway/site_witness.h"
#include "gateway/status.h"
#include "state/identity/certificates.h"
#include "state/identity/random.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

struct Arguments {
  std::string url;
  std::string token;
  std::string user;
  std::string directory;
  std::string site_file;
  std::string listen;
  std::string advertise;
  std::string metrics;
  std::uint32_t disk_reserve_mib = DiskReserve::mib_default;
  std::string ready_file;
  std::string log_file;
  std::string log_level = "info";
  int wait_seconds = 60;
  bool print_id = false;
  SiteNaming naming;
  std::string out;
  bool force = false;
  bool slurm = false;
  std::string output = "text";
};

// What it knows is ahead of its disk: it must start again from there.
constexpr int exit_cannot_go_on = 70;

int complain(const Error& error) {
  fmt::print(stderr, "tradewind-gateway: {}\n", describe(error));
  return 1;
}

// A copy of the site file that this directory has joined with.
std::filesystem::path own_site_file(const std::filesystem::path& directory) {
  return directory / "site.toml";
}

int check(const Arguments& arguments) {
  const auto file = load_site_file(arguments.site_file);
  if (!file) return complain(file.error());
  if (arguments.print_id) {
    fmt::print("{}\n", file->record.site.value);
  } else {
    fmt::print("{}", summary(*file));
  }
  return 0;
}

int join_federation(const Arguments& arguments) {
  // The whole file is checked, so that a site that cannot run does not use up its token.
  const auto file = load_site_file(arguments.site_file);
  if (!file) return complain(file.error());
  JoinOptions options;
  options.url = arguments.url;
  options.token = arguments.token;
  options.site = file->record.site;
  options.directory = arguments.directory;
  const auto membership = join(options, system_now());
  if (!membership) return complain(membership.error());
  std::error_code error;
  const std::filesystem::path own = own_site_file(options.directory);
  if (!std::filesystem::equivalent(arguments.site_file, own, error)) {
    std::filesystem::copy_file(arguments.site_file, own,
                               std::filesystem::copy_options::overwrite_existing, error);
    if (error) {
      return complain({ErrorCode::unavailable, "dir",
                       fmt::format("{} cannot be written: {}", own.string(), error.message()),
                       "check the disk and join again: the token stays good for these keys"});
    }
  }
  fmt::print("{} joined {} as member {}\n", membership->site.value, membership->federation().value,
             membership->number.value);
  fmt::print("next: tradewind-gateway run --dir {}\n", arguments.directory);
  return 0;
}

// The line by which a broker's policy names this gateway's witness.
int print_witness_key(const Arguments& arguments) {
  const auto papers = load_papers(arguments.directory);
  if (!papers) return complain(papers.error());
  const auto name = certificate_name(papers->certificate_pem);
  if (!name) return complain(name.error());
  const auto key = load_or_make_witness_key(arguments.directory);
  if (!key) return complain(key.error());
  fmt::print("{}", format_witness_line(site_witness_line(name->site, name->federation, *key)));
  return 0;
}

// Of the directory, whether a gateway runs on it or not.
int print_status(const Arguments& arguments) {
  const std::filesystem::path directory = arguments.directory;
  SiteStatus status;
  auto site = load_site_file(arguments.site_file.empty() ? own_site_file(directory).string()
                                                         : arguments.site_file);
  if (!site) return complain(site.error());
  status.site = std::move(*site);
  const auto papers = load_papers(directory);
  if (!papers) return complain(papers.error());
  const auto name = certificate_name(papers->certificate_pem);
  if (!name) return complain(name.error());
  status.federation = name->federation;
  const auto validity = certificate_validity(papers->certificate_pem);
  if (!validity) return complain(validity.error());
  status.certificate_ends = validity->not_after;
  const auto store = Store::look(store_directory(directory));
  if (!store) return complain(store.error());
  auto learnt = (*store)->learnt();
  if (!learnt) return complain(learnt.error());
  status.learnt = std::move(*learnt);
  fmt::print("{}", arguments.output == "json" ? status_json(status) : status_text(status));
  return 0;
}

// Keys for the running gateway to take over; waits until it has.
int rotate_keys(const Arguments& arguments) {
  const std::filesystem::path directory = arguments.directory;
  if (const Status made = prepare_rotation(directory); !made) return complain(made.error());
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(arguments.wait_seconds);
  while (rotation_waits(directory)) {
    if (std::chrono::steady_clock::now() > end) {
      return complain({ErrorCode::unavailable, "dir",
                       "the new keys wait for the gateway to renew with them",
                       "see that it runs and what its log says; they stay until it has"});
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  fmt::print("the gateway has new keys, and the federation knows them\n");
  return 0;
}

Status set_up_log(const Arguments& arguments) {
  const auto level = spdlog::level::from_str(arguments.log_level);
  try {
    if (!arguments.log_file.empty()) {
      spdlog::set_default_logger(spdlog::basic_logger_mt("gateway", arguments.log_file));
    } else {
      spdlog::set_default_logger(spdlog::stderr_color_mt("gateway"));
    }
  } catch (const spdlog::spdlog_ex& failure) {
    return fail(ErrorCode::unavailable, "log-file", failure.what(),
                "give a path that this user may write");
  }
  spdlog::set_level(level);
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  spdlog::flush_on(spdlog::level::info);
  return ok();
}

constexpr auto renewal_patience = std::chrono::seconds(10);

// Whether asking again may help.
bool may_pass(ErrorCode code) {
  return code == ErrorCode::unavailable || code == ErrorCode::maybe_delivered ||
         code == ErrorCode::exhausted || code == ErrorCode::internal;
}

// For a directory whose certificate does not do any more: it has expired while the gateway was
// down, or was of keys that a renewal under way has replaced. Goes on until a broker has answered.
Result<Membership> recover_membership(const BrokerConnection& broker,
                                      const std::filesystem::path& directory, Store& store,
                                      const MembershipPapers& papers) {
  const auto name = certificate_name(papers.certificate_pem);
  if (!name) return fail(name.error());
  for (unsigned failures = 0;; ++failures) {
    const Now now = system_now();
    auto renewed = ask_renewal(broker, directory, name->site, papers.trust, now.wall);
    if (renewed) {
      auto membership = keep_renewal(directory, store, std::move(*renewed), now.wall);
      if (membership) spdlog::info("certificate.recovered site={}", name->site.value);
      return membership;
    }
    if (!may_pass(renewed.error().code)) return fail(renewed.error());
    const auto pause = renewal_backoff(failures, {}, random_number());
    spdlog::warn("certificate.not_renewed site={} again_in_ms={} error=\"{}\"", name->site.value,
                 pause.count(), describe(renewed.error()));
    std::this_thread::sleep_for(pause);
  }
}

Result<Membership> load_membership(const BrokerConnection& broker,
                                   const std::filesystem::path& directory, const NodeKeys& keys,
                                   Store& store, MembershipPapers papers) {
  auto members = store.members();
  if (!members) return fail(members.error());
  papers.members = std::move(*members);
  const Wall::time_point now = system_now().wall;
  auto membership = check_membership(papers, keys, now);
  const auto validity = certificate_validity(papers.certificate_pem);
  const bool expired = validity && (membership ? membership->ends : validity->not_after) <= now;
  const bool done = membership ? !expired : !expired && !renewal_waits(directory);
  if (done || broker.url.empty()) return membership;
  membership = recover_membership(broker, directory, store, papers);
  if (!membership) return membership;
  // The answer has the others' records only when theirs may be over as well.
  members = store.members();
  if (!members) return fail(members.error());
  membership->members = std::move(*members);
  return membership;
}

Result<DaemonParts> make_parts(const std::string& site_file, const std::filesystem::path& directory,
                               const BrokerConnection& broker, Now now) {
  auto papers = load_papers(directory);
  if (!papers) return fail(papers.error());
  auto site = load_site_file(site_file);
  if (!site) return fail(site.error());
  auto keys = load_or_make_keys(directory);
  if (!keys) return fail(keys.error());
  auto store = Store::open(store_directory(directory), now);
  if (!store) return fail(store.error());
  auto membership = load_membership(broker, directory, *keys, **store, std::move(*papers));
  if (!membership) return fail(membership.error());
  // A renewal may have put others in their place.
  keys = load_or_make_keys(directory);
  if (!keys) return fail(keys.error());
  auto witness_key = load_or_make_witness_key(directory);
  if (!witness_key) return fail(witness_key.error());
  return DaemonParts{std::move(*site), std::move(*keys), std::move(*store), std::move(*membership),
                     std::move(*witness_key)};
}

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

std::string account_name() {
  const passwd* const entry = ::getpwuid(::geteuid());
  return entry == nullptr ? std::string() : std::string(entry->pw_name);
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

Result<std::unique_ptr<Engine>> make_engine(boost::asio::io_context& io, const SiteFile& site,
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

// Pools for a site file, from what a Slurm has.
int print_slurm_pools(const Arguments& arguments) {
  if (!arguments.slurm && arguments.token.empty()) {
    return complain({ErrorCode::invalid, "token-file", "is missing", "name a file with a token"});
  }
  SlurmAccess access;
  access.url = arguments.url;
  access.user = arguments.user.empty() ? account_name() : arguments.user;
  access.token_file = arguments.token;
  const auto nodes = discover_slurm(access);
  if (!nodes) return complain(nodes.error());
  fmt::print("{}", discovered_pools(*nodes));
  return 0;
}

Status write_site_file(const Arguments& arguments, const std::string& text) {
  std::error_code ignored;
  if (!arguments.force && std::filesystem::exists(arguments.out, ignored)) {
    return fail(ErrorCode::conflict, "out", fmt::format("{} is there already", arguments.out),
                "name another file, or say --force to replace it");
  }
  return store_file(arguments.out, text, public_mode);
}

// This machine's site file, from what its kernel and its accelerators' tools say.
int discover_machine(const Arguments& arguments) {
  const char* path = std::getenv("PATH");
  const auto machine =
      look_at_machine({path == nullptr ? "" : path, std::filesystem::current_path()});
  if (!machine) return complain(machine.error());
  for (const std::string& each : machine->warnings) {
    fmt::print(stderr, "tradewind-gateway: {}\n", each);
  }
  const bool json = arguments.output == "json";
  if (json) fmt::print("{}", discovered_machine_json(*machine));
  if (json && arguments.out.empty()) return 0;
  const SiteNaming& naming = arguments.naming;
  if (naming.id.empty() || naming.region.empty() || naming.jurisdiction.empty() ||
      naming.provider.empty()) {
    return complain({ErrorCode::invalid, "", "a machine does not know its site's name and place",
                     "give --id, --region, --jurisdiction and --provider"});
  }
  const std::string text = discovered_site_file(naming, *machine);
  // A wrong name is refused as in a file that somebody wrote.
  if (const auto file = parse_site_file(text, "the new site file"); !file) {
    return complain(file.error());
  }
  if (arguments.out.empty()) {
    fmt::print("{}", text);
    return 0;
  }
  if (const Status written = write_site_file(arguments, text); !written) {
    return complain(written.error());
  }
  fmt::print(stderr, "wrote {}: fill in the prices, then tradewind-gateway check --site {}\n",
             arguments.out, arguments.out);
  return 0;
}

int discover(const Arguments& arguments) {
  const bool slurm = arguments.slurm || !arguments.url.empty();
  return slurm ? print_slurm_pools(arguments) : discover_machine(arguments);
}

int list_accelerators(const Arguments& arguments) {
  fmt::print("{}", arguments.output == "json" ? accelerators_json() : accelerators_table());
  return 0;
}

int run(const Arguments& arguments) {
  if (const Status logging = set_up_log(arguments); !logging) return complain(logging.error());
  // Sandboxes and their parents have other working directories.
  const std::filesystem::path directory = std::filesystem::absolute(arguments.directory);
  boost::asio::io_context io(1);
  DaemonOptions options;
  options.directory = directory;
  options.site_file =
      arguments.site_file.empty() ? own_site_file(directory).string() : arguments.site_file;
  options.disk_reserve_mib = arguments.disk_reserve_mib;
  options.ready_file = arguments.ready_file;
  options.listen = arguments.listen;
  options.advertise = arguments.advertise;
  options.metrics_listen = arguments.metrics;
  options.on_stopped = [&io] { io.stop(); };

  auto url = load_broker_url(directory);
  if (!url && url.error().code != ErrorCode::not_found) return complain(url.error());
  if (url) options.broker = BrokerConnection{std::move(*url), renewal_patience, nullptr};
  auto parts = make_parts(options.site_file, directory, options.broker, system_now());
  if (!parts) return complain(parts.error());
  const SiteFile site = parts->site;
  auto started = Daemon::start(io, options, std::move(*parts), [&](Engine::OnEvent on_event) {
    return make_engine(io, site, directory, std::move(on_event));
  });
  if (!started) return complain(started.error());
  const std::unique_ptr<Daemon> daemon = std::move(*started);

  boost::asio::signal_set ends(io, SIGTERM, SIGINT);
  ends.async_wait([&](const boost::system::error_code& error, int signal) {
    if (!error) daemon->stop(fmt::format("signal {}", signal));
  });
  boost::asio::signal_set reloads(io, SIGHUP);
  std::function<void(const boost::system::error_code&, int)> reload =
      [&](const boost::system::error_code& error, int) {
        if (error) return;
        daemon->reload();
        reloads.async_wait(reload);
      };
  reloads.async_wait(reload);
  io.run();
  const Status& end = daemon->outcome();
  if (end) return 0;
  complain(end.error());
  return exit_cannot_go_on;
}

}  // namespace
}  // namespace tradewind

int main(int count, char** values) {
  using tradewind::Arguments;
  using tradewind::DiskReserve;
  Arguments arguments;
  CLI::App app{"The agent that speaks for one site of a Tradewind federation", "tradewind-gateway"};
  app.set_version_flag("--version", "tradewind-gateway " TRADEWIND_VERSION);
  app.require_subcommand(1);

  auto* join = app.add_subcommand("join", "become a member of a federation, with an invitation");
  join->add_option("url", arguments.url, "the broker's endpoint, https://broker.example.org")
      ->required();
  join->add_option("--token", arguments.token, "the invitation's token")
      ->required()
      ->envname("TRADEWIND_JOIN_TOKEN");
  join->add_option("--dir", arguments.directory, "keeps keys, certificate and state")->required();
  join->add_option("--site", arguments.site_file, "the site file")->required();

  auto* run = app.add_subcommand("run", "speak for the site");
  run->add_option("--dir", arguments.directory, "the directory that has joined")->required();
  run->add_option("--site", arguments.site_file, "the site file; default: DIR/site.toml");
  run->add_option("--listen", arguments.listen, "in place of the site file's link.listen");
  run->add_option("--metrics", arguments.metrics, "in place of the file's metrics.listen");
  run->add_option("--advertise", arguments.advertise, "in place of the file's link.advertise");
  run->add_option("--disk-reserve-mib", arguments.disk_reserve_mib,
                  "grant nothing new while less than this is free on the disk of --dir")
      ->check(CLI::Range(0U, DiskReserve::mib_max))
      ->capture_default_str();
  run->add_option("--ready-file", arguments.ready_file,
                  "written once records are published and a peer has answered");
  run->add_option("--log-file", arguments.log_file, "instead of standard error");
  run->add_option("--log-level", arguments.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));

  auto* check = app.add_subcommand("check", "validate a site file and print what it offers");
  check->add_option("--site", arguments.site_file, "the site file")->required();
  check->add_flag("--print-id", arguments.print_id, "print the site's id alone, for scripts");

  auto* discover = app.add_subcommand(
      "discover", "write this machine's site file, or print the pools of a Slurm cluster for one");
  discover->add_option("url", arguments.url,
                       "slurmrestd's address, http://127.0.0.1:6820; without it: this machine");
  discover->add_option("--token-file", arguments.token, "with a URL: a file with a token for it");
  discover
      ->add_flag("--slurm", arguments.slurm,
                 "of the Slurm cluster that this machine's own commands speak to")
      ->excludes("url");
  discover->add_option("--user", arguments.user, "whom the token is for; default: who runs this");
  discover->add_option("--id", arguments.naming.id, "the site's id, such as us-lincoln-1");
  discover->add_option("--region", arguments.naming.region, "its region, such as us-lincoln");
  discover->add_option("--jurisdiction", arguments.naming.jurisdiction, "whose law holds: US");
  discover->add_option("--provider", arguments.naming.provider, "the organisation that runs it");
  discover->add_option("--out", arguments.out, "the file to write; default: standard output");
  discover->add_flag("--force", arguments.force, "replace the file if it is there");
  discover->add_option("--output", arguments.output, "text, or json: what was found, for programs")
      ->check(CLI::IsMember({"text", "json"}));

  auto* accelerators =
      app.add_subcommand("accelerators", "print the built-in catalogue of accelerators");
  accelerators->add_option("--output", arguments.output, "text or json")
      ->check(CLI::IsMember({"text", "json"}));

  auto* status = app.add_subcommand(
      "status", "print what the gateway has learnt of its pools, and until when it is a member");
  status->add_option("--dir", arguments.directory, "the directory that has joined")->required();
  status->add_option("--site", arguments.site_file, "the site file; default: DIR/site.toml");
  status->add_option("--output", arguments.output, "text or json")
      ->check(CLI::IsMember({"text", "json"}));

  auto* witness_key = app.add_subcommand(
      "witness-key", "print the line by which a witness policy names this gateway");
  witness_key->add_option("--dir", arguments.directory, "the directory that has joined")
      ->required();

  auto* rotate = app.add_subcommand(
      "rotate-keys",
      "make a new identity and a new link key, which the running gateway takes over");
  rotate->add_option("--dir", arguments.directory, "the directory that has joined")->required();
  rotate->add_option("--wait-seconds", arguments.wait_seconds, "how long to wait for that")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();

  CLI11_PARSE(app, count, values);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  if (*join) return tradewind::join_federation(arguments);
  if (*discover) return tradewind::discover(arguments);
  if (*accelerators) return tradewind::list_accelerators(arguments);
  if (*check) return tradewind::check(arguments);
  if (*rotate) return tradewind::rotate_keys(arguments);
  if (*status) return tradewind::print_status(arguments);
  if (*witness_key) return tradewind::print_witness_key(arguments);
  return tradewind::run(arguments);
}
