// tradewind-gateway: the agent that speaks for one site. Reading run() tells what it is made of.
#include <curl/curl.h>
#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "gateway/daemon.h"
#include "gateway/daemon_parts.h"
#include "gateway/discover_command.h"
#include "gateway/discovery/accelerator_list.h"
#include "gateway/join.h"
#include "gateway/renewal.h"
#include "gateway/site_engine.h"
#include "gateway/site_file.h"
#include "gateway/site_witness.h"
#include "gateway/status.h"
#include "state/identity/certificates.h"

namespace tradewind {
namespace {

struct Arguments {
  std::string url;
  std::string token;
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
  std::string output = "text";
  DiscoverArguments discover;
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

int discover_site(const Arguments& arguments) {
  DiscoverArguments asked = arguments.discover;
  asked.json = arguments.output == "json";
  const Status done = discover(asked);
  return done ? 0 : complain(done.error());
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
  auto parts = load_daemon_parts(options.site_file, directory, options.broker, system_now());
  if (!parts) return complain(parts.error());
  const SiteFile site = parts->site;
  auto started = Daemon::start(io, options, std::move(*parts), [&](Engine::OnEvent on_event) {
    return make_site_engine(io, site, directory, std::move(on_event));
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
  discover->add_option("url", arguments.discover.url,
                       "slurmrestd's address, http://127.0.0.1:6820; without it: this machine");
  discover->add_option("--token-file", arguments.discover.token_file,
                       "with a URL: a file with a token for it");
  discover
      ->add_flag("--slurm", arguments.discover.slurm,
                 "of the Slurm cluster that this machine's own commands speak to")
      ->excludes("url");
  discover->add_option("--user", arguments.discover.user,
                       "whom the token is for; default: who runs this");
  discover->add_option("--id", arguments.discover.naming.id, "the site's id, such as us-lincoln-1");
  discover->add_option("--region", arguments.discover.naming.region,
                       "its region, such as us-lincoln");
  discover->add_option("--jurisdiction", arguments.discover.naming.jurisdiction,
                       "whose law holds: US");
  discover->add_option("--provider", arguments.discover.naming.provider,
                       "the organisation that runs it");
  discover->add_option("--out", arguments.discover.out,
                       "the file to write; default: standard output");
  discover->add_flag("--force", arguments.discover.force, "replace the file if it is there");
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
  if (*discover) return tradewind::discover_site(arguments);
  if (*accelerators) return tradewind::list_accelerators(arguments);
  if (*check) return tradewind::check(arguments);
  if (*rotate) return tradewind::rotate_keys(arguments);
  if (*status) return tradewind::print_status(arguments);
  if (*witness_key) return tradewind::print_witness_key(arguments);
  return tradewind::run(arguments);
}
